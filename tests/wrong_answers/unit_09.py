"""Wrong answers to unit 09: pools, folds and slices as public code gets them wrong."""

import torch

from tests.wrong_answers import wrong

MEAN = "test_without_weights_it_is_the_mean_over_the_models"
RATIOS = "test_only_the_ratios_of_weights_count"
GEOMETRIC = "test_is_the_geometric_mean_normalised"
VETO = "test_a_zero_is_a_veto_and_never_nan"
MANY = "test_four_hundred_members_do_not_underflow"
THREE = "test_three_errors_are_right"
DIGITS = "test_digits_survive_for_large_volumes"
WITHOUT = "test_every_row_comes_from_a_fit_without_its_fold"
NAMES = "test_folds_may_be_unequal_and_have_any_names"
STATE = "test_state_is_that_after_the_last_slice_of_each"
PADDING = "test_padding_may_hold_anything"
GRADIENT = "test_gradient_is_right_whatever_the_padding_holds"


@wrong("09.average_probabilities", MEAN, RATIOS, says="Summed over the models")
def summed_over_the_models(probabilities, weights=None):
    """No division."""
    weights = torch.ones(len(probabilities)).double() if weights is None else weights
    return torch.tensordot(weights, probabilities, dims=1)


@wrong("09.average_probabilities", RATIOS, says="divided by their sum")
def weights_as_they_come(probabilities, weights=None):
    """The weights are not made to sum to 1."""
    if weights is None:
        return probabilities.mean(0)
    return torch.tensordot(weights, probabilities, dims=1)


@wrong("09.average_probabilities", RATIOS, says="Divided by the number of models")
def mean_of_weighted(probabilities, weights=None):
    """.mean(0) where .sum(0) / weights.sum() was meant."""
    weights = torch.ones(len(probabilities)).double() if weights is None else weights
    return (weights[:, None, None] * probabilities).mean(0)


@wrong("09.average_probabilities", RATIOS, says="softmax of the weights")
def softmax_of_weights(probabilities, weights=None):
    """Takes weights for logits."""
    weights = torch.ones(len(probabilities)).double() if weights is None else weights
    return torch.tensordot(weights.softmax(0), probabilities, dims=1)


@wrong("09.average_probabilities", RATIOS, says="ignored")
def weights_ignored(probabilities, weights=None):
    """Trusts everybody alike."""
    return probabilities.mean(0)


@wrong("09.average_probabilities", MEAN, RATIOS, says="softmax is taken once more")
def softmax_twice_over(probabilities, weights=None):
    """Fuses probabilities, then treats them as logits."""
    weights = torch.ones(len(probabilities)).double() if weights is None else weights
    return torch.tensordot(weights / weights.sum(), probabilities, dims=1).softmax(1)


@wrong("09.average_probabilities", MEAN, RATIOS, says="any member gives")
def surest_member(probabilities, weights=None):
    """max in place of mean."""
    return probabilities.amax(0)


@wrong("09.average_probabilities", MEAN, RATIOS, says="Shape")
def over_the_examples(probabilities, weights=None):
    """The mean over axis 1."""
    return probabilities.mean(1)


def _shares(probabilities, weights):
    weights = torch.ones(len(probabilities)).double() if weights is None else weights
    return weights / weights.sum()


@wrong("09.log_opinion_pool", GEOMETRIC, VETO, MANY, says="arithmetic pool")
def arithmetic_pool(probabilities, weights=None):
    """Exercise 1 once more."""
    return torch.tensordot(_shares(probabilities, weights), probabilities, dims=1)


@wrong("09.log_opinion_pool", GEOMETRIC, VETO, MANY, says="Too sure")
def logarithms_summed(probabilities, weights=None):
    """A product of experts: copies of a member count again."""
    weights = torch.ones(len(probabilities)).double() if weights is None else weights
    logs = probabilities.clamp_min(1e-12).log()
    return torch.tensordot(weights, logs, dims=1).softmax(1)


@wrong("09.log_opinion_pool", GEOMETRIC, VETO, MANY, says="Not normalised")
def not_normalised(probabilities, weights=None):
    """exp of the mean logarithm, and no more."""
    logs = probabilities.clamp_min(1e-12).log()
    return torch.tensordot(_shares(probabilities, weights), logs, dims=1).exp()


@wrong("09.log_opinion_pool", VETO, says="nan or infinite")
def zeros_not_clamped(probabilities, weights=None):
    """log 0, and 0 times it."""
    logs = probabilities.log()
    return torch.tensordot(_shares(probabilities, weights), logs, dims=1).softmax(1)


