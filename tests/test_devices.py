"""Costs counted by hand and by loops over output numbers; 8-bit weights held to their bound."""

import math

import pytest
import torch
from torch import nn

from medmeta_ref.backbones import ConvNet, conv4
from medmeta_ref.devices import (
    Quantized,
    count_macs,
    count_parameters,
    dequantize,
    fake_quantised,
    quantize_int8,
    quantize_params,
    size_in_bytes,
)
from medmeta_ref.distillation import distillation_loss
from medmeta_ref.metrics import accuracy
from medmeta_ref.params import forward, initial_params
from medmeta_ref.train import fit


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=seeded(seed), dtype=dtype)


def start(model, seed=0):
    return initial_params(model, generator=seeded(seed))


# Multiply-accumulates. The table is worked out on paper: outputs times inputs of each.


class Twice(nn.Module):
    """A layer that is called twice, and one that is never called."""

    def __init__(self):
        super().__init__()
        self.square, self.unused = nn.Linear(5, 5), nn.Linear(5, 9)

    def forward(self, x):
        return self.square(self.square(x))


BY_HAND = {
    "linear": (nn.Linear(7, 3), (4, 7), 21),
    "linear at each of 6 places": (nn.Linear(7, 3), (4, 6, 7), 6 * 21),
    "3x3 convolution with padding": (nn.Conv2d(2, 5, 3, padding=1), (3, 2, 4, 6), 24 * 5 * 18),
    "without padding": (nn.Conv2d(2, 5, 3), (3, 2, 4, 6), 2 * 4 * 5 * 18),
    "with a stride": (nn.Conv2d(2, 5, 3, padding=1, stride=2), (3, 2, 4, 6), 2 * 3 * 5 * 18),
    "1 x 3 kernel": (nn.Conv2d(2, 5, (1, 3)), (3, 2, 4, 6), 4 * 4 * 5 * 6),
    "dilated": (nn.Conv2d(2, 5, 3, dilation=2), (3, 2, 5, 6), 1 * 2 * 5 * 18),
    "depthwise": (nn.Conv2d(6, 6, 3, padding=1, groups=6), (3, 6, 4, 4), 16 * 6 * 9),
    "two groups": (nn.Conv2d(4, 6, 3, padding=1, groups=2), (3, 4, 4, 4), 16 * 6 * 18),
    "volume": (nn.Conv3d(1, 2, 3, padding=1), (2, 1, 4, 5, 6), 120 * 2 * 27),
    "called twice": (Twice(), (3, 5), 50),
    "nothing that multiplies": (nn.Sequential(nn.ReLU(), nn.BatchNorm1d(7)), (4, 7), 0),
}


def assert_counts_by_hand(function):
    for name, (model, shape, wanted) in BY_HAND.items():
        counted = function(model, start(model), torch.zeros(shape))
        assert type(counted) is int, name
        assert counted == wanted, name


def hooked(rule):
    """Return a counter that adds up `rule(layer, input, output)` over all calls."""

    def function(model, params, x):
        counts, handles = [], []
        for module in model.modules():
            if isinstance(module, nn.Conv2d | nn.Conv3d | nn.Linear):
                handles.append(
                    module.register_forward_hook(lambda m, i, o: counts.append(rule(m, i[0], o)))
                )
        forward(model, params, x)
        for handle in handles:
            handle.remove()
        return sum(counts) // len(x)

    return function


def kernel(module):
    return module.weight[0].numel()


