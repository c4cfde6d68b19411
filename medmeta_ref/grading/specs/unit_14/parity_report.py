"""parity_report(expected, got, *, tolerance) -> (largest difference, changed, passes)."""

import math

import pytest
import torch

from medmeta_ref.grading.specs.unit_14._oracle import between, draw


def _plain(value):
    return value.item() if type(value) is torch.Tensor and value.numel() == 1 else value


def _read(yours, expected, got, tolerance):
    answer = yours(expected, got, tolerance=tolerance)
    missing = " Is the return statement missing?" if answer is None else ""
    has_three = type(answer) in (tuple, list) and len(answer) == 3
    assert has_three, (
        "(largest difference, changed decisions, passes) was expected, your function returned "
        f"{answer!r:.80}.{missing}"
    )
    largest, changed, passes = map(_plain, answer)
    assert type(largest) in (int, float), f"The largest difference is {largest!r:.40}, no number."
    assert type(changed) in (int, float), f"Changed decisions are {changed!r:.40}, no number."
    assert type(passes) is bool, f"Whether it passes is True or False, yours is {passes!r:.40}."
    return largest, changed, passes


def _by_loops(expected, got):
    """Return the largest difference and the number of changed decisions, row by row."""
    largest, changed = 0.0, 0
    for row, other in zip(expected.tolist(), got.tolist(), strict=True):
        largest = max([largest, *(abs(a - b) for a, b in zip(row, other, strict=True))])
        changed += row.index(max(row)) != other.index(max(other))
    return largest, changed


def _judge(answer, expected, got, tolerance, here):
    largest, changed, passes = answer
    most, n_changed = _by_loops(expected, got)
    gaps = (expected - got).double()
    for sentence, value in {
        "That is the mean of sizes; one bad number hides in it.": gaps.abs().mean().item(),
        "That is a mean with signs: differences cancel.": gaps.mean().item(),
        "Take sizes: a difference below zero is one, too.": gaps.max().item(),
        "Take sizes before the largest: got may be larger or smaller.": (-gaps).max().item(),
    }.items():
        wrong = not math.isclose(value, most, rel_tol=1e-6)
        hit = math.isclose(largest, value, rel_tol=1e-5, abs_tol=1e-12)
        assert not (wrong and hit), f"{here} {sentence}"
    assert math.isclose(largest, most, rel_tol=1e-5), (
        f"{here} The largest difference is {most:.6g}, yours {largest:.6g}."
    )
    assert changed == n_changed, (
        f"{here} {n_changed} of {len(got)} decisions changed, yours are {changed}. A decision is "
        "the place of the largest output in its row."
    )
    assert passes == (most <= tolerance), (
        f"{here} The largest difference is {most:.6g} and the tolerance {tolerance:.6g}; "
        f"you said {passes}."
    )


def _pair(n, n_classes, generator, noise):
    expected = draw(n, n_classes, generator=generator)
    return expected, expected + noise * draw(n, n_classes, generator=generator)


@pytest.mark.points(4)
def test_largest_difference_decisions_and_verdict(yours, generator):
    """By loops: a close copy and a bad one, with a tolerance on either side."""
    for n, n_classes, noise in ((40, 3, 1.0), (25, 5, 0.5), (9, 2, 1e-5)):
        expected, got = _pair(n, n_classes, generator, noise)
        most = _by_loops(expected, got)[0]
        for tolerance in (0.9 * most, 1.1 * most):
            answer = _read(yours, expected, got, tolerance)
            _judge(answer, expected, got, tolerance, f"{n} rows of {n_classes} classes:")


@pytest.mark.points(2)
def test_single_number_with_either_sign_is_found(yours, generator):
    """One output is off, up or down, and everything else is equal."""
    for n, n_classes, off in ((8, 4, 0.3), (12, 3, -0.3)):
        expected = draw(n, n_classes, generator=generator)
        got = expected.clone()
        got[between(0, n - 1, generator), between(0, n_classes - 1, generator)] += off
        answer = _read(yours, expected, got, 0.2)
        _judge(answer, expected, got, 0.2, f"One output of {n * n_classes} was off by {off}.")


@pytest.mark.points(2)
def test_nan_and_infinity_never_pass(yours, generator):
    """A broken row has an infinite difference and a changed decision, wherever the nan stands."""
    for bad in (math.nan, math.inf, -math.inf):
        for n_bad in (1, 3):
            expected = draw(7, 4, generator=generator)
            got = expected.clone()
            for row in range(n_bad):
                # Where the decision is: argmax would still point there.
                place = int(expected[row].argmax())
                got[row, place if bad != -math.inf else (place + 1) % 4] = bad
            largest, changed, passes = _read(yours, expected, got, 1e-4)
            here = f"{n_bad} of 7 rows held {bad}:"
            assert passes is False, f"{here} you let it pass. `nan > tolerance` is false."
            assert largest == math.inf, f"{here} the largest difference is {largest}, not inf."
            assert changed == n_bad, (
                f"{here} {changed} decisions changed; every row with nan or infinity counts."
            )
