"""Batch norm, 2x2 max pooling and ReLU in one operation that can be differentiated twice.

Ioffe and Szegedy 2015, "Batch Normalization", arXiv 1502.03167, with the statistics of the images
at hand. Normalising is increasing where its scale γ is positive, so the greatest pixel of a window
may be found before it is normalised, and everything after that is done on a quarter of the pixels
(where γ is negative the least pixel is taken).

With x̂ = (x - μ) / σ, n pixels a channel, and G the gradient brought back through ReLU and pooling
(at most one pixel of a window is not zero), the first derivatives are

    dβ = n mean(G)       dγ = n a       dx = (γ/σ) (G - mean(G) - a x̂)        a = mean(G x̂)

The second derivatives, of <v, dx> + <u, dγ> + <w, dβ>, are, with b = mean(v x̂) and
k = mean(v G) - mean(v) mean(G),

    for G   (γ/σ) (v - mean(v) - b x̂) + u x̂ + w
    for x   -(γ/σ²) (a (v - mean(v)) + b (G - mean(G)) + (k - 3ab) x̂) + (u/σ) (G - mean(G) - a x̂)
    for γ   (n/σ) (k - a b)
"""

from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from medmeta_ref.fast import kernels


def norm_pool(x: Tensor, weight: Tensor, bias: Tensor, *, eps: float) -> Tensor:
    """Return relu(max_pool2d(batch_norm(x), 2)), normalised by the statistics of `x` itself.

    Args:
        x: `[n, channels, height, width]` on the CPU, float32 or float64; made channels-last.
        weight: `[channels]`, the scale γ, of either sign.
        bias: `[channels]`, the shift β.
        eps: added to the variance.

    Returns:
        `[n, channels, height // 2, width // 2]`, channels-last, differentiable twice.

    Raises:
        ValueError: if `x` is smaller than one window.

    Example:
        >>> x = torch.tensor([[[[1.0, 2.0], [3.0, 6.0]]]])
        >>> norm_pool(x, torch.ones(1), torch.zeros(1), eps=0.0)
        tensor([[[[1.6036]]]])
    """
    if x.ndim != 4 or min(x.shape[2:]) < 2 or len(x) == 0:
        raise ValueError(
            f"x has shape {tuple(x.shape)}; [n, channels, height, width] with a height and width "
            "of at least 2 is needed"
        )
    x = x.contiguous(memory_format=torch.channels_last)  # here, where autograd can see it
    out: Tensor = _NormPool.apply(x, weight, bias, eps)  # type: ignore[no-untyped-call]
    return out


class _NormPool(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
        n, channels, height, width = x.shape
        pooled = _images(x, (n, channels, height // 2, width // 2))
        where = _images(x, pooled.shape, torch.uint8)
        mean, variance = torch.empty_like(weight), torch.empty_like(weight)
        sign = torch.where(weight < 0, -1, 1).to(x.dtype)
        kernels.pool(_nhwc(x), sign.numpy(), _nhwc(pooled), _nhwc(where))
        kernels.moments(_nhwc(x), mean.numpy(), variance.numpy())
        inverse_std = (variance + eps).rsqrt()
        scale = weight * inverse_std
        out = torch.addcmul(_wide(bias - mean * scale), pooled, _wide(scale)).relu_()
        ctx.save_for_backward(x, weight, pooled, where, out, mean, inverse_std)
        return out

    @staticmethod
    def backward(ctx: Any, *gradient: Tensor) -> tuple[Tensor | None, ...]:
        return *_NormPoolBackward.apply(*gradient, *ctx.saved_tensors), None  # type: ignore[no-untyped-call]


class _NormPoolBackward(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        gradient: Tensor,
        x: Tensor,
        weight: Tensor,
        pooled: Tensor,
        where: Tensor,
        out: Tensor,
        mean: Tensor,
        inverse_std: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        n = x.numel() // x.shape[1]
        gradient = torch.where(out > 0, gradient, 0).contiguous(memory_format=torch.channels_last)
        total, product = _sums(gradient, pooled)
        d_weight = inverse_std * (product - mean * total)
        a, scale = d_weight / n, weight * inverse_std
        slope = -scale * inverse_std * a
        dx = _spread(where, gradient, scale, x, slope, -scale * total / n - slope * mean)
        ctx.save_for_backward(x, weight, pooled, where, out, mean, inverse_std, gradient, total, a)
        return dx, d_weight, total

    @staticmethod
    def backward(ctx: Any, *cotangents: Tensor) -> tuple[Tensor | None, ...]:
        if torch.is_grad_enabled():  # create_graph=True was asked for
            raise RuntimeError(
                "norm_pool has two derivatives in closed form, and a third was asked for; use the "
                "layers of the model, as maml.maml_loss does"
            )
        v, u, w = cotangents
        x, weight, pooled, where, out, mean, inverse_std, gradient, total, a = ctx.saved_tensors
        n = x.numel() // x.shape[1]
        v = v.contiguous(memory_format=torch.channels_last)
        taken = _images(x, pooled.shape)
        kernels.gather(_nhwc(v), _nhwc(where), _nhwc(taken))
        mean_v, mean_vx = (s / n for s in _sums(v, x))
        mean_g, scale = total / n, weight * inverse_std
        b = inverse_std * (mean_vx - mean_v * mean)
        k = _sums(gradient, taken)[1] / n - mean_v * mean_g

        along = (u - scale * b) * inverse_std  # the factor of x - μ in the derivative for G
        for_g = torch.addcmul(_wide(w - scale * mean_v - along * mean), pooled, _wide(along))
        for_g = torch.where(out > 0, for_g.addcmul_(taken, _wide(scale)), 0)

        of_v = -scale * inverse_std * a
        slope = -(scale * (k - 3 * a * b) + u * a) * inverse_std.square()
        constant = -of_v * mean_v - along * mean_g - slope * mean
        for_x = _spread(where, gradient, along, x, slope, constant, v, of_v)
        return for_g, for_x, n * inverse_std * (k - a * b), *(None,) * 5


def _spread(
    where: Tensor,
    gradient: Tensor,
    weight: Tensor,
    x: Tensor,
    slope: Tensor,
    constant: Tensor,
    vector: Tensor | None = None,
    scale: Tensor | None = None,
) -> Tensor:
    """Return slope * x + constant + scale * vector, plus weight * gradient at greatest pixels."""
    out = torch.empty_like(x)
    if vector is None or scale is None:
        vector, scale = x, torch.zeros_like(slope)
    images = (_nhwc(x), slope.numpy(), constant.numpy(), _nhwc(vector), scale.numpy(), _nhwc(out))
    kernels.spread(_nhwc(where), _nhwc(gradient), weight.numpy(), *images)
    return out


def _sums(vector: Tensor, images: Tensor) -> tuple[Tensor, Tensor]:
    """Return the sums of `vector` and of `vector * images` over the pixels of every channel."""
    total, product = vector.new_empty(2, vector.shape[1]).unbind()
    kernels.sums(_nhwc(vector), _nhwc(images), total.numpy(), product.numpy())
    return total, product


def _images(like: Tensor, shape: tuple[int, ...], dtype: torch.dtype | None = None) -> Tensor:
    empty = torch.empty(shape, dtype=dtype or like.dtype, memory_format=torch.channels_last)
    return empty


def _nhwc(images: Tensor) -> NDArray[Any]:
    """Return channels-last images as an array `[n, height, width, channels]` on the same memory."""
    array: NDArray[Any] = images.permute(0, 2, 3, 1).numpy()
    return array


def _wide(per_channel: Tensor) -> Tensor:
    return per_channel[:, None, None]