WRONG_COUNTS = {
    "for the whole batch": lambda m, p, x: count_macs(m, p, x) * len(x),
    "multiplications and additions": lambda m, p, x: 2 * count_macs(m, p, x),
    "parameters": lambda m, p, x: count_parameters(p),
    "each layer once": lambda m, p, x: sum(q.numel() for q in p.values() if q.ndim > 1),
    "places of the input": hooked(lambda m, i, o: i.numel() * m.weight.numel() // i.shape[1]),
    "groups forgotten": hooked(lambda m, i, o: o.numel() * kernel(m) * getattr(m, "groups", 1)),
    "biases too": hooked(lambda m, i, o: o.numel() * (kernel(m) + 1)),
    "kernel without channels": hooked(
        lambda m, i, o: o.numel() * math.prod(getattr(m, "kernel_size", (m.weight.shape[1],)))
    ),
    "square kernels": hooked(lambda m, i, o: o.numel() * m.weight.shape[1] * m.weight.shape[-1]),
}


def test_macs_are_those_worked_out_by_hand():
    assert_counts_by_hand(count_macs)


def test_the_plain_hooks_behind_the_wrong_counts_are_right_themselves():
    assert_counts_by_hand(hooked(lambda m, i, o: o.numel() * kernel(m)))


@pytest.mark.parametrize("wrong", WRONG_COUNTS.values(), ids=WRONG_COUNTS.keys())
def test_the_table_tells_wrong_counts(wrong):
    with pytest.raises(AssertionError):
        assert_counts_by_hand(wrong)


@pytest.mark.parametrize(
    ("stride", "padding", "groups"), [(1, 0, 1), (1, 1, 1), (2, 1, 1), (1, 1, 2), (2, 0, 2)]
)
def test_a_convolution_counts_as_a_loop_over_its_output_numbers_multiplies(stride, padding, groups):
    """The loop makes the very output, and counts each product it takes."""
    layer = nn.Conv2d(2, 4, 3, stride=stride, padding=padding, groups=groups).double()
    params, x = {n: normal(*p.shape) for n, p in layer.named_parameters()}, normal(1, 2, 5, 4)
    wanted, padded = forward(layer, params, x), nn.functional.pad(x, [padding] * 4)
    n_products, per_group = 0, 2 // groups
    for out, row, column in torch.cartesian_prod(*map(torch.arange, wanted.shape[1:])).tolist():
        total = params["bias"][out].item()
        for c in range(per_group):
            for i in range(3):
                for j in range(3):
                    channel = out // (4 // groups) * per_group + c
                    pixel = padded[0, channel, row * stride + i, column * stride + j]
                    total += params["weight"][out, c, i, j].item() * pixel.item()
                    n_products += 1
        assert total == pytest.approx(wanted[0, out, row, column].item())
    assert count_macs(layer, params, x) == n_products


@pytest.mark.parametrize("norm", ["batch", "group"])
def test_conv4_on_28_pixels_in_colour_costs_three_million(norm):
    model = conv4(3, width=32, n_outputs=5, norm=norm)
    by_hand = 32 * 9 * (28**2 * 3 + 14**2 * 32 + 7**2 * 32 + 3**2 * 32) + 32 * 5
    assert by_hand == 3_018_400
    for n in (1, 7):
        assert count_macs(model, start(model), torch.zeros(n, 3, 28, 28)) == by_hand


def test_conv4_has_the_parameters_of_its_layers():
    params = start(conv4(3, width=32, n_outputs=5))
    by_hand = 32 * 9 * (3 + 3 * 32) + 4 * 2 * 32 + (32 * 5 + 5)
    assert count_parameters(params) == by_hand == 28_933
    assert count_parameters({}) == 0


def test_counting_leaves_no_trace_in_the_model():
    model = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Dropout(0.5))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = torch.get_rng_state()
    assert count_macs(model, start(model), normal(4, 3, dtype=torch.float32)) == 9
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert model.training
    assert not any(m._forward_hooks for m in model.modules())


def test_the_parameters_handed_over_are_the_ones_in_use():
    model = nn.Linear(3, 2)
    params = {name: p.double() for name, p in start(model).items()}
    assert count_macs(model, params, normal(4, 3)) == 6  # the model's own are float32


class Raw(nn.Module):
    def __init__(self):
        super().__init__()
        self.matrix = nn.Parameter(torch.zeros(3, 3))

    def forward(self, x):
        return x @ self.matrix


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (nn.Sequential(nn.ReLU(), nn.GRU(3, 2)), "1 is a GRU, whose weights are not counted; only"),
        (nn.ConvTranspose2d(1, 2, 3), "the model is a ConvTranspose2d, whose weights are not"),
        (nn.Sequential(nn.Conv1d(3, 2, 1)), "0 is a Conv1d, whose weights are not counted"),
        (Raw(), "the model is a Raw, whose weights are not counted; only Conv2d, Conv3d and Lin"),
    ],
    ids=["GRU", "transposed convolution", "1-D convolution", "a matrix of its own"],
)
def test_layers_that_would_be_left_out_are_refused_by_name(model, message):
    with pytest.raises(ValueError, match=message):
        count_macs(model, start(model), torch.zeros(2, 3))


@pytest.mark.parametrize("shape", [(0, 3), ()])
def test_no_example_is_refused(shape):
    model = nn.Linear(3, 2)
    with pytest.raises(ValueError, match=r"x must hold at least 1 example, got shape \("):
        count_macs(model, start(model), torch.zeros(shape))


