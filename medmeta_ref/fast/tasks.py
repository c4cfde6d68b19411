"""Several tasks in one network, side by side in its channels.

Task t of a chunk of G owns channels t * C to (t + 1) * C of every layer. A grouped convolution
keeps the tasks apart, and batch norm, which treats every channel alone, normalises every task by
its own images. One pass then does the work of G, with operations G times fewer and larger.

Parameters of a chunk carry a leading `[G]` axis; images are `[n, G * channels, height, width]`.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from medmeta_ref.backbones import ConvNet
from medmeta_ref.fast.convolution import convolution
from medmeta_ref.fast.norm_pool import norm_pool
from medmeta_ref.params import Params


def fold(images: Tensor) -> Tensor:
    """Return `[G, n, channels, height, width]` as `[n, G * channels, height, width]`."""
    n_tasks, n, channels, height, width = images.shape
    pixels = images.permute(1, 3, 4, 0, 2).reshape(n, height, width, n_tasks * channels)
    return pixels.permute(0, 3, 1, 2)


def features(model: ConvNet, params: Params, x: Tensor) -> Tensor:
    """Return what the blocks make of the images.

    Args:
        model: the architecture, with batch norm.
        params: name -> `[G, ...]`.
        x: `[n, G * channels, height, width]`.

    Returns:
        `[n, G * width, height', width']`, channels-last.
    """
    for i, norm in enumerate(model.batch_norms):
        weight = params[f"blocks.{i}.0.weight"]
        x = convolution(x, weight.flatten(0, 1), groups=len(weight))
        scale, shift = (params[f"blocks.{i}.1.{name}"].flatten() for name in ("weight", "bias"))
        x = norm_pool(x, scale, shift, eps=norm.eps)
    return x


def head_logits(params: Params, features: Tensor) -> Tensor:
    """Return the logits `[G, n, n_way]` of the linear head on what `features` returned."""
    weight, bias = params["head.weight"], params["head.bias"]
    means = features.mean((-2, -1)).view(len(features), len(weight), -1)
    return torch.baddbmm(bias[:, None], means.transpose(0, 1), weight.mT)


def sum_of_losses(logits: Tensor, y: Tensor) -> Tensor:
    """Return the sum over tasks of the mean cross-entropy of `[G, n, n_way]` and `[G, n]`."""
    return F.cross_entropy(logits.flatten(0, 1), y.flatten(), reduction="sum") / y.shape[1]
