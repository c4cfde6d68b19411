"""What a model costs on a small device: parameters, multiplications, bytes, and 8-bit weights.

Krishnamoorthi 2018, "Quantizing deep convolutional networks for efficient inference", arXiv
1806.08342: symmetric, with one scale per tensor or per output channel. Only weights are quantised
here, activations stay floats. `export_onnx`, which writes a file for a device, stands in
`onnx_export.py` and can be imported from here.
"""

import copy
from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from medmeta_ref.onnx_export import export_onnx as export_onnx
from medmeta_ref.params import Params, forward


class Quantized(NamedTuple):
    """A weight in 8 bits, standing for `values * scale`.

    Attributes:
        values: int8 in -127..127, in the shape of the weight.
        scale: above 0, in the dtype of the weight; 0-dim for one scale in all, or with a size of
            1 along every axis but the one that has a scale per entry.
    """

    values: Tensor
    scale: Tensor


def count_parameters(params: Params) -> int:
    """Return how many numbers `params` holds; tensors may have any shape."""
    return sum(p.numel() for p in params.values())


def count_macs(model: nn.Module, params: Params, x: Tensor) -> int:
    """Return the multiply-accumulates of one forward pass, per example.

    Convolutions (2-D, 3-D) and linear layers count, as often as they are called, products with
    padded zeros included. Biases, normalisation, activations, pooling and products written
    without a layer do not. The pass runs on a copy of the model, in evaluation mode.

    Args:
        model: the architecture. Not changed.
        params: name -> tensor, as from `initial_params`.
        x: `[n, ...]`; the answer does not depend on n.

    Raises:
        ValueError: if `x` holds no example, or another kind of layer, such as a GRU, has a weight
            of 2 or more axes: leaving it out would flatter the model.

    Example:
        >>> model = nn.Linear(3, 2)
        >>> count_macs(model, dict(model.named_parameters()), torch.zeros(7, 3))
        6
    """
    if x.ndim == 0 or len(x) == 0:
        raise ValueError(f"x must hold at least 1 example, got shape {tuple(x.shape)}")
    counts: list[int] = []

    def record(module: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        # Every output number is a sum over one row of the weight: [out, in, ...].
        counts.append(output.numel() * module.weight[0].numel())

    counted = copy.deepcopy(model).eval()  # neither hooks nor running statistics reach `model`
    for name, module in counted.named_modules():
        if isinstance(module, nn.Conv2d | nn.Conv3d | nn.Linear):
            module.register_forward_hook(record)
        elif any(p.ndim >= 2 for p in module.parameters(recurse=False)):
            raise ValueError(
                f"{name or 'the model'} is a {type(module).__name__}, whose weights are not "
                "counted; only Conv2d, Conv3d and Linear are"
            )
    with torch.no_grad():
        forward(counted, params, x)
    return sum(counts) // len(x)


def quantize_int8(weight: Tensor, *, axis: int | None = None) -> Quantized:
    """Return `weight` as multiples of scale = max |weight| / 127, at most scale / 2 away.

    Zero stays zero. A channel (or tensor) of zeros has a scale of 1, and so has one whose scale
    would be too small for a normal number. No gradient flows through the result.

    Args:
        weight: float32 or float64 of any shape, finite; not empty.
        axis: has a scale for each entry; 0 are the output channels of `[out, in, ...]`. May count
            from the end; None is one scale in all.

    Raises:
        ValueError: if `weight` is empty, not finite or of another dtype, or has no such axis.

    Example:
        >>> quantize_int8(torch.tensor([-1.0, 0.0, 0.5])).values
        tensor([-127,    0,   64], dtype=torch.int8)
    """
    return _quantized("weight", weight, axis)


def dequantize(quantized: Quantized) -> Tensor:
    """Return the floats that `quantized` stands for, in the shape and dtype of the weight."""
    return quantized.values.to(quantized.scale.dtype) * quantized.scale


def quantize_params(params: Params) -> dict[str, Quantized | Tensor]:
    """Return what a device stores: `[out, in, ...]` weights in int8, the rest as it is.

    Each output channel has its own scale. Raises as `quantize_int8`, naming the parameter.
    """
    return {n: _quantized(n, p, 0) if p.ndim > 1 else p.detach().clone() for n, p in params.items()}


def fake_quantised(params: Params) -> Params:
    """Return float parameters with the values an int8 device computes with; raises likewise.

    Names, shapes and dtypes are those of `params`, so `forward` takes them in their place.

    Example:
        >>> fake_quantised({"weight": torch.tensor([[127.0, 0.6]]), "bias": torch.tensor([0.6])})
        {'weight': tensor([[127.,   1.]]), 'bias': tensor([0.6000])}
    """
    stored = quantize_params(params)
    return {n: dequantize(p) if isinstance(p, Quantized) else p for n, p in stored.items()}


def size_in_bytes(params: Mapping[str, Quantized | Tensor]) -> int:
    """Return the bytes of all numbers, scales included but no names or file headers.

    Example:
        >>> params = {"weight": torch.ones(10, 50), "bias": torch.ones(10)}
        >>> size_in_bytes(params), size_in_bytes(quantize_params(params))
        (2040, 580)
    """
    parts = [t for p in params.values() for t in (p if isinstance(p, Quantized) else (p,))]
    return sum(t.numel() * t.element_size() for t in parts)


def _quantized(name: str, weight: Tensor, axis: int | None) -> Quantized:
    if weight.dtype not in (torch.float32, torch.float64) or weight.numel() == 0:
        raise ValueError(
            f"{name} must be float32 or float64 with at least 1 number, got {weight.dtype} with "
            f"shape {tuple(weight.shape)}"
        )
    if axis is not None and not -weight.ndim <= axis < weight.ndim:
        raise ValueError(f"{name} has {weight.ndim} axes, counted from 0, but axis is {axis}")
    magnitude = weight.detach().abs()
    n_bad = int((~torch.isfinite(magnitude)).sum())
    if n_bad:
        raise ValueError(
            f"{name} holds {n_bad} values that are nan or infinite, of {weight.numel()}; only "
            "finite ones fit between -127 and 127 steps"
        )
    others = [a for a in range(weight.ndim) if axis is None or a != axis % weight.ndim]
    # Without an axis to go over, `amax` would go over all of them.
    largest = magnitude.amax(others, keepdim=axis is not None) if others else magnitude
    scale = largest / 127
    # Smaller numbers than `tiny` have too few digits to divide by; 0 has none.
    scale = torch.where(scale < torch.finfo(scale.dtype).tiny, torch.ones_like(scale), scale)
    return Quantized((weight / scale).round().to(torch.int8), scale)
