"""The listed episodes with their images: what a method is given, and what it is judged by."""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from medmeta_ref.benchmark.episode_list import Listed
from medmeta_ref.benchmark.protocol import DataRules, Track
from medmeta_ref.benchmark.sources import coloured, official
from medmeta_ref.image_set import ImageSet
from medmeta_ref.pixels import as_float


class Task(NamedTuple):
    """What a method sees of a test episode: no label of a query is in it.

    Attributes:
        support_x: `[n_way * k_shot, channels, height, width]`.
        support_y: `[n_way * k_shot]`, slots in `0..n_way-1`.
        query_x: `[n_queries, channels, height, width]`.
        frequencies: `[n_way]`, images of each slot's class in the official training split.
    """

    support_x: Tensor
    support_y: Tensor
    query_x: Tensor
    frequencies: Tensor


class Answered(NamedTuple):
    """A task with the labels it is judged by.

    Attributes:
        task: for the method.
        query_y: `[n_queries]`, slots.
        n_val: how many of the queries, at the end, are of the official validation split; their
            labels may choose a threshold, and nothing else.
        k_shot: support images per class.
    """

    task: Task
    query_y: Tensor
    n_val: int
    k_shot: int


class Tested(NamedTuple):
    """The splits of the tested data set.

    Attributes:
        train: where support images come from.
        test: where query images come from.
        val: where a threshold is chosen; None if none is.
    """

    train: ImageSet
    test: ImageSet
    val: ImageSet | None


def splits_of(track: Track, data: str, *, in_colour: bool) -> Tested:
    """Return the splits that a data set is tested on, once they are as the rules say.

    Args:
        track: the rules.
        data: a data set of the track.
        in_colour: repeat grey images in three channels.

    Raises:
        ValueError: if the set is not on this machine, or has other numbers of images.
    """
    rules = track.rules_of(data)
    parts = ["train", "test"] + (["val"] if rules.ill_class is not None else [])
    found = [official(data, part) for part in parts]
    for part, counts in (("train", rules.train_counts), ("test", rules.test_counts)):
        labels = found[parts.index(part)].labels
        if torch.bincount(labels, minlength=len(counts)).tolist() != list(counts):
            raise ValueError(f"{data}, {part} split: not the images that the protocol was made for")
    train, test, *val = [coloured(each) if in_colour else each for each in found]
    return Tested(train, test, val[0] if val else None)


def answered_tasks(
    sets: Tested, rules: DataRules, listed: Listed, k_shots: tuple[int, ...], device: str
) -> Iterator[Answered]:
    """Yield one listed episode for every K; their queries are the same.

    Args:
        sets: of the tested data set.
        rules: how it is tested.
        listed: the episode.
        k_shots: support images per class.
        device: where the tensors are put.
    """
    if listed.query:
        query_x, query_y = _images(sets.test, listed.classes, listed.query)
    else:
        query_x, query_y = _whole(sets.test, listed.classes)
    n_val = 0
    if sets.val is not None:
        val_x, val_y = _whole(sets.val, listed.classes)
        query_x, query_y = torch.cat([query_x, val_x]), torch.cat([query_y, val_y])
        n_val = len(val_y)
    frequencies = torch.tensor([rules.train_counts[c] for c in listed.classes])
    for k_shot in k_shots:
        chosen = tuple(images[:k_shot] for images in listed.support)
        support_x, support_y = _images(sets.train, listed.classes, chosen)
        task = (support_x, support_y, query_x, frequencies)
        yield Answered(Task(*(t.to(device) for t in task)), query_y, n_val, k_shot)


def _images(
    images: ImageSet, classes: tuple[int, ...], places: tuple[tuple[int, ...], ...]
) -> tuple[Tensor, Tensor]:
    """Return the images at some places within each class, and their slots."""
    taken = [
        torch.nonzero(images.labels == c).flatten()[list(own)]
        for c, own in zip(classes, places, strict=True)
    ]
    slots = torch.arange(len(classes)).repeat_interleave(len(places[0]))
    return as_float(images.images[torch.cat(taken)]), slots


def _whole(images: ImageSet, classes: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Return all images in their own order, and the slot of each."""
    slot = torch.zeros(len(classes), dtype=torch.int64)
    slot[list(classes)] = torch.arange(len(classes))
    return as_float(images.images), slot[images.labels]
