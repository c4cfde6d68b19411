"""Which classes are for learning to learn, and which are never seen before the final evaluation.

Vinyals et al. 2016, "Matching Networks for One Shot Learning", arXiv 1606.04080, section 4.1: what
counts is how a learner does on *classes* it has never met, so it is classes that are split.
"""

from typing import NamedTuple

import torch
from torch import Tensor


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
