"""Intervals against what was really drawn, closed formulas, enumeration and coverage."""

import itertools
import math
from collections import Counter

import numpy as np
import pytest
import torch
from scipy import stats

from medmeta_ref.clinical import auroc
from medmeta_ref.metrics import expected_calibration_error, mean_and_ci95
from medmeta_ref.resampling import (
    CalibrationNull,
    PercentileInterval,
    bootstrap_ci,
    calibration_null,
    hierarchical_bootstrap,
)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=seeded(seed), dtype=torch.float64)


def mean_score(scores, labels):
    return float(scores.double().mean())


# Patients

# Scattered names and unequal sizes: rows of one patient do not stand together.
PATIENT = torch.tensor([40, 7, 40, -3, 7, 40, 12])
OUTCOME = torch.tensor([1, 0, 1, 0, 1, 0, 1])


def assert_resamples_patients(function):
    """Look at every resample through the metric: whole patients, drawn with replacement."""
    seen = []

    def metric(scores, labels):  # a row's score is its number, so the metric sees which rows it got
        rows = scores.long().tolist()
        assert labels.tolist() == OUTCOME[scores.long()].tolist(), "labels were not drawn along"
        seen.append(rows)
        return float(sum(rows) / len(rows))

    n_resamples = 1500
    interval = function(
        metric,
        torch.arange(7.0),
        OUTCOME,
        PATIENT,
        n_resamples=n_resamples,
        generator=seeded(3),
    )
    assert interval.estimate == 3  # of the data themselves
    assert len(seen) == n_resamples + 1
    [data] = [i for i in (0, n_resamples) if seen[i] == list(range(7))][:1]
    del seen[data]
    patients = sorted(set(PATIENT.tolist()))
    drawn = Counter()
    for rows in seen:
        counts = Counter(rows)
        times = {p: {counts[i] for i in range(7) if PATIENT[i] == p} for p in patients}
        assert all(len(t) == 1 for t in times.values()), "a patient was torn apart"
        drawn[tuple(t.pop() for t in times.values())] += 1
    assert all(sum(times) == len(patients) for times in drawn), "another number of patients"
    # Draws of 4 patients from 4, without those in which all labels agree: only -3 has a single
    # label 0 and only 12 a single label 1, so four times the one or the other.
    odds = Counter()
    for combination in itertools.product(range(4), repeat=4):
        times = tuple(combination.count(k) for k in range(4))
        if times[patients.index(-3)] < 4 and times[patients.index(12)] < 4:
            odds[times] += 1
    assert set(drawn) <= set(odds)
    wanted = np.array(list(odds.values())) / odds.total() * n_resamples
    observed = [drawn[times] for times in odds]
    assert stats.chisquare(observed, wanted).pvalue > 1e-3
    low, high = np.percentile([sum(rows) / len(rows) for rows in seen], [2.5, 97.5])
    assert interval.low == pytest.approx(low)
    assert interval.high == pytest.approx(high)


def patients_variant(
    *,
    draw=lambda n, g: torch.randint(n, (n,), generator=g),
    rows_of=lambda members, g: members,
    by_row=False,
    percentiles=(2.5, 97.5),
    finish=None,
    redraw=True,
    shuffle_labels=False,
):
    def function(metric, scores, labels, groups, *, n_resamples, generator):
        names = torch.arange(len(groups)) if by_row else torch.unique(groups)
        of = torch.arange(len(groups)) if by_row else groups
        members = [torch.nonzero(of == name).flatten() for name in names]
        values = []
        while len(values) < n_resamples:
            drawn = draw(len(names), generator).tolist()
            rows = torch.cat([rows_of(members[k], generator) for k in drawn])
            if redraw and len(set(labels[rows].tolist())) < 2 <= len(set(labels.tolist())):
                continue
            values.append(
                metric(scores[rows], labels[rows] if not shuffle_labels else labels[: len(rows)])
            )
        estimate = metric(scores, labels)
        low, high = np.percentile(values, percentiles)
        if finish:
            return finish(estimate, values)
        return PercentileInterval(estimate, low, high)

    return function


