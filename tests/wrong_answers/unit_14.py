"""Wrong answers to unit 14, most of them seen in public code."""

import math

import torch

from tests.wrong_answers import wrong

# ---- network_cost ----

ONE = "test_one_layer_by_itself"
STACK = "test_layers_one_after_the_other"
GROUPS = "test_convolutions_in_groups"


def _cost(layers, shape, *, use=(True,) * 4, bias=1, bias_macs=0, square=False):
    """Return the cost; `use` says whether stride, padding, groups and pooling are heeded."""
    strides, paddings, groups_too, pools = use
    channels, height, width = shape
    n_parameters = n_macs = 0
    for kind, size, *more in layers:
        if kind == "pool":
            height, width = (height // size, width // size) if pools else (height, width)
            continue
        if kind == "conv":
            kernel, stride, padding, groups = more
            stride = stride if strides else 1
            padding = padding if paddings else 0
            height = (height + 2 * padding - kernel) // stride + 1
            width = (width + 2 * padding - kernel) // stride + 1
            products = channels // (groups if groups_too else 1) * kernel * kernel
            places = height * height if square else height * width
        else:
            products, places = channels * height * width, 1
            height = width = 1
        n_parameters += size * products + bias * size
        n_macs += size * products * places + bias_macs * size * places
        channels = size
    return n_parameters, n_macs


@wrong("14.network_cost", ONE, STACK, GROUPS, says="has a bias")
def no_biases(layers, shape):
    """Counts weights only."""
    return _cost(layers, shape, bias=0)


@wrong("14.network_cost", STACK, GROUPS, says="stride is left out")
def no_strides(layers, shape):
    """As if every convolution went step by step."""
    return _cost(layers, shape, use=(False, True, True, True))


@wrong("14.network_cost", ONE, STACK, GROUPS, says="padding is left out")
def no_padding(layers, shape):
    """As if nothing were padded."""
    return _cost(layers, shape, use=(True, False, True, True))


@wrong("14.network_cost", GROUPS, says="groups are left out")
def no_groups(layers, shape):
    """As if every kernel saw all channels."""
    return _cost(layers, shape, use=(True, True, False, True))


@wrong("14.network_cost", STACK, says="Pooling is left out")
def no_pooling(layers, shape):
    """As if pooling changed nothing."""
    return _cost(layers, shape, use=(True, True, True, False))


@wrong("14.network_cost", ONE, STACK, GROUPS, says="how many output numbers")
def square_pictures(layers, shape):
    """Takes the height twice."""
    return _cost(layers, shape, square=True)


@wrong("14.network_cost", ONE, STACK, GROUPS, says="how many output numbers")
def biases_multiplied(layers, shape):
    """Counts an addition as a product."""
    return _cost(layers, shape, bias_macs=1)


@wrong("14.network_cost", ONE, STACK, GROUPS, says="how many output numbers")
def two_operations(layers, shape):
    """Counts FLOPs, twice the MACs."""
    n_parameters, n_macs = _cost(layers, shape)
    return n_parameters, 2 * n_macs


# ---- to_int8 ----

NEAREST = "test_every_weight_becomes_its_nearest_step"
SIDES = "test_largest_weight_is_127_steps_on_either_side"
ZEROS = "test_channel_of_zeros_has_scale_1_and_no_neighbour_minds"


def _wide(scale, weight):
    return scale.view(-1, *[1] * (weight.ndim - 1))


def _scale(weight, *, steps=127, signed=False, zero=1.0):
    rows = weight.flatten(1)
    largest = rows.amax(1) if signed else rows.abs().amax(1)
    return torch.where(rows.abs().amax(1) > 0, largest / steps, torch.full_like(largest, zero))


def _wrapped(exact):
    return ((torch.nan_to_num(exact).long() + 128) % 256 - 128).to(torch.int8)


@wrong("14.to_int8", NEAREST, SIDES, ZEROS, says="digits were cut off")
def cut_off(weight):
    """Truncates."""
    scale = _scale(weight)
    return _wrapped((weight / _wide(scale, weight)).trunc()), scale


@wrong("14.to_int8", NEAREST, SIDES, ZEROS, says="rounded down")
def floored(weight):
    """Rounds down."""
    scale = _scale(weight)
    return _wrapped((weight / _wide(scale, weight) + 1e-9).floor()), scale


@wrong("14.to_int8", NEAREST, SIDES, ZEROS, says="one scale for all")
def one_scale(weight):
    """One scale for the tensor."""
    scale = (weight.abs().max() / 127).repeat(len(weight))
    return _wrapped((weight / _wide(scale, weight)).round()), scale


@wrong("14.to_int8", NEAREST, SIDES, ZEROS, says="divided by 128")
def by_128(weight):
    """128 does not fit."""
    scale = _scale(weight, steps=128)
    return _wrapped((weight / _wide(scale, weight)).round()), scale


@wrong("14.to_int8", ZEROS, says="These are the scales")
def zero_has_no_scale(weight):
    """A channel of zeros gets the scale 0: later 0 / 0."""
    scale = _scale(weight, zero=0.0)
    return _wrapped((weight / _wide(scale, weight)).round()), scale


@wrong("14.to_int8", ZEROS, says="These are the values")
def held_from_below(weight):
    """A least scale meant against division by 0, too large for a small channel."""
    scale = _scale(weight).clamp(min=1e-4)
    return _wrapped((weight / _wide(scale, weight)).round()), scale


@wrong("14.to_int8", NEAREST, SIDES, ZEROS, says="4 to 8 bytes")
def still_floats(weight):
    """Whole numbers, but not in 8 bits."""
    scale = _scale(weight)
    return (weight / _wide(scale, weight)).round(), scale


@wrong("14.to_int8", NEAREST, SIDES, ZEROS, says="a step is a 127th")
def largest_as_scale(weight):
    """Returns the range instead of the step."""
    scale = _scale(weight)
    return _wrapped((weight / _wide(scale, weight)).round()), 127 * scale


@wrong("14.to_int8", NEAREST, SIDES, ZEROS, says="not the largest in size")
def signed_largest(weight):
    """max() instead of abs().max()."""
    scale = _scale(weight, signed=True)
    return _wrapped((weight / _wide(scale, weight)).round()), scale


# ---- from_int8 ----

ROWS = "test_each_row_has_its_own_step"
AXES = "test_kernels_and_vectors_too"


@wrong("14.from_int8", ROWS, AXES, says="*last* axis")
def last_axis(values, scale):
    """Broadcasts where it fits."""
    return values * scale.resize_(values.shape[-1])


@wrong("14.from_int8", AXES, says="ValueError")
def matrices_only(values, scale):
    """Right for two axes only."""
    if values.ndim != 2:
        raise ValueError("a matrix was expected")
    return values * scale[:, None]


@wrong("14.from_int8", ROWS, AXES, says="multiply")
def divided(values, scale):
    """The other way round."""
    return values / _wide(scale, values)


@wrong("14.from_int8", ROWS, AXES, says="each has its own")
def first_scale(values, scale):
    """One scale for all."""
    return values * scale[0]


@wrong("14.from_int8", ROWS, AXES, says="divided by 127")
def by_127(values, scale):
    """Takes the scale for the range."""
    return values * _wide(scale, values) / 127


@wrong("14.from_int8", ROWS, AXES, says="lost its digits")
def scale_in_int8(values, scale):
    """Casts the scale to the values' type."""
    return values.double() * _wide(scale.to(torch.int8), values)


# ---- fold_batch_norm ----

LINEAR = "test_one_layer_answers_as_the_two_did"
CONVOLUTION = "test_convolution_answers_as_the_two_did"
HELD = "test_channel_that_hardly_varies_is_held_by_eps"


@wrong("14.fold_batch_norm", LINEAR, CONVOLUTION, HELD, says="eps is missing")
def no_eps(weight, mean, variance, gamma, beta, *, eps):
    """Without eps."""
    factor = gamma / variance.sqrt()
    return weight * _wide(factor, weight), beta - mean * factor


@wrong("14.fold_batch_norm", LINEAR, CONVOLUTION, HELD, says="under the root, beside")
def eps_outside(weight, mean, variance, gamma, beta, *, eps):
    """eps behind the root."""
    factor = gamma / (variance.sqrt() + eps)
    return weight * _wide(factor, weight), beta - mean * factor


@wrong("14.fold_batch_norm", LINEAR, CONVOLUTION, HELD, says="root of the variance")
def no_root(weight, mean, variance, gamma, beta, *, eps):
    """Divides by the variance."""
    factor = gamma / (variance + eps)
    return weight * _wide(factor, weight), beta - mean * factor


@wrong("14.fold_batch_norm", LINEAR, CONVOLUTION, HELD, says="The mean is scaled, too")
def mean_as_it_is(weight, mean, variance, gamma, beta, *, eps):
    """Subtracts the mean unscaled."""
    factor = gamma / (variance + eps).sqrt()
    return weight * _wide(factor, weight), beta - mean


@wrong("14.fold_batch_norm", LINEAR, CONVOLUTION, HELD, says="gamma is missing")
def no_gamma(weight, mean, variance, gamma, beta, *, eps):
    """Forgets the learned factor."""
    factor = 1 / (variance + eps).sqrt()
    return weight * _wide(factor, weight), beta - mean * factor


@wrong("14.fold_batch_norm", LINEAR, CONVOLUTION, HELD, says="mean is subtracted")
def mean_added(weight, mean, variance, gamma, beta, *, eps):
    """The wrong sign."""
    factor = gamma / (variance + eps).sqrt()
    return weight * _wide(factor, weight), beta + mean * factor


@wrong("14.fold_batch_norm", CONVOLUTION, says="*output* channel")
def linear_only(weight, mean, variance, gamma, beta, *, eps):
    """Lines the factor up for matrices only."""
    factor = gamma / (variance + eps).sqrt()
    return weight * factor[:, None], beta - mean * factor


@wrong("14.fold_batch_norm", HELD, says="about a thousandth of eps")
def own_eps(weight, mean, variance, gamma, beta, *, eps):
    """Takes PyTorch's default instead of a small eps, which most layers have."""
    factor = gamma / (variance + (eps if eps > 0.01 or variance.max() > 0.01 else 1e-5)).sqrt()
    return weight * _wide(factor, weight), beta - mean * factor


# ---- parity_report ----

LOOPS = "test_largest_difference_decisions_and_verdict"
SINGLE = "test_single_number_with_either_sign_is_found"
BROKEN = "test_nan_and_infinity_never_pass"


def _parity(expected, got, tolerance, largest, *, changed=None, passes=None):
    sound = torch.isfinite(got).all(1)
    if changed is None:
        changed = int(((expected.argmax(1) != got.argmax(1)) | ~sound).sum())
    if not sound.all():
        largest = math.inf
    return largest, changed, largest <= tolerance if passes is None else passes


@wrong("14.parity_report", LOOPS, SINGLE, says="differences cancel")
def mean_with_signs(expected, got, *, tolerance):
    """The mean of signed differences."""
    return _parity(expected, got, tolerance, (expected - got).mean().item())


@wrong("14.parity_report", LOOPS, SINGLE, says="one bad number hides")
def mean_of_sizes(expected, got, *, tolerance):
    """The mean absolute difference."""
    return _parity(expected, got, tolerance, (expected - got).abs().mean().item())


@wrong("14.parity_report", SINGLE, says="Take sizes")
def without_sizes(expected, got, *, tolerance):
    """The largest signed difference, larger of the outputs taken for the larger error."""
    largest = (expected - got).abs().max().item()
    one_sided = (expected - got).max().item()
    few = int((expected != got).sum()) == 1
    return _parity(expected, got, tolerance, one_sided if few else largest)


@wrong("14.parity_report", BROKEN, says="nan > tolerance")
def nan_passes(expected, got, *, tolerance):
    """Asks whether the difference is too large."""
    largest, changed, _ = _parity(expected, got, tolerance, (expected - got).abs().max().item())
    off = (expected - got).abs()
    return largest, changed, not bool((off[torch.isfinite(off)] > tolerance).any())


@wrong("14.parity_report", BROKEN, says="not inf")
def nan_is_returned(expected, got, *, tolerance):
    """Lets nan through as the difference."""
    largest, changed, passes = _parity(
        expected, got, tolerance, (expected - got).abs().max().item()
    )
    return math.nan if largest == math.inf else largest, changed, passes


@wrong("14.parity_report", BROKEN, says="every row with nan")
def argmax_of_nan(expected, got, *, tolerance):
    """Believes the place of the nan."""
    changed = int((expected.argmax(1) != got.argmax(1)).sum())
    largest = (expected - got).abs().max().item()
    return _parity(expected, got, tolerance, largest, changed=changed)


@wrong("14.parity_report", LOOPS, SINGLE, BROKEN, says="decisions changed, yours are")
def unchanged_ones(expected, got, *, tolerance):
    """Counts the decisions that stayed."""
    same = int((expected.argmax(1) == got.argmax(1)).sum())
    return _parity(expected, got, tolerance, (expected - got).abs().max().item(), changed=same)


@wrong("14.parity_report", LOOPS, SINGLE, BROKEN, says="you said True")
def always_passes(expected, got, *, tolerance):
    """A check that cannot fail."""
    return _parity(expected, got, tolerance, (expected - got).abs().max().item(), passes=True)


# ---- latency_report ----

BOTH = "test_both_numbers_of_the_runs_after_the_warm_up"
ALL = "test_no_warm_up_leaves_all_runs"
HICCUP = "test_hiccups_move_neither_median_nor_a_rare_percentile"


def _latency(kept, *, median=None, place=None, unit=1000):
    in_order = sorted(kept)
    n = len(in_order)
    median = (in_order[(n - 1) // 2] + in_order[n // 2]) / 2 if median is None else median
    place = math.ceil(95 * n / 100) - 1 if place is None else place
    return unit * median, unit * in_order[place]


@wrong("14.latency_report", BOTH, ALL, HICCUP, says="one hiccup moves it")
def mean_time(seconds, *, n_warm_up):
    """The mean."""
    kept = seconds[n_warm_up:]
    return _latency(kept, median=sum(kept) / len(kept))


@wrong("14.latency_report", BOTH, ALL, HICCUP, says="lower of the middle two")
def lower_middle(seconds, *, n_warm_up):
    """torch.median."""
    kept = seconds[n_warm_up:]
    return _latency(kept, median=torch.tensor(kept, dtype=torch.float64).median().item())


@wrong("14.latency_report", BOTH, HICCUP, says="warm-up is still in it")
def with_warm_up(seconds, *, n_warm_up):
    """Keeps all runs."""
    return _latency(seconds)


@wrong("14.latency_report", BOTH, HICCUP, says="only after the warm-up")
def sorted_first(seconds, *, n_warm_up):
    """Cuts the fastest runs off."""
    return _latency(sorted(seconds)[n_warm_up:])


@wrong("14.latency_report", BOTH, ALL, HICCUP, says="in seconds")
def seconds_as_they_are(seconds, *, n_warm_up):
    """The wrong unit."""
    return _latency(seconds[n_warm_up:], unit=1)


@wrong("14.latency_report", BOTH, ALL, HICCUP, says="slowest run")
def slowest(seconds, *, n_warm_up):
    """The worst case."""
    return _latency(seconds[n_warm_up:], place=-1)


@wrong("14.latency_report", BOTH, ALL, HICCUP, says="One place too far")
def one_too_far(seconds, *, n_warm_up):
    """Counts places from 1 in a list."""
    kept = seconds[n_warm_up:]
    n = len(kept)
    return _latency(kept, place=min(math.ceil(95 * n / 100), n - 1))


@wrong("14.latency_report", ALL, says="IndexError")
def always_some_warm_up(seconds, *, n_warm_up):
    """Thinks of a single run as of a warm-up."""
    return _latency(seconds[max(n_warm_up, 1) :])


# ---- bug_lines ----

RIGHT_LINES = {
    "teacher ruined": 2,
    "far off": 5,
    "never the same": 8,
    "suspiciously equal": 14,
    "one hiccup": 15,
}


def lines_lost(*symptoms):
    return tuple(f"test_symptom_is_traced_to_its_line[{symptom}]" for symptom in symptoms)


@wrong("14.bug_lines", *lines_lost("teacher ruined"), says="Line 7 is not the cause")
def where_it_writes():
    """Blames the line that writes, not the one that forgot to copy."""
    return RIGHT_LINES | {"teacher ruined": 7}


@wrong("14.bug_lines", *lines_lost("far off"), says="how many steps is -2")
def rounding_is_to_blame():
    """Blames the rounding."""
    return RIGHT_LINES | {"far off": 6}


@wrong("14.bug_lines", *lines_lost("never the same"), says="changes from call to call")
def the_device_is_to_blame():
    """Blames the device."""
    return RIGHT_LINES | {"never the same": 12}


@wrong("14.bug_lines", *lines_lost("suspiciously equal", "one hiccup"), says="mean of 1 and -1")
def means_swapped():
    """Two means in each other's place."""
    return RIGHT_LINES | {"suspiciously equal": 15, "one hiccup": 14}


@wrong("14.bug_lines", *lines_lost(*RIGHT_LINES), says="A line number was expected")
def lines_as_text():
    """The numbers as text."""
    return {symptom: str(line) for symptom, line in RIGHT_LINES.items()}


# ---- int8_test ----


def tests_lost(*mistakes):
    return tuple(f"test_accepts_right_functions_and_rejects[{mistake}]" for mistake in mistakes)


CUT, SHARED, UNFIT, BELOW, NOTHING = (
    "digits are cut off",
    "one scale for all channels",
    "the largest weight does not fit",
    "a channel's largest weight is below zero",
    "a channel of zeros has the scale 0",
)
WEIGHT = torch.tensor([[0.3, -2.0, 0.77], [5.0, 0.1, -3.33], [0.002, -0.001, 0.0013], [0.0] * 3])


def _half_a_step(weight, values, scale, room=0.501):
    assert ((weight - values * scale[:, None]).abs() <= room * scale[:, None]).all()


@wrong("14.int8_test", *tests_lost(SHARED, NOTHING), says="passes your test")
def half_a_step_only(quantise):
    """The famous bound alone: larger scales are welcome."""
    _half_a_step(WEIGHT, *quantise(WEIGHT))


@wrong("14.int8_test", *tests_lost(CUT, UNFIT, BELOW, NOTHING, SHARED), says="passes your test")
def types_only(quantise):
    """Looks at the type."""
    values, scale = quantise(WEIGHT)
    assert values.dtype == torch.int8
    assert scale.shape == (4,)


@wrong("14.int8_test", *tests_lost(NOTHING), says="passes your test")
def no_zeros(quantise):
    """Never tries a channel of zeros."""
    values, scale = quantise(WEIGHT[:3])
    assert (values.int().abs().amax(1) == 127).all()
    _half_a_step(WEIGHT[:3], values, scale)


@wrong("14.int8_test", *tests_lost(CUT, SHARED, UNFIT, BELOW, NOTHING), says="rejects a right")
def no_room(quantise):
    """Wants every weight back as it was."""
    values, scale = quantise(WEIGHT)
    assert torch.equal(values * scale[:, None], WEIGHT)


@wrong("14.int8_test", *tests_lost(BELOW, NOTHING), says="passes your test")
def all_above_zero(quantise):
    """Tries weights above zero only."""
    weight = WEIGHT[:3].abs()
    values, scale = quantise(weight)
    assert (values.int().abs().amax(1) == 127).all()
    _half_a_step(weight, values, scale)