# 8-bit weights.

SHAPES = ((4, 3, 2, 2), (5, 7), (6,), (3, 1, 2, 2, 2))


def channels(weight, axis):
    """Return (index, slice) of all channels by a plain loop; one for the whole without an axis."""
    if axis is None:
        return [(..., weight)]
    places = [[slice(None)] * axis + [c] for c in range(weight.shape[axis])]
    return [(tuple(place), weight[tuple(place)]) for place in places]


def assert_quantizes(function):
    """Judge by the bound and by scales from plain loops, over shapes, sizes and axes."""
    for shape in SHAPES:
        for axis in (None, *range(len(shape))):
            for size in (1.0, 1e-4, 300.0):
                weight = size * normal(*shape, seed=len(shape))
                weight = weight * (1 + torch.arange(weight.numel()).reshape(shape))
                weight.view(-1)[::5] = 0
                values, scale = result = function(weight, axis=axis)
                assert values.dtype == torch.int8
                assert values.shape == weight.shape
                assert scale.dtype == weight.dtype
                assert int(values.min()) >= -127
                assert (values[weight == 0] == 0).all()
                wide, back = scale.expand(shape), dequantize(result)
                assert ((weight - back).abs() <= wide * (0.5 + 1e-9)).all()
                for place, channel in channels(weight, axis):
                    largest = max(abs(w) for w in channel.flatten().tolist())
                    wanted = largest / 127 if largest else 1.0
                    assert wide[place].flatten().tolist() == pytest.approx(
                        [wanted] * channel.numel(), rel=1e-12
                    )


def with_scale(scale_of, *, low=-127, rounding=torch.round):
    """Return a quantiser of plain steps; right with the scale of `channels`."""

    def function(weight, *, axis=None):
        scale = scale_of(weight, axis)
        scale = torch.where(scale == 0, 1.0, scale)
        return Quantized(rounding(weight / scale).clamp(low, 127).to(torch.int8), scale)

    return function


def right_scale(weight, axis):
    scale = torch.empty(() if axis is None else [1] * weight.ndim, dtype=weight.dtype)
    if axis is not None:
        scale = scale.expand([-1 if a != axis else n for a, n in enumerate(weight.shape)]).clone()
    for place, channel in channels(weight, axis):
        scale[place] = channel.abs().max() / 127
    return scale


def along(weight, axis):
    """Return the largest magnitude over `axis`, where it should be over all the others."""
    return weight.abs().amax(() if axis is None else axis, keepdim=axis is not None) / 127


WRONG_QUANTIZERS = {
    "one scale whatever the axis": with_scale(lambda w, axis: right_scale(w, None)),
    "the scale over the axis": with_scale(along),
    "always axis 0": with_scale(lambda w, axis: right_scale(w, None if axis is None else 0)),
    "the largest, not its magnitude": with_scale(lambda w, axis: w.max() / 127),
    "256 steps from -128": with_scale(lambda w, axis: right_scale(w, axis) * 127 / 128, low=-128),
    "divided by 128": with_scale(lambda w, axis: right_scale(w, axis) * 127 / 128),
    "divided by 255": with_scale(lambda w, axis: right_scale(w, axis) * 127 / 255),
    "rounded towards zero": with_scale(right_scale, rounding=torch.trunc),
    "rounded down": with_scale(right_scale, rounding=torch.floor),
    "scale from the spread": with_scale(lambda w, axis: 3 * w.std() / 127),
    "float values": lambda w, *, axis=None: Quantized(
        (w / right_scale(w, None)).round(), right_scale(w, axis)
    ),
    "reciprocal scale": lambda w, *, axis=None: Quantized(
        with_scale(right_scale)(w, axis=axis).values, 1 / right_scale(w, axis)
    ),
}


def test_weights_are_rounded_to_within_half_a_scale_that_a_loop_finds():
    assert_quantizes(quantize_int8)


def test_the_plain_steps_behind_the_wrong_quantizers_are_right_themselves():
    assert_quantizes(with_scale(right_scale))


@pytest.mark.parametrize("wrong", WRONG_QUANTIZERS.values(), ids=WRONG_QUANTIZERS.keys())
def test_the_judge_rejects_wrong_quantizers(wrong):
    with pytest.raises(AssertionError):
        assert_quantizes(wrong)


