"""From stored bytes to what a network eats, in the one place where that is decided."""

import torch
from torch import Tensor


def as_float(images: Tensor) -> Tensor:
    """Return uint8 images as float32 in [-1, 1], channels first.

    The scaling (mean = std = 0.5) is MedMNIST's own (Yang et al. 2023, Scientific Data 10:41).
    Colour images stay channels-last in memory, which is what makes convolutions fast on a CPU;
    only the order of the axes changes.

    Args:
        images: uint8, `[n, height, width, 3]`, `[n, height, width]` or
            `[n, depth, height, width]`.

    Returns:
        float32, `[n, 3, height, width]`, `[n, 1, height, width]` or
        `[n, 1, depth, height, width]`.

    Raises:
        ValueError: if `images` is not uint8 or has another number of axes.

    Example:
        >>> as_float(torch.zeros(10, 28, 28, 3, dtype=torch.uint8)).shape
        torch.Size([10, 3, 28, 28])
    """
    if images.dtype != torch.uint8 or images.ndim not in (3, 4):
        raise ValueError(
            f"images must be uint8 with 3 or 4 axes, got {images.dtype} with shape "
            f"{tuple(images.shape)}; pass the `images` of datasets.load(...) as they are"
        )
    # A product takes half as long as a quotient; 0 and 255 still become -1 and 1 exactly.
    scaled = images.to(torch.float32).mul_(1 / 127.5).sub_(1.0)
    in_colour = images.ndim == 4 and images.shape[-1] == 3
    return scaled.movedim(-1, 1) if in_colour else scaled.unsqueeze(1)
