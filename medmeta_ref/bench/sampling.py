"""Drawing episodes: ours, and the peers' samplers at their best and as MedMNIST's users have them.

At their best means on float tensors that are ready to use; their users have a medmnist dataset.
"""

import importlib
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from medmeta_ref.bench.episode_source import (
    Images,
    MedMNISTStyle,
    ReadyTensors,
    SamplingSetting,
    make_images,
)
from medmeta_ref.bench.peers import load_peer, sampler_taking_a_data_source
from medmeta_ref.episodes import Episode, EpisodeSampler

Draw = Callable[[], Episode]
MEDMNIST_STYLE = ", medmnist-style"
OURS = "ours"
PLAIN = "plain loop" + MEDMNIST_STYLE


def names() -> list[str]:
    """Return the names of all designs: ours, the plain loop, and two for each library."""
    libraries = [p + style for p in LIBRARY_DESIGNS for style in ("", MEDMNIST_STYLE)]
    return [OURS, PLAIN, *libraries]


def build(name: str, setting: SamplingSetting, images: Images) -> Draw:
    """Return a function that draws an episode.

    Raises:
        RuntimeError: if the library cannot be used.
    """
    if name == OURS:
        return ours(setting, images)
    if name == PLAIN:
        return plain_loop(setting, images)
    library = name.removesuffix(MEDMNIST_STYLE)
    peer = load_peer(library)
    if peer.module is None:
        raise RuntimeError(peer.error)
    dataset = MedMNISTStyle(images) if name != library else ReadyTensors(images)
    return LIBRARY_DESIGNS[library](peer.module, setting, dataset)


def prepare(name: str, setting: SamplingSetting) -> Callable[[], Episode]:
    """Return a function that sets a design up on bytes that are there, and draws once."""
    images = make_images(setting)
    return lambda: build(name, setting, images)()


def ours(setting: SamplingSetting, images: Images) -> Draw:
    """Return the sampler of this package."""
    pixels, labels = torch.from_numpy(images.pixels), torch.from_numpy(images.labels)
    sampler = EpisodeSampler(
        pixels, labels, n_way=setting.n_way, k_shot=setting.k_shot, n_query=setting.n_query
    )
    generator = torch.Generator().manual_seed(0)
    return lambda: sampler.episode(generator)


def plain_loop(setting: SamplingSetting, images: Images) -> Draw:
    """Return what anybody would write over a medmnist dataset: draw positions, load, stack."""
    dataset, n = MedMNISTStyle(images), setting.k_shot + setting.n_query
    members = [np.flatnonzero(images.labels == c).tolist() for c in range(setting.n_classes)]

    def draw() -> Episode:
        chosen = random.sample(members, setting.n_way)
        taken = [i for pool in chosen for i in random.sample(pool, n)]
        return _split(torch.stack([dataset[i][0] for i in taken]), setting)

    return draw


def learn2learn(l2l: Any, setting: SamplingSetting, dataset: ReadyTensors) -> Draw:
    """Return learn2learn's fastest sampler, FusedNWaysKShots (its documented one is slower)."""
    transforms = l2l.data.transforms
    labels = dict(enumerate(dataset.labels))
    meta = l2l.data.MetaDataset(dataset, indices_to_labels=labels)
    n = setting.k_shot + setting.n_query
    fused = transforms.FusedNWaysKShots(meta, n=setting.n_way, k=n)
    steps = [fused, transforms.LoadData(meta), transforms.RemapLabels(meta)]
    tasks = l2l.data.Taskset(meta, task_transforms=steps)

    def draw() -> Episode:
        x, y = tasks.sample()  # class after class
        return _split(x, setting, y)

    return draw


def easyfsl(_: Any, setting: SamplingSetting, dataset: ReadyTensors) -> Draw:
    """Return easyfsl's TaskSampler under a DataLoader."""
    samplers = importlib.import_module("easyfsl.samplers")
    endless = 10**9
    with sampler_taking_a_data_source():
        sampler = samplers.TaskSampler(
            dataset, setting.n_way, setting.k_shot, setting.n_query, endless
        )
        loader = DataLoader(dataset, batch_sampler=sampler, collate_fn=sampler.episodic_collate_fn)
    batches = iter(loader)
    return lambda: Episode(*next(batches)[:4])


LIBRARY_DESIGNS: dict[str, Callable[[Any, SamplingSetting, ReadyTensors], Draw]] = {
    "learn2learn": learn2learn,
    "easyfsl": easyfsl,
}


def _split(x: Tensor, setting: SamplingSetting, y: Tensor | None = None) -> Episode:
    """Return images that come class after class as support and query, the cheapest way."""
    if y is None:
        y = torch.arange(setting.n_way).repeat_interleave(setting.k_shot + setting.n_query)
    images = x.view(setting.n_way, -1, *x.shape[1:])
    slots = y.view(setting.n_way, -1)
    k = setting.k_shot
    return Episode(
        images[:, :k].flatten(0, 1),
        slots[:, :k].flatten(),
        images[:, k:].flatten(0, 1),
        slots[:, k:].flatten(),
    )
