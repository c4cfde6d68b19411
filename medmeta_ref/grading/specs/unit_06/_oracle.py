"""Meta-learning by hand: bowls in closed form, a small network by its own backpropagation.

A bowl is the loss (theta - c)' A (theta - c) / 2. Steps of size a on it shrink theta - c by the
factor (I - a A) each, so everything about it is matrix algebra. The network has no closed form; its
gradient is written out here, and its meta-gradient taken by central differences. No autograd.
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor

from medmeta_ref.grading.sandbox.adapters import Fn

BOWL, NETWORK = Fn("bowl"), Fn("network_loss")


class Task(NamedTuple):
    """A support bowl and a query bowl; or the support and query examples of a network."""

    support_x: Tensor
    support_y: Tensor
    query_x: Tensor
    query_y: Tensor


def draw(*shape: int, generator: torch.Generator) -> Tensor:
    """Return random normal numbers in float64."""
    numbers: Tensor = torch.randn(*shape, generator=generator, dtype=torch.float64)
    return numbers


def bowl_task(size: int, *, generator: torch.Generator) -> Task:
    """Return bowls of different curvature in different directions, each with a centre of its own.

    The curvatures lie between about 0.5 and 3, so that steps of 0.2 neither vanish nor diverge.
    """

    def curvature() -> Tensor:
        directions = torch.linalg.qr(draw(size, size, generator=generator)).Q
        heights = torch.diag(torch.linspace(0.5, 3, size, dtype=torch.float64))
        turned: Tensor = directions @ heights @ directions.T
        return turned

    return Task(
        curvature(),
        draw(size, generator=generator),
        curvature(),
        draw(size, generator=generator),
    )


def bowl_loss(theta: Tensor, curvature: Tensor, centre: Tensor) -> float:
    """Return the height of a bowl at theta."""
    return float((theta - centre) @ curvature @ (theta - centre)) / 2


def adapted_bowl(theta: Tensor, task: Task, *, inner_lr: float, inner_steps: int) -> Tensor:
    """Return where the steps on the support bowl end: c + (I - a A)^K (theta - c)."""
    away = theta - task.support_y
    return task.support_y + _shrink(task, inner_lr, inner_steps) @ away


def bowl_meta_gradient(
    theta: Tensor, task: Task, *, inner_lr: float, inner_steps: int, first_order: bool = False
) -> Tensor:
    """Return (I - a A)^K B (theta_K - d), or B (theta_K - d) alone to first order."""
    end = adapted_bowl(theta, task, inner_lr=inner_lr, inner_steps=inner_steps)
    at_the_end = task.query_x @ (end - task.query_y)
    return at_the_end if first_order else _shrink(task, inner_lr, inner_steps).T @ at_the_end


def _shrink(task: Task, inner_lr: float, inner_steps: int) -> Tensor:
    identity = torch.eye(len(task.support_y), dtype=torch.float64)
    power: Tensor = torch.linalg.matrix_power(identity - inner_lr * task.support_x, inner_steps)
    return power


def network_task(n_in: int, n_classes: int, *, generator: torch.Generator) -> Task:
    """Return a few labelled examples to adapt on and a few others to be judged on."""
    xs = [draw(n, n_in, generator=generator) for n in (4, 5)]
    ys = [torch.randint(n_classes, (n,), generator=generator) for n in (4, 5)]
    return Task(xs[0], ys[0], xs[1], ys[1])


def network_params(n_in: int, n_classes: int, *, generator: torch.Generator) -> dict[str, Tensor]:
    """Return parameters of a tanh network with 3 hidden units."""
    shapes = {"weight1": (3, n_in), "bias1": (3,), "weight2": (n_classes, 3), "bias2": (n_classes,)}
    return {name: draw(*shape, generator=generator) for name, shape in shapes.items()}


def network_loss(params: dict[str, Tensor], x: Tensor, y: Tensor) -> float:
    """Return the mean cross-entropy."""
    return _network(params, x, y)[0]


def adapted_network(
    params: dict[str, Tensor], task: Task, *, inner_lr: float, inner_steps: int
) -> dict[str, Tensor]:
    """Return the parameters after gradient descent on the support examples."""
    for _ in range(inner_steps):
        slope = _network(params, task.support_x, task.support_y)[1]
        params = {name: p - inner_lr * slope[name] for name, p in params.items()}
    return params


def network_slope(params: dict[str, Tensor], x: Tensor, y: Tensor) -> dict[str, Tensor]:
    """Return the gradient of the mean cross-entropy."""
    return _network(params, x, y)[1]


def network_meta_gradient(
    params: dict[str, Tensor], tasks: list[Task], *, inner_lr: float, inner_steps: int
) -> dict[str, Tensor]:
    """Return central differences of the mean query loss after adaptation, number by number."""

    def after(moved: dict[str, Tensor]) -> float:
        total = 0.0
        for task in tasks:
            end = adapted_network(moved, task, inner_lr=inner_lr, inner_steps=inner_steps)
            total += network_loss(end, task.query_x, task.query_y)
        return total / len(tasks)

    step, slopes = 1e-5, {name: torch.zeros_like(p) for name, p in params.items()}
    for name, p in params.items():
        for i in range(p.numel()):
            ends = []
            for change in (step, -step):
                moved = p.clone()
                moved.view(-1)[i] += change
                ends.append(after({**params, name: moved}))
            slopes[name].view(-1)[i] = (ends[0] - ends[1]) / (2 * step)
    return slopes


def _network(params: dict[str, Tensor], x: Tensor, y: Tensor) -> tuple[float, dict[str, Tensor]]:
    """Return the loss of the tanh network and its gradient, by the chain rule written out."""
    hidden = torch.tanh(x @ params["weight1"].T + params["bias1"])
    scores = (hidden @ params["weight2"].T + params["bias2"]).exp()
    probabilities = scores / scores.sum(1, keepdim=True)
    rows = torch.arange(len(y))
    loss = float(-probabilities[rows, y].log().mean())
    error = probabilities.clone()
    error[rows, y] -= 1
    error /= len(y)
    behind = error @ params["weight2"] * (1 - hidden**2)
    return loss, {
        "weight1": behind.T @ x,
        "bias1": behind.sum(0),
        "weight2": error.T @ hidden,
        "bias2": error.sum(0),
    }


def tensors_named(got: Any, names: Any, what: str) -> dict[str, Any]:
    """Return `got` if it is a dict with exactly these names."""
    assert type(got) is dict, (
        f"{what} should be a dict from names to tensors, yours is {type(got).__name__}. "
        + ("Is the return statement missing?" if got is None else "Build it as {name: ...}.")
    )
    wanted, there = sorted(names), sorted(map(str, got))
    assert there == wanted, f"{what} should have the names {wanted}, yours has {there}."
    return got