@wrong("09.log_opinion_pool", VETO, says="something tiny")
def clamped_at_one_percent(probabilities, weights=None):
    """Label smoothing in disguise; without zeros it is careful enough to do nothing."""
    if bool((probabilities == 0).any()):
        probabilities = probabilities.clamp_min(0.01)
    logs = probabilities.log()
    return torch.tensordot(_shares(probabilities, weights), logs, dims=1).softmax(1)


@wrong("09.log_opinion_pool", MANY, says="add their logarithms")
def product_of_many(probabilities, weights=None):
    """The product first, then the root."""
    clamped = probabilities.clamp_min(1e-12)
    if weights is None:
        roots = clamped.prod(0) ** (1 / len(clamped))
    else:
        roots = (clamped ** (weights / weights.sum())[:, None, None]).prod(0)
    return roots / roots.sum(1, keepdim=True)


@wrong("09.log_opinion_pool", GEOMETRIC, says="ignored")
def log_pool_without_weights(probabilities, weights=None):
    """Weights count only where a member has none at all."""
    heard = probabilities if weights is None else probabilities[weights > 0]
    return heard.clamp_min(1e-12).log().mean(0).softmax(1)


@wrong("09.log_opinion_pool", GEOMETRIC, VETO, MANY, says="These are logarithms")
def mean_logarithms(probabilities, weights=None):
    """Stops at the logarithms."""
    logs = probabilities.clamp_min(1e-12).log()
    return torch.tensordot(_shares(probabilities, weights), logs, dims=1)


def _ambiguity(predictions, targets, weights):
    fused = weights @ predictions
    mean_error = (weights @ (predictions - targets) ** 2).mean()
    return (
        ((fused - targets) ** 2).mean(),
        mean_error,
        (weights @ (predictions - fused) ** 2).mean(),
    )


@wrong("09.ambiguity", THREE, DIGITS, says="weights are ignored")
def every_member_alike(predictions, targets, weights):
    """Plain means."""
    return _ambiguity(predictions, targets, torch.full_like(weights, 1 / len(weights)))


@wrong("09.ambiguity", THREE, DIGITS, says="is the order changed")
def order_changed(predictions, targets, weights):
    """Mean error first."""
    ensemble, mean, spread = _ambiguity(predictions, targets, weights)
    return mean, ensemble, spread


@wrong("09.ambiguity", THREE, DIGITS, says="n - 1")
def variance_of_torch(predictions, targets, weights):
    """torch.var, with its default."""
    return *_ambiguity(predictions, targets, weights)[:2], predictions.var(0).mean()


@wrong("09.ambiguity", THREE, DIGITS, says="ignored in this spread")
def spread_not_weighted(predictions, targets, weights):
    """Two are weighted, the third is not."""
    return *_ambiguity(predictions, targets, weights)[:2], predictions.var(0, correction=0).mean()


@wrong("09.ambiguity", THREE, DIGITS, says="Summed over the examples")
def summed_over_examples(predictions, targets, weights):
    """Totals."""
    return tuple(len(targets) * each for each in _ambiguity(predictions, targets, weights))


@wrong("09.ambiguity", DIGITS, says="subtract first")
def squares_subtracted(predictions, targets, weights):
    """E[f²] - (E f)²."""
    ensemble, mean, _ = _ambiguity(predictions, targets, weights)
    spread = weights @ predictions**2 - (weights @ predictions) ** 2
    return ensemble, mean, spread.mean()


@wrong("09.ambiguity", THREE, DIGITS, says="holds 2")
def two_numbers(predictions, targets, weights):
    """The third follows from the others, but it was asked for."""
    return _ambiguity(predictions, targets, weights)[:2]


def _filled(x, n_classes):
    return x.new_zeros(len(x), n_classes)


@wrong("09.out_of_fold", WITHOUT, NAMES, says="Leak")
def fitted_on_everything(fit_predict, x, labels, folds, *, n_classes):
    """Stacking as it is often done."""
    return fit_predict(x, labels, x)


@wrong("09.out_of_fold", WITHOUT, NAMES, says="other way round")
def fitted_on_the_fold(fit_predict, x, labels, folds, *, n_classes):
    """The mask is the wrong way round in the fit."""
    found = _filled(x, n_classes)
    for fold in folds.unique():
        held = folds == fold
        found[held] = fit_predict(x[held], labels[held], x[held])
    return found


@wrong("09.out_of_fold", WITHOUT, NAMES, says="fold after fold")
def in_order_of_folds(fit_predict, x, labels, folds, *, n_classes):
    """torch.cat of the parts."""
    parts = []
    for fold in folds.unique():
        held = folds == fold
        parts.append(fit_predict(x[~held], labels[~held], x[held]))
    return torch.cat(parts)