WRONG_PATIENTS = {
    "rows, not patients": patients_variant(by_row=True),
    "without replacement": patients_variant(draw=lambda n, g: torch.randperm(n, generator=g)),
    "one patient left out": patients_variant(
        draw=lambda n, g: torch.randint(n, (n - 1,), generator=g)
    ),
    "the first patient never drawn": patients_variant(
        draw=lambda n, g: torch.randint(1, n, (n,), generator=g)
    ),
    "rows drawn within patients as well": patients_variant(
        rows_of=lambda m, g: m[torch.randint(len(m), (len(m),), generator=g)]
    ),
    "one row per patient": patients_variant(rows_of=lambda m, g: m[:1]),
    "90 %": patients_variant(percentiles=(5, 95)),
    "one-sided": patients_variant(percentiles=(0, 95)),
    "mean of the resamples": patients_variant(
        finish=lambda e, v: PercentileInterval(float(np.mean(v)), *np.percentile(v, [2.5, 97.5]))
    ),
    "1.96 standard errors": patients_variant(
        finish=lambda e, v: PercentileInterval(e, e - 1.96 * np.std(v), e + 1.96 * np.std(v))
    ),
    "labels stay behind": patients_variant(shuffle_labels=True),
    "resamples of one class kept": patients_variant(redraw=False),
}


def test_the_bootstrap_draws_whole_patients_with_replacement():
    assert_resamples_patients(bootstrap_ci)


def test_the_plain_steps_behind_the_wrong_bootstraps_are_right_themselves():
    assert_resamples_patients(patients_variant())


@pytest.mark.parametrize("wrong", WRONG_PATIENTS.values(), ids=WRONG_PATIENTS.keys())
def test_looking_at_the_resamples_tells_wrong_bootstraps(wrong):
    with pytest.raises(AssertionError):
        assert_resamples_patients(wrong)


def coverage(groups_of, *, trials=120, n_patients=40, n_images=5):
    """Return how often the interval holds the true mean 0 when patients differ."""
    generator, hits = seeded(1), 0
    patient = torch.arange(n_patients).repeat_interleave(n_images)
    for _ in range(trials):
        own = torch.randn(n_patients, generator=generator)[patient]
        scores = own + 0.5 * torch.randn(len(patient), generator=generator)
        labels = torch.zeros(len(patient))
        interval = bootstrap_ci(
            mean_score, scores, labels, groups_of(patient), n_resamples=100, generator=generator
        )
        hits += interval.low <= 0 <= interval.high
    return hits / trials


def test_drawing_patients_covers_the_truth_95_times_in_100():
    assert coverage(lambda patient: patient) == pytest.approx(0.93, abs=0.05)


def test_drawing_images_of_patients_covers_far_too_rarely():
    """Images of a patient correlate by 0.8: the interval is √(1 + 4 x 0.8) = 2.05 too narrow."""
    expected = 2 * stats.norm.cdf(1.96 / math.sqrt(1 + 4 * 0.8)) - 1  # 0.66
    share = coverage(lambda patient: torch.arange(len(patient)))
    assert share == pytest.approx(expected, abs=0.12)


def test_independent_images_give_the_standard_error():
    scores = normal(400)
    interval = bootstrap_ci(
        mean_score,
        scores,
        torch.zeros(400),
        torch.arange(400),
        n_resamples=2000,
        generator=seeded(),
    )
    classic = mean_and_ci95(scores)
    assert interval.estimate == pytest.approx(classic.mean)
    assert (interval.high - interval.low) / 2 == pytest.approx(classic.half_width, rel=0.08)


def test_auroc_gets_an_interval_even_if_one_patient_holds_all_the_ill():
    scores, labels = torch.arange(12.0), torch.tensor([0] * 10 + [1] * 2)
    groups = torch.arange(12) // 2
    interval = bootstrap_ci(auroc, scores, labels, groups, n_resamples=50, generator=seeded())
    assert interval == PercentileInterval(1.0, 1.0, 1.0)


