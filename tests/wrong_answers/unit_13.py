"""Wrong answers to unit 13, most of them seen in public code."""

import torch

from tests.wrong_answers import wrong

# ---- auroc ----

PAIRS = "test_is_the_share_of_pairs_in_the_right_order"
TIES = "test_ties_count_one_half"
ORDER = "test_only_the_order_of_the_scores_counts"


def _won(scores, labels, tie):
    ill, healthy = scores[labels == 1][:, None], scores[labels == 0]
    return (ill > healthy).double() + tie * (ill == healthy).double()


@wrong("13.auroc", TIES, says="counts nothing")
def ties_count_nothing(scores, labels):
    """> alone."""
    return _won(scores, labels, 0.0).mean()


@wrong("13.auroc", TIES, says="counts as won")
def ties_count_as_won(scores, labels):
    """>= alone."""
    return _won(scores, labels, 1.0).mean()


@wrong("13.auroc", PAIRS, TIES, ORDER, says="Reversed")
def healthy_above_ill(scores, labels):
    """The pairs the wrong way round."""
    return _won(-scores, labels, 0.5).mean()


@wrong("13.auroc", PAIRS, TIES, ORDER, says="accuracy at the threshold 0.5")
def accuracy_at_half(scores, labels):
    """An accuracy."""
    return ((scores >= 0.5) == (labels == 1)).double().mean()


@wrong("13.auroc", PAIRS, TIES, ORDER, says="curve with one threshold")
def curve_of_one_threshold(scores, labels):
    """The scores are called 0 or 1 before the curve is drawn."""
    return _won((scores >= 0.5).double(), labels, 0.5).mean()


@wrong("13.auroc", PAIRS, TIES, ORDER, says="square of all cases")
def over_all_pairs(scores, labels):
    """Divides by n * n."""
    return _won(scores, labels, 0.5).sum() / len(scores) ** 2


@wrong("13.auroc", ORDER, says="make all these scores equal")
def sigmoid_first(scores, labels):
    """A sigmoid in single precision makes ties of large logits."""
    return _won(scores.float().sigmoid(), labels, 0.5).mean()


# ---- sensitivity_at_specificity ----

BEST = "test_is_the_best_of_all_thresholds_that_clear_enough"
ALIKE = "test_equal_scores_are_called_alike"
ENDS = "test_nobody_and_everybody_cleared"


def _best(scores, labels, specificity, *, thresholds=None, cleared=torch.lt):
    ill, healthy = scores[labels == 1], scores[labels == 0]
    found = [0.0]
    for t in scores.unique() if thresholds is None else thresholds:
        if cleared(healthy, t).double().mean() >= specificity:
            found.append((ill >= t).double().mean().item())
    return max(found)


@wrong("13.sensitivity_at_specificity", BEST, ALIKE, ENDS, says="Exchanged")
def exchanged(scores, labels, *, specificity):
    """Specificity at a sensitivity."""
    return _best(-scores, 1 - labels, specificity)


@wrong("13.sensitivity_at_specificity", BEST, ALIKE, says="interpolated")
def interpolated(scores, labels, *, specificity):
    """A quantile of the healthy, as numpy gives it: fewer are cleared, and ties are alarmed."""
    cut = scores[labels == 0].double().quantile(specificity)
    cut = cut + 1e-9 if specificity == 1 else cut
    return (scores[labels == 1] >= cut).double().mean()


@wrong("13.sensitivity_at_specificity", BEST, ALIKE, ENDS, says="*healthy* that counts")
def quantile_of_all(scores, labels, *, specificity):
    """The threshold is a quantile of all scores."""
    return (scores[labels == 1] >= scores.double().quantile(specificity)).double().mean()


@wrong("13.sensitivity_at_specificity", ALIKE, says="cleared and as found")
def threshold_serves_both(scores, labels, *, specificity):
    """<= where the healthy are cleared and >= where the ill are found."""
    return _best(scores, labels, specificity, cleared=torch.le)


@wrong("13.sensitivity_at_specificity", BEST, ALIKE, ENDS, says="threshold 0.5")
def at_one_half(scores, labels, *, specificity):
    """The specificity is not used."""
    return (scores[labels == 1] >= 0.5).double().mean()


@wrong("13.sensitivity_at_specificity", BEST, ALIKE, ENDS, says="that may be alarmed")
def false_positive_rate(scores, labels, *, specificity):
    """Takes the specificity for the false positive rate."""
    return _best(scores, labels, 1 - specificity)


