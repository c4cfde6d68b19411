"""Clinical figures against all pairs, all thresholds, a table of patients and scikit-learn."""

import itertools

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score, precision_score, roc_auc_score, roc_curve

from medmeta_ref.clinical import auroc, ppv, sensitivity_at_specificity


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def cases(seed, *, n=60, share_ill=0.5, digits=None, shift=1.0):
    """Return scores, shifted for the ill, and labels; rounding to `digits` makes ties."""
    labels = (torch.rand(n, generator=seeded(seed)) < share_ill).long()
    labels[:2] = torch.tensor([0, 1])
    scores = torch.randn(n, generator=seeded(seed + 100), dtype=torch.float64) + shift * labels
    return (scores if digits is None else scores.round(decimals=digits)), labels


CASES = {
    "no ties": cases(0),
    "many ties": cases(1, digits=0),
    "some ties, rare": cases(2, n=101, share_ill=0.1, digits=1),
    "mostly ill": cases(3, n=40, share_ill=0.9, digits=1),
    "worse than chance": cases(4, shift=-1.0),
    "float32": (cases(5)[0].float(), cases(5)[1]),
    "whole numbers": (torch.tensor([3, 1, 2, 2, 3, 0]), torch.tensor([1, 0, 1, 0, 0, 1])),
    "one of each": (torch.tensor([0.2, 0.1]), torch.tensor([0, 1])),
    "all tied": (torch.full((5,), 0.5), torch.tensor([0, 1, 1, 0, 0])),
    "perfect": (torch.arange(6.0), torch.tensor([0, 0, 0, 1, 1, 1])),
}


def split(scores, labels):
    pairs = list(zip(scores.tolist(), labels.tolist(), strict=True))
    return [s for s, y in pairs if y == 1], [s for s, y in pairs if y == 0]


def assert_is_auroc(function):
    for scores, labels in CASES.values():
        ill, healthy = split(scores, labels)
        wins = [(a > b) + (a == b) / 2 for a, b in itertools.product(ill, healthy)]
        value = function(scores, labels)
        assert type(value) is float
        assert value == pytest.approx(sum(wins) / len(wins), abs=1e-12)
        assert value == pytest.approx(roc_auc_score(labels.numpy(), scores.numpy()), abs=1e-12)


def pairs_won(win):
    def function(scores, labels):
        ill, healthy = split(scores, labels)
        return float(np.mean([win(a, b) for a, b in itertools.product(ill, healthy)]))

    return function


WRONG_AUROCS = {
    "a tie is a win": pairs_won(lambda a, b: a >= b),
    "a tie is a loss": pairs_won(lambda a, b: a > b),
    "the wrong way round": lambda s, y: 1 - auroc(s, y),
    "always above chance": lambda s, y: max(auroc(s, y), 1 - auroc(s, y)),
    "Gini": lambda s, y: 2 * auroc(s, y) - 1,
    "average precision": lambda s, y: float(average_precision_score(y.numpy(), s.numpy())),
    "accuracy at one half": lambda s, y: float(((s > 0.5) == (y == 1)).double().mean()),
    "area of a single threshold": lambda s, y: auroc((s > 0.5).double(), y),
    "mean difference of scores": lambda s, y: float(
        s[y == 1].double().mean() - s[y == 0].double().mean()
    ),
    "ties among one's own class counted": lambda s, y: float(
        ((s[:, None] > s[None]).double() + (s[:, None] == s[None]) / 2)[y == 1].mean()
    ),
}


def test_auroc_is_the_share_of_pairs_won_and_scikit_learns():
    assert_is_auroc(auroc)


@pytest.mark.parametrize("wrong", WRONG_AUROCS.values(), ids=WRONG_AUROCS.keys())
def test_the_pairs_tell_wrong_aurocs(wrong):
    with pytest.raises(AssertionError):
        assert_is_auroc(wrong)


@pytest.mark.parametrize("change", [torch.exp, torch.atan, lambda s: 3 * s - 7, lambda s: s**3])
def test_only_the_order_of_the_scores_counts(change):
    for scores, labels in CASES.values():
        scores = scores.double()
        assert auroc(change(scores), labels) == auroc(scores, labels)
        for wanted in (0.5, 0.8, 0.95):
            assert sensitivity_at_specificity(
                change(scores), labels, specificity=wanted
            ) == sensitivity_at_specificity(scores, labels, specificity=wanted)


def test_turning_scores_or_labels_round_turns_auroc_round():
    for scores, labels in CASES.values():
        assert auroc(-scores, labels) == pytest.approx(1 - auroc(scores, labels))
        assert auroc(scores, 1 - labels) == pytest.approx(1 - auroc(scores, labels))


def test_copies_of_the_healthy_do_not_move_auroc():
    """Prevalence has no part in it."""
    scores, labels = CASES["many ties"]
    many = torch.cat([scores, *[scores[labels == 0]] * 9])
    longer = torch.cat([labels, labels.new_zeros(9 * int((labels == 0).sum()))])
    assert auroc(many, longer) == pytest.approx(auroc(scores, labels))


