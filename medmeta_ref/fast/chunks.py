"""Tasks shared out in chunks, and chunks to threads.

PyTorch's own threads split every operation, which pays for large images and many; the operations
on one task are so small that starting and meeting cost as much. Here every thread has tasks of its
own and meets the others once. PyTorch and the kernels release the interpreter's lock.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

Result = TypeVar("Result")

# More tasks side by side win little; and their images should not fall out of a core's cache.
MOST_TASKS = 4
CACHE_BYTES = 8 * 2**20


def chunk_slices(n_tasks: int, *, bytes_per_task: int, threads: int) -> list[slice]:
    """Return slices that cut `n_tasks` into even chunks, at least one for every thread.

    Args:
        n_tasks: how many tasks there are.
        bytes_per_task: of the largest activation of one task.
        threads: how many workers want a chunk.

    Example:
        >>> chunk_slices(5, bytes_per_task=1000, threads=2)
        [slice(0, 3, None), slice(3, 5, None)]
    """
    most = max(1, min(MOST_TASKS, CACHE_BYTES // bytes_per_task))
    n_chunks = -(-n_tasks // most)
    n_chunks = min(n_tasks, -(-n_chunks // threads) * threads)
    smaller, larger = divmod(n_tasks, n_chunks)
    ends = [(i + 1) * smaller + min(i + 1, larger) for i in range(n_chunks)]
    return [slice(start, end) for start, end in zip([0, *ends], ends, strict=False)]


def over_chunks(
    work: Callable[[slice], Result], chunks: Sequence[slice], *, threads: int
) -> list[Result]:
    """Return what `work` makes of every chunk, in order.

    Args:
        work: a function without side effects; its errors come through.
        chunks: as from `chunk_slices`.
        threads: how many at a time. With more than one, each works without PyTorch's own threads.
    """
    if threads == 1 or len(chunks) == 1:
        return [work(chunk) for chunk in chunks]
    before = torch.get_num_threads()
    try:
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            return list(pool.map(work, chunks))
    finally:
        torch.set_num_threads(before)  # a part of the setting is the whole process's
