"""Reptile: walk towards where each task leads, without a query set or a second derivative.

Nichol, Achiam and Schulman 2018, "On First-Order Meta-Learning Algorithms", arXiv 1803.02999,
Algorithms 1 and 2. With one inner step it is joint training on all tasks; what it learns beyond
that comes from the second step on, and only if the steps see *different* minibatches.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from medmeta_ref.episodes import Episode, each_episode
from medmeta_ref.fast import gradients as fast
from medmeta_ref.inner_loop import Loss, adapt, require_steps, task_loss
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


def reptile_gradient(
    model: nn.Module,
    params: Params,
    episodes: Episode,
    *,
    inner_lr: float,
    inner_steps: int,
    threads: int | None = None,
) -> tuple[Tensor, Params]:
    """Return the last inner loss and the way back from where the tasks lead: params - adapted.

    Both are means over tasks. Handed to an optimiser as if it were a gradient (section 2 of the
    paper), the second leads where `reptile_update` does. Every step sees the whole support set;
    `adapt_on_minibatches` is for tasks with more images than that. A `ConvNet` with batch norm on
    the CPU is computed by `medmeta_ref.fast`.

    Args:
        model: the architecture.
        params: the meta-parameters (φ). Not changed.
        episodes: one episode, or a batch with a leading `[n_episodes]` axis; the query sets are
            not looked at.
        inner_lr: the step size (α).
        inner_steps: number of steps (k), at least 1.
        threads: see `maml.maml_gradient`.

    Returns:
        a 0-dim tensor, the support loss before the last step, and name -> tensor, without graph.

    Raises:
        ValueError: if `inner_steps` or `threads` is below 1.

    Example:
        >>> model, x = nn.Linear(1, 2), torch.tensor([[1.0], [-1.0]])
        >>> params = {"weight": torch.zeros(2, 1), "bias": torch.zeros(2)}
        >>> episode = Episode(x, torch.tensor([0, 1]), x, torch.tensor([0, 1]))
        >>> _, way_back = reptile_gradient(model, params, episode, inner_lr=1.0, inner_steps=1)
        >>> way_back["weight"].flatten()
        tensor([-0.5000,  0.5000])
    """
    require_steps(inner_steps, least=1)
    if fast.runs(model, params, episodes) and model.head:
        settings: dict[str, Any] = {"inner_lr": inner_lr, "inner_steps": inner_steps}
        return fast.reptile(model, params, episodes, threads=threads, **settings)
    start = {name: p.detach() for name, p in params.items()}
    losses, ways_back = [], []
    for episode in each_episode(episodes):
        support = episode.support_x, episode.support_y
        near = adapt(model, start, *support, inner_lr=inner_lr, inner_steps=inner_steps - 1)
        losses.append(task_loss(model, near, *support))
        end = adapt(model, near, *support, inner_lr=inner_lr, inner_steps=1)
        ways_back.append({name: p - end[name] for name, p in start.items()})
    mean = {name: torch.stack([way[name] for way in ways_back]).mean(0) for name in start}
    return torch.stack(losses).mean(), mean


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
