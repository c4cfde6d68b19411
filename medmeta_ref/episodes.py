"""Few-shot episodes: small classification problems drawn from a large labelled set.

Vinyals et al. 2016, "Matching Networks for One Shot Learning", arXiv 1606.04080, section 4.1.
An episode has `n_way` classes, `k_shot` labelled support images of each and `n_query` further
images of each to be classified. Its labels are slots `0..n_way-1`: which class gets which slot is
drawn anew every time, or a network could learn "cell type 3 is always label 1" by heart and never
look at the support set (Yin et al. 2020, "Meta-Learning without Memorization", arXiv 1912.03820).
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

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


class ClassSplit(NamedTuple):
    """Three disjoint groups of classes, each a sorted tuple of labels."""

    train: tuple[int, ...]
    val: tuple[int, ...]
    test: tuple[int, ...]


def split_classes(
    labels: Tensor, *, n_train: int, n_val: int, n_test: int, generator: torch.Generator
) -> ClassSplit:
    """Return a random split of the *classes* into meta-train, meta-validation and meta-test.

    Args:
        labels: `[n_images]`, integers.
        n_train: classes to learn to learn on.
        n_val: classes to choose settings on; 0 is allowed.
        n_test: classes never seen before the final evaluation.
        generator: decides which class goes where.

    Raises:
        ValueError: if fewer classes are there than asked for, or a number is negative.

    Example:
        >>> labels = torch.arange(8).repeat(10)
        >>> g = torch.Generator().manual_seed(0)
        >>> [len(part) for part in split_classes(labels, n_train=4, n_val=1, n_test=3, generator=g)]
        [4, 1, 3]
    """
    sizes = {"n_train": n_train, "n_val": n_val, "n_test": n_test}
    for name, size in sizes.items():
        if size < 0:
            raise ValueError(f"{name} must be 0 or more, got {size}")
    present = torch.unique(labels)
    if sum(sizes.values()) > len(present):
        raise ValueError(
            f"asked for {n_train} + {n_val} + {n_test} = {sum(sizes.values())} classes, but the "
            f"labels hold {len(present)}; ask for fewer"
        )
    shuffled = present[torch.randperm(len(present), generator=generator)].tolist()
    train, rest = shuffled[:n_train], shuffled[n_train:]
    val, test = rest[:n_val], rest[n_val : n_val + n_test]
    return ClassSplit(*(tuple(sorted(part)) for part in (train, val, test)))


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
    """Return one random episode.

    Args:
        images: `[n_images, ...]`. uint8 images as from `datasets.load` are scaled to [-1, 1] and
            turned channels-first after the drawing; any other dtype is passed on as it is.
        labels: `[n_images]`, integers.
        n_way: classes in the episode.
        k_shot: support images per class.
        n_query: query images per class.
        generator: the only source of randomness.
        classes: labels to draw from, for instance `ClassSplit.test`; all of them by default.

    Raises:
        ValueError: if there are fewer than `n_way` classes, or a class has fewer than
            `k_shot + n_query` images, or a number is below 1, or the labels are not one per image.

    Example:
        >>> images, labels = torch.zeros(80, 28, 28, dtype=torch.uint8), torch.arange(8).repeat(10)
        >>> episode = sample_episode(images, labels, n_way=5, k_shot=1, n_query=4,
        ...                          generator=torch.Generator().manual_seed(0))
        >>> episode.support_x.shape, episode.query_y.shape
        (torch.Size([5, 1, 28, 28]), torch.Size([20]))
    """
    _require_pairs(images, labels)
    pools = _pools(labels, classes, n_way=n_way, k_shot=k_shot, n_query=n_query)
    return _draw(images, _in_random_slots(pools, n_way, generator), k_shot, n_query, generator)


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
    if n_episodes < 1:
        raise ValueError(f"n_episodes must be at least 1, got {n_episodes}")
    _require_pairs(images, labels)
    pools = _pools(labels, classes, n_way=n_way, k_shot=k_shot, n_query=n_query)
    drawn = [
        _draw(images, _in_random_slots(pools, n_way, generator), k_shot, n_query, generator)
        for _ in range(n_episodes)
    ]
    return Episode(*(torch.stack(field) for field in zip(*drawn, strict=True)))


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
    pools = [_pool(found == s, f"slot {s} (label {label} is {s})", k_shot, n_query) for s in (0, 1)]
    return _draw(images, pools, k_shot, n_query, generator)


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


def _pools(
    labels: Tensor, classes: Sequence[int] | None, *, n_way: int, k_shot: int, n_query: int
) -> list[Tensor]:
    """Return, for every class to draw from, the positions of its images; check all the sizes."""
    _require_sizes(n_way=n_way, k_shot=k_shot, n_query=n_query)
    wanted = torch.unique(labels).tolist() if classes is None else list(dict.fromkeys(classes))
    if len(wanted) < n_way:
        raise ValueError(
            f"n_way={n_way} needs {n_way} classes, but there are {len(wanted)}: {wanted}; "
            "lower n_way or pass more classes"
        )
    return [_pool(labels == c, f"class {c}", k_shot, n_query) for c in wanted]


def _pool(members: Tensor, name: str, k_shot: int, n_query: int) -> Tensor:
    pool = torch.nonzero(members).flatten()
    if len(pool) < k_shot + n_query:
        raise ValueError(
            f"{name} has {len(pool)} images, but k_shot={k_shot} and n_query={n_query} "
            f"need {k_shot + n_query}; lower one of them"
        )
    return pool


def _in_random_slots(pools: list[Tensor], n_way: int, generator: torch.Generator) -> list[Tensor]:
    return [pools[c] for c in torch.randperm(len(pools), generator=generator)[:n_way].tolist()]


def _draw(
    images: Tensor, pools: list[Tensor], k_shot: int, n_query: int, generator: torch.Generator
) -> Episode:
    """Return one episode with a slot for each of the pools, no image twice."""
    per_slot = [p[torch.randperm(len(p), generator=generator)[: k_shot + n_query]] for p in pools]
    index = torch.stack(per_slot)  # [n_way, k_shot + n_query]
    # index_select is an order of magnitude faster than images[positions] on uint8
    taken = [images.index_select(0, i.flatten()) for i in (index[:, :k_shot], index[:, k_shot:])]
    support_x, query_x = (as_float(x) if x.dtype == torch.uint8 else x for x in taken)
    slots = torch.arange(len(pools))
    support_y, query_y = slots.repeat_interleave(k_shot), slots.repeat_interleave(n_query)
    return Episode(support_x, support_y, query_x, query_y)
