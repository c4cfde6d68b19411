"""Peak memory of one call, measured in a process of its own.

Memory that one design has used and freed would hide what the next one needs. So a server process
imports what is needed but computes nothing, and every call is made in a fresh copy of it, after a
small one: the code that a first call loads (a hundred MiB for what numba compiled) is no memory of
the method.
"""

import gc
import multiprocessing
import os
import pickle
import resource
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any

MIB = 2**20
STATUS = Path("/proc/self/status")
CLEAR_REFS = Path("/proc/self/clear_refs")
Prepare = Callable[..., Callable[[], object]]


class MemoryMeter:
    """Measures peak memory; a context manager, because it keeps a process.

    Example:
        `with MemoryMeter() as meter: mib = meter.peak_mib(prepare, 3)`
    """

    def __enter__(self) -> "MemoryMeter":
        # Not a fork of this process, whose threads and allocations a copy would inherit.
        context = multiprocessing.get_context("spawn")
        self._server = ProcessPoolExecutor(1, mp_context=context)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()

    def peak_mib(
        self,
        prepare: Prepare,
        *arguments: Any,
        imports: Callable[[], object] | None = None,
        warm_up: tuple[Any, ...] | None = None,
    ) -> float:
        """Return the peak resident memory of one call above what was in use before it, in MiB.

        Args:
            prepare: a module's function that returns what is to be called; its own memory is not
                counted.
            *arguments: what `prepare` takes; they are pickled.
            imports: called before in the server, where what it imports stays.
            warm_up: what `prepare` takes for a small call of the same kind, made before.

        Raises:
            RuntimeError: if the call fails, with its message.
        """
        return self._server.submit(_in_a_copy, prepare, arguments, imports, warm_up).result()


def _in_a_copy(
    prepare: Prepare,
    arguments: tuple[Any, ...],
    imports: Callable[[], object] | None,
    warm_up: tuple[Any, ...] | None,
) -> float:
    if imports is not None:
        imports()
    reader, writer = os.pipe()
    copy = os.fork()
    if copy == 0:
        try:
            answer: object = _peak_here(prepare, arguments, warm_up)
        except BaseException as error:  # noqa: BLE001 - the copy must end here, come what may
            answer = f"{type(error).__name__}: {error}"
        os.write(writer, pickle.dumps(answer))
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        written = pipe.read()
    os.waitpid(copy, 0)
    answer = pickle.loads(written) if written else "it was killed, perhaps for want of memory"
    if not isinstance(answer, float):
        raise RuntimeError(f"measuring memory failed: {answer}")
    return answer


def _peak_here(
    prepare: Prepare, arguments: tuple[Any, ...], warm_up: tuple[Any, ...] | None
) -> float:
    if warm_up is not None:
        prepare(*warm_up)()
    run = prepare(*arguments)
    gc.collect()
    _forget_peak()
    before = _resident("VmRSS")
    run()
    return max(0.0, (_resident("VmHWM") - before) / MIB)


def _forget_peak() -> None:
    """Let the kernel's record of the highest memory use begin anew, where it can."""
    if CLEAR_REFS.exists():
        CLEAR_REFS.write_text("5")


def _resident(field: str) -> int:
    """Return the resident memory now (VmRSS) or at its highest (VmHWM), in bytes."""
    if STATUS.exists():
        lines = dict(line.split(":", 1) for line in STATUS.read_text().splitlines())
        return int(lines[field].split()[0]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # no other figure outside of Linux
    return peak if sys.platform == "darwin" else peak * 1024
