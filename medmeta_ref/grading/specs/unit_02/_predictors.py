"""Few-shot classifiers whose dependence on the support set is known beforehand.

Each is predict(support_x, support_y, query_x) -> [n_queries] slots; all in plain torch.
"""

import torch
from torch import Tensor


def nearest_mean(support_x: Tensor, support_y: Tensor, query_x: Tensor) -> Tensor:
    """Return the slot of the nearest class mean; classes may differ in size."""
    slots = sorted(set(support_y.tolist()))
    means = torch.stack([support_x[support_y == slot].mean(0) for slot in slots])
    return torch.tensor(slots)[torch.cdist(query_x, means).argmin(1)]


def nearest_example(support_x: Tensor, support_y: Tensor, query_x: Tensor) -> Tensor:
    """Return the slot of the nearest support example."""
    return support_y[torch.cdist(query_x, support_x).argmin(1)]


def by_heart(support_x: Tensor, support_y: Tensor, query_x: Tensor) -> Tensor:
    """Return the slot of the query's largest feature, whatever the support set says."""
    n_way = len(set(support_y.tolist()))
    return query_x[:, :n_way].argmax(1)


def doubled(support_x: Tensor, support_y: Tensor, query_x: Tensor) -> Tensor:
    """Return twice the right slot, round the circle: it reads the labels, and wrongly."""
    n_way = len(set(support_y.tolist()))
    return (2 * nearest_mean(support_x, support_y, query_x)) % n_way


def mixture(rules: list[int]) -> object:
    """Return a classifier that answers query i by nearest_mean, by_heart or doubled (0, 1, 2)."""

    def predict(support_x: Tensor, support_y: Tensor, query_x: Tensor) -> Tensor:
        each = [f(support_x, support_y, query_x) for f in (nearest_mean, by_heart, doubled)]
        chosen = torch.tensor(rules)[None]
        return torch.stack(each).gather(0, chosen)[0]

    return predict
