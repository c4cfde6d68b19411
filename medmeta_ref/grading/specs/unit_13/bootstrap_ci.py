"""bootstrap_ci(metric, scores, labels, groups, ...) -> estimate and 95 % interval by patient."""

import pytest
import torch

from medmeta_ref.grading.agreement import assert_agrees
from medmeta_ref.grading.sandbox.adapters import Fn
from medmeta_ref.grading.specs.unit_01 import _drawing
from medmeta_ref.grading.specs.unit_13 import _oracle

BRIER = Fn("mse_loss")
NAMES = torch.tensor([712, 38, 5, 90, 264, 17, 8])


def _three(got):
    """Return an answer as three numbers."""
    missing = " Is the return statement missing?" if got is None else ""
    what = f"{len(got)} things" if isinstance(got, tuple | list) else type(got).__name__
    assert what == "3 things", (
        f"Three things were expected, estimate, low and high; you returned {what}.{missing}"
    )
    return got


def _run(yours, scores, labels, groups, n_resamples, generator):
    how = {"seed": _drawing.seed_from(generator), "times": 1, "surroundings": 0}
    inputs = (BRIER, scores, labels, groups)
    [got] = yours.through("draws", *inputs, **how, n_resamples=n_resamples)[0]
    return _three(got)


def _number(got, what, low, high, look_at):
    """Judge a number that may lie anywhere from low to high."""
    middle = (low + high) / 2
    if type(got) is torch.Tensor and got.shape == () and got.is_floating_point():
        got = got.item()
    if type(got) is float and low - 1e-6 <= got <= high + 1e-6:
        return
    shown = f"{what} should be between {low:.4f} and {high:.4f} here. {look_at}"
    assert_agrees(got, middle, mistakes={}, look_at=shown, rtol=0.0, atol=(high - low) / 2 + 1e-6)


def _clinic(sizes, generator):
    """Return rows in random order: patients of different sizes, one of them badly judged."""
    groups = NAMES[: len(sizes)].repeat_interleave(torch.tensor(sizes))
    level = torch.tensor([0.1, 0.15, 0.2, 0.3, 0.35, 0.4, 0.9])[: len(sizes)]
    level = level[torch.randperm(len(sizes), generator=generator)]
    wobble = 0.04 * torch.rand(len(groups), generator=generator)
    error = level.repeat_interleave(torch.tensor(sizes)) + wobble
    labels = torch.randint(2, error.shape, generator=generator).double()
    scores = torch.where(labels == 1, 1 - error, error).double()
    order = torch.randperm(len(groups), generator=generator)
    return scores[order], labels[order], groups[order]


@pytest.mark.points(6)
def test_ends_are_percentiles_over_patients(yours, generator):
    """Against all 7^7 resamples of 7 patients, written out, with room for chance: two clinics."""
    for sizes in ((3, 5, 4, 6, 3, 5, 4), (6, 2, 4, 4, 7, 2, 3)):
        scores, labels, groups = _clinic(sizes, generator)
        errors = (scores - labels).square()
        of = [errors[groups == name] for name in groups.unique()]
        exact = _oracle.all_resamples([float(e.sum()) for e in of], [len(e) for e in of])
        estimate, low, high = _run(yours, scores, labels, groups, 4000, generator)
        assert_agrees(
            estimate,
            float(errors.mean()),
            mistakes={
                "That is the mean over patients; the metric is of all rows.": (
                    sum(float(e.mean()) for e in of) / len(of)
                )
            },
            look_at="The first number is the metric of the data as they are.",
        )
        look_at = (
            f"There were {len(of)} patients with {len(scores)} rows, and 4000 resamples. Draw as "
            "many patients as there are, with replacement; each brings all of its rows, each time."
        )
        # 4000 resamples miss these bounds by chance once in a million times.
        bounds = [_oracle.quantile(exact, share) for share in (0.014, 0.04, 0.96, 0.986)]
        _number(low, "The lower end", bounds[0], bounds[1], look_at)
        _number(high, "The upper end", bounds[2], bounds[3], look_at)


@pytest.mark.points(3)
def test_rows_of_a_patient_stay_together(yours, generator):
    """Two patients, one judged rightly and one wrongly: a resample is one, the other or both."""
    for n_right, n_wrong in ((4, 2), (3, 7)):
        wrong = torch.arange(n_right + n_wrong) >= n_right
        wrong = wrong[torch.randperm(len(wrong), generator=generator)]
        labels = torch.randint(2, wrong.shape, generator=generator).double()
        for side in (wrong, ~wrong):  # each patient has both labels, so that AUROC would exist
            labels[side.nonzero().flatten()[:2]] = torch.tensor([0.0, 1.0], dtype=torch.float64)
        scores = torch.where(wrong, 1 - labels, labels)
        got = _run(yours, scores, labels, torch.where(wrong, 61, 7), 400, generator)
        for value, want in zip(got, (n_wrong / (n_right + n_wrong), 0.0, 1.0), strict=True):
            assert_agrees(
                value,
                want,
                mistakes={
                    "The mean over patients was taken; the metric is of all rows.": 0.5,
                },
                look_at=f"One patient has {n_right} rows, all right, and one {n_wrong}, all "
                "wrong. A quarter of the resamples hold only the one, a quarter only the other: "
                "so low is 0 and high is 1.",
            )


@pytest.mark.points(3)
def test_generator_is_the_only_source_of_randomness(yours, generator):
    """The same seed gives the same interval, and nothing else is drawn from or seeded."""
    scores, labels, groups = _clinic((3, 5, 4, 6, 3, 5, 4), generator)
    got = _run(yours, scores, labels, groups, 12, generator)
    for value, what in zip(got, ("estimate", "low", "high"), strict=True):
        assert_agrees(value, 0.5, mistakes={}, look_at=f"This was {what}.", atol=9.0)
    inputs = (BRIER, scores, labels, groups)
    _drawing.assert_generator_decides(yours, *inputs, generator=generator, n_resamples=12)
