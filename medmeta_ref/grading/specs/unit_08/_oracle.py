"""MAML++ by hand: bowls in closed form, weights in fractions, batch norm in loops. No autograd.

On the bowl (theta - c)' A (theta - c) / 2 a step of size a shrinks theta - c by the factor I - a A,
so a path of steps with rates of their own is a product of such factors.
"""

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, NamedTuple

import torch
from torch import Tensor

from medmeta_ref.grading.specs.unit_06 import _oracle as maml

FLOOR = Fraction(3, 100)


class Problem(NamedTuple):
    """Bowls to adapt to, where to start, a rate for each step, and what each step weighs."""

    theta: Tensor
    tasks: list[maml.Task]
    rates: Tensor
    weights: Tensor


def problem(size: int, n_tasks: int, n_steps: int, *, generator: torch.Generator) -> Problem:
    """Return bowls with uneven rates and uneven weights that sum to 1."""
    tasks = [maml.bowl_task(size, generator=generator) for _ in range(n_tasks)]
    spread = torch.rand(2, n_steps, generator=generator, dtype=torch.float64)
    rates = torch.linspace(0.1, 0.3, n_steps, dtype=torch.float64) + 0.03 * spread[0]
    weights = 0.5 + spread[1]
    return Problem(
        maml.draw(size, generator=generator), tasks, rates.flip(0), weights / weights.sum()
    )


def path(theta: Tensor, task: maml.Task, rates: Tensor) -> list[Tensor]:
    """Return theta after 0, 1, ... steps on the support bowl."""
    places, shrink = [theta], torch.eye(len(theta), dtype=torch.float64)
    for rate in rates.tolist():
        shrink = shrink - rate * task.support_x @ shrink
        places.append(task.support_y + shrink @ (theta - task.support_y))
    return places


def value(theta: Tensor, tasks: list[maml.Task], rates: Tensor, weights: Tensor) -> float:
    """Return the mean over tasks of the weighted query losses after each step."""
    total = 0.0
    for task in tasks:
        places = path(theta, task, rates)[1:]
        for place, weight in zip(places, weights.tolist(), strict=True):
            total += weight * maml.bowl_loss(place, task.query_x, task.query_y)
    return total / len(tasks)


def slope_in_theta(case: Problem) -> Tensor:
    """Return the gradient of `value` in theta, by central differences; exact on a parabola."""
    theta, tasks, rates, weights = case
    return _differences(lambda moved: value(moved, tasks, rates, weights), theta)


def slope_in_rates(case: Problem) -> Tensor:
    """Return the gradient of `value` in the rates, by central differences."""
    theta, tasks, rates, weights = case
    return _differences(lambda moved: value(theta, tasks, moved, weights), rates)


def first_order_slopes(case: Problem) -> tuple[Tensor, Tensor]:
    """Return the gradients in theta and in the rates if support slopes count as constants.

    Then theta_k = theta - a_1 g_1 - ... - a_k g_k: every later query loss pulls at theta by its own
    slope, and at the rate a_j by minus the product of its slope with g_j.
    """
    theta, tasks, rates, weights = case
    in_theta, in_rates = torch.zeros_like(theta), torch.zeros_like(rates)
    for task in tasks:
        places = path(theta, task, rates)
        support = [task.support_x @ (place - task.support_y) for place in places]
        for k, weight in enumerate(weights.tolist(), start=1):
            query = weight * task.query_x @ (places[k] - task.query_y) / len(tasks)
            in_theta += query
            for j in range(k):
                in_rates[j] -= support[j] @ query
    return in_theta, in_rates


def network_value(
    params: dict[str, Tensor],
    task: maml.Task,
    rates: Mapping[str, Tensor],
    weights: Tensor,
) -> float:
    """Return the weighted query losses of a tanh network with a rate per parameter and step."""
    total = 0.0
    for step, weight in enumerate(weights.tolist()):
        slopes = maml.network_slope(params, task.support_x, task.support_y)
        params = {name: p - rates[name][step] * slopes[name] for name, p in params.items()}
        total += weight * maml.network_loss(params, task.query_x, task.query_y)
    return total


def _differences(function: Any, point: Tensor) -> Tensor:
    slopes = torch.zeros_like(point)
    for i, move in enumerate(1e-5 * torch.eye(len(point), dtype=torch.float64)):
        slopes[i] = (function(point + move) - function(point - move)) / 2e-5
    return slopes


def weights_by_hand(inner_steps: int, epoch: int, anneal_epochs: int) -> Tensor:
    """Return the weights after `epoch` times moving 1/(K E) from each early step to the last."""
    weights = [Fraction(1, inner_steps)] * inner_steps
    for _ in range(epoch):
        for step in range(inner_steps - 1):
            spare = weights[step] - FLOOR / inner_steps
            moved = min(Fraction(1, inner_steps * anneal_epochs), spare)
            weights[step] -= moved
            weights[-1] += moved
    return torch.tensor([float(w) for w in weights], dtype=torch.float64)


class Norms(NamedTuple):
    """Images [n, channels, height, width], and statistics stored per step, [n_steps, channels]."""

    x: Tensor
    means: Tensor
    variances: Tensor


def norms(n: int, channels: int, side: int, n_steps: int, *, generator: torch.Generator) -> Norms:
    """Return images whose channels have moments of their own, and unlike statistics in store."""
    x = maml.draw(n, channels, side, side, generator=generator)
    x = x * torch.linspace(0.5, 2, channels).double()[:, None, None] + 3
    rows = torch.arange(n_steps * channels, dtype=torch.float64).view(n_steps, channels)
    return Norms(x, maml.draw(n_steps, channels, generator=generator) + rows, 2 + rows)


def moments(x: Tensor, *, unbiased: bool) -> tuple[list[float], list[float]]:
    """Return mean and variance of each channel, number by number."""
    means, variances = [], []
    for channel in range(x.shape[1]):
        numbers = [float(v) for image in x for row in image[channel] for v in row]
        mean = math.fsum(numbers) / len(numbers)
        squares = math.fsum((v - mean) ** 2 for v in numbers)
        means.append(mean)
        variances.append(squares / (len(numbers) - unbiased))
    return means, variances


def normalised(x: Tensor, means: Any, variances: Any, eps: float = 1e-5) -> Tensor:
    """Return (x - mean) / sqrt(variance + eps), channel by channel."""
    out = torch.empty_like(x)
    for channel, (mean, variance) in enumerate(zip(means, variances, strict=True)):
        out[:, channel] = (x[:, channel] - float(mean)) / math.sqrt(float(variance) + eps)
    return out


def moved_row(stored: Tensor, row: int, new: list[float], momentum: float) -> Tensor:
    """Return the stored numbers with one row moved towards new ones."""
    moved = stored.clone()
    for channel, number in enumerate(new):
        moved[row, channel] = (1 - momentum) * stored[row, channel] + momentum * number
    return moved


def triple(got: Any) -> tuple[Any, Any, Any]:
    """Return the three parts of what per_step_norm returned."""
    kind = type(got).__name__
    assert type(got) is tuple, (
        f"A tuple (normalised, means, variances) was expected; yours is {kind}."
        + (" Is the return statement missing?" if got is None else "")
    )
    assert len(got) == 3, f"Three things were expected, yours are {len(got)}."
    return got
