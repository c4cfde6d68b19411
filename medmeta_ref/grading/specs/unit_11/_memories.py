"""How often every item of a stream is in a memory at the end: right, and by known mistakes.

Nothing is simulated. Item t enters with some probability a(t), and a random one of the k stored
items leaves: so an item that is in survives a later one with probability 1 - a(t) / k. Products of
these are all there is to it.
"""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from medmeta_ref.grading.specs.unit_01 import _chance


def kept(n_items: int, capacity: int, entry: Callable[[int], float]) -> list[float]:
    """Return, for every item, the probability to be stored at the end.

    Args:
        n_items: length of the stream.
        capacity: of the memory; the first so many items enter in any case.
        entry: from t, counted from 1 and above the capacity, to the probability that item t enters
            in the place of a random one.
    """
    enters = [1.0 if t <= capacity else entry(t) for t in range(1, n_items + 1)]
    return [
        enters[i] * math.prod(1 - a / capacity for a in enters[max(i + 1, capacity) :])
        for i in range(n_items)
    ]


def mistaken(n_items: int, capacity: int) -> dict[str, list[float]]:
    """Return sentence -> the probabilities that this mistake would lead to."""
    early = [1.0] * capacity + [0.0] * (n_items - capacity)
    return {
        "These are the shares of a draw that is one too small: `n_seen` counts the items *before* "
        "this one, so there are n_seen + 1 by now, and all of them must have the same chance.": (
            kept(n_items, capacity, lambda t: min(1.0, capacity / (t - 1)))
        ),
        "These are the shares of a draw that is one too large: with this item there are "
        "n_seen + 1.": kept(n_items, capacity, lambda t: capacity / (t + 1)),
        "Every newcomer enters, so what came early is soon gone: let it in with probability "
        "capacity / (n_seen + 1) only.": kept(n_items, capacity, lambda t: 1.0),
        "The newcomer enters in half of all cases, however many have passed by.": kept(
            n_items, capacity, lambda t: 0.5
        ),
        "Only the last items are ever stored. That is a queue (first in, first out).": early[::-1],
        "Only the first items are ever stored: a full memory still has to change.": early,
    }


def positions(memory: Tensor, items: Tensor) -> list[int]:
    """Return where in the stream the stored items come from; -1 for what was not in it."""
    found = []
    for stored in memory:
        equal = (items == stored).flatten(1).all(1).nonzero().flatten().tolist()
        found.append(int(equal[0]) if equal else -1)
    return found


def assert_all_kept_alike(memories: Sequence[Tensor], items: Tensor, capacity: int) -> None:
    """Raise an AssertionError unless every item is in capacity / n_items of the memories."""
    n_runs, n_items = len(memories), len(items)
    per_run = [set(positions(memory, items)) for memory in memories]
    counts = [sum(i in stored for stored in per_run) for i in range(n_items)]
    try:
        _chance.assert_frequencies(
            {i + 1: count for i, count in enumerate(counts)},
            n_runs,
            capacity / n_items,
            what=f"item {{}} of {n_items} in a memory for {capacity}",
            look_at="",
        )
    except AssertionError as wrong:
        raise AssertionError(f"{wrong}{_explained(counts, n_runs, n_items, capacity)}") from None


def _explained(counts: Sequence[int], n_runs: int, n_items: int, capacity: int) -> str:
    """Return the mistake that would explain the counts, or advice."""
    tail = _chance.FALSE_ALARM / (2 * n_items)
    for sentence, shares in mistaken(n_items, capacity).items():
        limits = [_chance.bounds(n_runs, share, tail) for share in shares]
        if all(low <= count <= high for count, (low, high) in zip(counts, limits, strict=True)):
            return sentence
    return (
        "Once the memory is full, the newcomer enters with probability capacity / (n_seen + 1), "
        "and takes the place of a random stored item."
    )


def stream(n_items: int, *, generator: torch.Generator) -> Tensor:
    """Return items that are all different, `[n_items, 2, 2]`: tiny images."""
    items: Tensor = torch.randn(n_items, 2, 2, generator=generator, dtype=torch.float64)
    return items
