"""Fused views against marker voxels, loops, left-out views, binomial counts and padded slices."""

import itertools
import math

import pytest
import torch
from scipy.stats import binomtest
from torch import nn
from torch.func import functional_call

from medmeta_ref.backbones import ConvNet
from medmeta_ref.params import forward, initial_params
from medmeta_ref.views import (
    SliceCNNGRU,
    Views,
    gated_fusion,
    modality_dropout,
    orthogonal_views,
    view_gates,
)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=seeded(seed), dtype=torch.float64)


# Three slices of a volume


def assert_markers_appear(function):
    """One bright voxel at a time: where it has to be seen, and that it is seen nowhere else."""
    for depth, height, width in ((3, 4, 5), (5, 5, 5), (4, 4, 4), (1, 2, 3)):
        centre = (depth // 2, height // 2, width // 2)
        for z, y, x in itertools.product(range(depth), range(height), range(width)):
            volume = torch.zeros(2, depth, height, width)
            volume[1, z, y, x] = 1
            axial, coronal, sagittal = function(volume)
            shapes = [(height, width), (depth, width), (depth, height)]
            assert [tuple(view.shape[1:]) for view in (axial, coronal, sagittal)] == shapes
            assert torch.nonzero(axial).tolist() == ([[1, y, x]] if z == centre[0] else [])
            assert torch.nonzero(coronal).tolist() == ([[1, z, x]] if y == centre[1] else [])
            assert torch.nonzero(sagittal).tolist() == ([[1, z, y]] if x == centre[2] else [])


def cut(v, axis, index):
    return v.select(axis, index(v.shape[axis]))


def middle(size):
    return size // 2


WRONG_VIEWS = {
    "coronal and sagittal exchanged": lambda v: Views(*(cut(v, a, middle) for a in (1, 3, 2))),
    "three times axial": lambda v: Views(*(cut(v, 1, middle) for _ in range(3))),
    "the first slice": lambda v: Views(*(cut(v, a, lambda size: 0) for a in (1, 2, 3))),
    "the lower of two middles": lambda v: Views(
        *(cut(v, a, lambda size: (size - 1) // 2) for a in (1, 2, 3))
    ),
    "transposed": lambda v: Views(*(cut(v, a, middle).mT for a in (1, 2, 3))),
    "head up": lambda v: Views(
        cut(v, 1, middle), cut(v, 2, middle).flip(1), cut(v, 3, middle).flip(1)
    ),
    "mean projection": lambda v: Views(v.mean(1), v.mean(2), v.mean(3)),
    "maximum projection": lambda v: Views(v.amax(1), v.amax(2), v.amax(3)),
    "the middle of the depth for all": lambda v: Views(
        *(cut(v, a, lambda size: min(v.shape[1] // 2, size - 1)) for a in (1, 2, 3))
    ),
    "axes of the patients": lambda v: Views(*(cut(v.flip(0), a, middle) for a in (1, 2, 3))),
}


def test_a_marker_voxel_appears_at_its_pixel_and_nowhere_else():
    assert_markers_appear(orthogonal_views)


@pytest.mark.parametrize("wrong", WRONG_VIEWS.values(), ids=WRONG_VIEWS.keys())
def test_the_markers_tell_wrong_views(wrong):
    with pytest.raises(AssertionError):
        assert_markers_appear(wrong)


def test_the_three_views_meet_in_the_centre_voxel_and_keep_the_dtype():
    volume = torch.arange(2 * 3 * 4 * 5, dtype=torch.uint8).reshape(2, 3, 4, 5)
    views = orthogonal_views(volume)
    assert views.axial.dtype == torch.uint8
    centre = volume[:, 1, 2, 2]
    for pixel in (views.axial[:, 2, 2], views.coronal[:, 1, 2], views.sagittal[:, 1, 2]):
        assert torch.equal(pixel, centre)


# Gates

MASK = torch.tensor(
    [[True, True, False, True], [True, False, False, True], [True, True, True, False]]
)
FEATURES, LOGITS = normal(3, 4, 5), 2 * normal(3, 4, seed=1)
CASES = {
    "some missing": (FEATURES, MASK, LOGITS),
    "none missing": (FEATURES, torch.ones_like(MASK), LOGITS),
    "one view": (FEATURES[:1], torch.ones(1, 4, dtype=torch.bool), LOGITS[:1]),
    "large logits": (FEATURES, MASK, 4000 * LOGITS),
    "as many of each": (normal(3, 3, 3), torch.ones(3, 3).bool().tril(), normal(3, 3, seed=2)),
}


def fused_by_hand(features, mask, logits):
    """Return gates [n_views][n_examples] and fused features, over the views present, in loops."""
    n_views, n_examples, n_features = features.shape
    gates = [[0.0] * n_examples for _ in range(n_views)]
    fused = []
    for i in range(n_examples):
        present = [v for v in range(n_views) if mask[v, i]]
        top = max(logits[v, i].item() for v in present)
        raised = {v: math.exp(logits[v, i].item() - top) for v in present}
        for v in present:
            gates[v][i] = raised[v] / math.fsum(raised.values())
        fused.append(
            [
                math.fsum(gates[v][i] * features[v, i, j].item() for v in present)
                for j in range(n_features)
            ]
        )
    return tuple(torch.tensor(rows, dtype=torch.float64) for rows in (gates, fused))


def hidden(values, mask, content):
    """Return `values` with `content` where the mask says missing."""
    where = mask if values.ndim == 2 else mask[..., None]
    return torch.where(where, values, torch.full_like(values, content))


def assert_fuses(function):
    for features, mask, logits in CASES.values():
        _, wanted = fused_by_hand(features, mask, logits)
        for content in (0.0, 1e30, math.inf, math.nan):
            result = function(hidden(features, mask, content), mask, hidden(logits, mask, content))
            torch.testing.assert_close(result, wanted, rtol=1e-10, atol=1e-12)


def soft(mask, logits):
    return logits.masked_fill(~mask, -math.inf).softmax(0)


def clean(features, mask):
    return features.masked_fill(~mask[..., None], 0)


WRONG_FUSIONS = {
    "the mask ignored": lambda f, m, g: (g.softmax(0)[..., None] * f).sum(0),
    "nan times zero": lambda f, m, g: (soft(m, g)[..., None] * f).sum(0),
    "plain mean of the present": lambda f, m, g: clean(f, m).sum(0) / m.sum(0)[:, None],
    "missing views get logit 0": lambda f, m, g: (
        g.masked_fill(~m, 0).softmax(0)[..., None] * clean(f, m)
    ).sum(0),
    "gates not normalised again": lambda f, m, g: (
        (g.nan_to_num(0, 0, 0).softmax(0) * m)[..., None] * clean(f, m)
    ).sum(0),
    "softmax over the examples": lambda f, m, g: (
        g.masked_fill(~m, -math.inf).softmax(1)[..., None] * clean(f, m)
    ).sum(0),
    "sigmoid gates": lambda f, m, g: (
        (g.masked_fill(~m, -math.inf).sigmoid())[..., None] * clean(f, m)
    ).sum(0),
    "exp without the maximum": lambda f, m, g: (
        (g.masked_fill(~m, -math.inf).exp() / g.masked_fill(~m, -math.inf).exp().sum(0))[..., None]
        * clean(f, m)
    ).sum(0),
    "the best view only": lambda f, m, g: clean(f, m)[
        g.masked_fill(~m, -math.inf).argmax(0), torch.arange(m.shape[1])
    ],
    "the mask turned round": lambda f, m, g: (
        soft(~m, g.nan_to_num(0, 0, 0))[..., None] * f.nan_to_num(0, 0, 0)
    ).sum(0),
    "nan made zero, the rest taken": lambda f, m, g: (
        g.nan_to_num(0).softmax(0)[..., None] * f.nan_to_num(0)
    ).sum(0),
}


def test_fused_features_are_the_gated_mean_done_by_hand_whatever_a_missing_view_holds():
    assert_fuses(gated_fusion)


def test_the_steps_behind_the_wrong_fusions_are_right_themselves():
    assert_fuses(lambda f, m, g: (soft(m, g)[..., None] * clean(f, m)).sum(0))


@pytest.mark.parametrize("wrong", WRONG_FUSIONS.values(), ids=WRONG_FUSIONS.keys())
def test_the_loop_tells_wrong_fusions(wrong):
    with pytest.raises(AssertionError):
        assert_fuses(wrong)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_gates_are_the_softmax_done_by_hand_and_sum_to_one_over_the_present(case):
    _, mask, logits = case
    gates = view_gates(mask, hidden(logits, mask, math.nan))
    torch.testing.assert_close(gates, fused_by_hand(*case)[0], rtol=1e-10, atol=1e-12)
    assert bool((gates[~mask] == 0).all())
    present = gates.masked_fill(~mask, 0).sum(0)
    torch.testing.assert_close(present, torch.ones(mask.shape[1]).double())


def test_gates_of_one_and_of_two_present_views():
    """Two views away: the third has gate 1. Two equal ones: a half each."""
    mask = torch.tensor([[True, True], [False, True], [False, False]])
    gates = view_gates(mask, torch.full((3, 2), 5.0))
    assert gates.T.tolist() == [[1, 0, 0], [0.5, 0.5, 0]]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_missing_view_is_exactly_a_view_left_out(dtype):
    for n_views, n_examples in itertools.product(range(2, 8), (1, 3, 8, 33)):
        features = normal(n_views, n_examples, 6, seed=n_views).to(dtype)
        logits = normal(n_views, n_examples, seed=n_examples).to(dtype)
        for missing in range(n_views):
            mask = torch.ones(n_views, n_examples, dtype=torch.bool)
            mask[missing] = False
            rest = [v for v in range(n_views) if v != missing]
            wanted = gated_fusion(features[rest], mask[rest], logits[rest])
            found = gated_fusion(
                hidden(features, mask, math.nan), mask, hidden(logits, mask, math.inf)
            )
            assert torch.equal(found, wanted)


def test_gradients_are_those_of_the_present_views_and_zero_for_missing_ones():
    features = hidden(FEATURES, MASK, math.nan).requires_grad_()
    logits = hidden(LOGITS, MASK, math.nan).requires_grad_()
    slopes = torch.autograd.grad(
        gated_fusion(features, MASK, logits).square().sum(), [features, logits]
    )
    finite = [FEATURES.clone().requires_grad_(), LOGITS.clone().requires_grad_()]
    loss = gated_fusion(finite[0], MASK, finite[1]).square().sum()
    for slope, wanted in zip(slopes, torch.autograd.grad(loss, finite), strict=True):
        torch.testing.assert_close(slope, wanted)
        assert bool((slope[~MASK] == 0).all())
        assert slope[MASK].abs().max() > 0.01
    assert torch.autograd.gradcheck(lambda f, g: gated_fusion(f, MASK, g), finite)


def test_views_may_come_in_any_order():
    wanted, gates = gated_fusion(FEATURES, MASK, LOGITS), view_gates(MASK, LOGITS)
    for order in map(list, itertools.permutations(range(3))):
        fused = gated_fusion(FEATURES[order], MASK[order], LOGITS[order])
        torch.testing.assert_close(fused, wanted)
        torch.testing.assert_close(view_gates(MASK[order], LOGITS[order]), gates[order])


def test_an_example_does_not_depend_on_the_others_and_a_constant_on_its_logits_does_nothing():
    wanted = gated_fusion(FEATURES, MASK, LOGITS)
    for i in range(4):
        alone = gated_fusion(FEATURES[:, i : i + 1], MASK[:, i : i + 1], LOGITS[:, i : i + 1])
        torch.testing.assert_close(alone[0], wanted[i])
    torch.testing.assert_close(gated_fusion(FEATURES, MASK, LOGITS + normal(4, seed=9)), wanted)


# Dropping modalities

PATTERNS = torch.tensor(
    [[True, True, True], [True, True, False], [True, False, False]]  # 3, 2 and 1 views present
)
REPEATS = 4000


def assert_drops(function):
    for rate, seed in ((0.0, 1), (0.3, 2), (0.5, 3), (0.9, 4), (1.0, 5)):
        mask = PATTERNS.repeat(1, REPEATS)
        kept = function(mask, rate=rate, generator=seeded(seed))
        assert kept.shape == mask.shape
        assert kept.dtype == torch.bool
        assert not (kept & ~mask).any(), "a missing view came back"
        assert kept.any(0).all(), "an example lost all of its views"
        for column, n_present in enumerate((3, 2, 1)):
            columns = kept[:, column::3]
            stays = 1 - rate + rate**n_present / n_present
            for view in range(n_present):
                count = int(columns[view].sum())
                assert binomtest(count, REPEATS, min(stays, 1.0)).pvalue > 1e-4
            if n_present == 3:  # views are dropped independently, apart from the last one
                count = int(columns.all(0).sum())
                assert binomtest(count, REPEATS, (1 - rate) ** 3).pvalue > 1e-4


def dropping(*, rescue=None, per_example=True, draws="uniform"):
    def function(mask, *, rate, generator):
        shape = mask.shape if per_example else (len(mask), 1)
        luck = torch.rand(shape, generator=generator)
        kept = mask & (luck >= rate if draws == "uniform" else luck < rate)
        return kept if rescue is None else rescue(kept, mask, generator)

    return function


def give_back_all(kept, mask, generator):
    return torch.where(kept.any(0), kept, mask)


def give_back_first(kept, mask, generator):
    first = torch.zeros_like(mask)
    first[mask.int().argmax(0), torch.arange(mask.shape[1])] = True
    return torch.where(kept.any(0), kept, first)


def give_back_any(kept, mask, generator):
    chosen = torch.zeros_like(mask)
    index = torch.randint(len(mask), (mask.shape[1],), generator=generator)
    chosen[index, torch.arange(mask.shape[1])] = True
    return torch.where(kept.any(0), kept, chosen)


def give_back_one(kept, mask, generator):
    index = torch.rand(mask.shape, generator=generator).masked_fill(~mask, -1).argmax(0)
    chosen = torch.zeros_like(mask)
    chosen[index, torch.arange(mask.shape[1])] = True
    return torch.where(kept.any(0), kept, chosen)


WRONG_DROPOUTS = {
    "may drop all": dropping(),
    "gives all back": dropping(rescue=give_back_all),
    "gives the first back": dropping(rescue=give_back_first),
    "gives back what was never there": dropping(rescue=give_back_any),
    "rate is what stays": dropping(rescue=give_back_one, draws="turned round"),
    "the same views for every example": dropping(rescue=give_back_one, per_example=False),
    "drops nothing": lambda mask, *, rate, generator: mask,
    "always leaves one only": lambda mask, *, rate, generator: give_back_one(
        torch.zeros_like(mask), mask, generator
    ),
    "missing views come back": lambda mask, *, rate, generator: dropping(rescue=give_back_one)(
        torch.ones_like(mask), rate=rate, generator=generator
    ),
    "multiplies by 1 / (1 - rate)": lambda mask, *, rate, generator: mask / (1.001 - rate),
}


def test_views_are_dropped_at_the_documented_rates_and_never_all():
    assert_drops(modality_dropout)


def test_the_steps_behind_the_wrong_dropouts_are_right_themselves():
    assert_drops(dropping(rescue=give_back_one))


@pytest.mark.parametrize("wrong", WRONG_DROPOUTS.values(), ids=WRONG_DROPOUTS.keys())
def test_the_counts_tell_wrong_dropouts(wrong):
    with pytest.raises(AssertionError):
        assert_drops(wrong)


def test_dropout_draws_from_its_generator_only():
    mask, state = torch.ones(3, 50, dtype=torch.bool), torch.get_rng_state()
    drawn = [modality_dropout(mask, rate=0.5, generator=seeded(s)) for s in (1, 1, 2)]
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
    assert bool(mask.all())


# Slices through a network and a GRU

WIDTHS, N_HIDDEN, N_CLASSES, DEPTH = (3, 4), 5, 3, 6


def build():
    return SliceCNNGRU(WIDTHS, n_hidden=N_HIDDEN, n_outputs=N_CLASSES)


@pytest.fixture(scope="module")
def params():
    found = initial_params(build(), generator=seeded(3))
    return {name: p.double() + 0.05 * normal(*p.shape, seed=9) for name, p in found.items()}


def volumes(n=8, seed=4):
    return normal(n, 1, DEPTH, 8, 9, seed=seed)


def run(network, params, *inputs):
    return functional_call(network, params, inputs)


def dot(row, values):
    return math.fsum(a * b for a, b in zip(row, values, strict=True))


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def logits_by_hand(params, volume, n_slices):
    """Return the logits of one volume [depth, h, w]: the slice network, then the GRU in Python."""
    own = {n.removeprefix("slice_net."): p for n, p in params.items() if n.startswith("slice_net.")}
    slice_net = ConvNet(1, WIDTHS, n_outputs=N_HIDDEN, norm="group")
    w_in, w_state, b_in, b_state = (
        params[f"cell.{name}"].tolist() for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    h = [0.0] * N_HIDDEN
    for image in volume[:n_slices]:
        x = functional_call(slice_net, own, (image[None, None],))[0].tolist()
        inputs = [dot(row, x) + b for row, b in zip(w_in, b_in, strict=True)]
        states = [dot(row, h) + b for row, b in zip(w_state, b_state, strict=True)]
        new = []
        for j in range(N_HIDDEN):
            reset, update, candidate = j, N_HIDDEN + j, 2 * N_HIDDEN + j  # PyTorch's order
            r = sigmoid(inputs[reset] + states[reset])
            z = sigmoid(inputs[update] + states[update])
            n = math.tanh(inputs[candidate] + r * states[candidate])
            new.append((1 - z) * n + z * h[j])
        h = new
    rows = zip(params["head.weight"].tolist(), params["head.bias"].tolist(), strict=True)
    return [dot(row, h) + b for row, b in rows]


LENGTHS = torch.tensor([6, 1, 3, 5, 2, 6, 4, 1])


def assert_reads_slices(network, params):
    volume = volumes()
    for lengths in (None, LENGTHS):
        counted = [DEPTH] * 8 if lengths is None else lengths.tolist()
        wanted = [logits_by_hand(params, v[0], n) for v, n in zip(volume, counted, strict=True)]
        result = run(network, params, volume, *([] if lengths is None else [lengths]))
        wanted = torch.tensor(wanted, dtype=torch.float64)
        torch.testing.assert_close(result, wanted, rtol=1e-9, atol=1e-11)
        padded = volume.clone()
        for i, n in enumerate(counted):
            padded[i, :, n:] = math.nan
        if lengths is not None:
            assert torch.equal(run(network, params, padded, lengths), result)


class Wrong(SliceCNNGRU):
    """The network with a part to override, right as it stands."""

    def __init__(self):
        super().__init__(WIDTHS, n_hidden=N_HIDDEN, n_outputs=N_CLASSES)

    def counts(self, lengths, depth):
        return torch.arange(depth) < lengths[:, None]

    def features(self, slices):
        n, depth = slices.shape[:2]
        return self.slice_net(slices.reshape(n * depth, 1, *slices.shape[2:])).reshape(n, depth, -1)

    def read(self, features, counts):
        state = torch.zeros_like(features[:, 0])
        for i in range(features.shape[1]):
            state = torch.where(counts[:, i, None], self.cell(features[:, i], state), state)
        return state

    def forward(self, volume, lengths=None):
        n, _, depth = volume.shape[:3]
        counts = self.counts(torch.full((n,), depth) if lengths is None else lengths, depth)
        slices = volume[:, 0].masked_fill(~counts[..., None, None], 0)
        return self.head(self.read(self.features(slices), counts))


class LengthsIgnored(Wrong):
    def counts(self, lengths, depth):
        return torch.ones(len(lengths), depth, dtype=torch.bool)


class OneSliceMore(Wrong):
    def counts(self, lengths, depth):
        return torch.arange(depth) <= lengths[:, None]


class PaddingInFront(Wrong):
    def counts(self, lengths, depth):
        return torch.arange(depth) >= depth - lengths[:, None]


class ZerosAreReadOn(Wrong):
    def read(self, features, counts):
        return super().read(features, torch.ones_like(counts))


class MeanOfSlices(Wrong):
    def read(self, features, counts):
        return (features * counts[..., None]).sum(1) / counts.sum(1, keepdim=True)


class Backwards(Wrong):
    def read(self, features, counts):
        return super().read(features.flip(1), counts.flip(1))


class StateForgotten(Wrong):
    def read(self, features, counts):
        last = counts.sum(1) - 1
        return self.cell(features[torch.arange(len(features)), last])


class ReshapedWrongly(Wrong):
    def features(self, slices):
        n, depth = slices.shape[:2]
        return (
            self.slice_net(slices.reshape(n * depth, 1, *slices.shape[2:]))
            .reshape(depth, n, -1)
            .transpose(0, 1)
        )


class NormalisedTogether(Wrong):
    def features(self, slices):
        return super().features((slices - slices.mean()) / slices.std())


class HeightAndWidthExchanged(Wrong):
    def features(self, slices):
        return super().features(slices.mT)


WRONG_READERS = {
    kind.__name__: kind
    for kind in (
        LengthsIgnored,
        OneSliceMore,
        PaddingInFront,
        ZerosAreReadOn,
        MeanOfSlices,
        Backwards,
        StateForgotten,
        ReshapedWrongly,
        NormalisedTogether,
        HeightAndWidthExchanged,
    )
}


def test_the_network_is_the_slice_network_and_the_gru_done_by_hand(params):
    assert_reads_slices(build(), params)


def test_the_parts_behind_the_wrong_readers_are_right_themselves(params):
    assert_reads_slices(Wrong(), params)


@pytest.mark.parametrize("wrong", WRONG_READERS.values(), ids=WRONG_READERS.keys())
def test_python_tells_wrong_readers(wrong, params):
    with pytest.raises(AssertionError):
        assert_reads_slices(wrong(), params)


def test_padding_changes_neither_logits_nor_gradients(params):
    network, volume = build(), volumes(3)
    short, lengths = volume[:, :, :4], torch.tensor([4, 2, 3])
    padded = volume.clone()
    padded[:, :, 4:] = math.nan
    padded[1, :, 2:] = math.inf

    def loss(p, v):
        return functional_call(network, p, (v, lengths)).square().sum()

    torch.testing.assert_close(
        run(network, params, padded, lengths), run(network, params, short, lengths)
    )
    slopes = torch.func.grad(loss)(params, padded)
    for name, wanted in torch.func.grad(loss)(params, short).items():
        torch.testing.assert_close(slopes[name], wanted)


def test_the_order_of_slices_matters(params):
    volume = volumes(4)
    wanted = run(build(), params, volume)
    assert (run(build(), params, volume.flip(2)) - wanted).abs().amax(1).min() > 1e-3
    swapped = volume[:, :, [0, 1, 2, 3, 5, 4]]
    assert (run(build(), params, swapped) - wanted).abs().amax(1).min() > 1e-4


def test_a_batch_of_one_is_a_row_of_a_batch_of_eight(params):
    volume = volumes(8)
    wanted = run(build(), params, volume, LENGTHS)
    for i in range(8):
        alone = run(build(), params, volume[i : i + 1], LENGTHS[i : i + 1])
        torch.testing.assert_close(alone[0], wanted[i])


def test_gradients_reach_convolutions_gru_and_head(params):
    network, volume = build(), volumes(4)
    slopes = torch.func.grad(lambda p: run(network, p, volume).square().sum())(params)
    assert set(slopes) == {name for name, _ in network.named_parameters()}
    for name, slope in slopes.items():
        assert slope.abs().max() > 1e-6, name
    volume = volume.requires_grad_()
    [slope] = torch.autograd.grad(run(network, params, volume).sum(), [volume])
    assert (slope.abs().amax((0, 1, 3, 4)) > 0).all(), "a slice gets no gradient"


def test_the_parameters_handed_over_are_used_and_second_derivatives_exist(params):
    network, volume = build(), volumes(2)
    zero = {name: torch.zeros_like(p) for name, p in params.items()}
    bias = torch.tensor([1.0, 2.0, 3.0]).double()
    logits = forward(network, zero | {"head.bias": bias}, volume)
    assert torch.equal(logits, bias.expand(2, -1))

    def adapted(p):
        slopes = torch.func.grad(lambda q: run(network, q, volume).square().sum())(p)
        return sum(((p[n] - 0.01 * g) ** 2).sum() for n, g in slopes.items())

    for slope in torch.func.grad(adapted)(params).values():
        assert bool(torch.isfinite(slope).all())


def test_other_sizes_of_image_and_depth_go_through_the_same_parameters(params):
    for shape in ((2, 1, 1, 4, 4), (1, 1, 3, 28, 28), (3, 1, 9, 5, 12)):
        assert run(build(), params, normal(*shape)).shape == (shape[0], N_CLASSES)
    assert isinstance(build().slice_net.blocks[0][1], nn.GroupNorm)


# Messages


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((28, 28, 28), r"\[n, depth, height, width\], got 3 axes with shape \(28, 28, 28\)"),
        ((2, 1, 4, 4, 4), r"got 5 axes with shape \(2, 1, 4, 4, 4\)"),
        ((2, 0, 4, 4), r"got 4 axes with shape \(2, 0, 4, 4\)"),
    ],
)
def test_volumes_of_another_shape_are_refused(shape, message):
    with pytest.raises(ValueError, match=message):
        orthogonal_views(torch.zeros(shape))


BAD_MASKS = [
    (
        MASK.int(),
        r"mask must be bool \[n_views, n_examples\], got torch\.int32 with shape \(3, 4\)",
    ),
    (MASK[0], r"mask must be bool \[n_views, n_examples\], got torch\.bool with shape \(4,\)"),
    (MASK[:0], r"mask must be bool .*, got torch\.bool with shape \(0, 4\)"),
    (
        MASK & torch.tensor([True, False, True, False]),
        r"2 of 4 examples have none of the 3 views: 1, 3$",
    ),
    (torch.zeros(2, 12).bool(), r"12 of 12 examples have none .*: 0, 1, 2, .*, 9, \.\.\.$"),
]


@pytest.mark.parametrize(("mask", "message"), BAD_MASKS)
def test_masks_that_leave_no_view_or_are_none_are_refused_everywhere(mask, message):
    with pytest.raises(ValueError, match=message):
        gated_fusion(torch.zeros(*mask.shape, 2), mask, torch.zeros(mask.shape))
    with pytest.raises(ValueError, match=message):
        modality_dropout(mask, rate=0.5, generator=seeded())


@pytest.mark.parametrize(
    ("features", "logits", "message"),
    [
        (
            FEATURES,
            LOGITS[:2],
            r"gate_logits must be one per .*, \(3, 4\) as the mask, got \(2, 4\)",
        ),
        (FEATURES, LOGITS[..., None], r"\(3, 4\) as the mask, got \(3, 4, 1\)"),
        (FEATURES[:2], LOGITS, r"with \(3, 4\) as the mask first, got \(2, 4, 5\)"),
        (FEATURES[..., 0], LOGITS, r"\[n_views, n_examples, n_features\] .* got \(3, 4\)"),
        (FEATURES / 0, LOGITS, "features of present views hold 40 values of 40 that are not"),
        (FEATURES, LOGITS * math.nan, "gate_logits of present views hold 8 values of 8"),
    ],
)
def test_features_and_logits_that_do_not_fit_are_refused(features, logits, message):
    with pytest.raises(ValueError, match=message):
        gated_fusion(features, MASK, logits)


@pytest.mark.parametrize("rate", [-0.1, 1.5, math.nan])
def test_a_rate_that_is_no_probability_is_refused(rate):
    with pytest.raises(ValueError, match=f"rate must be between 0 and 1, got {rate}"):
        modality_dropout(MASK, rate=rate, generator=seeded())


@pytest.mark.parametrize(
    ("shape", "lengths", "message"),
    [
        ((2, 3, 4, 8, 8), None, r"\[n, 1, depth, height, width\], got shape \(2, 3, 4, 8, 8\)"),
        ((2, 4, 8, 8), None, r"got shape \(2, 4, 8, 8\)"),
        ((0, 1, 4, 8, 8), None, r"got shape \(0, 1, 4, 8, 8\)"),
        ((2, 1, 4, 8, 8), torch.tensor([4]), r"int64 of shape \(2,\), got torch\.int64 .* \(1,\)"),
        ((2, 1, 4, 8, 8), torch.tensor([4.0, 1.0]), r"shape \(2,\), got torch\.float32"),
        ((2, 1, 4, 8, 8), torch.tensor([4, 5]), r"in 1\.\.4, the depth, got 4\.\.5"),
        ((2, 1, 4, 8, 8), torch.tensor([0, 4]), r"in 1\.\.4, the depth, got 0\.\.4"),
    ],
)
def test_volumes_and_lengths_that_do_not_fit_are_refused(shape, lengths, message):
    with pytest.raises(ValueError, match=message):
        build()(torch.zeros(shape), lengths)
