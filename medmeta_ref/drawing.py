"""A few distinct images from each of some pools, every choice and every order equally likely.

Durstenfeld 1964, "Algorithm 235: Random permutation", Communications of the ACM 7:420 (the
Fisher-Yates shuffle), stopped as soon as enough is drawn: 16 images of 1,500 take 16 steps, where
a permutation takes 1,500. The one departure from exact uniformity is the 53-bit fraction behind
every step: below one part in 10^12 for a pool of a thousand.
"""

from collections.abc import Iterable, Iterator
from itertools import accumulate, islice
from typing import NamedTuple

import torch
from torch import Tensor


class Pools(NamedTuple):
    """Groups of images, for instance one per class.

    Attributes:
        members: `[n_members]`, int64: where in the image tensor each image is, pool after pool.
        starts: of each pool, where in `members` it begins.
        sizes: of each pool, how many images it has.
    """

    members: Tensor
    starts: tuple[int, ...]
    sizes: tuple[int, ...]


def make_pools(masks: Iterable[tuple[str, Tensor]], *, k_shot: int, n_query: int) -> Pools:
    """Return the pools that boolean masks over all images describe.

    Args:
        masks: (name, `[n_images]` of bool) for each pool; the name is for the message.
        k_shot: support images that a pool must be able to give.
        n_query: query images that it must be able to give besides.

    Raises:
        ValueError: if a pool has fewer than `k_shot + n_query` images.

    Example:
        >>> labels = torch.tensor([7, 9, 7, 9, 7])
        >>> masks = [(f"class {c}", labels == c) for c in (7, 9)]
        >>> make_pools(masks, k_shot=1, n_query=1)
        Pools(members=tensor([0, 2, 4, 1, 3]), starts=(0, 3), sizes=(3, 2))
    """
    pools = []
    for name, mask in masks:
        pool = torch.nonzero(mask).flatten()
        if len(pool) < k_shot + n_query:
            raise ValueError(
                f"{name} has {len(pool)} images, but k_shot={k_shot} and n_query={n_query} "
                f"need {k_shot + n_query}; lower one of them"
            )
        pools.append(pool)
    sizes = [len(pool) for pool in pools]
    starts = [0, *accumulate(sizes)][: len(sizes)]
    return Pools(torch.cat(pools), tuple(starts), tuple(sizes))


def uniforms(n: int, *, generator: torch.Generator) -> Iterator[float]:
    """Yield `n` random numbers in 0 <= u < 1; a single call of the generator draws them all."""
    drawn = torch.rand(n, dtype=torch.float64, generator=generator, device=generator.device)
    return iter(drawn.tolist())


def distinct(size: int, n: int, fractions: Iterator[float]) -> list[int]:
    """Return `n` different numbers of 0..size-1 in random order; uses up `n` of the fractions.

    Args:
        size: how many numbers there are, at least `n`.
        n: how many to draw.
        fractions: independent and uniform in 0 <= u < 1, as from `uniforms`.

    Example:
        >>> distinct(10, 3, iter([0.0, 0.0, 0.99]))
        [0, 1, 9]
    """
    # What a swap has put at a place of range(size); all other places hold their own number.
    swapped: dict[int, int] = {}
    drawn = []
    for i, u in enumerate(islice(fractions, n)):
        j = i + int(u * (size - i))
        drawn.append(swapped.get(j, j))
        swapped[j] = swapped.get(i, i)
    return drawn


def draw(
    pools: Pools, slots: Iterable[int], *, k_shot: int, n_query: int, fractions: Iterator[float]
) -> tuple[list[int], list[int]]:
    """Return where in `pools.members` an episode's support and query images stand.

    Args:
        pools: what to draw from.
        slots: the pool of each slot, in the order of the slots.
        k_shot: support images per slot.
        n_query: query images per slot.
        fractions: `k_shot + n_query` for each slot, as from `uniforms`.

    Returns:
        `n_slots * k_shot` and `n_slots * n_query` numbers, slot after slot, all different if the
        pools have no image in common.

    Example:
        >>> pools = Pools(torch.arange(10), starts=(0, 5), sizes=(5, 5))
        >>> draw(pools, [1, 0], k_shot=1, n_query=2, fractions=iter([0.0] * 6))
        ([5, 0], [6, 7, 1, 2])
    """
    support: list[int] = []
    query: list[int] = []
    for slot in slots:
        start = pools.starts[slot]
        images = [start + j for j in distinct(pools.sizes[slot], k_shot + n_query, fractions)]
        support += images[:k_shot]
        query += images[k_shot:]
    return support, query
