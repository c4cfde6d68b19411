"""Two small memories of a long stream: a uniform sample, and one with equally many of each class.

Vitter 1985, "Random Sampling with a Reservoir", Algorithm R; Chrysakis and Moens 2020, "Online
Continual Learning from Imbalanced Data", Algorithm 1. A buffer holds training images themselves:
those of patients need the same care in it as in the data set, and test images never go in.
"""

from abc import ABC, abstractmethod
from collections import Counter

import torch
from torch import Tensor

Examples = tuple[Tensor, Tensor]  # images [n, ...] and labels [n]


class _Buffer(ABC):
    """What both buffers share: everything but the choice of the slot for a new item."""

    def __init__(self, capacity: int, *, generator: torch.Generator) -> None:
        if not isinstance(capacity, int) or capacity < 1:
            raise ValueError(f"capacity must be a whole number of at least 1, got {capacity}")
        self.capacity = capacity
        self.n_seen = 0
        self._n_seen_of: Counter[int] = Counter()
        self._generator = generator
        self._images: list[Tensor] = []
        self._labels: list[int] = []

    def __len__(self) -> int:
        return len(self._labels)

    def add(self, images: Tensor, labels: Tensor) -> None:
        """Offer the items of a batch one after another; how the stream is cut does not matter.

        Args:
            images: `[n, ...]`, of any dtype, which is kept. What is stored are copies.
            labels: `[n]`, integers.

        Raises:
            ValueError: if the labels are not one integer per image, or the images differ in shape
                or dtype from those stored. Nothing of such a batch is taken.
        """
        require_pairs(images, labels)
        for stored in self._images[:1]:
            if (stored.shape, stored.dtype) != (images.shape[1:], images.dtype):
                raise ValueError(
                    f"the buffer holds {stored.dtype} images of shape {tuple(stored.shape)}, got "
                    f"{images.dtype} of shape {tuple(images.shape[1:])}; prepare all batches alike"
                )
        for image, label in zip(images, map(int, labels.tolist()), strict=True):
            self.n_seen += 1
            self._n_seen_of[label] += 1
            slot = len(self) if len(self) < self.capacity else self._slot(label)
            if slot is not None:  # a slice, because the slot may lie one past the end
                self._images[slot : slot + 1] = [image.detach().clone()]
                self._labels[slot : slot + 1] = [label]

    def items(self) -> Examples:
        """Return copies of all that is stored: images `[n, ...]` and int64 labels `[n]`."""
        return self._copies(range(len(self)))

    def sample(self, n: int) -> Examples:
        """Return `n` different stored items in random order, as copies like those of `items`.

        Raises:
            ValueError: if `n` is not in 0..len(buffer).
        """
        if not 0 <= n <= len(self):
            raise ValueError(
                f"asked for {n} items without replacement, but the buffer holds {len(self)}; ask "
                "for min(n, len(buffer))"
            )
        return self._copies(torch.randperm(len(self), generator=self._generator)[:n].tolist())

    def _copies(self, slots: range | list[int]) -> Examples:
        images = [self._images[slot] for slot in slots]
        labels = torch.tensor([self._labels[slot] for slot in slots], dtype=torch.int64)
        return torch.stack(images) if images else torch.empty(0), labels

    def _below(self, n: int) -> int:
        """Return a random integer in 0..n-1."""
        return int(torch.randint(n, (1,), generator=self._generator))

    @abstractmethod
    def _slot(self, label: int) -> int | None:
        """Return which stored item a new one replaces, or None to let the new one go."""


class ReservoirBuffer(_Buffer):
    """A uniform random sample of the stream so far, however long it is (Algorithm R).

    Item i > capacity is kept with probability capacity / i, in the place of a random stored one.
    After n items, each of them is stored with probability capacity / n. A class that is rare in
    the stream is rare in the buffer.

    Args:
        capacity: the most items it stores.
        generator: the only source of randomness, for `add` and `sample`.

    Raises:
        ValueError: if `capacity` is not a whole number of at least 1.

    Example:
        >>> buffer = ReservoirBuffer(10, generator=torch.Generator().manual_seed(0))
        >>> buffer.add(torch.zeros(500, 28, 28, dtype=torch.uint8), torch.arange(500) % 4)
        >>> images, labels = buffer.sample(3)
        >>> len(buffer), images.shape, images.dtype
        (10, torch.Size([3, 28, 28]), torch.uint8)
    """

    def _slot(self, label: int) -> int | None:
        drawn = self._below(self.n_seen)  # n_seen counts the new item: it is i, not i - 1
        return drawn if drawn < self.capacity else None


class BalancedBuffer(_Buffer):
    """A sample with about equally many items of every class (CBRS, Chrysakis and Moens 2020).

    A class is full once it has been a largest one in the filled memory. An item of a class that is
    not full replaces a random one of the largest classes. An item of a full class enters the share
    of its class as in Algorithm R, with probability (stored of it) / (seen of it).

    Args:
        capacity: the most items it stores. With fewer places than classes, a full class that lost
            its last place does not come back, as in the paper.
        generator: the only source of randomness, for `add` and `sample`.

    Raises:
        ValueError: if `capacity` is not a whole number of at least 1.

    Example:
        >>> buffer = BalancedBuffer(10, generator=torch.Generator().manual_seed(0))
        >>> buffer.add(torch.zeros(100, 28, 28), torch.tensor([0] * 95 + [1] * 5))
        >>> buffer.items()[1].bincount()
        tensor([5, 5])
    """

    def __init__(self, capacity: int, *, generator: torch.Generator) -> None:
        super().__init__(capacity, generator=generator)
        self._full: set[int] = set()

    def _slot(self, label: int) -> int | None:
        stored = Counter(self._labels)
        largest = {c for c, n in stored.items() if n == max(stored.values())}
        self._full |= largest
        if label not in self._full:
            slots = [slot for slot, c in enumerate(self._labels) if c in largest]
            return slots[self._below(len(slots))]
        slots = [slot for slot, c in enumerate(self._labels) if c == label]
        drawn = self._below(self._n_seen_of[label])
        return slots[drawn] if drawn < len(slots) else None


def require_pairs(images: Tensor, labels: Tensor) -> None:
    """Raise a ValueError unless there is one integer label for each image."""
    if images.ndim == 0 or labels.shape != (len(images),):
        raise ValueError(
            f"images of shape {tuple(images.shape)} but labels of shape {tuple(labels.shape)}; one "
            "label for each image in one row is needed"
        )
    if len(labels) and labels.is_floating_point():
        raise ValueError(f"labels must be integers, got {labels.dtype}; use labels.long()")
