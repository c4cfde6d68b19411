"""What is trained on: images of some classes, as episodes or as minibatches."""

from collections.abc import Sequence

import torch
from torch import Tensor

from medmeta_ref.benchmark.protocol import ClassesOrSets
from medmeta_ref.datasets import load_or_synthetic
from medmeta_ref.episodes import Episode, EpisodeSampler
from medmeta_ref.image_set import ImageSet
from medmeta_ref.pixels import as_float


class Source:
    """The training images of one split, of one data set or of several.

    Episodes are drawn from one data set each, all sets being equally likely; minibatches take every
    set, and every class in it, equally often, as episodes do.

    Args:
        sets: training split of each data set, all in colour or all in grey.
        classes: labels to train on, for each of them.
        n_way: classes per episode.
        k_shot: support images per class of an episode.
        n_query: query images per class.
        device: where batches are put.

    Attributes:
        n_classes: all classes together; minibatch labels are in `0..n_classes-1`.
        in_channels: 3 or 1.

    Raises:
        ValueError: as `EpisodeSampler`.
    """

    def __init__(
        self,
        sets: Sequence[ImageSet],
        classes: Sequence[Sequence[int]],
        *,
        n_way: int,
        k_shot: int,
        n_query: int,
        device: str = "cpu",
    ) -> None:
        sizes = {"n_way": n_way, "k_shot": k_shot, "n_query": n_query}
        self._samplers = [
            EpisodeSampler(each.images, each.labels, classes=own, **sizes)
            for each, own in zip(sets, classes, strict=True)
        ]
        self._sets, self._device = list(sets), device
        self._members = [
            [torch.nonzero(each.labels == c).flatten() for c in own]
            for each, own in zip(sets, classes, strict=True)
        ]
        self.n_classes = sum(map(len, self._members))
        self.in_channels = 3 if sets[0].images.ndim == 4 else 1

    def episodes(self, n_episodes: int, generator: torch.Generator) -> Episode:
        """Return a batch of training episodes, each of one data set."""
        which = torch.randint(len(self._samplers), (n_episodes,), generator=generator).tolist()
        drawn = [self._samplers[k].episode(generator) for k in which]
        return Episode(*(torch.stack(f).to(self._device) for f in zip(*drawn, strict=True)))

    def minibatch(self, size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return `[size, channels, height, width]` images, drawn with replacement, and labels."""
        pick = torch.rand(3, size, generator=generator, dtype=torch.float64)
        images, labels = [], []
        first = [sum(map(len, self._members[:k])) for k in range(len(self._members))]
        for a, b, c in pick.T.tolist():
            k = int(a * len(self._members))
            label = int(b * len(self._members[k]))
            members = self._members[k][label]
            images.append(self._sets[k].images[int(members[int(c * len(members))])])
            labels.append(first[k] + label)
        x, y = as_float(torch.stack(images)), torch.tensor(labels)
        return x.to(self._device), y.to(self._device)


def training_sets(
    data: str, split: ClassesOrSets, *, in_colour: bool
) -> tuple[list[ImageSet], list[tuple[int, ...]]]:
    """Return what a split trains on: the official training images, and the classes of each set.

    Args:
        data: the tested data set.
        split: of the protocol.
        in_colour: repeat grey images in three channels; so it is where sets are mixed.

    Raises:
        ValueError: if the set is none of its own but a stand-in, see `official`.
    """
    if split.train:
        return [official(data, "train")], [split.train]
    sets = [official(name, "train") for name in split.train_sets]
    classes = [tuple(range(len(each.class_names))) for each in sets]
    return [coloured(each) if in_colour else each for each in sets], classes


def official(name: str, part: str) -> ImageSet:
    """Return a split of a data set, and never a stand-in for it.

    Raises:
        ValueError: if the file is not on this machine: numbers of synthetic images must not stand
            under the name of real ones.
    """
    found = load_or_synthetic(name, part)
    if found.source.startswith("synthetic") and not name.startswith("synthetic"):
        raise ValueError(
            f"{name} is not on this machine, and the benchmark takes no stand-in; run "
            f"`medmeta data fetch {name}`, or test on {found.source.split()[0]}"
        )
    return found


def coloured(images: ImageSet) -> ImageSet:
    """Return the set in three channels: grey images repeated, colour images as they are."""
    if images.images.ndim == 4:
        return images
    return images._replace(images=images.images[..., None].expand(-1, -1, -1, 3))
