"""Reptile as a learner: minibatches of each task, and the way it went as a pseudo-gradient.

Nichol, Achiam and Schulman 2018, arXiv 1803.02999, Algorithm 2 and section 6. Three choices:

*All of a training episode is training data*, support and query alike: Reptile knows no query set,
and the authors train on more images per class (15) than they test on.
*The inner steps see different minibatches* of 10 images, as theirs do; on one and the same batch
the gradient that makes minibatches agree on a direction is lost (section 5). One image of every
class is dealt in turn, in the order of the episode, which is random already: so the same episode
always leads to the same step, and no slot is favoured by coming last.
*The outer step is Adam* on (φ - mean of adapted), as section 3 of the paper allows, and not SGD
with a step that falls from 1 to 0, as in their experiments: `train.fit` is the one outer loop here,
and Adam takes the same first learning rates as for the other methods whatever the inner rate.
"""

from functools import partial

import torch
from torch import Tensor
from torch.func import grad_and_value

from medmeta_ref.backbones import ConvNet, conv4
from medmeta_ref.episodes import Episode, each_episode
from medmeta_ref.inner_loop import task_loss
from medmeta_ref.learners.gradient_based import adapted_answers
from medmeta_ref.learners.learner import SUPPORT, TRANSDUCTIVE, Learner, Objective
from medmeta_ref.params import Params, initial_params

BATCH_SIZE = 10  # of the inner steps; `--inner-batch` of the authors' code


def reptile_learner(
    in_channels: int, n_way: int, *, width: int, inner_lr: float, inner_steps: int
) -> Learner:
    """Return Reptile on conv4 with a linear head.

    Args:
        in_channels: 1 for grey images, 3 for colour.
        n_way: outputs of the head.
        width: channels of every block.
        inner_lr: the inner step size (α).
        inner_steps: inner steps; on minibatches in training, on the whole support set in the test.
    """
    model = conv4(in_channels, width=width, n_outputs=n_way)

    def objective(done: float) -> Objective:
        return partial(reptile_pseudo_gradient, model, inner_lr=inner_lr, inner_steps=inner_steps)

    return Learner(
        "Reptile",
        model,
        lambda generator: initial_params(model, generator=generator),
        objective,
        partial(adapted_answers, model, inner_lr=inner_lr, inner_steps=inner_steps),
        (TRANSDUCTIVE, SUPPORT),
        {"width": width, "inner_lr": inner_lr, "inner_steps": inner_steps},
    )


def reptile_pseudo_gradient(
    model: ConvNet,
    params: Params,
    episodes: Episode,
    *,
    inner_lr: float,
    inner_steps: int,
    batch_size: int = BATCH_SIZE,
) -> tuple[Tensor, Params]:
    """Return the mean minibatch loss along the way, and params - mean of adapted.

    Args:
        model: the architecture.
        params: where every task begins (φ). Not changed.
        episodes: one episode, or a batch with a leading `[n_episodes]` axis.
        inner_lr: the step size (α).
        inner_steps: SGD steps per task (k).
        batch_size: images per step, or all there are if fewer.

    Returns:
        a 0-dim tensor, and name -> pseudo-gradient shaped like `params`, both without graph.

    Raises:
        ValueError: if `inner_steps` or `batch_size` is below 1.
    """
    for name, value in {"inner_steps": inner_steps, "batch_size": batch_size}.items():
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}; Reptile learns by steps")
    start = {name: p.detach() for name, p in params.items()}
    batch, losses = each_episode(episodes), []
    way = {name: torch.zeros_like(p) for name, p in start.items()}
    for episode in batch:
        adapted = start
        for x, y in dealt_minibatches(episode, inner_steps=inner_steps, batch_size=batch_size):
            grads, value = grad_and_value(lambda p, x=x, y=y: task_loss(model, p, x, y))(adapted)
            adapted = {name: p - inner_lr * grads[name] for name, p in adapted.items()}
            losses.append(value)
        way = {name: way[name] + (p - adapted[name]) / len(batch) for name, p in start.items()}
    return torch.stack(losses).mean(), way


def dealt_minibatches(
    episode: Episode, *, inner_steps: int, batch_size: int
) -> list[tuple[Tensor, Tensor]]:
    """Return one minibatch of images and labels per step, dealt from the whole episode.

    One image of every class in turn, from the front again when they run out. No image comes twice
    before all have come once.

    Args:
        episode: a single one.
        inner_steps: number of minibatches.
        batch_size: images in each, or all there are if fewer.

    Returns:
        a list of `[batch_size, channels, height, width]` and `[batch_size]`.
    """
    x = torch.cat([episode.support_x, episode.query_x])
    y = torch.cat([episode.support_y, episode.query_y])
    rank = torch.empty_like(y)  # the first of its class, the second, ...
    for slot in torch.unique(y):
        members = torch.nonzero(y == slot).flatten()
        rank[members] = torch.arange(len(members), device=y.device)
    order = torch.argsort(rank, stable=True)
    size = min(batch_size, len(y))
    places = [
        (torch.arange(size, device=y.device) + step * size) % len(y) for step in range(inner_steps)
    ]
    return [(x[order[place]], y[order[place]]) for place in places]