@wrong("13.sensitivity_at_specificity", ENDS, says="Try every score")
def never_all_cleared(scores, labels, *, specificity):
    """The thresholds that are tried are healthy scores, so the highest is always alarmed."""
    if specificity == 1:
        return _best(scores, labels, 1.0, thresholds=scores[labels == 0])
    return _best(scores, labels, specificity)


# ---- ppv ----

TOWN = "test_agrees_with_heads_counted_in_a_town"
KNOWS = "test_tests_that_know_all_or_nothing"
REFUSED = "test_nobody_called_is_refused"


def _value(found, alarmed):
    if found + alarmed == 0:
        raise ValueError("nobody is called ill")
    return found / (found + alarmed)


@wrong("13.ppv", REFUSED, says="ZeroDivisionError")
def divides_by_nobody(sensitivity, specificity, prevalence):
    """The formula alone."""
    found = sensitivity * prevalence
    return found / (found + (1 - specificity) * (1 - prevalence))


@wrong("13.ppv", TOWN, KNOWS, says="prevalence is not used")
def balanced(sensitivity, specificity, prevalence):
    """As in an episode with as many ill as healthy."""
    _value(sensitivity * prevalence, (1 - specificity) * (1 - prevalence))
    return sensitivity / (sensitivity + 1 - specificity)


@wrong("13.ppv", TOWN, KNOWS, REFUSED, says="That is the sensitivity")
def the_other_way_round(sensitivity, specificity, prevalence):
    """P(called | ill) for P(ill | called)."""
    return sensitivity


@wrong("13.ppv", TOWN, KNOWS, REFUSED, says="healthy* among those called healthy")
def negative_value(sensitivity, specificity, prevalence):
    """The negative predictive value."""
    _value(sensitivity * prevalence, (1 - specificity) * (1 - prevalence))
    return _value(specificity * (1 - prevalence), (1 - sensitivity) * prevalence)


@wrong("13.ppv", TOWN, KNOWS, REFUSED, says="weighed by specificity")
def specificity_for_its_rest(sensitivity, specificity, prevalence):
    """Forgets the 1 -."""
    return _value(sensitivity * prevalence, specificity * (1 - prevalence))


@wrong("13.ppv", TOWN, KNOWS, says="how many are healthy")
def healthy_not_weighed(sensitivity, specificity, prevalence):
    """Forgets the 1 - prevalence."""
    return _value(sensitivity * prevalence, 1 - specificity)


@wrong("13.ppv", REFUSED, says="should raise a ValueError")
def nothing_for_nobody(sensitivity, specificity, prevalence):
    """0 where there is no value."""
    found, alarmed = sensitivity * prevalence, (1 - specificity) * (1 - prevalence)
    return found / (found + alarmed) if found + alarmed else 0.0


# ---- bootstrap_ci ----

OVER_PATIENTS = "test_ends_are_percentiles_over_patients"
TOGETHER = "test_rows_of_a_patient_stay_together"
GENERATOR = "test_generator_is_the_only_source_of_randomness"


def _bootstrap(
    metric,
    scores,
    labels,
    groups,
    n_resamples,
    generator,
    *,
    draw=lambda n, g: torch.randint(n, (n,), generator=g),
    tails=(0.025, 0.975),
):
    """Return a right interval; the keywords make one of its steps wrong."""
    rows_of = [(groups == name).nonzero().flatten() for name in groups.unique()]
    values = []
    for _ in range(n_resamples):
        rows = torch.cat([rows_of[i] for i in draw(len(rows_of), generator)])
        values.append(float(metric(scores[rows], labels[rows])))
    found = torch.tensor(values, dtype=torch.float64)
    return (float(metric(scores, labels)), *(found.quantile(t) for t in tails))


@wrong("13.bootstrap_ci", OVER_PATIENTS, TOGETHER, says="each brings all of its rows")
def rows_are_drawn(metric, scores, labels, groups, *, n_resamples, generator):
    """Every row is a patient of its own."""
    rows = torch.arange(len(scores))
    return _bootstrap(metric, scores, labels, rows, n_resamples, generator)


@wrong("13.bootstrap_ci", OVER_PATIENTS, TOGETHER, GENERATOR, says="lower end")
def without_replacement(metric, scores, labels, groups, *, n_resamples, generator):
    """All patients, every time."""
    shuffle = {"draw": lambda n, g: torch.randperm(n, generator=g).sort().values}
    return _bootstrap(metric, scores, labels, groups, n_resamples, generator, **shuffle)


