"""Few-shot episodes: small classification problems drawn from a large labelled set.

Vinyals et al. 2016, "Matching Networks for One Shot Learning", arXiv 1606.04080, section 4.1.
An episode has `n_way` classes, `k_shot` labelled support images of each and `n_query` further
images of each to be classified. Its labels are slots `0..n_way-1`: which class gets which slot is
drawn anew every time, or a network could learn "cell type 3 is always label 1" by heart and never
look at the support set (Yin et al. 2020, "Meta-Learning without Memorization", arXiv 1912.03820).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from medmeta_ref.class_splits import ClassSplit as ClassSplit  # importable from here as well
from medmeta_ref.class_splits import split_classes as split_classes
from medmeta_ref.drawing import distinct, draw, make_pools, uniforms
from medmeta_ref.pixels import as_float


class Episode(NamedTuple):
    """One episode, or a batch of them with a leading `[n_episodes]` axis on every tensor.

    Attributes:
        support_x: `[n_way * k_shot, channels, height, width]`, what the learner adapts on.
        support_y: `[n_way * k_shot]`, int64 slots in `0..n_way-1`.
        query_x: `[n_way * n_query, channels, height, width]`, what it is judged on.
        query_y: `[n_way * n_query]`, int64 slots.
    """

    support_x: Tensor
    support_y: Tensor
    query_x: Tensor
    query_y: Tensor


class EpisodeSampler:
    """Draws episodes from one set of images, whose classes are looked up and checked only once.

    The images are kept as they are, without a copy: change them and later episodes change too.

    Args:
        images: `[n_images, ...]`. uint8 images as from `datasets.load` are scaled to [-1, 1] and
            turned channels-first after the drawing; any other dtype is passed on as it is.
        labels: `[n_images]`, integers.
        n_way: classes in an episode.
        k_shot: support images per class.
        n_query: query images per class.
        classes: labels to draw from, for instance `ClassSplit.test`; all of them by default.

    Raises:
        ValueError: if there are fewer than `n_way` classes, or a class has fewer than
            `k_shot + n_query` images, or a number is below 1, or the labels are not one per image.

    Example:
        >>> images, labels = torch.zeros(80, 28, 28, dtype=torch.uint8), torch.arange(8).repeat(10)
        >>> sampler = EpisodeSampler(images, labels, n_way=5, k_shot=1, n_query=4)
        >>> generator = torch.Generator().manual_seed(0)
        >>> sampler.episode(generator).support_x.shape
        torch.Size([5, 1, 28, 28])
        >>> sampler.episodes(3, generator).query_x.shape
        torch.Size([3, 20, 1, 28, 28])
    """

    def __init__(
        self,
        images: Tensor,
        labels: Tensor,
        *,
        n_way: int,
        k_shot: int,
        n_query: int,
        classes: Sequence[int] | None = None,
    ) -> None:
        _require_pairs(images, labels)
        _require_sizes(n_way=n_way, k_shot=k_shot, n_query=n_query)
        wanted = torch.unique(labels).tolist() if classes is None else list(dict.fromkeys(classes))
        if len(wanted) < n_way:
            raise ValueError(
                f"n_way={n_way} needs {n_way} classes, but there are {len(wanted)}: {wanted}; "
                "lower n_way or pass more classes"
            )
        masks = ((f"class {c}", labels == c) for c in wanted)
        self._pools = make_pools(masks, k_shot=k_shot, n_query=n_query)
        self._images, self._n_way, self._k_shot, self._n_query = images, n_way, k_shot, n_query
        self._support_y, self._query_y = _slots(n_way, k_shot), _slots(n_way, n_query)

    def episode(self, generator: torch.Generator) -> Episode:
        """Return one random episode; `generator` is the only source of randomness."""
        support_x, query_x = self._draw(1, generator)
        return Episode(support_x, self._support_y.clone(), query_x, self._query_y.clone())

    def episodes(self, n_episodes: int, generator: torch.Generator) -> Episode:
        """Return independent episodes along a first axis: those that as many `episode` calls draw.

        Raises:
            ValueError: if `n_episodes` is below 1.
        """
        _require_sizes(n_episodes=n_episodes)
        drawn = self._draw(n_episodes, generator)
        support_x, query_x = (x.view(n_episodes, -1, *x.shape[1:]) for x in drawn)
        support_y, query_y = (y.repeat(n_episodes, 1) for y in (self._support_y, self._query_y))
        return Episode(support_x, support_y, query_x, query_y)

    def _draw(self, n_episodes: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return the support images of all episodes, one after the other, and the query images."""
        per_slot = self._k_shot + self._n_query
        each = {"k_shot": self._k_shot, "n_query": self._n_query}
        support: list[int] = []
        query: list[int] = []
        for _ in range(n_episodes):
            # Which classes come in which slots, and then k_shot + n_query images of each.
            fractions = uniforms(self._n_way * (1 + per_slot), generator=generator)
            slots = distinct(len(self._pools.sizes), self._n_way, fractions)
            taken = draw(self._pools, slots, **each, fractions=fractions)
            support += taken[0]
            query += taken[1]
        return _images_at(self._images, self._pools.members, support, query)


