"""Minibatches of labelled images, for what is not trained on episodes."""

import torch
from torch import Tensor

from medmeta_ref.pixels import as_float


def sample_minibatch(
    images: Tensor, labels: Tensor, *, batch_size: int, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Return `batch_size` different random images, their labels and their positions.

    The positions let a loss look up what was computed once per image, a teacher's logits say.

    Args:
        images: `[n_images, ...]`; uint8 images are scaled as `as_float` does.
        labels: `[n_images]`.
        batch_size: at most the number of images.
        generator: the only source of randomness.

    Raises:
        ValueError: if `batch_size` is not between 1 and the number of images.
    """
    if not 1 <= batch_size <= len(images):
        raise ValueError(f"batch_size must be in 1..{len(images)}, got {batch_size}")
    # Drawing with replacement and dropping repeats would bias small sets; randperm does not.
    positions = torch.randperm(len(images), generator=generator)[:batch_size]
    taken = images.index_select(0, positions)
    if taken.dtype == torch.uint8:
        taken = as_float(taken)
    return taken, labels.index_select(0, positions), positions