def test_scores_may_have_a_column_per_class():
    logits, labels = normal(30, 3), torch.arange(30) % 3

    def share_right(scores, labels):
        return float((scores.argmax(1) == labels).double().mean())

    interval = bootstrap_ci(
        share_right, logits, labels, torch.arange(30) // 3, n_resamples=100, generator=seeded()
    )
    assert interval.low <= interval.estimate <= interval.high
    assert interval.low < interval.high


def test_an_interval_prints_three_digits():
    assert str(PercentileInterval(0.81249, 0.7, 0.90051)) == "0.812 [0.700, 0.901]"


# Splits, seeds, episodes


def table(n_splits, n_seeds, n_episodes, *, split=0.0, seed=0.0, common_seed=0.0, episode=0.0):
    """Return accuracies-like values with the given spread at every level."""
    return (
        0.6
        + split * normal(n_splits, 1, 1, seed=1)
        + seed * normal(n_splits, n_seeds, 1, seed=2)
        + common_seed * normal(1, n_seeds, 1, seed=3)
        + episode * normal(n_splits, n_seeds, n_episodes, seed=4)
    )


TABLES = {
    "splits differ": table(30, 3, 20, split=0.05, episode=0.05),
    "seeds differ": table(6, 8, 10, seed=0.05),
    "the same seeds are good everywhere": table(6, 8, 10, common_seed=0.05),
    "episodes differ": table(6, 4, 40, episode=0.2),
    "all differ": table(12, 5, 15, split=0.03, seed=0.03, episode=0.1),
}


def nested_deviation(values):
    """Return the standard deviation of the mean under nested draws, by the law of total variance.

    Every level contributes its own variance (with n, not n - 1) over the number of draws.
    """
    n_splits, n_seeds, n_episodes = values.shape
    v = values.numpy()
    return math.sqrt(
        v.mean((1, 2)).var() / n_splits
        + v.mean(2).var(1).mean() / (n_splits * n_seeds)
        + v.var(2).mean() / (n_splits * n_seeds * n_episodes)
    )


def assert_is_hierarchical(function):
    for values in TABLES.values():
        interval = function(values, n_resamples=800, generator=seeded(5))
        assert interval.estimate == pytest.approx(float(values.mean()))
        wanted = 2 * 1.96 * nested_deviation(values)
        assert interval.high - interval.low == pytest.approx(wanted, rel=0.1)
        middle = (interval.high + interval.low) / 2
        assert middle == pytest.approx(interval.estimate, abs=0.05 * wanted)


def hierarchical_variant(
    *, splits=True, seeds=True, episodes=True, crossed=False, pooled=False, order=(0, 1, 2), p=2.5
):
    def function(values, *, n_resamples, generator):
        def index(drawn, size, shape):
            if drawn:
                return torch.randint(size, shape, generator=generator)
            axis = {3: len(shape) - 1, 2: 1, 1: 0}[len(shape)]
            view = [1] * len(shape)
            view[axis] = size
            return torch.arange(size).view(view).expand(shape)

        v = values.permute(order)
        a, b, c = v.shape
        means = []
        for _ in range(n_resamples):
            if pooled:
                flat = v.flatten()
                means.append(float(flat[index(True, len(flat), (len(flat),))].mean()))
                continue
            i = index(splits, a, (a,)).view(a, 1, 1)
            j = index(seeds, b, (1 if crossed else a, b)).unsqueeze(2)
            k = index(episodes, c, (a, b, c))
            means.append(float(v[i, j, k].mean()))
        low, high = np.percentile(means, [p, 100 - p])
        return PercentileInterval(float(values.mean()), low, high)

    return function


WRONG_HIERARCHIES = {
    "episodes only": hierarchical_variant(splits=False, seeds=False),
    "all values as one heap": hierarchical_variant(pooled=True),
    "splits not drawn": hierarchical_variant(splits=False),
    "seeds not drawn": hierarchical_variant(seeds=False),
    "episodes not drawn": hierarchical_variant(episodes=False),
    "the same seeds in every split": hierarchical_variant(crossed=True),
    "seeds above splits": hierarchical_variant(order=(1, 0, 2)),
    "episodes above splits": hierarchical_variant(order=(2, 1, 0)),
    "90 %": hierarchical_variant(p=5),
    "the standard deviation": hierarchical_variant(p=15.87),
}


