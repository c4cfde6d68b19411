"""Tasks whose whole meta-learning can be worked out on paper.

A task is a bowl, L(θ) = ½ (θ - c)ᵀ A (θ - c), so K inner steps of size α from θ end at

    θ_K = c + (I - αA)^K (θ - c),

and the gradient of a query bowl (B, d) at θ_K, taken with respect to θ, is

    ((I - αA)^K)ᵀ B (θ_K - d).
"""

import torch
from torch import nn

from medmeta_ref.episodes import Episode


def bowl(model, params, curvature, centre):
    """The loss: `x` holds the curvature A, `y` the centre c. The model is not asked."""
    away = params["theta"] - centre
    return 0.5 * away @ curvature @ away


class Nothing(nn.Module):
    """Stands where a model is expected."""


def double(*rows):
    return torch.tensor(rows, dtype=torch.float64)


def random_task(generator, *, size=3):
    """Return an episode of bowls: different curvature and centre for support and query."""
    noise = torch.randn(4, size, size, generator=generator, dtype=torch.float64)
    support, query = (
        n @ n.T / size + 0.1 * torch.eye(size, dtype=torch.float64) for n in noise[:2]
    )
    return Episode(support, noise[2, 0], query, noise[3, 0])


def adapted_by_hand(theta, task, *, inner_lr, inner_steps):
    shrink = torch.eye(len(theta), dtype=torch.float64) - inner_lr * task.support_x
    return task.support_y + torch.linalg.matrix_power(shrink, inner_steps) @ (
        theta - task.support_y
    )


def meta_gradient_by_hand(theta, task, *, inner_lr, inner_steps, first_order=False):
    end = adapted_by_hand(theta, task, inner_lr=inner_lr, inner_steps=inner_steps)
    gradient = task.query_x @ (end - task.query_y)
    if first_order:
        return gradient
    shrink = torch.eye(len(theta), dtype=torch.float64) - inner_lr * task.support_x
    return torch.linalg.matrix_power(shrink, inner_steps).T @ gradient