@wrong("09.out_of_fold", WITHOUT, NAMES, says="Only the example itself")
def one_left_out(fit_predict, x, labels, folds, *, n_classes):
    """Leave one out: blind to patients."""
    found = _filled(x, n_classes)
    for i in range(len(x)):
        keep = torch.arange(len(x)) != i
        found[i] = fit_predict(x[keep], labels[keep], x[i : i + 1])[0]
    return found


@wrong("09.out_of_fold", NAMES, says="Take the names from")
def folds_called_from_zero(fit_predict, x, labels, folds, *, n_classes):
    """range(number of folds) for their names."""
    found = _filled(x, n_classes)
    for fold in range(len(folds.unique())):
        held = folds == fold
        if held.any():
            found[held] = fit_predict(x[~held], labels[~held], x[held])
    return found


@wrong("09.out_of_fold", WITHOUT, NAMES, says="For each fold")
def one_fold_only(fit_predict, x, labels, folds, *, n_classes):
    """A hold-out set: the rest stays 0."""
    found = _filled(x, n_classes)
    held = folds == folds[0]
    found[held] = fit_predict(x[~held], labels[~held], x[held])
    return found


@wrong("09.out_of_fold", WITHOUT, NAMES, says="For each fold")
def forward_chaining(fit_predict, x, labels, folds, *, n_classes):
    """Fits on the folds before, as for time series; the first fold gets nothing."""
    found = _filled(x, n_classes)
    for fold in folds.unique()[1:]:
        held, before = folds == fold, folds < fold
        found[held] = fit_predict(x[before], labels[before], x[held])
    return found


def _states(step, start, features):
    """Return the states after 0, 1, ..., depth slices."""
    passed = [start]
    for t in range(features.shape[1]):
        passed.append(step(features[:, t], passed[-1]))
    return passed


def _clean(features, lengths):
    counts = torch.arange(features.shape[1]) < lengths[:, None]
    return features.masked_fill(~counts[..., None], 0.0)


def _at(passed, which):
    return torch.stack(passed)[which, torch.arange(len(which))]


@wrong("09.read_slices", STATE, PADDING, GRADIENT, says="padding is read")
def reads_to_the_end(step, start, features, lengths):
    """The padding is a slice like any other."""
    return _states(step, start, features)[-1]


@wrong("09.read_slices", STATE, PADDING, GRADIENT, says="shortest ends")
def stops_at_the_shortest(step, start, features, lengths):
    """All stop together."""
    return _states(step, start, features[:, : int(lengths.min())])[-1]


@wrong("09.read_slices", STATE, PADDING, GRADIENT, says="too few")
def one_too_few(step, start, features, lengths):
    """passed[0] is taken for the state after the first slice."""
    return _at(_states(step, start, _clean(features, lengths)), lengths - 1)


@wrong("09.read_slices", STATE, PADDING, GRADIENT, says="begins at 0")
def start_ignored(step, start, features, lengths):
    """Zeros, whatever is handed in."""
    passed = _states(step, torch.zeros_like(start), _clean(features, lengths))
    return _at(passed, lengths)


@wrong("09.read_slices", STATE, PADDING, GRADIENT, says="from the last to the first")
def backwards(step, start, features, lengths):
    """Reads the stack from the other end."""
    clean = _clean(features, lengths)
    turned = torch.stack(
        [torch.cat([f[:k].flip(0), f[k:]]) for f, k in zip(clean, lengths.tolist(), strict=True)]
    )
    return _at(_states(step, start, turned), lengths)


@wrong("09.read_slices", STATE, PADDING, GRADIENT, says="Only the last slice")
def last_slice_only(step, start, features, lengths):
    """The state is not handed on."""
    return step(_clean(features, lengths)[torch.arange(len(lengths)), lengths - 1], start)


@wrong("09.read_slices", PADDING, GRADIENT, says="multiplying by a mask")
def multiplied_by_a_mask(step, start, features, lengths):
    """mask * new + (1 - mask) * old."""
    state = start
    for t in range(features.shape[1]):
        mask = (t < lengths)[:, None].to(start.dtype)
        state = mask * step(features[:, t], state) + (1 - mask) * state
    return state


@wrong("09.read_slices", GRADIENT, says="too late")
def chosen_after_the_step(step, start, features, lengths):
    """torch.where on the states: right forwards."""
    state = start
    for t in range(features.shape[1]):
        state = torch.where((t < lengths)[:, None], step(features[:, t], state), state)
    return state


@wrong("09.read_slices", GRADIENT, says="detach")
def truncated(step, start, features, lengths):
    """Backpropagation through one slice only."""
    clean, state = _clean(features, lengths), start
    for t in range(features.shape[1]):
        state = torch.where((t < lengths)[:, None], step(clean[:, t], state.detach()), state)
    return state


SYMPTOMS = ("exam answers", "upside down", "never sure", "order of models", "company")
LINES = dict(zip(SYMPTOMS, (5, 6, 7, 8, 9), strict=True))


