"""The gradient of a mean over episodes: one episode after the other, or all at once.

One after the other keeps a single episode's graph in memory and is the faster of the two on a CPU.
All at once is one `vmap`: every operation runs for all episodes, which is what fills a GPU.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.func import grad_and_value, vmap

from medmeta_ref.episodes import Episode, each_episode
from medmeta_ref.params import Params

EpisodeLoss = Callable[[Params, Episode], Tensor]


def one_by_one(loss: EpisodeLoss, params: Params, episodes: Episode) -> tuple[Tensor, Params]:
    """Return the mean loss over episodes and its gradient, one graph in memory at a time.

    Args:
        loss: takes parameters and one episode, returns a 0-dim tensor.
        params: where to differentiate. Not changed.
        episodes: one episode, or a batch with a leading `[n_episodes]` axis.

    Returns:
        the loss, a 0-dim tensor without graph, and name -> gradient, shaped like `params`.

    Example:
        >>> episode = Episode(*(torch.tensor([value]) for value in (1.0, 0, 3.0, 0)))
        >>> bowl = lambda params, episode: (params["w"] - episode.query_x).square().sum() / 2
        >>> one_by_one(bowl, {"w": torch.zeros(1)}, episode)
        (tensor(4.5000), {'w': tensor([-3.])})
    """
    leaves = {name: p.detach().requires_grad_() for name, p in params.items()}
    total = {name: torch.zeros_like(p) for name, p in leaves.items()}
    batch = each_episode(episodes)
    value = torch.zeros(())
    for episode in batch:
        one = loss(leaves, episode)
        grads = torch.autograd.grad(one, list(leaves.values()), materialize_grads=True)
        value = value + one.detach() / len(batch)
        total = {n: t + g / len(batch) for (n, t), g in zip(total.items(), grads, strict=True)}
    return value, total


def all_at_once(loss: EpisodeLoss, params: Params, episodes: Episode) -> tuple[Tensor, Params]:
    """Return what `one_by_one` does, with every operation done for all episodes together.

    The memory is that of all episodes. `loss` may only do what `torch.func` can transform: no
    `.item()`, no branch on a value, no running statistics.

    Args:
        loss: takes parameters and one episode, returns a 0-dim tensor.
        params: where to differentiate. Not changed.
        episodes: a batch with a leading `[n_episodes]` axis.
    """

    def one(params: Params, episode: Episode) -> Tensor:
        return loss(params, episode)

    leaves = {name: p.detach() for name, p in params.items()}
    grads, values = vmap(grad_and_value(one), in_dims=(None, 0))(leaves, episodes)
    return values.mean(), {name: g.mean(0) for name, g in grads.items()}
