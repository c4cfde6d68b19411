"""The outer loop, written once: draw a batch, take the loss, step with Adam.

Kingma and Ba 2015, "Adam", arXiv 1412.6980. Every method here is trained by `fit`; only the loss
and the way batches are drawn differ.
"""

import math
from collections.abc import Callable
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor
from tqdm.auto import tqdm

from medmeta_ref.params import Params
from medmeta_ref.pixels import as_float

Batch = TypeVar("Batch")


class Fit(NamedTuple):
    """What training left behind.

    Attributes:
        params: the trained parameters, detached.
        history: the loss before every step.
    """

    params: Params
    history: list[float]


def fit(
    loss: Callable[[Params, Batch], Tensor],
    params: Params,
    sample: Callable[[torch.Generator], Batch],
    *,
    n_steps: int,
    outer_lr: float | Callable[[int], float],
    generator: torch.Generator,
    progress: str | None = "training",
) -> Fit:
    """Return parameters trained with Adam for `n_steps` steps.

    Args:
        loss: takes parameters and a batch, returns a 0-dim tensor.
        params: where to start. Not changed.
        sample: draws one batch (an episode, a few episodes, a minibatch) from the generator.
        n_steps: number of steps.
        outer_lr: Adam's learning rate, or a function of the step that returns it.
        generator: handed to `sample`; the only source of randomness.
        progress: label of the progress bar; None for silence.

    Raises:
        ValueError: if `n_steps` is below 1.
        FloatingPointError: if the loss becomes nan or infinite.

    Example:
        >>> g = torch.Generator().manual_seed(0)
        >>> bowl = lambda params, target: (params["w"] - target).square().sum()
        >>> trained = fit(bowl, {"w": torch.zeros(1)}, lambda _: torch.ones(1), n_steps=200,
        ...               outer_lr=0.1, generator=g, progress=None)
        >>> round(trained.params["w"].item(), 2)
        1.0
    """
    if n_steps < 1:
        raise ValueError(f"n_steps must be at least 1, got {n_steps}")
    schedule = outer_lr if callable(outer_lr) else lambda _: outer_lr
    trained = {name: p.detach().clone().requires_grad_() for name, p in params.items()}
    optimiser = torch.optim.Adam(trained.values(), lr=schedule(0))
    history: list[float] = []
    with tqdm(total=n_steps, desc=progress, disable=progress is None, mininterval=0.5) as bar:
        for step in range(n_steps):
            for group in optimiser.param_groups:
                group["lr"] = schedule(step)
            value = loss(trained, sample(generator))
            if not torch.isfinite(value):
                raise FloatingPointError(
                    f"the loss is {value.item()} at step {step}; a lower outer_lr than "
                    f"{schedule(step):.3g} usually prevents that"
                )
            grads = torch.autograd.grad(value, list(trained.values()))
            for p, grad in zip(trained.values(), grads, strict=True):
                p.grad = grad
            optimiser.step()
            history.append(value.item())
            bar.set_postfix(loss=f"{value.item():.3f}", refresh=False)
            bar.update()
    return Fit({name: p.detach() for name, p in trained.items()}, history)


def cosine(outer_lr: float, n_steps: int) -> Callable[[int], float]:
    """Return a learning rate that falls from `outer_lr` to 0 along half a cosine.

    Loshchilov and Hutter 2017, "SGDR", arXiv 1608.03983, equation 5 without restarts.

    Example:
        >>> [round(cosine(1.0, 4)(step), 2) for step in range(5)]
        [1.0, 0.85, 0.5, 0.15, 0.0]
    """
    return lambda step: outer_lr * 0.5 * (1 + math.cos(math.pi * min(step, n_steps) / n_steps))


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
