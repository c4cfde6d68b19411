"""Reptile: walk towards where each task leads, without a query set or a second derivative.

Nichol, Achiam and Schulman 2018, "On First-Order Meta-Learning Algorithms", arXiv 1803.02999,
Algorithms 1 and 2. With one inner step it is joint training on all tasks; what it learns beyond
that comes from the second step on, and only if the steps see *different* minibatches.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from medmeta_ref.inner_loop import Loss, adapt, task_loss
from medmeta_ref.params import Params


def reptile_update(params: Params, adapted: Sequence[Params], *, outer_lr: float) -> Params:
    """Return params + outer_lr * (mean of adapted - params).

    Args:
        params: the meta-parameters (φ). Not changed.
        adapted: the parameters that each task led to.
        outer_lr: the step size (ε): 0 stays, 1 jumps to the mean.

    Raises:
        ValueError: if `adapted` is empty or holds other parameters than `params`.

    Example:
        >>> params = {"w": torch.tensor([0.0])}
        >>> tasks = [{"w": torch.tensor([2.0])}, {"w": torch.tensor([4.0])}]
        >>> reptile_update(params, tasks, outer_lr=0.5)
        {'w': tensor([1.5000])}
    """
    if not adapted:
        raise ValueError("adapted is empty; pass the adapted parameters of one task at least")
    for k, task in enumerate(adapted):
        if task.keys() != params.keys():
            odd = sorted(task.keys() ^ params.keys())
            raise ValueError(f"adapted[{k}] and params differ in the names {odd}")
    return {
        name: p + outer_lr * (torch.stack([task[name] for task in adapted]).mean(0) - p)
        for name, p in params.items()
    }


def adapt_on_minibatches(
    model: nn.Module,
    params: Params,
    x: Tensor,
    y: Tensor,
    *,
    inner_lr: float,
    inner_steps: int,
    batch_size: int,
    generator: torch.Generator,
    loss: Loss = task_loss,
) -> Params:
    """Return the parameters after gradient steps that each see another minibatch of one task.

    The examples are shuffled and dealt out; when they run out they are shuffled again.

    Args:
        model: the architecture.
        params: where to start (φ). Not changed.
        x: `[n, channels, height, width]`, all images of the task.
        y: `[n]`, int64 in `0..n_way-1`.
        inner_lr: the step size (α).
        inner_steps: number of steps (k).
        batch_size: images per step, at most n.
        generator: the only source of randomness.
        loss: cross-entropy by default.

    Returns:
        name -> tensor, without graph: Reptile needs none.

    Raises:
        ValueError: if `batch_size` is not in 1..n.
    """
    if not 1 <= batch_size <= len(x):
        raise ValueError(
            f"batch_size must be in 1..{len(x)}, the images there are; got {batch_size}"
        )
    adapted = {name: p.detach() for name, p in params.items()}
    dealt = torch.empty(0, dtype=torch.int64)
    for _ in range(inner_steps):
        if len(dealt) < batch_size:
            dealt = torch.randperm(len(x), generator=generator)
        batch, dealt = dealt[:batch_size], dealt[batch_size:]
        adapted = adapt(
            model, adapted, x[batch], y[batch], inner_lr=inner_lr, inner_steps=1, loss=loss
        )
    return adapted
