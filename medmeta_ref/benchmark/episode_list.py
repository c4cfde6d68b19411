"""The test episodes of the protocol, as lists of numbers that do not depend on any library.

An episode names its classes, slot after slot, and for each of them which of its images are support
and query: "the 17th basophil of the training split". So the list needs no images, only how many
there are of each class, and its checksum can be recomputed without the data. The random numbers are
those of Python's `random.random`, which is documented to stay the same from version to version;
each episode seeds its own generator by its name, so the first 30 of 600 are the same 30.
"""

import hashlib
import random
from collections.abc import Iterator
from typing import NamedTuple

from medmeta_ref.benchmark.protocol import Track
from medmeta_ref.drawing import distinct


class Listed(NamedTuple):
    """One test episode, without images.

    Attributes:
        number: from 0, within its split and seed.
        classes: `n_way` labels, one per slot, in random order.
        support: for each slot, which images of its class in the training split are support: as
            many as the largest K, of which a smaller K takes the first.
        query: for each slot, which images of its class in the test split are to be answered;
            empty if the whole test split is.
    """

    number: int
    classes: tuple[int, ...]
    support: tuple[tuple[int, ...], ...]
    query: tuple[tuple[int, ...], ...]


def listed_episodes(
    track: Track, data: str, split: int, seed: int, n_episodes: int
) -> Iterator[Listed]:
    """Yield the first test episodes of one class split and training seed.

    Args:
        track: the rules.
        data: a data set of the track.
        split: number of the split.
        seed: one of the training seeds; each has episodes of its own, so that an average over
            seeds is over more episodes too.
        n_episodes: how many.

    Raises:
        ValueError: if the track has no such data set, split, seed, or not so many episodes.

    Example:
        >>> from medmeta_ref.benchmark.protocol import read_track
        >>> [first] = listed_episodes(read_track("T1"), "bloodmnist", split=0, seed=0, n_episodes=1)
        >>> sorted(first.classes), len(first.support[0]), len(first.query[0])
        ([0, 3, 5], 5, 15)
    """
    rules = track.rules_of(data)
    if not 0 <= split < len(rules.splits) or seed not in track.seeds:
        raise ValueError(
            f"{track.name} of {data} has splits 0..{len(rules.splits) - 1} and seeds "
            f"{', '.join(map(str, track.seeds))}; got split {split} and seed {seed}"
        )
    if not 1 <= n_episodes <= track.n_episodes:
        raise ValueError(f"n_episodes must be in 1..{track.n_episodes}, got {n_episodes}")
    test = rules.splits[split].test
    for number in range(n_episodes):
        name = f"medmeta {track.name} {track.version} {data} {split} {seed} {number}"
        fractions = _fractions(name)
        classes = tuple(test[j] for j in distinct(len(test), rules.n_way, fractions))
        support = _of_each(classes, rules.train_counts, max(track.k_shots), fractions)
        query = _of_each(classes, rules.test_counts, track.n_query, fractions)
        yield Listed(number, classes, support, query if track.n_query else ())


def checksum(track: Track, data: str, n_episodes: int) -> str:
    """Return the SHA-256 of the episodes of all splits and seeds of a data set, in hex.

    Args:
        track: the rules.
        data: a data set of the track.
        n_episodes: for each split and seed.
    """
    found = hashlib.sha256()
    for split in range(len(track.rules_of(data).splits)):
        for seed in track.seeds:
            for e in listed_episodes(track, data, split, seed, n_episodes):
                line = f"{split} {seed} {e.number} {e.classes} {e.support} {e.query}\n"
                found.update(line.encode())
    return found.hexdigest()


def _fractions(name: str) -> Iterator[float]:
    """Yield random numbers in 0 <= u < 1 without end, the same ones for the same name."""
    source = random.Random(int.from_bytes(hashlib.sha256(name.encode()).digest()))
    while True:
        yield source.random()


def _of_each(
    classes: tuple[int, ...], counts: tuple[int, ...], n: int, fractions: Iterator[float]
) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(distinct(counts[c], n, fractions)) for c in classes)
