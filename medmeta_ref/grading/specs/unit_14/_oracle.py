"""Costs by counting ones, steps that are known beforehand, layers by loops; no library method."""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

Layer = tuple[Any, ...]


def draw(*shape: int, generator: torch.Generator) -> Tensor:
    """Return random normal numbers in float64."""
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def between(low: int, high: int, generator: torch.Generator) -> int:
    """Return a random whole number, both ends included."""
    return int(torch.randint(low, high + 1, (), generator=generator))


def counted_cost(layers: list[Layer], shape: tuple[int, int, int]) -> tuple[int, int]:
    """Return (parameters, MACs) by making the layers of ones and feeding them ones.

    Every product is then 1, so that the sum of a layer's outputs is the number of its products.
    Padding is ones as well, since products with padded numbers count.
    """
    x = torch.ones(1, *shape, dtype=torch.float64)
    n_parameters = n_macs = 0
    for kind, size, *more in layers:
        if kind == "pool":
            x = F.max_pool2d(x, size)
            continue
        if kind == "conv":
            kernel, stride, padding, groups = more
            weight = torch.ones(size, x.shape[1] // groups, kernel, kernel, dtype=torch.float64)
            padded = F.pad(x, (padding,) * 4, value=1.0)
            out = F.conv2d(padded, weight, stride=stride, groups=groups)
        else:
            weight = torch.ones(size, x.numel(), dtype=torch.float64)
            out = F.linear(x.flatten(1), weight)[..., None, None]
        n_parameters += weight.numel() + size
        n_macs += round(out.sum().item())
        x = torch.ones_like(out)
    return n_parameters, n_macs


def known_weight(
    *shape: int, generator: torch.Generator, extreme: int | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Return (weight, its steps, the scale of each channel), made the other way round.

    The steps are drawn, one of each channel is 127 in size, and then every other weight is moved
    by less than half a step: so no rounding is close, in whatever precision.

    Args:
        shape: of the weight.
        generator: draws it.
        extreme: the largest step of every channel, 127 or -127; drawn if it is None.
    """
    n_out, n_in = shape[0], math.prod(shape[1:])
    steps = torch.randint(-126, 127, (n_out, n_in), generator=generator).double()
    moved = (torch.rand(n_out, n_in, generator=generator, dtype=torch.float64) - 0.5) * 0.9
    for channel in range(n_out):
        place = between(0, n_in - 1, generator)
        sign = 1 if between(0, 1, generator) else -1
        steps[channel, place] = 127 * sign if extreme is None else extreme
        moved[channel, place] = 0
    scale = 0.01 * 4 ** (draw(n_out, generator=generator) / 2)
    weight = (steps + moved) * scale[:, None]
    return weight.view(shape), steps.view(shape), scale


def by_channel(scale: Tensor, like: Tensor) -> Tensor:
    """Return the numbers of the channels, each repeated over its channel."""
    rows = [torch.full_like(row, number) for row, number in zip(like, scale.tolist(), strict=True)]
    return torch.stack(rows)


def normalised(
    x: Tensor, weight: Tensor, statistics: tuple[Tensor, ...], eps: float
) -> list[list[float]]:
    """Return batch norm, at fixed statistics, of weight @ x for every row of x: by loops."""
    mean, variance, gamma, beta = (each.tolist() for each in statistics)
    rows = []
    for example in x.tolist():
        row = []
        for c, kernel in enumerate(weight.flatten(1).tolist()):
            y = sum(a * b for a, b in zip(kernel, example, strict=True))
            row.append(gamma[c] * (y - mean[c]) / math.sqrt(variance[c] + eps) + beta[c])
        rows.append(row)
    return rows


def pair(got: Any, what: str) -> tuple[Any, Any]:
    """Return the two parts of the learner's answer."""
    missing = " Is the return statement missing?" if got is None else ""
    is_pair = type(got) in (tuple, list) and len(got) == 2
    assert is_pair, f"A pair was expected, {what}; your function returned {got!r:.80}.{missing}"
    return got[0], got[1]
