"""Wrong answers to unit 10: views, gates and missing images as public code gets them wrong."""

import torch
import torch.nn.functional as F

from tests.wrong_answers import wrong

VOXELS = "test_every_voxel_is_where_it_should_be"
ONES = "test_axes_of_length_one_stay"
SOFTMAX = "test_gates_are_a_softmax_over_the_present_views"
ANYTHING = "test_missing_views_may_hold_anything_and_logits_may_be_large"
MEAN = "test_is_the_gated_mean_of_what_is_there"
MISSING = "test_missing_views_may_hold_anything"
SLOPES = "test_gradients_are_right_whatever_missing_views_hold"
ONE_LEFT = "test_only_present_views_stay_and_at_least_one"
OFTEN = "test_each_view_stays_as_often_as_promised"
GENERATOR = "test_generator_is_the_only_source_of_randomness"
COMPLETE = "test_rise_of_the_loss_with_complete_examples"
COUNTED = "test_only_examples_that_lose_the_view_and_keep_another_count"
AGREEMENT = "test_agreement_is_the_share_of_rows_with_equal_labels"
CHANCE = "test_chance_is_what_shuffled_rows_would_agree"


def _slices(volume, middle=lambda n: n // 2):
    z, y, x = (middle(n) for n in volume.shape[1:])
    return volume[:, z], volume[:, :, y], volume[:, :, :, x]


@wrong("10.orthogonal_views", VOXELS, ONES, says="transposed")
def transposed(volume):
    """Columns first."""
    return tuple(view.transpose(1, 2) for view in _slices(volume))


@wrong("10.orthogonal_views", VOXELS, ONES, says="flipped")
def head_up(volume):
    """Turned as a radiologist hangs it: the depth runs upwards."""
    axial, coronal, sagittal = _slices(volume)
    return axial, coronal.flip(1), sagittal.flip(1)


@wrong("10.orthogonal_views", VOXELS, ONES, says="number n // 2")
def lower_middle(volume):
    """(n - 1) // 2."""
    return _slices(volume, lambda n: (n - 1) // 2)


@wrong("10.orthogonal_views", VOXELS, ONES, says="That is the sagittal view")
def in_another_order(volume):
    """Coronal and sagittal exchanged."""
    axial, coronal, sagittal = _slices(volume)
    return axial, sagittal, coronal


@wrong("10.orthogonal_views", VOXELS, ONES, says="mean over all slices")
def mean_projections(volume):
    """A projection is no slice."""
    return volume.mean(1), volume.mean(2), volume.mean(3)


@wrong("10.orthogonal_views", VOXELS, ONES, says="Shape")
def middle_of_the_batch(volume):
    """Forgets that axis 0 is the batch."""
    n, depth, height, _ = volume.shape
    return volume[n // 2], volume[:, depth // 2], volume[:, :, height // 2]


@wrong("10.orthogonal_views", ONES, says="Shape")
def squeezed(volume):
    """index_select, then squeeze() of every axis of length 1."""
    views = []
    for axis in (1, 2, 3):
        middle = torch.tensor([volume.shape[axis] // 2])
        views.append(volume.index_select(axis, middle).squeeze())
    return tuple(views)


@wrong("10.view_gates", SOFTMAX, ANYTHING, says="mask is ignored")
def plain_softmax(mask, gate_logits):
    """Ghosts get a share."""
    return gate_logits.softmax(0)


@wrong("10.view_gates", SOFTMAX, says="still get a share")
def zeros_for_logits(mask, gate_logits):
    """e^0 is 1."""
    return gate_logits.masked_fill(~mask, 0.0).softmax(0)


@wrong("10.view_gates", SOFTMAX, ANYTHING, says="masked afterwards")
def masked_afterwards(mask, gate_logits):
    """The softmax has given a share away."""
    return gate_logits.softmax(0).masked_fill(~mask, 0.0)


@wrong("10.view_gates", SOFTMAX, ANYTHING, says="over the examples")
def over_the_examples(mask, gate_logits):
    """dim=1; examples may lack a view together, so nan is swept up."""
    return gate_logits.masked_fill(~mask, -torch.inf).softmax(1).nan_to_num(0.0)


@wrong("10.view_gates", SOFTMAX, ANYTHING, says="same share")
def equal_shares(mask, gate_logits):
    """The logits are not looked at."""
    return mask.double() / mask.sum(0)


@wrong("10.view_gates", ANYTHING, says="do not multiply")
def product_with_the_mask(mask, gate_logits):
    """Right where numbers are ordinary."""
    raised = gate_logits.exp() * mask
    return raised / raised.sum(0)


@wrong("10.view_gates", ANYTHING, says="let softmax do the exponential")
def naive_exponential(mask, gate_logits):
    """Missing views are replaced, but exp overflows."""
    raised = gate_logits.masked_fill(~mask, -torch.inf).exp()
    return raised / raised.sum(0)


def _gates(mask, gate_logits):
    return gate_logits.masked_fill(~mask, -torch.inf).softmax(0)


def _clean(features, mask):
    return features.masked_fill(~mask[..., None], 0.0)


@wrong("10.gated_fusion", MEAN, MISSING, SLOPES, says="mask is ignored")
def fuses_everything(features, mask, gate_logits):
    """No mask at all."""
    return (gate_logits.softmax(0)[..., None] * features).sum(0)


@wrong("10.gated_fusion", MEAN, MISSING, SLOPES, says="gates are ignored")
def plain_mean(features, mask, gate_logits):
    """Every present view alike."""
    return _clean(features, mask).sum(0) / mask.sum(0)[:, None]


@wrong("10.gated_fusion", MEAN, MISSING, SLOPES, says="missing ones as zeros")
def mean_of_all(features, mask, gate_logits):
    """Zeros for what is missing, and they count."""
    return _clean(features, mask).mean(0)


@wrong("10.gated_fusion", MEAN, MISSING, SLOPES, says="still take their share")
def gates_of_all(features, mask, gate_logits):
    """The softmax knows nothing of the mask."""
    return (gate_logits.softmax(0)[..., None] * _clean(features, mask)).sum(0)


@wrong("10.gated_fusion", MEAN, MISSING, SLOPES, says="with gate logit 0")
def zeros_with_a_share(features, mask, gate_logits):
    """Missing views are black images with a share of their own."""
    gates = gate_logits.masked_fill(~mask, 0.0).softmax(0)
    return (gates[..., None] * _clean(features, mask)).sum(0)


@wrong("10.gated_fusion", MISSING, SLOPES, says="0 times that is nan")
def gate_of_zero_is_trusted(features, mask, gate_logits):
    """0 * nan."""
    return (_gates(mask, gate_logits)[..., None] * features).sum(0)


@wrong("10.gated_fusion", SLOPES, says="Backwards")
def swept_up_afterwards(features, mask, gate_logits):
    """nan_to_num behind the product: right forwards."""
    product = _gates(mask, gate_logits)[..., None] * features
    return torch.where(mask[..., None], product, 0.0).sum(0)


@wrong("10.gated_fusion", SLOPES, says="gate logits")
def gates_detached(features, mask, gate_logits):
    """The gates can never learn."""
    gates = _gates(mask, gate_logits.detach())
    return (gates[..., None] * _clean(features, mask)).sum(0) + 0 * gate_logits[mask].sum()


def _luck(mask, generator):
    return torch.rand(mask.shape, generator=generator).masked_fill(~mask, -1.0)


@wrong("10.modality_dropout", ONE_LEFT, OFTEN, says="no view left")
def all_may_go(mask, *, rate, generator):
    """Plain dropout."""
    return _luck(mask, generator) >= max(rate, 1e-9)


@wrong("10.modality_dropout", OFTEN, says="came up")
def first_survives(mask, *, rate, generator):
    """argmax of a bool mask is its first True."""
    kept = mask & (_luck(mask, generator) >= rate)
    empty = ~kept.any(0)
    kept[mask.int().argmax(0)[empty], empty.nonzero().flatten()] = True
    return kept


@wrong("10.modality_dropout", ONE_LEFT, OFTEN, says="missing before")
def survivor_among_all(mask, *, rate, generator):
    """The survivor is drawn among all views, present or not."""
    luck = torch.rand(mask.shape, generator=generator)
    kept = mask & (luck >= rate)
    return kept | ((luck == luck.amax(0)) & ~kept.any(0))


@wrong("10.modality_dropout", OFTEN, says="came up")
def one_fate_for_the_batch(mask, *, rate, generator):
    """One number for each view; all examples share it."""
    luck = torch.rand(len(mask), 1, generator=generator).expand_as(mask).masked_fill(~mask, -1.0)
    return mask & ((luck >= rate) | (luck == luck.amax(0)))


@wrong("10.modality_dropout", OFTEN, says="came up")
def drawn_again(mask, *, rate, generator):
    """Again and again, until something is left: other probabilities."""
    if rate == 1:
        luck = _luck(mask, generator)
        return luck == luck.amax(0)
    kept = mask & (torch.rand(mask.shape, generator=generator) >= rate)
    while not kept.any(0).all():
        empty = ~kept.any(0)
        again = mask & (torch.rand(mask.shape, generator=generator) >= rate)
        kept = torch.where(empty, again, kept)
    return kept


@wrong("10.modality_dropout", OFTEN, says="came up")
def always_exactly_one_goes(mask, *, rate, generator):
    """With probability rate one view is dropped, never two; at rate 1 all but one."""
    luck = _luck(mask, generator)
    best = luck == luck.amax(0)
    if rate == 1:
        return best
    worst = luck.masked_fill(~mask, 2.0)
    dropped = (worst == worst.amin(0)) & (torch.rand(mask.shape[1], generator=generator) < rate)
    return mask & (~dropped | best)


@wrong("10.modality_dropout", ONE_LEFT, OFTEN, says="rate=0")
def rate_turned_around(mask, *, rate, generator):
    """Keeps with probability rate."""
    luck = _luck(mask, generator)
    return mask & ((luck < rate) | (luck == luck.amax(0)))


@wrong("10.modality_dropout", GENERATOR, says="global generator")
def global_luck(mask, *, rate, generator):
    """torch.rand without the generator."""
    luck = _luck(mask, None)
    return mask & ((luck >= rate) | (luck == luck.amax(0)))


@wrong("10.modality_dropout", ONE_LEFT, GENERATOR, says="same mask")
def into_the_mask(mask, *, rate, generator):
    """In place: what is dropped once stays away."""
    luck = _luck(mask, generator)
    mask &= (luck >= rate) | (luck == luck.amax(0))
    return mask


def _losses(predict, features, mask, labels):
    return F.cross_entropy(predict(features, mask), labels, reduction="none")


def _rises(predict, features, mask, labels, without=None, counted=None):
    """Return the rises, with another way to leave out and to choose who counts."""
    before, rises = _losses(predict, features, mask, labels), []
    for v in range(len(mask)):
        left = mask.clone()
        left[v] = False
        after = _losses(predict, features, left if without is None else without(v), labels)
        counts = mask[v] & left.any(0) if counted is None else counted(v)
        rises.append((after - before)[counts].mean())
    return torch.stack(rises)


@wrong("10.view_reliance", COMPLETE, COUNTED, says="sign")
def sign_turned(predict, features, mask, labels):
    """With minus without."""
    return -_rises(predict, features, mask, labels)


@wrong("10.view_reliance", COMPLETE, COUNTED, says="zeros")
def black_image(predict, features, mask, labels):
    """Zeros for a view that stays present."""
    before, rises = _losses(predict, features, mask, labels), []
    for v in range(len(mask)):
        black = features.clone()
        black[v] = 0
        counts = mask[v] & (mask.sum(0) > 1)
        rises.append((_losses(predict, black, mask, labels) - before)[counts].mean())
    return torch.stack(rises)


@wrong("10.view_reliance", COMPLETE, COUNTED, says="other* views")
def all_the_others_go(predict, features, mask, labels):
    """What the view can do alone."""

    def only(v):
        left = torch.zeros_like(mask)
        left[v] = mask[v]
        return left

    return _rises(predict, features, mask, labels, without=only)


@wrong("10.view_reliance", COUNTED, says="lack the view")
def averaged_over_everybody(predict, features, mask, labels):
    """Who lacks the view has a rise of 0; who has it alone is left out of the sum."""
    rises = _rises(predict, features, mask, labels)
    counts = (mask & (mask.sum(0) > 1)).sum(1)
    return rises * counts / mask.shape[1]


@wrong("10.view_reliance", COUNTED, says="this view alone")
def orphans_counted(predict, features, mask, labels):
    """Everybody who has the view."""
    return _rises(predict, features, mask, labels, counted=lambda v: mask[v])


@wrong("10.view_reliance", COMPLETE, COUNTED, says="loss without the view")
def nothing_subtracted(predict, features, mask, labels):
    """Only the loss afterwards."""
    found = []
    for v in range(len(mask)):
        left = mask.clone()
        left[v] = False
        counts = mask[v] & left.any(0)
        found.append(_losses(predict, features, left, labels)[counts].mean())
    return torch.stack(found)


def _cut(first, second):
    n = min(len(first), len(second))
    return first[:n], second[:n]


def _shares_product(a, b):
    return sum(float((a == c).double().mean() * (b == c).double().mean()) for c in a.unique())


@wrong("10.naive_pairing", CHANCE, says="equally frequent")
def one_over_classes(first_labels, second_labels):
    """As if classes were equally frequent."""
    a, b = _cut(first_labels, second_labels)
    return (a == b).double().mean(), 1 / len(torch.cat([a, b]).unique())


@wrong("10.naive_pairing", CHANCE, says="squared")
def shares_squared(first_labels, second_labels):
    """The first set's shares, twice."""
    a, b = _cut(first_labels, second_labels)
    return (a == b).double().mean(), _shares_product(a, a)


@wrong("10.naive_pairing", CHANCE, says="paired rows")
def shares_of_whole_sets(first_labels, second_labels):
    """The rows that are paired may be a quarter of the set."""
    a, b = _cut(first_labels, second_labels)
    return (a == b).double().mean(), _shares_product(first_labels, second_labels)


@wrong("10.naive_pairing", AGREEMENT, says="longer set")
def divided_by_the_longer(first_labels, second_labels):
    """Rows without a partner are counted as wrong."""
    a, b = _cut(first_labels, second_labels)
    longest = max(len(first_labels), len(second_labels))
    return float((a == b).sum()) / longest, _shares_product(a, b)


@wrong("10.naive_pairing", AGREEMENT, CHANCE, says="agreement comes first")
def the_other_way_round(first_labels, second_labels):
    """Chance first."""
    a, b = _cut(first_labels, second_labels)
    return _shares_product(a, b), (a == b).double().mean()


@wrong("10.naive_pairing", AGREEMENT, says="share was asked for")
def counted_not_shared(first_labels, second_labels):
    """A number of rows."""
    a, b = _cut(first_labels, second_labels)
    return float((a == b).sum()), _shares_product(a, b)


SYMPTOMS = ("twins", "lying down", "nobody left", "ghosts", "company")
LINES = dict(zip(SYMPTOMS, (4, 3, 7, 8, 9), strict=True))


def _lines(*symptoms):
    return {f"test_symptom_is_traced_to_its_line[{symptom}]" for symptom in symptoms}


@wrong("10.bug_lines", *_lines("twins", "lying down"), says="cut along the same axis")
def twins_and_transpose_swapped():
    """Three for four."""
    return {**LINES, "twins": 3, "lying down": 4}


@wrong("10.bug_lines", *_lines("nobody left"), says="luck drops all three")
def blames_the_luck():
    """Line 6 draws, line 7 decides."""
    return {**LINES, "nobody left": 6}


@wrong("10.bug_lines", *_lines("ghosts"), says="What gate logit")
def blames_the_softmax():
    """Line 9 does what it is told."""
    return {**LINES, "ghosts": 9}


@wrong("10.bug_lines", *_lines("company"), says="Over what do the gates")
def blames_the_sum():
    """Line 10 sums over views, as it should."""
    return {**LINES, "company": 10}


@wrong("10.bug_lines", *_lines(*SYMPTOMS), says="A line number was expected")
def lines_as_words():
    """The numbers are texts."""
    return {symptom: str(line) for symptom, line in LINES.items()}


SPARED = {
    "reads": "reads what missing views hold",
    "counts": "counts missing views as zeros",
    "order": "minds the order of the views",
    "loudest": "hears the loudest view only",
    "batch": "shares gates among the batch",
}


def _spared(*names):
    return {f"test_accepts_right_fusions_and_rejects[{SPARED[name]}]" for name in names}


def _patients():
    random = torch.Generator().manual_seed(3)
    mask = torch.ones(3, 4, dtype=torch.bool)
    mask[2, 1:] = False
    return torch.randn(3, 4, 4, generator=random).double(), mask


def _content_is_harmless(fuse, features, mask):
    other = torch.where(mask[..., None], features, 5.0)
    assert torch.allclose(fuse(other, mask), fuse(features, mask))


def _left_out_is_missing(fuse, features, mask):
    without = mask.clone()
    without[2] = False
    assert torch.allclose(fuse(features, without), fuse(features[:2], without[:2]))


def _order_is_harmless(fuse, features, mask):
    assert torch.allclose(fuse(features.flip(0), mask.flip(0)), fuse(features, mask))


def _company_is_harmless(fuse, features, mask):
    for i in range(features.shape[1]):
        alone = fuse(features[:, i : i + 1], mask[:, i : i + 1])
        assert torch.allclose(alone, fuse(features, mask)[i : i + 1])


def _each_view_is_heard(fuse, features, mask):
    for v in range(3):
        changed = features.clone()
        changed[v, 0] = -features[v, 0]
        assert (fuse(changed, mask)[0] - fuse(features, mask)[0]).abs().max() > 1e-6


ALL = (
    _content_is_harmless,
    _left_out_is_missing,
    _order_is_harmless,
    _company_is_harmless,
    _each_view_is_heard,
)


def _all_but(fuse, *left_out):
    for claim in ALL:
        if claim not in left_out:
            claim(fuse, *_patients())


@wrong("10.fusion_test", *_spared(*SPARED), says="passes")
def only_shapes(fuse):
    """The shape, and that nothing is nan."""
    got = fuse(*_patients())
    assert got.shape == (4, 3)
    assert not got.isnan().any()


@wrong("10.fusion_test", *_spared("counts"), says="counts missing views as zeros")
def missing_is_never_left_out(fuse):
    """Content, but not the length of the list."""
    _all_but(fuse, _left_out_is_missing)


@wrong("10.fusion_test", *_spared("reads", "counts"), says="reads what missing views hold")
def complete_patients_only(fuse):
    """No view is ever missing."""
    features, _ = _patients()
    complete = torch.ones(3, 4, dtype=torch.bool)
    for claim in (_order_is_harmless, _company_is_harmless, _each_view_is_heard):
        claim(fuse, features, complete)


@wrong("10.fusion_test", *_spared("order"), says="minds the order")
def one_order_only(fuse):
    """The views always come as they come."""
    _all_but(fuse, _order_is_harmless)


@wrong("10.fusion_test", *_spared("batch"), says="shares gates")
def no_company(fuse):
    """Every call has the same patients."""
    _all_but(fuse, _company_is_harmless)


@wrong("10.fusion_test", *_spared("loudest"), says="loudest view only")
def shouts(fuse):
    """What is changed becomes the loudest."""
    _all_but(fuse, _each_view_is_heard)
    features, mask = _patients()
    for v in range(3):
        changed = features.clone()
        changed[v, 0] = 50 + 50 * features[v, 0].abs()
        assert (fuse(changed, mask)[0] - fuse(features, mask)[0]).abs().max() > 1e-6


@wrong("10.fusion_test", *_spared(*SPARED), says="rejects a right fusion")
def expects_the_order_to_matter(fuse):
    """Takes views for a sequence."""
    features, mask = _patients()
    assert not torch.allclose(fuse(features.flip(0), mask.flip(0)), fuse(features, mask))
