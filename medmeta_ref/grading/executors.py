"""Who grades: this process, several on this machine, or the workers of a Dask cluster."""

import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple

from medmeta_ref.grading.grade_one import close_sandbox


class ClusterError(Exception):
    """There is no cluster to be had; the message says why."""


class Crew(NamedTuple):
    """An executor, and how many tasks to hand it at once so that nobody waits for work."""

    executor: Executor
    ahead: int


@contextmanager
def local(jobs: int) -> Iterator[Crew]:
    """Give an executor on this machine.

    Args:
        jobs: how many processes; with 1, everything runs in this one.
    """
    if jobs == 1:
        try:
            yield Crew(_Here(), 1)
        finally:
            close_sandbox()
        return
    # "spawn": a fork of a process that has threads, and torch starts some, may hang.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(jobs, mp_context=context, initializer=_begin_work)
    try:
        yield Crew(pool, 2 * jobs)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def dask(address: str) -> Iterator[Crew]:
    """Give an executor whose workers are those of a Dask cluster, on any number of machines.

    Each worker has to have this package, and a sandbox. Give it one thread (`dask worker
    --nthreads 1`), and start one worker per core: threads of one process take turns here. What is
    sent includes the course's secret, so between machines use an address that starts with tls://.

    Args:
        address: of the scheduler, for instance "tcp://10.0.0.1:8786".

    Raises:
        ClusterError: if dask.distributed is not installed, or nobody answers there.
    """
    try:
        import distributed
    except ImportError:
        raise ClusterError(
            "--dask needs dask.distributed; run: pip install -c constraints.txt -e '.[cluster]'"
        ) from None
    try:
        connect: Any = distributed.Client  # it has no type hints
        client = connect(address, timeout=10)
    except (OSError, ValueError) as error:
        raise ClusterError(f"no Dask scheduler answers at {address}: {error}") from None
    with client:
        n_threads = sum(client.nthreads().values())
        if not n_threads:
            raise ClusterError(f"the Dask scheduler at {address} has no workers; start some")
        # A task that ends its worker is tried again elsewhere, by Dask itself.
        yield Crew(client.get_executor(pure=False), 4 * n_threads)


class _Here(Executor):
    """Runs every task at once, in the calling thread."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - whoever asks for the result gets it
            future.set_exception(error)
        return future


def _begin_work() -> None:
    """Prepare a worker process."""
    import torch

    torch.set_num_threads(1)  # the processes share the cores
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that leads
    parent = multiprocessing.parent_process()
    assert parent is not None
    threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    """End this process when the one that leads has ended, were it by kill -9."""
    multiprocessing.connection.wait([sentinel])
    os._exit(1)
