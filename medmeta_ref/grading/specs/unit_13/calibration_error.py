"""calibration_error(probabilities, labels, *, n_bins) -> the expected calibration error."""

import pytest
import torch

from medmeta_ref.grading.agreement import assert_agrees
from medmeta_ref.grading.specs.unit_13 import _oracle


def _bins(rows, labels, n_bins, confidence=max):
    """Return the (confidence, right) pairs of each bin that has any."""
    found: dict[int, list[tuple[float, bool]]] = {}
    for row, y in zip(rows, labels, strict=True):
        value = confidence(row)
        number = next(b for b in range(n_bins) if value <= (b + 1) / n_bins)
        found.setdefault(number, []).append((value, row.index(max(row)) == y))
    return list(found.values())


def _gap(pairs):
    return abs(sum(hit for _, hit in pairs) - sum(c for c, _ in pairs)) / len(pairs)


def _gap_of_class_1(rows, labels, n_bins):
    """Return the error of the probabilities of class 1, as forecasters of rain bin them."""
    error = 0.0
    for b in range(n_bins):
        inside = [
            row[1] - (y == 1)
            for row, y in zip(rows, labels, strict=True)
            if b / n_bins < row[1] <= (b + 1) / n_bins
        ]
        error += abs(sum(inside)) / len(rows)
    return error


def _judge(yours, probabilities, labels, n_bins, look_at=""):
    rows, ys = probabilities.tolist(), labels.tolist()
    right = _oracle.calibration_error(rows, ys, n_bins)
    bins = _bins(rows, ys, n_bins)
    everything = [pair for each in bins for pair in each]
    mistakes = {
        "Each bin was counted alike; it weighs as much as it has cases.": (
            sum(map(_gap, bins)) / len(bins)
        ),
        "The mean was taken over all bins, empty ones too; a bin weighs as much as it has cases.": (
            sum(map(_gap, bins)) / n_bins
        ),
        "That is the largest gap of a bin, the *maximum* calibration error.": max(map(_gap, bins)),
        "That is the gap of all cases together: over- and under-confidence cancel.": (
            _gap(everything)
        ),
        "That is |right - confidence| case by case; take the means of a bin first.": (
            sum(abs(hit - c) for c, hit in everything) / len(everything)
        ),
        "Binned by the probability of class 1; it is the largest of each row.": (
            _gap_of_class_1(rows, ys, n_bins)
        ),
        "The gaps were squared.": sum(len(b) * _gap(b) ** 2 for b in bins) / len(rows),
    }
    assert_agrees(
        yours(probabilities, labels, n_bins=n_bins),
        right,
        mistakes={what: value for what, value in mistakes.items() if abs(value - right) > 1e-6},
        look_at=look_at
        or f"There were {len(rows)} cases of {len(rows[0])} classes, and {n_bins} bins. For every "
        "bin: share right minus mean confidence, without the sign, times its share of the cases.",
    )


@pytest.mark.points(5)
def test_is_the_weighed_gap_over_the_bins(yours, generator):
    """By loops over bins and cases: three shapes, some bins empty."""
    for n, n_classes, n_bins in ((60, 3, 10), (45, 2, 15), (50, 5, 7)):
        logits = 1.5 * _oracle.draw(n, n_classes, generator=generator)
        labels = torch.randint(n_classes, (n,), generator=generator)
        _judge(yours, logits.softmax(1), labels, n_bins)


@pytest.mark.points(3)
def test_is_0_for_honest_and_1_for_sure_and_wrong(yours, generator):
    """Confidence 0.6 right 6 times in 10, 0.8 8 in 10: 0. Sure, and never right: 1."""
    for n_bins in (5, 12):
        parts = [(0.6, 6), (0.8, 8), (0.9, 9)]
        confidence = torch.cat([torch.full((10,), c).double() - 0.01 for c, _ in parts])
        right = torch.cat([torch.arange(10) < n for _, n in parts])
        predicted = torch.randint(2, (30,), generator=generator)
        rows = torch.stack([1 - confidence, confidence], dim=1)
        rows = torch.where(predicted[:, None] == 1, rows, rows.flip(1))
        labels = torch.where(right, predicted, 1 - predicted)
        _judge(yours, rows, labels, n_bins)
        sure = torch.eye(2, dtype=torch.float64)[predicted]
        for labels, value in ((1 - predicted, 1.0), (predicted, 0.0)):
            look_at = f"Always sure, and always {'right' if value == 0 else 'wrong'}."
            _judge(yours, sure, labels, n_bins, look_at)


@pytest.mark.points(2)
def test_bins_hold_their_upper_edge(yours, generator):
    """Confidences exactly on the edges of 4 and 8 bins belong to the bin below, 1 to the last."""
    for n_bins in (4, 8):
        values = torch.tensor([0.5, 0.625, 0.7, 0.75, 0.8, 0.875, 0.95, 1.0], dtype=torch.float64)
        confidence = values.repeat(3)[torch.randperm(24, generator=generator)]
        rows = torch.stack([confidence, 1 - confidence], dim=1)
        # Alternately right and wrong by value, so that a case in the wrong bin shows.
        place = (confidence[:, None] == values).long().argmax(1)
        labels = place % 2
        look_at = "Some confidences lie on an edge of a bin. Bins are (low, high], so 1 is in the "
        _judge(yours, rows, labels, n_bins, look_at + "last one and an edge in the bin below it.")
