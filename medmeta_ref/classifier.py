"""A plain classifier of a whole data set: what distillation and continual learning start from."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from medmeta_ref.backbones import ConvNet
from medmeta_ref.image_set import ImageSet
from medmeta_ref.params import Params, forward
from medmeta_ref.pixels import as_float
from medmeta_ref.train import Fit, cosine, fit, sample_minibatch

# From the logits, labels and positions of a minibatch to its 0-dim loss.
BatchLoss = Callable[[Tensor, Tensor, Tensor], Tensor]


def require_classes(name: str, images: ImageSet, *, at_least: int) -> int:
    """Return the number of classes of a set of flat images with one label each.

    Args:
        name: of the data set, for the message.
        images: one split of it.
        at_least: how many classes are needed.

    Raises:
        ValueError: if images are volumes, have several labels, or classes are too few.
    """
    if images.labels.ndim != 1:
        raise ValueError(f"{name} has several labels per image; choose a set with one, bloodmnist")
    if images.images.ndim != 3 and not (images.images.ndim == 4 and images.images.shape[-1] == 3):
        raise ValueError(
            f"{name} has images of shape {tuple(images.images.shape[1:])}, but the network takes "
            "flat ones; choose a set such as bloodmnist, organamnist or synthetic-blood"
        )
    n_classes = len(images.class_names)
    if n_classes < at_least:
        raise ValueError(
            f"{name} has {n_classes} classes, and at least {at_least} are needed; choose a set "
            "such as bloodmnist, organamnist or synthetic-blood"
        )
    return n_classes


def group_norm_net(images: ImageSet, widths: tuple[int, int, int], *, n_outputs: int) -> ConvNet:
    """Return three conv blocks with group norm and a linear head: one image at a time is enough.

    Args:
        images: says whether there are 3 channels or 1.
        widths: channels after each block.
        n_outputs: classes.
    """
    in_channels = 3 if images.images.ndim == 4 else 1
    return ConvNet(in_channels, widths, n_outputs=n_outputs, norm="group")


def train_classifier(
    model: nn.Module,
    params: Params,
    images: Tensor,
    labels: Tensor,
    loss: BatchLoss,
    *,
    n_steps: int,
    batch_size: int,
    outer_lr: float,
    generator: torch.Generator,
    progress: str | None = "training",
) -> Fit:
    """Return parameters trained on random minibatches, with a rate that falls along a cosine.

    Args:
        model: the architecture.
        params: where to start. Not changed.
        images: `[n_images, ...]`, as from `datasets.load`.
        labels: `[n_images]`, int64.
        loss: of a minibatch; the positions say which of the images are in it.
        n_steps: minibatches.
        batch_size: images in each, or all there are if fewer.
        outer_lr: Adam's first learning rate.
        generator: the only source of randomness.
        progress: label of the progress bar; None for silence.

    Raises:
        ValueError: as `train.fit` and `train.sample_minibatch`.
    """
    size = min(batch_size, len(images))
    return fit(
        lambda p, batch: loss(forward(model, p, batch[0]), batch[1], batch[2]),
        params,
        lambda g: sample_minibatch(images, labels, batch_size=size, generator=g),
        n_steps=n_steps,
        outer_lr=cosine(outer_lr, n_steps),
        generator=generator,
        progress=progress,
    )


def predict(model: nn.Module, params: Params, images: Tensor) -> Tensor:
    """Return logits `[n_images, n_outputs]`, a few hundred images at a time, without graph.

    Args:
        model: the architecture; its answer to one image must not depend on the others.
        params: its parameters.
        images: uint8, `[n_images, ...]`, as from `datasets.load`.
    """
    with torch.no_grad():
        return torch.cat(
            [forward(model, params, as_float(part)) for part in torch.split(images, 512)]
        )