def test_the_width_is_that_of_nested_draws():
    assert_is_hierarchical(hierarchical_bootstrap)


def test_the_plain_steps_behind_the_wrong_hierarchies_are_right_themselves():
    assert_is_hierarchical(hierarchical_variant())


@pytest.mark.parametrize("wrong", WRONG_HIERARCHIES.values(), ids=WRONG_HIERARCHIES.keys())
def test_the_law_of_total_variance_tells_wrong_hierarchies(wrong):
    with pytest.raises(AssertionError):
        assert_is_hierarchical(wrong)


def test_equal_values_leave_no_doubt():
    values = torch.full((2, 1, 3), 0.5)
    assert hierarchical_bootstrap(values, n_resamples=20, generator=seeded()) == (0.5, 0.5, 0.5)


def test_the_episodes_of_one_split_cover_the_truth_one_time_in_five():
    """Splits differ by 0.034, and 600 episodes of one leave ± 0.009 (60 here, as sure each)."""
    generator, trials, one, nested, widths = seeded(2), 100, 0, 0, []
    for _ in range(trials):
        level = 0.034 * torch.randn(5, 1, 1, generator=generator, dtype=torch.float64)
        noise = torch.randn(5, 3, 60, generator=generator, dtype=torch.float64)
        values = level + 0.009 / 1.96 * math.sqrt(60) * noise
        mean, half_width = mean_and_ci95(values[0, 0])
        one += abs(mean) <= half_width
        interval = hierarchical_bootstrap(values, n_resamples=100, generator=generator)
        nested += interval.low <= 0 <= interval.high
        widths.append((interval.high - interval.low) / (2 * half_width))
    assert one / trials == pytest.approx(0.2, abs=0.09)
    # Five splits are few: the interval is √(4/5) too narrow, and 1.96 is not Student's t.
    few = 1 - 2 * stats.t.sf(1.96 * math.sqrt(4 / 5), df=4)  # 0.85
    assert nested / trials == pytest.approx(few, abs=0.09)
    assert np.median(widths) > 2


# Calibration

PROBABILITIES = {
    "two classes": (torch.tensor([[0.9, 0.1], [0.7, 0.3], [0.35, 0.65], [0.2, 0.8]]), 15),
    "three classes": (torch.tensor([[0.5, 0.3, 0.2], [0.1, 0.6, 0.3], [0.25, 0.35, 0.4]]), 15),
    "two bins": (torch.tensor([[0.8, 0.2], [0.55, 0.45], [0.6, 0.4], [0.3, 0.7]]), 2),
    "never wrong": (torch.eye(3), 15),
}


def all_outcomes(probabilities, n_bins):
    """Return the errors of all possible labels and how likely these are."""
    rows = probabilities.double()
    errors, odds = [], []
    for labels in itertools.product(range(rows.shape[1]), repeat=len(rows)):
        errors.append(expected_calibration_error(rows, torch.tensor(labels), n_bins=n_bins))
        odds.append(math.prod(row[y] for row, y in zip(rows.tolist(), labels, strict=True)))
    return np.array(errors), np.array(odds)


def assert_is_calibration_null(function):
    for probabilities, n_bins in PROBABILITIES.values():
        errors, odds = all_outcomes(probabilities, n_bins)
        mean, high = function(probabilities, n_bins=n_bins, n_resamples=700, generator=seeded(8))
        exact = (errors * odds).sum()
        spread = math.sqrt((odds * (errors - exact) ** 2).sum() / 700)
        assert mean == pytest.approx(exact, abs=4 * spread + 1e-9)
        # The percentile of few outcomes jumps; it lies where 93 % to 97 % of the chance do.
        order = np.argsort(errors)
        below = np.cumsum(odds[order])
        lowest = errors[order][np.searchsorted(below, 0.93)]
        highest = errors[order][min(np.searchsorted(below, 0.97), len(errors) - 1)]
        assert lowest - 1e-9 <= high <= highest + 1e-9