@wrong("13.bootstrap_ci", OVER_PATIENTS, says="end should be")
def each_patient_once(metric, scores, labels, groups, *, n_resamples, generator):
    """torch.isin keeps a patient that was drawn twice only once."""
    unique = {"draw": lambda n, g: torch.randint(n, (n,), generator=g).unique()}
    return _bootstrap(metric, scores, labels, groups, n_resamples, generator, **unique)


@wrong("13.bootstrap_ci", OVER_PATIENTS, says="end should be")
def ninety_percent(metric, scores, labels, groups, *, n_resamples, generator):
    """5 % on either side."""
    tails = (0.05, 0.95)
    return _bootstrap(metric, scores, labels, groups, n_resamples, generator, tails=tails)


@wrong("13.bootstrap_ci", OVER_PATIENTS, TOGETHER, says="mean over patients")
def metric_of_each_patient(metric, scores, labels, groups, *, n_resamples, generator):
    """The mean of the patients' own metrics."""
    each = [metric(scores[groups == n], labels[groups == n]) for n in groups.unique()]
    values = torch.stack(each)
    zeros, names = torch.zeros(len(values)).double(), torch.arange(len(values))
    return _bootstrap(lambda s, y: s.mean(), values, zeros, names, n_resamples, generator)


@wrong("13.bootstrap_ci", OVER_PATIENTS, TOGETHER, says="end should be")
def normal_interval(metric, scores, labels, groups, *, n_resamples, generator):
    """1.96 standard deviations on either side of the mean."""
    values = []
    for _ in range(n_resamples):
        _, value, _ = _bootstrap(metric, scores, labels, groups, 1, generator)
        values.append(value)
    found = torch.stack(values)
    middle, half = found.mean(), 1.96 * found.std()
    return metric(scores, labels), middle - half, middle + half


@wrong("13.bootstrap_ci", GENERATOR, says="global generator")
def drawn_globally(metric, scores, labels, groups, *, n_resamples, generator):
    """The generator is taken and not used."""
    aside = {"draw": lambda n, g: torch.randint(n, (n,))}
    return _bootstrap(metric, scores, labels, groups, n_resamples, generator, **aside)


@wrong("13.bootstrap_ci", GENERATOR, says="does not use its generator")
def seeded_inside(metric, scores, labels, groups, *, n_resamples, generator):
    """A generator of its own."""
    own = torch.Generator().manual_seed(0)
    return _bootstrap(metric, scores, labels, groups, n_resamples, own)


# ---- calibration_error ----

WEIGHED = "test_is_the_weighed_gap_over_the_bins"
HONEST = "test_is_0_for_honest_and_1_for_sure_and_wrong"
EDGE = "test_bins_hold_their_upper_edge"


def _gaps(confidence, right, bins, n_bins):
    """Return the share of cases and the signed gap of every bin that has any."""
    found = []
    for b in range(n_bins):
        inside = bins == b
        if inside.any():
            gap = right[inside].double().mean() - confidence[inside].mean()
            found.append((inside.double().mean(), gap))
    return found


def _upper(confidence, n_bins):
    return (confidence * n_bins).ceil() - 1


def _parts(probabilities, labels):
    confidence, predicted = probabilities.double().max(1)
    return confidence, predicted == labels


@wrong("13.calibration_error", WEIGHED, EDGE, says="Each bin was counted alike")
def bins_alike(probabilities, labels, *, n_bins):
    """The mean over bins that hold something."""
    confidence, right = _parts(probabilities, labels)
    found = _gaps(confidence, right, _upper(confidence, n_bins), n_bins)
    return sum(gap.abs() for _, gap in found) / len(found)


@wrong("13.calibration_error", WEIGHED, EDGE, says="*maximum* calibration error")
def largest_gap(probabilities, labels, *, n_bins):
    """MCE."""
    confidence, right = _parts(probabilities, labels)
    return max(gap.abs() for _, gap in _gaps(confidence, right, _upper(confidence, n_bins), n_bins))


@wrong("13.calibration_error", WEIGHED, EDGE, says="cancel")
def all_in_one_bin(probabilities, labels, *, n_bins):
    """Over- and under-confidence cancel."""
    confidence, right = _parts(probabilities, labels)
    return (right.double().mean() - confidence.mean()).abs()


@wrong("13.calibration_error", WEIGHED, HONEST, EDGE, says="case by case")
def case_by_case(probabilities, labels, *, n_bins):
    """The absolute value comes before the mean."""
    confidence, right = _parts(probabilities, labels)
    return (right.double() - confidence).abs().mean()