def test_quantizing_by_hand():
    values, scale = quantize_int8(torch.tensor([[-2.54, 0.02], [0.0, 1.0]], dtype=torch.float64))
    assert scale.item() == pytest.approx(0.02)
    assert values.tolist() == [[-127, 1], [0, 50]]


def test_the_largest_magnitude_reaches_127_on_its_own_side():
    assert quantize_int8(torch.tensor([-5.0, 4.0])).values.min() == -127
    assert quantize_int8(torch.tensor([5.0, -4.0])).values.max() == 127


@pytest.mark.parametrize("axis", [None, 0, 1])
def test_zeros_stay_zeros_with_a_scale_to_divide_by(axis):
    result = quantize_int8(torch.zeros(3, 2), axis=axis)
    assert (result.scale == 1).all()
    assert torch.equal(dequantize(result), torch.zeros(3, 2))


def test_a_channel_of_zeros_does_not_disturb_the_others():
    weight = torch.tensor([[0.0, 0.0], [127.0, -3.0]])
    values, scale = quantize_int8(weight, axis=0)
    assert values.tolist() == [[0, 0], [127, -3]]
    assert scale.flatten().tolist() == [1, 1]


@pytest.mark.parametrize("size", [1e-44, 4.2e-43, 1e-40, 1e-37, 1e-30, 3e38])
def test_the_bound_holds_at_both_ends_of_float32(size):
    weight = size * torch.tensor([1.0, -0.7, 0.3, 0.0])
    result = quantize_int8(weight)
    assert torch.isfinite(result.scale)
    error = (weight.double() - dequantize(result).double()).abs()
    assert (error <= result.scale.double() * (0.5 + 1e-4)).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("axis", [None, 0])
def test_dequantizing_gives_back_shape_and_dtype_without_gradient(dtype, axis):
    weight = normal(4, 3, dtype=dtype).requires_grad_()
    back = dequantize(quantize_int8(weight, axis=axis))
    assert back.dtype == dtype
    assert back.shape == weight.shape
    assert not back.requires_grad


def test_quantizing_what_is_quantized_changes_nothing():
    weight = dequantize(quantize_int8(normal(6, 5), axis=0))
    torch.testing.assert_close(dequantize(quantize_int8(weight, axis=0)), weight)


def test_an_axis_may_count_from_the_end():
    weight = normal(4, 3, 2)
    for axis in range(3):
        first, second = quantize_int8(weight, axis=axis), quantize_int8(weight, axis=axis - 3)
        assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize(
    ("weight", "axis", "message"),
    [
        (torch.zeros(3, 2), 2, "weight has 2 axes, counted from 0, but axis is 2"),
        (torch.zeros(3, 2), -3, "weight has 2 axes, counted from 0, but axis is -3"),
        (torch.tensor(1.0), 0, "weight has 0 axes, counted from 0, but axis is 0"),
        (
            torch.tensor([1.0, math.nan, math.inf]),
            None,
            "weight holds 2 values that are nan or inf",
        ),
        (torch.zeros(3, dtype=torch.int8), None, "float32 or float64 .* got torch.int8 with shape"),
        (torch.zeros(3).half(), None, r"float64 with at least 1 number, got torch.float16"),
        (torch.zeros(0, 3), None, r"at least 1 number, got torch.float32 with shape \(0, 3\)"),
    ],
    ids=["past the end", "before the start", "no axes", "nan", "int8", "half", "empty"],
)
def test_weights_that_cannot_be_quantized_are_refused_with_value_and_limit(weight, axis, message):
    with pytest.raises(ValueError, match=message):
        quantize_int8(weight, axis=axis)


# Whole models.


def test_only_weights_of_two_axes_or_more_are_stored_in_8_bits():
    params = start(conv4(3, width=8, n_outputs=2))
    stored = quantize_params(params)
    assert list(stored) == list(params)
    for name, p in params.items():
        if p.ndim >= 2:
            alone = quantize_int8(p, axis=0)
            assert stored[name].scale.shape == (len(p), *[1] * (p.ndim - 1))
            assert all(torch.equal(a, b) for a, b in zip(stored[name], alone, strict=True))
        else:
            assert torch.equal(stored[name], p)


def test_editing_the_result_leaves_the_parameters_alone():
    params = {"weight": torch.ones(2, 2), "bias": torch.ones(2)}
    for p in fake_quantised(params).values():
        p.zero_()
    assert all((p == 1).all() for p in params.values())


