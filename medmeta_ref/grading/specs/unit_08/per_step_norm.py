"""per_step_norm(x, means, variances, step, *, training, momentum=0.1)."""

import pytest

from medmeta_ref.grading.agreement import assert_agrees
from medmeta_ref.grading.specs.unit_08 import _oracle

SIZES = ((4, 2, 3, 3), (5, 3, 2, 4))  # images, channels, side, steps


def _by_batch(x):
    return _oracle.normalised(x, *_oracle.moments(x, unbiased=False))


def _by_row(case, row):
    return _oracle.normalised(case.x, case.means[row], case.variances[row])


def _per_image(x):
    return (x - x.mean(0)) / (x.var(0, unbiased=False) + 1e-5).sqrt()


@pytest.mark.points(3)
def test_training_normalises_by_the_batch(yours, generator):
    """training=True: mean 0 and variance 1 in each channel, whatever is stored."""
    for size in SIZES:
        case = _oracle.norms(*size, generator=generator)
        for step in (0, 2):
            got, _, _ = _oracle.triple(yours(*case, step, training=True))
            assert_agrees(
                got,
                _by_batch(case.x),
                mistakes={
                    "That is normalised by what is stored; in training the batch counts.": (
                        _by_row(case, step)
                    ),
                    "The unbiased variance is for the store; the batch is normalised by the "
                    "biased one, as F.batch_norm does it.": _oracle.normalised(
                        case.x, *_oracle.moments(case.x, unbiased=True)
                    ),
                    "The moments are taken over images only. One number per channel: over images, "
                    "rows and columns.": _per_image(case.x),
                },
                look_at="(x - mean) / sqrt(variance + 1e-5), with the moments of each channel.",
            )


@pytest.mark.points(5)
def test_training_moves_the_row_of_its_step_and_no_other(yours, generator):
    """training=True: row `step` goes the share `momentum` of the way to the batch's moments."""
    for size, step, momentum in ((SIZES[0], 1, 0.1), (SIZES[1], 3, 0.3), (SIZES[1], 0, 0.1)):
        case = _oracle.norms(*size, generator=generator)
        how = {} if momentum == 0.1 else {"momentum": momentum}
        _, *stored = _oracle.triple(yours(*case, step, training=True, **how))
        seen = _oracle.moments(case.x, unbiased=True)
        biased = _oracle.moments(case.x, unbiased=False)[1]
        for name, got, old, new in zip(("means", "variances"), stored, case[1:], seen, strict=True):
            everywhere = old
            for row in range(len(old)):
                everywhere = _oracle.moved_row(everywhere, row, new, momentum)
            mistakes = {
                "They have not moved.": old,
                "The first row has moved, whatever the step.": _oracle.moved_row(
                    old, 0, new, momentum
                ),
                "All rows have moved; each step has a row of its own.": everywhere,
                "The old value counts `momentum`; it is the new one that does.": (
                    _oracle.moved_row(old, step, new, 1 - momentum)
                ),
                "The row was replaced; it moves by the share `momentum`.": (
                    _oracle.moved_row(old, step, new, 1.0)
                ),
            }
            if name == "variances":
                sentence = "The biased variance is stored; F.batch_norm stores the unbiased one."
                mistakes[sentence] = _oracle.moved_row(old, step, biased, momentum)
            if step == 0:
                del mistakes["The first row has moved, whatever the step."]
            assert_agrees(
                got,
                _oracle.moved_row(old, step, new, momentum),
                mistakes=mistakes,
                look_at=f"These are the {name}, after step {step} with momentum {momentum}.",
            )


@pytest.mark.points(5)
def test_evaluation_reads_the_row_of_its_step_and_changes_nothing(yours, generator):
    """training=False: the stored numbers decide, and stay."""
    for size, step in ((SIZES[0], 2), (SIZES[1], 1), (SIZES[1], 0)):
        case = _oracle.norms(*size, generator=generator)
        got, *stored = _oracle.triple(yours(*case, step, training=False))
        mistakes = {
            "This is normalised by the batch, so nothing stored is ever read. That is what the "
            "official code does, with training=True throughout.": _by_batch(case.x),
            "The variance is not under a square root.": (
                (case.x - case.means[step][:, None, None])
                / (case.variances[step][:, None, None] + 1e-5)
            ),
        }
        if step:
            mistakes["This reads the first row, whatever the step."] = _by_row(case, 0)
        if step < len(case.means) - 1:
            mistakes["This reads the last row, whatever the step."] = _by_row(case, -1)
        assert_agrees(
            got,
            _by_row(case, step),
            mistakes=mistakes,
            look_at=f"This was step {step}, training=False: row {step} of means and variances.",
        )
        for name, mine, old in zip(("means", "variances"), stored, case[1:], strict=True):
            assert_agrees(
                mine,
                old,
                mistakes={},
                look_at=f"The {name} changed in evaluation: then one patient's images would alter "
                "the next one's result.",
            )


@pytest.mark.points(3)
def test_from_the_last_row_on_the_last_row_serves(yours, generator):
    """More steps than were trained: evaluation reads the last row, training moves it."""
    for size in SIZES:
        case = _oracle.norms(*size, generator=generator)
        last = len(case.means) - 1
        for step in (last + 1, last + 5):
            got, _, _ = _oracle.triple(yours(*case, step, training=False))
            assert_agrees(
                got,
                _by_row(case, last),
                mistakes={
                    "The rows begin anew after the last: the statistics of step 0 belong to a "
                    "network that has not adapted.": _by_row(case, step % (last + 1)),
                    "This is normalised by the batch.": _by_batch(case.x),
                },
                look_at=f"This was step {step} with rows 0 to {last}: take row {last}.",
            )
            _, means, _ = _oracle.triple(yours(*case, step, training=True))
            seen = _oracle.moments(case.x, unbiased=True)[0]
            assert_agrees(
                means,
                _oracle.moved_row(case.means, last, seen, 0.1),
                mistakes={},
                look_at=f"This was step {step} in training, rows 0 to {last}: row {last} moves.",
            )
