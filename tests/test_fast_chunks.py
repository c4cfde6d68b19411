import threading

import pytest
import torch

from medmeta_ref.fast.chunks import CACHE_BYTES, MOST_TASKS, chunk_slices, over_chunks


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("bytes_per_task", [1, CACHE_BYTES // 3, CACHE_BYTES, 10 * CACHE_BYTES])
@pytest.mark.parametrize("n_tasks", [1, 2, 5, 16, 17])
def test_chunks_cover_every_task_once_and_differ_by_one_at_most(n_tasks, bytes_per_task, threads):
    chunks = chunk_slices(n_tasks, bytes_per_task=bytes_per_task, threads=threads)
    assert [t for chunk in chunks for t in range(n_tasks)[chunk]] == list(range(n_tasks))
    sizes = [chunk.stop - chunk.start for chunk in chunks]
    assert max(sizes) - min(sizes) <= 1
    assert max(sizes) <= MOST_TASKS
    assert max(sizes) == 1 or max(sizes) * bytes_per_task <= CACHE_BYTES
    assert len(chunks) >= min(threads, n_tasks)
    assert len(chunks) % threads == 0 or max(sizes) == 1


def test_results_come_in_order_from_as_many_threads_as_asked():
    barrier = threading.Barrier(2, timeout=20)

    def work(chunk):
        if chunk.start < 2:
            barrier.wait()  # passes only if two threads are here at a time
        return chunk.start, torch.get_num_threads()

    slices = [slice(i, i + 1) for i in range(5)]
    assert over_chunks(work, slices, threads=2) == [(i, 1) for i in range(5)]


def test_the_number_of_pytorch_threads_is_as_before():
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        over_chunks(lambda chunk: chunk, [slice(0, 1), slice(1, 2)], threads=2)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("threads", [1, 2])
def test_an_error_in_one_chunk_comes_through(threads):
    def work(chunk):
        if chunk.start == 1:
            raise KeyError("chunk 1")
        return chunk

    with pytest.raises(KeyError, match="chunk 1"):
        over_chunks(work, [slice(0, 1), slice(1, 2)], threads=threads)