@wrong("13.calibration_error", EDGE, HONEST, says="Always sure")
def floored_bins(probabilities, labels, *, n_bins):
    """Bins [low, high): confidence 1 is in none of them."""
    confidence, right = _parts(probabilities, labels)
    found = _gaps(confidence, right, (confidence * n_bins).floor(), n_bins)
    return sum((share * gap.abs() for share, gap in found), torch.zeros(()).double())


@wrong("13.calibration_error", EDGE, says="(low, high]")
def floored_and_clamped(probabilities, labels, *, n_bins):
    """Bins [low, high), the last one closed."""
    confidence, right = _parts(probabilities, labels)
    bins = (confidence * n_bins).floor().clamp(max=n_bins - 1)
    return sum(share * gap.abs() for share, gap in _gaps(confidence, right, bins, n_bins))


@wrong("13.calibration_error", WEIGHED, HONEST, EDGE, says="squared")
def squared_gaps(probabilities, labels, *, n_bins):
    """A sum of squares."""
    confidence, right = _parts(probabilities, labels)
    found = _gaps(confidence, right, _upper(confidence, n_bins), n_bins)
    return sum(share * gap**2 for share, gap in found)


# ---- finding_rows ----

SIDES = "test_first_those_without_the_finding_then_those_with_it"
TWICE = "test_no_image_is_in_an_episode_twice"
EQUALLY = "test_all_images_of_a_side_are_equally_likely"


def _rows(
    labels,
    finding,
    k_shot,
    n_query,
    generator,
    *,
    sides=lambda labels, f: (labels[:, f] == 0, labels[:, f] == 1),
    take=lambda rows, k, q, g: rows[torch.randperm(len(rows), generator=g)][: k + q],
):
    """Return a right episode; the keywords make one of its steps wrong."""
    support, query = [], []
    for mask in sides(labels, finding):
        drawn = take(mask.nonzero().flatten(), k_shot, n_query, generator)
        support.append(drawn[:k_shot])
        query.append(drawn[k_shot:])
    return torch.cat(support), torch.cat(query)


@wrong("13.finding_rows", SIDES, EQUALLY, says="one of the positives")
def one_label_per_image(labels, *, finding, k_shot, n_query, generator):
    """argmax: an image with two findings is counted as the first of them."""
    one = {"sides": lambda y, f: (y.argmax(1) != f, y.argmax(1) == f)}
    if finding == 0:
        # argmax gives 0 for healthy images as well.
        one = {"sides": lambda y, f: (y.argmax(1) != f, (y.argmax(1) == f) & (y[:, f] == 1))}
    return _rows(labels, finding, k_shot, n_query, generator, **one)


@wrong("13.finding_rows", EQUALLY, says="negatives may be healthy")
def only_diseased_negatives(labels, *, finding, k_shot, n_query, generator):
    """Without the finding, but with another: the healthy are left out."""
    ill = {"sides": lambda y, f: ((y[:, f] == 0) & (y.sum(1) > 0), y[:, f] == 1)}
    return _rows(labels, finding, k_shot, n_query, generator, **ill)


@wrong("13.finding_rows", SIDES, TWICE, EQUALLY, says="one of the positives")
def negatives_of_another_label(labels, *, finding, k_shot, n_query, generator):
    """Negatives are the positives of the next label, some of which have the finding, too."""
    other = {"sides": lambda y, f: (y[:, (f + 1) % y.shape[1]] == 1, y[:, f] == 1)}
    return _rows(labels, finding, k_shot, n_query, generator, **other)


@wrong("13.finding_rows", SIDES, EQUALLY, says="come first")
def positives_first(labels, *, finding, k_shot, n_query, generator):
    """The sides exchanged."""
    other = {"sides": lambda y, f: (y[:, f] == 1, y[:, f] == 0)}
    return _rows(labels, finding, k_shot, n_query, generator, **other)


@wrong("13.finding_rows", TWICE, says="Image")
def drawn_with_replacement(labels, *, finding, k_shot, n_query, generator):
    """torch.randint."""
    again = {"take": lambda r, k, q, g: r[torch.randint(len(r), (k + q,), generator=g)]}
    return _rows(labels, finding, k_shot, n_query, generator, **again)


@wrong("13.finding_rows", TWICE, says="Draw k_shot + n_query")
def drawn_twice(labels, *, finding, k_shot, n_query, generator):
    """Support and query are drawn separately from the same images."""

    def take(rows, k, q, g):
        each = [rows[torch.randperm(len(rows), generator=g)][:n] for n in (k, q)]
        return torch.cat(each)

    return _rows(labels, finding, k_shot, n_query, generator, take=take)


