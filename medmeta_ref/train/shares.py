"""A batch of episodes in shares, one for each of several processes.

Goyal et al. 2017, "Accurate, Large Minibatch SGD", arXiv 1706.02677, section 2.3: the gradient of a
mean over a batch is the mean of its parts' gradients, each weighted by its part's size.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from torch import Tensor

from medmeta_ref.episodes import Episode

Batch = TypeVar("Batch")


def share_of(batch: Batch, *, index: int, n_shares: int) -> tuple[Batch, float]:
    """Return one share of a batch of episodes, and which fraction of them it is.

    Shares are neighbours in the batch and differ by one episode at most. A mean over the batch is
    the sum of the shares' means, each times its fraction.

    Args:
        batch: an `Episode`, another tuple of tensors or a tensor, each `[n_episodes, ...]`.
        index: which share, in `0..n_shares-1`.
        n_shares: into how many the batch is divided.

    Raises:
        ValueError: if there are fewer episodes than shares, or the batch has no such axis.

    Example:
        >>> import torch
        >>> share_of(torch.arange(5), index=0, n_shares=2)
        (tensor([0, 1, 2]), 0.6)
    """
    n_episodes = _n_episodes(batch)
    if n_episodes < n_shares:
        raise ValueError(
            f"a batch of {n_episodes} episodes cannot be shared by {n_shares} processes; draw at "
            f"least {n_shares} with sample_episodes, or start fewer processes"
        )
    size, n_longer = divmod(n_episodes, n_shares)
    first = index * size + min(index, n_longer)
    last = first + size + (index < n_longer)
    fraction = (last - first) / n_episodes
    if isinstance(batch, Tensor):
        return cast(Batch, batch[first:last]), fraction
    fields = [field[first:last] for field in cast(tuple[Tensor, ...], batch)]
    # A NamedTuple stays one.
    make: Callable[[list[Tensor]], Any] = getattr(type(batch), "_make", tuple)
    return cast(Batch, make(fields)), fraction


def _n_episodes(batch: object) -> int:
    if isinstance(batch, Episode) and batch.support_y.ndim == 1:
        raise ValueError(
            "a single episode cannot be shared by processes; draw a batch with sample_episodes"
        )
    fields = (batch,) if isinstance(batch, Tensor) else batch
    if not isinstance(fields, tuple) or not all(isinstance(f, Tensor) and f.ndim for f in fields):
        raise ValueError(
            f"a batch of type {type(batch).__name__} cannot be shared by processes; it has to be "
            "an Episode or another tuple of tensors with a leading [n_episodes] axis"
        )
    lengths = {len(field) for field in fields}
    if len(lengths) != 1:
        raise ValueError(
            f"the tensors of a batch have leading axes of {sorted(lengths)}; all of them must be "
            "n_episodes long to be shared by processes"
        )
    return int(lengths.pop())
