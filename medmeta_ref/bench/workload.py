"""What is measured: one meta-gradient on the workload of the few-shot papers.

Four blocks of 32 or 64 channels on 28 x 28 colour images, 5 classes, 15 queries of each, 5 inner
steps, batch statistics. The images are random: time does not depend on what they show.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from medmeta_ref.backbones import conv4
from medmeta_ref.bench.plain_network import PlainConvNet
from medmeta_ref.episodes import Episode, each_episode, sample_episodes
from medmeta_ref.params import Params, initial_params

Gradient = list[Tensor]
Design = Callable[[], Gradient]
N_CHANNELS = 3
SIDE = 28


class Setting(NamedTuple):
    """One configuration.

    Attributes:
        width: channels of every block.
        k_shot: support images per class.
        n_tasks: episodes of one meta-gradient.
        threads: cores that a design may use.
        dtype: "float32", or "float64" for the comparison of values.
        n_way: classes per episode.
        n_query: query images per class.
        inner_lr: the inner step size.
        inner_steps: inner steps.
    """

    width: int
    k_shot: int
    n_tasks: int
    threads: int
    dtype: str = "float32"
    n_way: int = 5
    n_query: int = 15
    inner_lr: float = 0.1
    inner_steps: int = 5


class Workload(NamedTuple):
    """The same weights and episodes twice: as used here, and as a peer's user would have them.

    Attributes:
        setting: the configuration.
        model: our network.
        params: its parameters.
        episodes: a batch of episodes, as `sample_episodes` gives it.
        net: the network as anybody would write it, with the same weights.
        tasks: the same episodes in a list, images channels-first in memory.
    """

    setting: Setting
    model: nn.Module
    params: Params
    episodes: Episode
    net: PlainConvNet
    tasks: list[Episode]


def make_workload(setting: Setting, *, head: bool) -> Workload:
    """Return networks, weights and episodes of a configuration, the same at every call.

    Args:
        setting: the configuration.
        head: whether the networks end in a linear layer; prototypical networks have none.
    """
    generator = torch.Generator().manual_seed(0)
    n_outputs = setting.n_way if head else None
    model = conv4(N_CHANNELS, width=setting.width, n_outputs=n_outputs)
    params = initial_params(model, generator=generator)
    per_class = 2 * (setting.k_shot + setting.n_query)
    labels = torch.arange(setting.n_way + 3).repeat_interleave(per_class)
    size = (len(labels), SIDE, SIDE, N_CHANNELS)
    drawn = sample_episodes(
        torch.randint(256, size, generator=generator, dtype=torch.uint8),
        labels,
        n_episodes=setting.n_tasks,
        n_way=setting.n_way,
        k_shot=setting.k_shot,
        n_query=setting.n_query,
        generator=generator,
    )
    return workload_of(setting, model, params, drawn)


def workload_of(setting: Setting, model: nn.Module, params: Params, episodes: Episode) -> Workload:
    """Return a workload of given weights and episodes.

    Args:
        setting: the configuration; its dtype is what the weights and images become.
        model: `conv4` of that width, with a layer named `head` or without.
        params: its parameters. Not changed.
        episodes: a batch of them, as `sample_episodes` gives it.
    """
    episodes = Episode(*(_to(field, setting) for field in episodes))
    params = {name: _to(p.detach(), setting) for name, p in params.items()}
    n_outputs = setting.n_way if "head.weight" in params else None
    net = PlainConvNet(episodes.support_x.shape[2], setting.width, n_outputs=n_outputs)
    _same_weights(net.to(getattr(torch, setting.dtype)), params)
    tasks = [
        Episode(e.support_x.contiguous(), e.support_y, e.query_x.contiguous(), e.query_y)
        for e in each_episode(episodes)
    ]
    return Workload(setting, model, params, episodes, net, tasks)


def _to(x: Tensor, setting: Setting) -> Tensor:
    return x.to(getattr(torch, setting.dtype)) if x.is_floating_point() else x


def _same_weights(net: nn.Module, params: Params) -> None:
    """Copy our weights into the plain network, by their order: both list theirs front to back."""
    for p, ours in zip(net.parameters(), params.values(), strict=True):
        if p.shape != ours.shape:
            raise ValueError(f"the networks differ: {tuple(p.shape)} and {tuple(ours.shape)}")
        p.data.copy_(ours)
