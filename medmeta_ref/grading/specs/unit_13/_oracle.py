"""Metrics by hand: loops over pairs, thresholds, bins and resamples; no tensors inside."""

import itertools
import math

import torch
from torch import Tensor

Numbers = list[float]


def draw(*shape: int, generator: torch.Generator) -> Tensor:
    """Return random normal numbers in float64."""
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def cases(n: int, n_ill: int, *, generator: torch.Generator) -> Tensor:
    """Return labels with so many of 1, in random order."""
    labels = (torch.arange(n) < n_ill).long()
    return labels[torch.randperm(n, generator=generator)]


def by_class(scores: Tensor, labels: Tensor) -> tuple[Numbers, Numbers]:
    """Return the scores of the ill and of the healthy."""
    pairs = list(zip(scores.tolist(), labels.tolist(), strict=True))
    return [s for s, y in pairs if y == 1], [s for s, y in pairs if y == 0]


def pair_share(scores: Tensor, labels: Tensor, *, tie: float = 0.5) -> float:
    """Return the share of (ill, healthy) pairs in which the ill case scores higher."""
    ill, healthy = by_class(scores, labels)
    won = [tie if a == b else float(a > b) for a in ill for b in healthy]
    return sum(won) / len(won)


def reaching(values: Numbers, threshold: float) -> float:
    """Return the share of the values that are at least the threshold."""
    return sum(value >= threshold for value in values) / len(values)


def found_at(scores: Tensor, labels: Tensor, specificity: float) -> float:
    """Return the largest sensitivity of all thresholds that clear enough of the healthy."""
    ill, healthy = by_class(scores, labels)
    best = 0.0
    for threshold in (*ill, *healthy, math.inf):
        if 1 - reaching(healthy, threshold) >= specificity - 1e-9:
            best = max(best, reaching(ill, threshold))
    return best


def calibration_error(rows: list[Numbers], labels: list[int], n_bins: int) -> float:
    """Return the expected calibration error, bin by bin, each bin (low, high]."""
    error = 0.0
    for b in range(n_bins):
        inside = [
            (max(row), row.index(max(row)) == y)
            for row, y in zip(rows, labels, strict=True)
            if b / n_bins < max(row) <= (b + 1) / n_bins
        ]
        if inside:
            gap = sum(hit for _, hit in inside) - sum(confidence for confidence, _ in inside)
            error += abs(gap) / len(rows)
    return error


def all_resamples(sums: Numbers, counts: list[int]) -> list[tuple[float, float]]:
    """Return every (mean over rows, probability) that drawing whole groups can give, in order.

    Args:
        sums: of every group, what its rows add up to.
        counts: of every group, the number of its rows.
    """
    n = len(sums)
    found = []
    for drawn in itertools.combinations_with_replacement(range(n), n):
        ways = math.factorial(n)
        for name in set(drawn):
            ways //= math.factorial(drawn.count(name))
        mean = sum(sums[g] for g in drawn) / sum(counts[g] for g in drawn)
        found.append((mean, ways / n**n))
    return sorted(found)


def quantile(resamples: list[tuple[float, float]], share_below: float) -> float:
    """Return the lowest value with at least that probability at or below it."""
    total = 0.0
    for value, probability in resamples:
        total += probability
        if total >= share_below:
            return value
    return resamples[-1][0]