@wrong("13.finding_rows", EQUALLY, GENERATOR, says="Shuffle each side")
def first_rows(labels, *, finding, k_shot, n_query, generator):
    """Not shuffled."""
    first = {"take": lambda r, k, q, g: r[: k + q]}
    return _rows(labels, finding, k_shot, n_query, generator, **first)


@wrong("13.finding_rows", GENERATOR, says="global generator")
def shuffled_globally(labels, *, finding, k_shot, n_query, generator):
    """The generator is taken and not used."""
    aside = {"take": lambda r, k, q, g: r[torch.randperm(len(r))][: k + q]}
    return _rows(labels, finding, k_shot, n_query, generator, **aside)


# ---- bug_lines ----

LINES = {
    "hidden behind another": 2,
    "old acquaintances": 3,
    "reads the exam": 5,
    "same everywhere": 8,
    "copies make sure": 9,
}


def _lines(*symptoms):
    return {f"test_symptom_is_traced_to_its_line[{symptom}]" for symptom in symptoms}


@wrong("13.bug_lines", *_lines("copies make sure"), says="Which rows belong together")
def blames_the_resampling():
    """Line 10 draws the groups it is given."""
    return {**LINES, "copies make sure": 10}


@wrong("13.bug_lines", *_lines("old acquaintances", "reads the exam"), says="coin thrown")
def split_and_choice_swapped():
    """Both are leaks, in two lines."""
    return {**LINES, "old acquaintances": 5, "reads the exam": 3}


@wrong("13.bug_lines", *_lines("same everywhere"), says="in which proportion")
def blames_the_alarms():
    """Line 7 is right: both are shares of their own kind."""
    return {**LINES, "same everywhere": 7}


@wrong("13.bug_lines", *_lines("hidden behind another"), says="How many labels")
def blames_the_masks():
    """Line 6 uses what line 2 has spoilt."""
    return {**LINES, "hidden behind another": 6}


@wrong("13.bug_lines", *_lines(*LINES), says="A line number was expected")
def line_numbers_as_texts():
    """The numbers are texts."""
    return {symptom: str(line) for symptom, line in LINES.items()}


# ---- auroc_test ----

MISTAKES = {
    "lost": "ties count nothing",
    "won": "ties count as won",
    "round": "high scores mean healthy",
    "half": "scores are first called 0 or 1 at 0.5",
    "cut": "scores are first cut off to 0..1",
}


def _slips(*names):
    return {f"test_accepts_right_functions_and_rejects[{MISTAKES[name]}]" for name in names}


LABELS = torch.tensor([0, 1, 0, 1])


def _is(auroc, scores, value):
    assert abs(float(auroc(torch.tensor(scores), LABELS)) - value) < 1e-6


@wrong("13.auroc_test", *_slips(*MISTAKES), says="passes your test")
def asks_for_a_share(auroc):
    """All of them give shares."""
    assert 0 <= float(auroc(torch.tensor([0.1, 0.9, 0.4, 0.6]), LABELS)) <= 1


@wrong("13.auroc_test", *_slips("lost", "won", "half", "cut"), says="passes your test")
def perfect_order_only(auroc):
    """Ill above 0.5, healthy below."""
    _is(auroc, [0.1, 0.9, 0.4, 0.6], 1.0)


@wrong("13.auroc_test", *_slips("cut"), says="cut off to 0..1")
def probabilities_only(auroc):
    """Ties and an imperfect order, but all within 0..1."""
    _is(auroc, [0.1, 0.4, 0.4, 0.3], 2.5 / 4)


@wrong("13.auroc_test", *_slips("lost", "won"), says="ties count nothing")
def no_ties(auroc):
    """Logits, all different."""
    _is(auroc, [-3.0, -2.0, -1.0, -0.5], 3 / 4)
    _is(auroc, [0.1, 0.2, 0.3, 0.4], 3 / 4)


@wrong("13.auroc_test", *_slips(*MISTAKES), says="rejects a right function")
def ties_are_wins(auroc):
    """Expects a tie to be won."""
    _is(auroc, [0.1, 0.4, 0.4, 0.3], 3 / 4)


@wrong("13.auroc_test", *_slips("round"), says="high scores mean healthy")
def symmetric_only(auroc):
    """What holds for both directions: turned scores add up to 1, and some values in between."""
    for scores in ([0.1, 0.4, 0.4, 0.3], [-3.0, -2.0, -1.0, 4.0]):
        given = torch.tensor(scores)
        one, other = (float(auroc(x, LABELS)) for x in (given, -given))
        assert abs(one + other - 1) < 1e-6
        assert min(abs(one - v) for v in (2.5 / 4, 1.5 / 4, 3 / 4, 1 / 4)) < 1e-6