def test_infinite_scores_have_their_place_in_the_order():
    scores = torch.tensor([-torch.inf, 0.0, 1.0, torch.inf])
    assert auroc(scores, torch.tensor([0, 0, 1, 1])) == 1
    assert auroc(scores, torch.tensor([1, 0, 0, 1])) == 0.5


@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8, torch.int32, torch.float32], ids=str)
def test_labels_of_any_type_that_holds_0_and_1_will_do(dtype):
    scores, labels = CASES["no ties"]
    assert auroc(scores, labels.to(dtype)) == auroc(scores, labels)


def test_scores_may_carry_gradient():
    scores, labels = CASES["no ties"]
    assert auroc(scores.clone().requires_grad_(), labels) == auroc(scores, labels)


SPECIFICITIES = (0.0, 0.1, 0.3, 0.5, 0.55, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)


def by_thresholds(scores, labels, specificity):
    """Return the best sensitivity of all "at least t" rules that are specific enough."""
    ill, healthy = split(scores, labels)
    best = 0.0
    for threshold in [*ill, *healthy, float("inf")]:
        n_cleared = sum(s < threshold for s in healthy)
        if n_cleared / len(healthy) >= specificity - 1e-12:
            best = max(best, sum(s >= threshold for s in ill) / len(ill))
    return best


def assert_is_sensitivity_at_specificity(function):
    for scores, labels in CASES.values():
        for specificity in SPECIFICITIES:
            wanted = by_thresholds(scores, labels, specificity)
            value = function(scores, labels, specificity=specificity)
            assert type(value) is float
            assert value == pytest.approx(wanted, abs=1e-12)
            fpr, tpr, _ = roc_curve(labels, scores.double(), drop_intermediate=False)
            assert value == pytest.approx(tpr[fpr <= 1 - specificity + 1e-12].max(), abs=1e-12)


def above(cut_of):
    """Return the share of the ill above a cut that is found among the sorted healthy scores."""

    def function(scores, labels, *, specificity):
        ill, healthy = scores[labels == 1].double(), scores[labels == 0].double().sort().values
        return float((ill > cut_of(healthy, specificity)).double().mean())

    return function


def interpolated(scores, labels, *, specificity):
    fpr, tpr, _ = roc_curve(labels, scores.double(), drop_intermediate=False)
    return float(np.interp(1 - specificity, fpr, tpr))


def place(healthy, specificity, whole):
    n = int(whole(specificity * len(healthy)))
    return healthy[n - 1] if n else -torch.inf


WRONG_SENSITIVITIES = {
    "interpolated along the curve": interpolated,
    "interpolated quantile": above(lambda healthy, s: healthy.quantile(s)),
    "one healthy case too many": above(lambda healthy, s: place(healthy, s, np.floor)),
    "one healthy case too few": above(
        lambda healthy, s: healthy[min(int(np.ceil(s * len(healthy) - 1e-9)), len(healthy) - 1)]
    ),
    "rounding asks for one more": above(
        lambda healthy, s: place(healthy, s, lambda x: min(np.ceil(x + 1e-9), len(healthy)))
    ),
    "threshold of one half": above(lambda healthy, s: 0.5),
    "specificity at a sensitivity": lambda s, y, specificity: sensitivity_at_specificity(
        -s, 1 - y, specificity=specificity
    ),
    "quantile of all cases": lambda s, y, specificity: float(
        (s[y == 1] > s.double().quantile(specificity)).double().mean()
    ),
    "1 - specificity": lambda s, y, specificity: sensitivity_at_specificity(
        s, y, specificity=1 - specificity
    ),
    "share of all cases": lambda s, y, specificity: (
        sensitivity_at_specificity(s, y, specificity=specificity) * float(y.double().mean())
    ),
}


def test_sensitivity_is_the_best_over_all_thresholds():
    assert_is_sensitivity_at_specificity(sensitivity_at_specificity)


@pytest.mark.parametrize("wrong", WRONG_SENSITIVITIES.values(), ids=WRONG_SENSITIVITIES.keys())
def test_the_thresholds_tell_wrong_sensitivities(wrong):
    with pytest.raises(AssertionError):
        assert_is_sensitivity_at_specificity(wrong)


def test_the_wanted_specificity_is_met_even_where_floats_round():
    """0.55 * 100 is a little more than 55, and 0.57 * 100 a little less than 57."""
    scores = torch.arange(200)  # a healthy case, an ill one just above it, the next healthy one
    labels = torch.arange(200) % 2
    for percent in range(101):
        wanted = min(1.0, (101 - percent) / 100)
        value = sensitivity_at_specificity(scores, labels, specificity=percent / 100)
        assert value == pytest.approx(wanted)


def test_the_price_of_specificity_never_falls():
    for scores, labels in CASES.values():
        found = [
            sensitivity_at_specificity(scores, labels, specificity=s) for s in sorted(SPECIFICITIES)
        ]
        assert found == sorted(found, reverse=True)
        assert found[0] == 1


# 100,000 patients, counted. The numbers are chosen so that every cell is whole.
TABLES = [(0.9, 0.9, 0.025), (0.8, 0.95, 0.1), (0.5, 0.5, 0.5), (1.0, 0.99, 0.001), (0.6, 1.0, 0.2)]