def null_variant(
    *,
    labels_of=lambda rows, g: torch.multinomial(rows, 1, generator=g).flatten(),
    error=expected_calibration_error,
    summary=lambda e: (e.mean(), np.percentile(e, 95)),
    rows_of=lambda rows, g: rows,
    bins=lambda n: n,
):
    def function(probabilities, *, n_bins, n_resamples, generator):
        errors = []
        for _ in range(n_resamples):
            rows = rows_of(probabilities.double(), generator)
            errors.append(error(rows, labels_of(rows, generator), n_bins=bins(n_bins)))
        return CalibrationNull(*map(float, summary(np.array(errors))))

    return function


WRONG_NULLS = {
    "labels of the largest probability": null_variant(labels_of=lambda rows, g: rows.argmax(1)),
    "labels at random": null_variant(
        labels_of=lambda rows, g: torch.randint(rows.shape[1], (len(rows),), generator=g)
    ),
    "labels drawn from the mean row": null_variant(
        labels_of=lambda rows, g: torch.multinomial(
            rows.mean(0), len(rows), replacement=True, generator=g
        )
    ),
    "examples drawn as well": null_variant(
        rows_of=lambda rows, g: rows[torch.randint(len(rows), (len(rows),), generator=g)]
    ),
    "always 15 bins": null_variant(bins=lambda n: 15),
    "one bin": null_variant(bins=lambda n: 1),
    "99th percentile": null_variant(summary=lambda e: (e.mean(), np.percentile(e, 99))),
    "largest": null_variant(summary=lambda e: (e.mean(), e.max())),
    "median": null_variant(summary=lambda e: (np.median(e), np.percentile(e, 95))),
    "1.96 deviations": null_variant(summary=lambda e: (e.mean(), e.mean() + 1.96 * e.std())),
    "zero": null_variant(summary=lambda e: (0.0, 0.0)),
}


def test_the_null_is_the_mean_over_all_labels_that_might_have_been():
    assert_is_calibration_null(calibration_null)


def test_the_plain_steps_behind_the_wrong_nulls_are_right_themselves():
    assert_is_calibration_null(null_variant())


@pytest.mark.parametrize("wrong", WRONG_NULLS.values(), ids=WRONG_NULLS.keys())
def test_the_enumeration_tells_wrong_nulls(wrong):
    with pytest.raises(AssertionError):
        assert_is_calibration_null(wrong)


@pytest.mark.parametrize(("n", "wanted"), [(156, 0.072), (624, 0.036), (2005, 0.020)])
def test_the_null_is_far_from_zero_at_the_sizes_of_medical_test_sets(n, wanted):
    right = 0.5 + 0.5 * torch.rand(n, generator=seeded(n))
    null = calibration_null(
        torch.stack([right, 1 - right], 1), n_resamples=150, generator=seeded(1)
    )
    assert null.mean == pytest.approx(wanted, rel=0.15)
    assert null.mean < null.percentile_95 < 2 * null.mean


def test_one_calibrated_model_in_twenty_lies_above_the_95th_percentile():
    right = 0.5 + 0.5 * torch.rand(100, generator=seeded(1), dtype=torch.float64)
    rows = torch.stack([right, 1 - right], 1)
    null = calibration_null(rows, n_resamples=600, generator=seeded(2))
    generator, above = seeded(3), 0
    for _ in range(600):
        labels = (torch.rand(100, generator=generator) > right).long()
        above += expected_calibration_error(rows, labels) > null.percentile_95
    assert above / 600 == pytest.approx(0.05, abs=0.03)


def test_fifteen_bins_are_the_default_here_and_in_the_metric():
    rows = normal(40, 3).softmax(1)
    wanted = calibration_null(rows, n_bins=15, n_resamples=20, generator=seeded())
    assert calibration_null(rows, n_resamples=20, generator=seeded()) == wanted


# What is refused


