"""Prototypes by hand: loops over examples, classes and features, and `math`; no autograd."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

Rows = list[list[float]]


class Scans(NamedTuple):
    """Labelled scans, a different number of each class, and others to be classified."""

    support_x: Tensor
    support_y: Tensor
    query_x: Tensor
    query_y: Tensor


def draw(*shape: int, generator: torch.Generator) -> Tensor:
    """Return random normal numbers in float64."""
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def shuffled_labels(counts: tuple[int, ...], *, generator: torch.Generator) -> Tensor:
    """Return `counts[c]` labels c for every class c, in random order that is not sorted."""
    labels = torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))
    while (labels[1:] >= labels[:-1]).all():
        labels = labels[torch.randperm(len(labels), generator=generator)]
    return labels


def scans(
    counts: tuple[int, ...], n_queries: int, n_features: int, *, generator: torch.Generator
) -> Scans:
    """Return ragged shots in random order, and queries that hold every class at least once."""
    support_y = shuffled_labels(counts, generator=generator)
    query_y = torch.arange(n_queries) % len(counts)
    support_x = draw(len(support_y), n_features, generator=generator)
    return Scans(support_x, support_y, draw(n_queries, n_features, generator=generator), query_y)


def class_sums(features: Tensor, labels: Tensor, n_way: int) -> tuple[Rows, list[int]]:
    """Return the sum of the features of every class, and how many examples it has."""
    sums, counts = [[0.0] * features.shape[1] for _ in range(n_way)], [0] * n_way
    for row, label in zip(features.tolist(), labels.tolist(), strict=True):
        counts[label] += 1
        for i, value in enumerate(row):
            sums[label][i] += value
    return sums, counts


def prototypes(features: Tensor, labels: Tensor, n_way: int) -> Tensor:
    """Return the mean of every class."""
    sums, counts = class_sums(features, labels, n_way)
    rows = [[value / n for value in row] for row, n in zip(sums, counts, strict=True)]
    return torch.tensor(rows, dtype=torch.float64)


def squared_distances(queries: Tensor, centres: Tensor) -> Tensor:
    """Return the squared Euclidean distance of every query to every centre."""
    rows = [
        [sum((q - c) ** 2 for q, c in zip(query, centre, strict=True)) for centre in centres]
        for query, centres in ((query, centres.tolist()) for query in queries.tolist())
    ]
    return torch.tensor(rows, dtype=torch.float64)


def probabilities(scores: Tensor) -> Tensor:
    """Return the softmax of every row."""
    rows = []
    for row in scores.tolist():
        powers = [math.exp(value - max(row)) for value in row]
        rows.append([power / sum(powers) for power in powers])
    return torch.tensor(rows, dtype=torch.float64)


def cross_entropy(scores: Tensor, labels: Tensor) -> float:
    """Return the mean of -log softmax(scores) at the label."""
    total = 0.0
    for row, label in zip(scores.tolist(), labels.tolist(), strict=True):
        top = max(row)
        total -= row[label] - top - math.log(sum(math.exp(value - top) for value in row))
    return total / len(labels)


def embedded(params: dict[str, Tensor], x: Tensor) -> Tensor:
    """Return what the tanh network with these parameters makes of x."""
    hidden = torch.tanh(x @ params["weight1"].T + params["bias1"])
    return hidden @ params["weight2"].T + params["bias2"]


def embedding_params(n_in: int, n_out: int, *, generator: torch.Generator) -> dict[str, Tensor]:
    """Return parameters of a tanh network with 3 hidden units."""
    shapes = {"weight1": (3, n_in), "bias1": (3,), "weight2": (n_out, 3), "bias2": (n_out,)}
    return {name: draw(*shape, generator=generator) for name, shape in shapes.items()}


def loss(params: dict[str, Tensor], task: Scans, *, centres: Tensor | None = None) -> float:
    """Return the cross-entropy of the queries; `centres` takes the place of the prototypes."""
    if centres is None:
        n_way = int(task.support_y.max()) + 1
        centres = prototypes(embedded(params, task.support_x), task.support_y, n_way)
    return cross_entropy(-squared_distances(embedded(params, task.query_x), centres), task.query_y)


def loss_slopes(
    params: dict[str, Tensor], task: Scans, *, centres: Tensor | None = None
) -> dict[str, Tensor]:
    """Return central differences of `loss`, one parameter after the other."""
    step, slopes = 1e-5, {name: torch.zeros_like(p) for name, p in params.items()}
    for name, p in params.items():
        for i in range(p.numel()):
            ends = []
            for change in (step, -step):
                moved = p.clone()
                moved.view(-1)[i] += change
                ends.append(loss({**params, name: moved}, task, centres=centres))
            slopes[name].view(-1)[i] = (ends[0] - ends[1]) / (2 * step)
    return slopes