def assert_is_ppv(function):
    for sensitivity, specificity, prevalence in TABLES:
        n_ill = round(100_000 * prevalence)
        n_healthy = 100_000 - n_ill
        ill, called = np.zeros(100_000, int), np.zeros(100_000, int)
        ill[:n_ill] = 1
        called[: round(sensitivity * n_ill)] = 1
        called[n_ill : n_ill + n_healthy - round(specificity * n_healthy)] = 1
        wanted = ill[called == 1].mean()
        assert wanted == pytest.approx(precision_score(ill, called))
        assert function(sensitivity, specificity, prevalence) == pytest.approx(wanted, rel=1e-12)


WRONG_PPVS = {
    "negative predictive value": lambda se, sp, p: (
        sp * (1 - p) / (sp * (1 - p) + (1 - se) * p + 1e-300)
    ),
    "prevalence left out": lambda se, sp, p: se / (se + 1 - sp),
    "sensitivity": lambda se, sp, p: se,
    "specificity for 1 - specificity": lambda se, sp, p: se * p / (se * p + sp * (1 - p)),
    "1 - prevalence left out": lambda se, sp, p: se * p / (se * p + (1 - sp)),
    "odds": lambda se, sp, p: se * p / ((1 - sp) * (1 - p) + 1e-300),
    "share of all patients": lambda se, sp, p: se * p,
    "accuracy": lambda se, sp, p: se * p + sp * (1 - p),
    "sensitivity and specificity exchanged": lambda se, sp, p: ppv(sp, se - 1e-12, p),
}


def test_ppv_is_what_counting_100000_patients_gives():
    assert_is_ppv(ppv)


@pytest.mark.parametrize("wrong", WRONG_PPVS.values(), ids=WRONG_PPVS.keys())
def test_the_table_of_patients_tells_wrong_ppvs(wrong):
    with pytest.raises(AssertionError):
        assert_is_ppv(wrong)


def test_one_in_forty_ill_makes_four_of_five_alarms_false():
    assert ppv(0.9, 0.9, 0.025) == pytest.approx(0.1875)
    assert ppv(0.9, 0.9, 0.5) == pytest.approx(0.9)  # as balanced episodes would have it


def test_where_all_or_nobody_is_ill_the_alarm_says_nothing_new():
    assert ppv(0.7, 0.6, 0.0) == 0
    assert ppv(0.7, 0.6, 1.0) == 1


REFUSED = {
    "lengths differ": (torch.zeros(4), torch.zeros(3), r"got \(4,\) and \(3,\).*\[:, 1\]"),
    "two columns": (torch.zeros(4, 2), torch.zeros(4), r"got \(4, 2\) and \(4,\).*\[:, 1\]"),
    "nan": (
        torch.tensor([0.1, torch.nan, torch.nan]),
        torch.tensor([0, 1, 1]),
        "2 of 3 scores are nan.*leave these examples out",
    ),
    "three classes": (
        torch.zeros(3),
        torch.tensor([0, 1, 2]),
        r"labels must be 0 or 1, got 2; pass `\(labels == disease\)",
    ),
    "nan label": (torch.zeros(2), torch.tensor([torch.nan, 1]), "labels must be 0 or 1, got nan"),
    "nobody ill": (
        torch.zeros(3),
        torch.zeros(3),
        "both classes must be present, got 0 labels of 1 and 3 of 0; pool",
    ),
    "nobody healthy": (torch.zeros(3), torch.ones(3), "got 3 labels of 1 and 0 of 0; pool"),
    "nothing": (torch.zeros(0), torch.zeros(0), "got 0 labels of 1 and 0 of 0; pool"),
}


@pytest.mark.parametrize(("scores", "labels", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_scores_and_labels_that_cannot_be_ranked_are_refused(scores, labels, message):
    with pytest.raises(ValueError, match=message):
        auroc(scores, labels)
    with pytest.raises(ValueError, match=message):
        sensitivity_at_specificity(scores, labels, specificity=0.9)


@pytest.mark.parametrize("value", [-0.1, 1.01, 90, float("nan")])
def test_a_share_outside_0_to_1_is_refused_by_name(value):
    message = f"must be between 0 and 1, got {value}; divide percent by 100"
    with pytest.raises(ValueError, match=f"specificity {message}"):
        sensitivity_at_specificity(torch.zeros(2), torch.tensor([0, 1]), specificity=value)
    for position, name in enumerate(("sensitivity", "specificity", "prevalence")):
        arguments = [0.5, 0.5, 0.5]
        arguments[position] = value
        with pytest.raises(ValueError, match=f"{name} {message}"):
            ppv(*arguments)


@pytest.mark.parametrize("arguments", [(0.0, 1.0, 0.5), (0.9, 1.0, 0.0), (0.0, 0.9, 1.0)], ids=str)
def test_a_predictive_value_of_no_alarms_is_refused(arguments):
    with pytest.raises(ValueError, match="nobody is called ill, so there is no predictive value"):
        ppv(*arguments)