def call_bootstrap(scores=None, labels=None, groups=None, metric=mean_score, n_resamples=5):
    return bootstrap_ci(
        metric,
        torch.zeros(4) if scores is None else scores,
        torch.zeros(4) if labels is None else labels,
        torch.arange(4) if groups is None else groups,
        n_resamples=n_resamples,
        generator=seeded(),
    )


REFUSED = {
    "scores of another length": ({"scores": torch.zeros(3)}, r"got \(3,\), \(4,\) and \(4,\)"),
    "groups of another length": ({"groups": torch.zeros(5)}, r"got \(4,\), \(4,\) and \(5,\)"),
    "labels in columns": ({"labels": torch.zeros(4, 1)}, r"got \(4,\), \(4, 1\) and \(4,\)"),
    "a single score": ({"scores": torch.tensor(1.0)}, r"got \(\), \(4,\) and \(4,\)"),
    "nothing": (
        {"scores": torch.zeros(0), "labels": torch.zeros(0), "groups": torch.zeros(0)},
        r"got \(0,\), \(0,\) and \(0,\)",
    ),
    "nan": (
        {"scores": torch.tensor([0.0, torch.nan, 0.0, 0.0])},
        "1 of 4 scores are nan; leave these out",
    ),
    "one patient": (
        {"groups": torch.zeros(4)},
        r"needs at least 2, got 1; pass one number per patient, or torch.arange\(n_examples\)",
    ),
    "a metric without a value": (
        {"metric": lambda scores, labels: float("nan")},
        "6 of 6 values of the metric are nan",
    ),
    "no resamples": ({"n_resamples": 0}, "n_resamples must be at least 1, got 0; 1,000 is usual"),
}


@pytest.mark.parametrize(("arguments", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_a_bootstrap_that_cannot_be_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        call_bootstrap(**arguments)


@pytest.mark.parametrize("shape", [(3, 4), (1, 3, 10), (2, 0, 5), (0, 3, 5)], ids=str)
def test_a_hierarchy_of_another_shape_is_refused_with_it(shape):
    with pytest.raises(
        ValueError, match=r"at least 2 splits, got shape .*; for the epis"
    ) as raised:
        hierarchical_bootstrap(torch.zeros(shape), n_resamples=5, generator=seeded())
    assert str(shape) in str(raised.value)


def test_a_hierarchy_with_nan_or_without_resamples_is_refused():
    with pytest.raises(ValueError, match="12 of 12 values are nan"):
        hierarchical_bootstrap(torch.full((2, 2, 3), torch.nan), n_resamples=5, generator=seeded())
    with pytest.raises(ValueError, match="n_resamples must be at least 1, got -1"):
        hierarchical_bootstrap(torch.zeros(2, 2, 3), n_resamples=-1, generator=seeded())


NO_ROWS = {
    "logits": (torch.tensor([[3.0, 0.0]]), "one sum is off by 2 .*pass softmax"),
    "below 0": (torch.tensor([[1.5, -0.5]]), "the smallest entry is -0.5; pass softmax"),
    "nan": (torch.tensor([[torch.nan, 0.5]]), "one sum is off by nan"),
    "one row only": (torch.tensor([0.5, 0.5]), r"must be \[n_examples, n_classes\], got \(2,\)"),
    "nothing": (torch.zeros(0, 2), r"must be \[n_examples, n_classes\], got \(0, 2\)"),
}


@pytest.mark.parametrize(("rows", "message"), NO_ROWS.values(), ids=NO_ROWS.keys())
def test_a_null_of_what_are_no_probabilities_is_refused(rows, message):
    with pytest.raises(ValueError, match=message):
        calibration_null(rows, n_resamples=5, generator=seeded())


def test_a_null_without_resamples_or_bins_is_refused():
    rows = torch.tensor([[0.5, 0.5]])
    with pytest.raises(ValueError, match="n_resamples must be at least 1, got 0"):
        calibration_null(rows, n_resamples=0, generator=seeded())
    with pytest.raises(ValueError, match="n_bins must be at least 1, got 0"):
        calibration_null(rows, n_bins=0, n_resamples=5, generator=seeded())
