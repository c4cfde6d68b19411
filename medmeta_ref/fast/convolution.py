"""A 3x3 convolution whose derivatives are convolutions again, to any order.

PyTorch differentiates its convolution twice through a convolution with a kernel as large as an
image, and computes the gradient of the input even where the input is data. Both are most of the
time of second-order meta-learning on a CPU. The three products

    out = x * w        dx = out' * w        dw = x * out'

are linear in each of their two factors, so the derivative of one is the other two.
"""

from typing import Any

import torch
from torch import Tensor


def convolution(x: Tensor, weight: Tensor, *, groups: int) -> Tensor:
    """Return conv2d(x, weight, padding=1, groups=groups), differentiable any number of times.

    Args:
        x: `[n, groups * in_channels, height, width]`, best channels-last.
        weight: `[groups * out_channels, in_channels, 3, 3]`.
        groups: how many networks stand side by side in the channels.

    Returns:
        `[n, groups * out_channels, height, width]`.

    Raises:
        ValueError: if the kernel is not 3x3.
    """
    if weight.shape[2:] != (3, 3):
        raise ValueError(f"weight has shape {tuple(weight.shape)}; the kernel has to be 3x3")
    out: Tensor = _Convolution.apply(x, weight, groups)  # type: ignore[no-untyped-call]
    return out


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, groups: int) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.groups = groups
        return torch.conv2d(x, weight, padding=1, groups=groups)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        wanted = ctx.needs_input_grad[:2]
        return *_products(gradients[0], x, weight, ctx.groups, wanted), None


class _Products(torch.autograd.Function):
    """The two other products, as far as they are wanted: dx = out' * w and dw = x * out'."""

    @staticmethod
    def forward(
        ctx: Any, gradient: Tensor, x: Tensor, weight: Tensor, groups: int, wanted: tuple[bool, ...]
    ) -> tuple[Tensor | None, Tensor | None]:
        ctx.save_for_backward(gradient, x, weight)
        ctx.groups = groups
        ctx.set_materialize_grads(False)
        one, mask = [1, 1], [*wanted, False]
        dx, dw, _ = torch.ops.aten.convolution_backward(
            gradient, x, weight, None, one, one, one, False, [0, 0], groups, mask
        )
        return dx, dw

    @staticmethod
    def backward(ctx: Any, *cotangents: Tensor | None) -> tuple[Tensor | None, ...]:
        of_dx, of_dw = cotangents
        gradient, x, weight = ctx.saved_tensors
        for_gradient = for_x = for_weight = None
        if of_dx is not None and of_dw is not None:
            # Two convolutions to be added are one convolution of twice the channels.
            joined = _side_by_side(of_dx, x, ctx.groups)
            for_gradient = convolution(joined, torch.cat([weight, of_dw], 1), groups=ctx.groups)
        elif of_dw is not None:
            for_gradient = convolution(x, of_dw, groups=ctx.groups)
        elif of_dx is not None:
            for_gradient = convolution(of_dx, weight, groups=ctx.groups)
        if of_dw is not None and ctx.needs_input_grad[1]:
            for_x, _ = _products(gradient, x, of_dw, ctx.groups, (True, False))
        if of_dx is not None:
            _, for_weight = _products(gradient, of_dx, weight, ctx.groups, (False, True))
        return for_gradient, for_x, for_weight, None, None


def _products(
    gradient: Tensor, x: Tensor, weight: Tensor, groups: int, wanted: tuple[bool, ...]
) -> tuple[Tensor | None, Tensor | None]:
    dx, dw = _Products.apply(gradient, x, weight, groups, wanted)  # type: ignore[no-untyped-call]
    return dx, dw


def _side_by_side(one: Tensor, other: Tensor, groups: int) -> Tensor:
    """Join images along their channels, group by group: `[n, groups * 2 * channels, ...]`."""
    n, _, height, width = one.shape
    grouped = [u.permute(0, 2, 3, 1).reshape(n, height, width, groups, -1) for u in (one, other)]
    return torch.cat(grouped, -1).view(n, height, width, -1).permute(0, 3, 1, 2)
