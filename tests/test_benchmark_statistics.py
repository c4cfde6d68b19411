"""Means and differences are those of a hand calculation; intervals cover as often as they say."""

import pytest
import torch

from medmeta_ref.benchmark.statistics import (
    BETTER,
    UNSEEN,
    WORSE,
    Calibration,
    calibration_of,
    compared,
    reading,
    values_of,
)
from medmeta_ref.metrics import mean_and_ci95, mean_and_ci95_of_few
from medmeta_ref.resampling import hierarchical_bootstrap

CALM = Calibration(0.0, 0.0, 0.0)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def record(split, seed, method, accuracies, ece=0.1):
    metrics = {"5": {"accuracy": accuracies, "ece": ece, "ece_null": 0.04, "ece_null_95": 0.06}}
    return {"split": split, "seed": seed, "method": method, "metrics": metrics}


def test_units_are_splits_or_else_seeds():
    records = [record(p, s, "maml", [10 * p + s, 0.5]) for s in (0, 1, 2) for p in (0, 1)]
    how = {"method": "maml", "k_shot": 5, "metric": "accuracy"}
    by_split = values_of(records, **how, splits=[0, 1], seeds=[0, 1, 2], unit="class split")
    assert by_split[..., 0].tolist() == [[0, 1, 2], [10, 11, 12]]
    by_seed = values_of(records, **how, splits=[1], seeds=[0, 1, 2], unit="training seed")
    assert by_seed[..., 0].tolist() == [[10], [11], [12]]
    with pytest.raises(ValueError, match="one split is needed"):
        values_of(records, **how, splits=[0, 1], seeds=[0], unit="training seed")
    with pytest.raises(ValueError, match="no record of split, seed"):
        values_of(records, **how, splits=[0, 2], seeds=[0], unit="class split")


def test_a_paired_difference_does_not_see_what_both_share():
    shared = torch.rand(5, 3, 40, generator=seeded(), dtype=torch.float64)
    rows = compared(
        {"reference": shared, "ahead": shared + 0.01},
        "reference",
        {"reference": CALM, "ahead": CALM},
        n_resamples=50,
    )
    assert rows[0].reading == UNSEEN
    ahead = rows[1]
    assert ahead.reading == BETTER
    for value in ahead.minus_reference:  # the estimate and both ends
        assert value == pytest.approx(0.01)
    assert ahead.over_units.half_width == pytest.approx(0, abs=1e-12)
    assert ahead.mean.estimate == pytest.approx(float(shared.mean()) + 0.01)
    assert ahead.mean.high - ahead.mean.low > 0.02  # unpaired, the episodes hide it
    assert ahead.bad == pytest.approx(sorted((shared + 0.01).flatten().tolist())[30], abs=0.01)


def test_differences_need_the_same_episodes():
    ones = torch.ones(2, 2, 3)
    with pytest.raises(ValueError, match="the same episodes"):
        compared({"a": ones, "b": ones[:, :, :2]}, "a", {"a": CALM, "b": CALM})
    with pytest.raises(ValueError, match="the reference c has no values"):
        compared({"a": ones}, "c", {"a": CALM})


def test_of_five_splits_the_episodes_alone_say_too_little_and_students_t_enough():
    """The simulation behind what the page says of its intervals: split SD .034, seed SD .01."""
    g, n, truth = seeded(3), 200, 0.7
    covered = {"episodes": 0, "bootstrap": 0, "t": 0}
    for _ in range(n):
        splits = 0.034 * torch.randn(5, 1, 1, generator=g)
        seeds = 0.01 * torch.randn(5, 3, 1, generator=g)
        values = truth + splits + seeds + 0.1 * torch.randn(5, 3, 30, generator=g)
        boot = hierarchical_bootstrap(values, n_resamples=150, generator=g)
        covered["episodes"] += mean_and_ci95(values.flatten()).holds(truth)
        covered["bootstrap"] += boot.low <= truth <= boot.high
        covered["t"] += mean_and_ci95_of_few(values.mean((1, 2))).holds(truth)
    assert covered["episodes"] / n < 0.6
    assert 0.75 < covered["bootstrap"] / n < 0.93
    assert 0.91 < covered["t"] / n < 0.99


def test_calibration_is_averaged_over_cells_and_counted_above_the_null():
    records = [record(0, s, "maml", [0.5], ece) for s, ece in enumerate((0.05, 0.07, 0.12, 0.04))]
    found = calibration_of([*records, record(0, 0, "anil", [0.5], 9.0)], "maml", 5)
    assert found == pytest.approx((0.07, 0.04, 0.5))


def test_readings_go_by_whether_the_interval_holds_zero():
    from medmeta_ref.metrics import Interval

    found = [reading(Interval(m, 0.02)) for m in (0.03, 0.01, -0.01, -0.03, 0.02)]
    assert found == [BETTER, UNSEEN, UNSEEN, WORSE, UNSEEN]
