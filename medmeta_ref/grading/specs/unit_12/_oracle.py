"""Losses, centres and scores by hand: loops over examples and features, and `math`; no autograd."""

import math

import torch
from torch import Tensor

Rows = list[list[float]]


def draw(*shape: int, generator: torch.Generator) -> Tensor:
    """Return random normal numbers in float64."""
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def probabilities(logits: Tensor) -> Rows:
    """Return the softmax of every row."""
    rows = []
    for row in logits.tolist():
        powers = [math.exp(value - max(row)) for value in row]
        rows.append([power / sum(powers) for power in powers])
    return rows


def likely(logits: Tensor, labels: Tensor) -> list[float]:
    """Return the probability of each example's label."""
    return [row[y] for row, y in zip(probabilities(logits), labels.tolist(), strict=True)]


def bounded_loss(logits: Tensor, labels: Tensor, q: float) -> float:
    """Return the mean of (1 - p^q) / q."""
    each = [(1 - math.pow(p, q)) / q for p in likely(logits, labels)]
    return sum(each) / len(each)


def cross_entropy(logits: Tensor, labels: Tensor) -> float:
    """Return the mean of -log p."""
    each = [-math.log(p) for p in likely(logits, labels)]
    return sum(each) / len(each)


def bounded_loss_gradient(logits: Tensor, labels: Tensor, q: float) -> Tensor:
    """Return p^q (p_j - 1[j = y]) / n, the slope of `bounded_loss` in every logit."""
    rows = []
    for row, y in zip(probabilities(logits), labels.tolist(), strict=True):
        weight = row[y] ** q / len(labels)
        rows.append([weight * (p - (j == y)) for j, p in enumerate(row)])
    return torch.tensor(rows, dtype=torch.float64)


def trimmed(examples: Tensor, n_lowest: int, n_highest: int) -> Tensor:
    """Return the mean of every feature without so many of its lowest and highest values."""
    centre = []
    for column in examples.T.tolist():
        kept = sorted(column)[n_lowest : len(column) - n_highest]
        centre.append(sum(kept) / len(kept))
    return torch.tensor(centre, dtype=torch.float64)


def distances(examples: Tensor, centre: Tensor) -> list[float]:
    """Return the distance of every example to a point."""
    return [math.dist(row, centre.tolist()) for row in examples.tolist()]


def geometric_median(examples: Tensor) -> Tensor:
    """Return the lowest point of the summed distances, by Newton's method with halved steps.

    Only for examples whose median is none of them, so that the sum is smooth there.
    """
    centre = examples.mean(0)
    identity = torch.eye(examples.shape[1], dtype=torch.float64)
    for _ in range(100):
        away = centre - examples
        far = away.norm(dim=1)
        units = away / far[:, None]
        bent = [(identity - torch.outer(u, u)) / d for u, d in zip(units, far, strict=True)]
        curvature = torch.stack(bent).sum(0)
        step = torch.linalg.solve(curvature, units.sum(0))
        while sum(distances(examples, centre - step)) > sum(distances(examples, centre)) + 1e-12:
            step = step / 2
        centre = centre - step
        if step.norm() < 1e-10:
            break
    return centre


def nearest(queries: Tensor, prototypes: Tensor) -> list[list[float]]:
    """Return the distances of every query to all prototypes."""
    return [[math.dist(q, c) for c in prototypes.tolist()] for q in queries.tolist()]


def pair_share(scores: list[float], is_outlier: list[bool], *, tie: float = 0.5) -> float:
    """Return the share of (outlier, other) pairs in which the outlier has the higher score."""
    high = [s for s, odd in zip(scores, is_outlier, strict=True) if odd]
    low = [s for s, odd in zip(scores, is_outlier, strict=True) if not odd]
    # Equal on paper: the same whole numbers, added up in another order.
    won = [tie if math.isclose(a, b, rel_tol=1e-9) else float(a > b) for a in high for b in low]
    return sum(won) / len(won)
