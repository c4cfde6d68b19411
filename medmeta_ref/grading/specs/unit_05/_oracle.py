"""Derivatives through gradient steps without autograd: loops, written-out slopes, differences.

On a bowl (theta - c)' A (theta - c) / 2 everything is a parabola in the start, so central
differences are exact. The small network and its slope are those that unit 06 writes out.
"""

from collections.abc import Callable, Collection
from typing import Any

import torch
from torch import Tensor

from medmeta_ref.grading.sandbox.adapters import Fn
from medmeta_ref.grading.specs.unit_06._oracle import (
    Task,
    bowl_task,
    draw,
    network_loss,
    network_params,
    network_slope,
    network_task,
    tensors_named,
)

__all__ = [
    "Task",
    "after_steps",
    "bowl",
    "bowl_task",
    "by_differences",
    "down_a_bowl",
    "draw",
    "network",
    "network_loss",
    "network_params",
    "network_slope",
    "network_task",
    "tensors_named",
    "through_bowl_steps",
]


def bowl(curvature: Tensor, centre: Tensor) -> Fn:
    """Return a bowl as a loss of {"theta": ...}."""
    return Fn("quadratic", (curvature, centre))


def network(x: Tensor, y: Tensor) -> Fn:
    """Return the cross-entropy of the small network on some examples, as a loss of its params."""
    return Fn("two_layers_cross_entropy", (x, y))


def down_a_bowl(theta: Tensor, curvature: Tensor, centre: Tensor, *, lr: float, k: int) -> Tensor:
    """Return where k steps lead, one after the other."""
    for _ in range(k):
        theta = theta - lr * curvature @ (theta - centre)
    return theta


def through_bowl_steps(theta: Tensor, task: Task, *, lr: float, k: int, through: int) -> Tensor:
    """Return the slope of the query bowl at the end, taken back through the last `through` steps.

    Each step that it is taken through is one multiplication by I - lr A.
    """
    end = down_a_bowl(theta, task.support_x, task.support_y, lr=lr, k=k)
    slope = task.query_x @ (end - task.query_y)
    for _ in range(through):
        slope = slope - lr * task.support_x @ slope
    return slope


def after_steps(
    params: dict[str, Tensor], task: Task, *, lr: float, k: int, frozen: Collection[str] = ()
) -> dict[str, Tensor]:
    """Return the network's parameters after k steps on the support examples."""
    for _ in range(k):
        slope = network_slope(params, task.support_x, task.support_y)
        params = {n: p if n in frozen else p - lr * slope[n] for n, p in params.items()}
    return params


def by_differences(
    function: Callable[[dict[str, Tensor]], Any], params: dict[str, Tensor]
) -> dict[str, Tensor]:
    """Return central differences of a number that depends on params."""
    step, slopes = 1e-5, {name: torch.zeros_like(p) for name, p in params.items()}
    for name, p in params.items():
        for i in range(p.numel()):
            ends = []
            for change in (step, -step):
                moved = p.clone()
                moved.view(-1)[i] += change
                ends.append(float(function({**params, name: moved})))
            slopes[name].view(-1)[i] = (ends[0] - ends[1]) / (2 * step)
    return slopes
