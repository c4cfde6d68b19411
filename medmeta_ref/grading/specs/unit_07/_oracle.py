"""Reptile, ANIL and feature likeness by hand: matrix powers, fixed points, all pairs of examples.

A bowl is the loss (theta - c)' A (theta - c) / 2. A step of size a on it is the affine map
theta - c -> (I - a A)(theta - c); where only some directions may move, A is first multiplied by a
diagonal of ones and zeros. No autograd, and nothing of the reference library's methods.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from medmeta_ref.grading.sandbox.adapters import Fn
from medmeta_ref.grading.specs.unit_06 import _oracle as maml_oracle

BOWL, NETWORK = Fn("bowl"), Fn("network_loss")

tensors_named = maml_oracle.tensors_named
network_params, network_slope = maml_oracle.network_params, maml_oracle.network_slope


def draw(*shape: int, generator: torch.Generator) -> Tensor:
    """Return random normal numbers in float64; one without axes if no shape is given."""
    numbers: Tensor = torch.randn(shape, generator=generator, dtype=torch.float64)
    return numbers


class Bowl(NamedTuple):
    """A matrix of curvatures and a centre; as (x, y) the data of the loss "bowl"."""

    curvature: Tensor
    centre: Tensor


def round_bowl(size: int, *, generator: torch.Generator) -> Bowl:
    """Return a bowl that is equally steep, between 0.5 and 3.5, in all directions."""
    h = 0.5 + 3 * torch.rand((), generator=generator, dtype=torch.float64)
    return Bowl(h * torch.eye(size, dtype=torch.float64), draw(size, generator=generator))


def long_bowl(size: int, *, generator: torch.Generator) -> Bowl:
    """Return a bowl that is steep in some directions and flat in others."""
    task = maml_oracle.bowl_task(size, generator=generator)
    return Bowl(task.support_x, task.support_y)


def walked(theta: Tensor, bowls: list[Bowl], *, inner_lr: float) -> Tensor:
    """Return where one step on each of the bowls leads, one after the other."""
    for curvature, centre in bowls:
        theta = theta - inner_lr * curvature @ (theta - centre)
    return theta


def straight(theta: Tensor, bowls: list[Bowl], *, inner_lr: float) -> Tensor:
    """Return where the same steps would lead if every slope were taken at the start."""
    slopes = [curvature @ (theta - centre) for curvature, centre in bowls]
    return theta - inner_lr * torch.stack(slopes).sum(0)


def moved(theta: Tensor, ends: list[Tensor], *, outer_lr: float) -> Tensor:
    """Return a Reptile update of a single tensor."""
    return theta + outer_lr * (torch.stack(ends).mean(0) - theta)


def head_steps(
    theta: Tensor, bowl: Bowl, moves: Tensor, *, inner_lr: float, inner_steps: int
) -> tuple[Tensor, Tensor]:
    """Return where steps end that move some directions only, and how the end follows the start.

    Args:
        theta: `[size]`, where they begin.
        bowl: what they descend.
        moves: `[size]`, 1 for directions that move and 0 for those that do not.
        inner_lr: the step size.
        inner_steps: number of steps.

    Returns:
        the end, `[size]`, and its derivative in theta, `[size, size]`.
    """
    identity = torch.eye(len(theta), dtype=torch.float64)
    one = identity - inner_lr * torch.diag(moves) @ bowl.curvature
    power = torch.linalg.matrix_power(one, inner_steps)
    return bowl.centre + power @ (theta - bowl.centre), power


def cka_by_pairs(x: Tensor, y: Tensor) -> float:
    """Return linear CKA from the inner products of all pairs of centred examples, by loops."""

    def products(features: Tensor) -> list[list[float]]:
        rows = (features - features.mean(0)).tolist()
        return [[sum(a * b for a, b in zip(r, s, strict=True)) for s in rows] for r in rows]

    def overlap(k: list[list[float]], l_: list[list[float]]) -> float:
        return sum(a * b for r, s in zip(k, l_, strict=True) for a, b in zip(r, s, strict=True))

    k, l_ = products(x), products(y)
    return float(overlap(k, l_) / (overlap(k, k) * overlap(l_, l_)) ** 0.5)