def sample_episode(
    images: Tensor,
    labels: Tensor,
    *,
    n_way: int,
    k_shot: int,
    n_query: int,
    generator: torch.Generator,
    classes: Sequence[int] | None = None,
) -> Episode:
    """Return one random episode: the one that an `EpisodeSampler` of these arguments draws.

    Raises as it does. For many episodes build the sampler once: finding the classes is slower than
    drawing.

    Example:
        >>> images, labels = torch.zeros(80, 28, 28, dtype=torch.uint8), torch.arange(8).repeat(10)
        >>> episode = sample_episode(images, labels, n_way=5, k_shot=1, n_query=4,
        ...                          generator=torch.Generator().manual_seed(0))
        >>> episode.support_x.shape, episode.query_y.shape
        (torch.Size([5, 1, 28, 28]), torch.Size([20]))
    """
    sizes = {"n_way": n_way, "k_shot": k_shot, "n_query": n_query}
    return EpisodeSampler(images, labels, **sizes, classes=classes).episode(generator)


def sample_episodes(
    images: Tensor,
    labels: Tensor,
    *,
    n_episodes: int,
    n_way: int,
    k_shot: int,
    n_query: int,
    generator: torch.Generator,
    classes: Sequence[int] | None = None,
) -> Episode:
    """Return `n_episodes` independent episodes, stacked along a new first axis.

    Takes the arguments of `sample_episode`, and draws the same episodes that as many calls of it
    with the same generator would.

    Raises:
        ValueError: as `sample_episode`, and if `n_episodes` is below 1.
    """
    sizes = {"n_way": n_way, "k_shot": k_shot, "n_query": n_query}
    sampler = EpisodeSampler(images, labels, **sizes, classes=classes)
    return sampler.episodes(n_episodes, generator)


def multilabel_episode(
    images: Tensor,
    labels: Tensor,
    *,
    label: int,
    k_shot: int,
    n_query: int,
    generator: torch.Generator,
) -> Episode:
    """Return a random episode of one finding: slot 1 shows it, slot 0 does not.

    A negative is free of `label`, not healthy: other findings may be present in both slots. The
    slots keep their meaning, and no image is in it twice, though a patient may be.

    Args:
        images: `[n_images, ...]`, treated as by `sample_episode`.
        labels: `[n_images, n_labels]` of 0 and 1 (or bool).
        label: column of the finding, in `0..n_labels-1`.
        k_shot: support images per slot.
        n_query: query images per slot.
        generator: the only source of randomness.

    Raises:
        ValueError: if `label` or `labels` do not fit, a slot has fewer than `k_shot + n_query`
            images, or a number is below 1.
    """
    _require_pairs(images, labels, n_axes=2)
    _require_sizes(k_shot=k_shot, n_query=n_query)
    other = labels[(labels != 0) & (labels != 1)]
    if len(other):
        raise ValueError(f"labels must be 0 or 1 in every column, got {other[0].item()}")
    if not 0 <= label < labels.shape[1]:
        raise ValueError(f"label must be in 0..{labels.shape[1] - 1}, got {label}")
    found = labels[:, label]
    masks = ((f"slot {s} (label {label} is {s})", found == s) for s in (0, 1))
    pools = make_pools(masks, k_shot=k_shot, n_query=n_query)
    fractions = uniforms(2 * (k_shot + n_query), generator=generator)
    taken = draw(pools, (0, 1), k_shot=k_shot, n_query=n_query, fractions=fractions)
    support_x, query_x = _images_at(images, pools.members, *taken)
    return Episode(support_x, _slots(2, k_shot), query_x, _slots(2, n_query))


def each_episode(episodes: Episode) -> list[Episode]:
    """Return the episodes of a batch one by one; a single episode is returned as a list of one."""
    if episodes.support_y.ndim == 1:
        return [episodes]
    return [Episode(*fields) for fields in zip(*episodes, strict=True)]


def _require_pairs(images: Tensor, labels: Tensor, *, n_axes: int = 1) -> None:
    if labels.ndim != n_axes or len(labels) != len(images):
        wanted = "one label for each image in one row" if n_axes == 1 else "[n_images, n_labels]"
        raise ValueError(
            f"{len(images)} images but labels of shape {tuple(labels.shape)}; {wanted} is needed"
        )


def _require_sizes(**sizes: int) -> None:
    for name, value in sizes.items():
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}")


def _slots(n_way: int, n_each: int) -> Tensor:
    return torch.arange(n_way).repeat_interleave(n_each)


def _images_at(
    images: Tensor, members: Tensor, support: list[int], query: list[int]
) -> tuple[Tensor, Tensor]:
    """Return the images of two lists of entries of `members`, ready for a network."""
    # By way of numpy: torch.tensor takes four times as long for a list.
    chosen = torch.from_numpy(np.array(support + query))
    # index_select is an order of magnitude faster than images[positions] on uint8
    taken = images.index_select(0, members.index_select(0, chosen))
    x = as_float(taken) if taken.dtype == torch.uint8 else taken
    return x[: len(support)], x[len(support) :]