def test_a_diverged_parameter_is_named():
    params = {"head.weight": torch.tensor([[math.nan]]), "bias": torch.ones(2)}
    for function in (quantize_params, fake_quantised):
        with pytest.raises(ValueError, match=r"head\.weight holds 1 values that are nan or inf"):
            function(params)


def test_a_linear_layer_moves_by_no_more_than_half_a_scale_times_its_input():
    """|(w - ŵ) x| <= scale / 2 * sum |x|, for each output channel."""
    model, x = nn.Linear(30, 4), normal(50, 30)
    params = {name: p.double() for name, p in start(model).items()}
    scale = quantize_params(params)["weight"].scale.flatten()
    bound = x.abs().sum(1, keepdim=True) * scale / 2
    moved = (forward(model, fake_quantised(params), x) - forward(model, params, x)).abs()
    assert (moved <= bound + 1e-12).all()
    assert (moved > bound / 1000).any()


def test_a_convolution_moves_by_no_more_than_half_a_scale_times_its_patch():
    model, x = nn.Conv2d(3, 5, 3, padding=1), normal(4, 3, 8, 8)
    params = {name: p.double() for name, p in start(model).items()}
    scale = quantize_params(params)["weight"].scale.reshape(1, 5, 1, 1)
    in_patch = nn.functional.conv2d(x.abs(), torch.ones(1, 3, 3, 3).double(), padding=1)
    moved = (forward(model, fake_quantised(params), x) - forward(model, params, x)).abs()
    assert (moved <= in_patch * scale / 2 + 1e-12).all()
    assert moved.max() > 0


@pytest.mark.parametrize("norm", ["batch", "group"])
def test_a_random_conv4_hardly_moves(norm):
    """Normalised layers pass relative errors on about as they are, so those of the weights add."""
    model = conv4(3, width=16, norm=norm)
    params, x = start(model), normal(16, 3, 28, 28, dtype=torch.float32)
    exact, rounded = forward(model, params, x), forward(model, fake_quantised(params), x)
    relative = [
        (p - fake_quantised(params)[name]).norm() / p.norm()
        for name, p in params.items()
        if p.ndim > 1
    ]
    assert 0 < (rounded - exact).norm() / exact.norm() < 2 * float(sum(relative))


def blobs(n, seed):
    """Return images with a bright quarter, whose number is the label, under noise."""
    labels = torch.arange(n) % 4
    images = 0.5 * normal(n, 1, 8, 8, seed=seed, dtype=torch.float32)
    for i, quarter in enumerate(labels.tolist()):
        row, column = 4 * (quarter // 2), 4 * (quarter % 2)
        images[i, 0, row : row + 4, column : column + 4] += 1 + 0.5 * quarter
    return images, labels


def test_a_trained_network_decides_alike_in_8_bits():
    model = ConvNet(1, (8, 8), n_outputs=4, norm="group")
    x, y = blobs(64, seed=1)

    def loss(params, batch):
        logits = forward(model, params, batch)
        return distillation_loss(logits, logits.detach(), y, temperature=1.0, alpha=0.0)

    result = fit(
        loss,
        start(model),
        lambda generator: x,
        n_steps=80,
        outer_lr=0.02,
        generator=seeded(),
        progress=None,
    )
    unseen, labels = blobs(200, seed=2)
    exact = forward(model, result.params, unseen)
    rounded = forward(model, fake_quantised(result.params), unseen)
    assert accuracy(exact, labels) > 0.8
    assert accuracy(rounded, exact.argmax(1)) > 0.97


# Bytes.


def test_a_size_is_numbers_times_their_bytes():
    params = {"weight": torch.zeros(300, 400), "bias": torch.zeros(300)}
    assert size_in_bytes(params) == 4 * (120_000 + 300)
    assert size_in_bytes({n: p.double() for n, p in params.items()}) == 8 * (120_000 + 300)
    assert size_in_bytes(quantize_params(params)) == 120_000 + 4 * 300 + 4 * 300
    assert size_in_bytes({}) == 0


def test_conv4_takes_about_a_quarter_of_its_bytes():
    params = start(conv4(3, width=32, n_outputs=5))
    n_weights, n_channels, n_others = 32 * 9 * 99 + 160, 4 * 32 + 5, 4 * 2 * 32 + 5
    assert size_in_bytes(params) == 4 * count_parameters(params)
    assert size_in_bytes(quantize_params(params)) == n_weights + 4 * n_channels + 4 * n_others
    assert size_in_bytes(fake_quantised(params)) == size_in_bytes(params)