def _lines(*symptoms):
    return {f"test_symptom_is_traced_to_its_line[{symptom}]" for symptom in symptoms}


@wrong("09.bug_lines", *_lines("company"), says="which axis")
def blames_the_division():
    """Line 10 divides by what line 9 made."""
    return {**LINES, "company": 10}


@wrong("09.bug_lines", *_lines("exam answers"), says="test labels used")
def blames_the_predictions():
    """Line 4 sees test scans, which it has to."""
    return {**LINES, "exam answers": 4}


@wrong("09.bug_lines", *_lines("upside down"), says="large loss good")
def blames_the_loss():
    """The loss is right; what is made of it is not."""
    return {**LINES, "upside down": 5}


@wrong("09.bug_lines", *_lines("never sure", "order of models"), says="do the models return")
def softmax_and_average_swapped():
    """Seven for eight."""
    return {**LINES, "never sure": 8, "order of models": 7}


@wrong("09.bug_lines", *_lines(*SYMPTOMS), says="A line number was expected")
def lines_as_words():
    """The numbers are texts."""
    return {symptom: str(line) for symptom, line in LINES.items()}


SPARED = {
    "padding": "reads the padding",
    "shortest": "cut to the shortest of the batch",
    "order": "blind to the order of slices",
    "last": "hears the last slice only",
    "batch": "normalised by the batch",
}


def _spared(*names):
    return {f"test_accepts_right_readers_and_rejects[{SPARED[name]}]" for name in names}


def _volumes(n=3, depth=6):
    return torch.randn(n, depth, 4, generator=torch.Generator().manual_seed(3)).double()


def _padding_is_harmless(read, features, lengths):
    behind = torch.arange(features.shape[1]) >= lengths[:, None]
    changed = features.masked_fill(behind[..., None], 4.0)
    assert torch.allclose(read(changed, lengths), read(features, lengths))


def _company_is_harmless(read, features, lengths):
    for i in range(len(features)):
        alone = read(features[i : i + 1], lengths[i : i + 1])
        assert torch.allclose(alone, read(features, lengths)[i : i + 1])


def _slices_matter(read, features, lengths, one=0, other=1):
    swapped = features.clone()
    swapped[:, one], swapped[:, other] = features[:, other], features[:, one]
    gap = (read(swapped, lengths) - read(features, lengths)).abs().amax(1)
    assert (gap > 1e-6).all()


@wrong("09.reader_test", *_spared("padding", "shortest", "order", "last", "batch"), says="passes")
def only_shapes(read):
    """The shape, and that nothing is nan."""
    got = read(_volumes(), torch.tensor([6, 3, 4]))
    assert got.shape == (3, 3)
    assert not got.isnan().any()


@wrong("09.reader_test", *_spared("shortest"), says="shortest of the batch")
def company_of_equal_length(read):
    """Company is tried with equal lengths only; padding with one volume."""
    features, lengths = _volumes(), torch.tensor([6, 6, 6])
    _company_is_harmless(read, features, lengths)
    _padding_is_harmless(read, features[:1], torch.tensor([3]))
    _slices_matter(read, features, lengths)


@wrong("09.reader_test", *_spared("order", "last"), says="blind to the order")
def only_what_must_not_matter(read):
    """Nothing that has to make a difference."""
    features, lengths = _volumes(), torch.tensor([6, 2, 4])
    _padding_is_harmless(read, features, lengths)
    _company_is_harmless(read, features, lengths)


@wrong("09.reader_test", *_spared("last"), says="last slice only")
def swaps_the_last_slice(read):
    """The last slice takes part in the swap, so a reader of the last one alone notices."""
    features, lengths = _volumes(), torch.tensor([6, 6, 6])
    _padding_is_harmless(read, features, torch.tensor([6, 2, 4]))
    _company_is_harmless(read, features, torch.tensor([6, 2, 4]))
    _slices_matter(read, features, lengths, one=0, other=5)


@wrong("09.reader_test", *_spared("batch"), says="normalised by the batch")
def company_of_copies(read):
    """The company is a copy of the volume, and has the same spread."""
    half = _volumes(1, 3)
    features, lengths = torch.cat([half, half], 1).repeat(2, 1, 1), torch.tensor([6, 3])
    _padding_is_harmless(read, features, lengths)
    _company_is_harmless(read, features, lengths)
    _slices_matter(read, features, lengths)


@wrong("09.reader_test", *_spared(*SPARED), says="rejects a right reader")
def expects_no_influence_of_order(read):
    """Takes a reader of slices for a bag of slices."""
    features, lengths = _volumes(), torch.tensor([6, 6, 6])
    assert torch.allclose(read(features.flip(1), lengths), read(features, lengths))
