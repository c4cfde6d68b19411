"""One file of verdicts per submission, `results/UNIT/STUDENT.json`: there as a whole, or not.

They make a run that is killed at any moment go on where it was: a file that carries the key of what
is asked for is the answer.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from medmeta_ref.grading.stored_result import StoredResult


class ResultError(Exception):
    """A file that looks like a result and is none; the message names it."""


class BusyError(Exception):
    """Another run is grading the same unit."""


def result_file(root: Path, unit: str, student: str) -> Path:
    """Return where the verdicts on a submission are kept."""
    return root / "results" / unit / f"{student}.json"


def read_result(path: Path) -> StoredResult | None:
    """Return the verdicts in a file, or None if there is no such file.

    Raises:
        ResultError: if the file is damaged.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        stored = StoredResult.from_json(json.loads(data))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ResultError(f"{path} is damaged ({type(error).__name__}: {error})") from None
    if (stored.unit, f"{stored.student}.json") != (path.parent.name, path.name):
        raise ResultError(f"{path} holds the result of {stored.student}, {stored.unit}")
    return stored


def write_result(path: Path, stored: StoredResult) -> None:
    """Write the verdicts to a file, so that a crash leaves the old file, or the new one.

    Raises:
        OSError: if they cannot be written; the old file is still there then.
    """
    text = json.dumps(stored.to_json(), ensure_ascii=True)  # indented, it takes ten times as long
    write_whole(path, text.encode() + b"\n", sync=True)


def write_whole(path: Path, data: bytes, *, mode: int = 0o644, sync: bool = False) -> None:
    """Write a file so that whoever looks, whenever, finds all of it or what was there before.

    Args:
        path: where; its folder is made.
        data: what.
        mode: the file's permissions.
        sync: whether this holds after a power cut, too. It takes the disk some time.

    Raises:
        OSError: if it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)  # of a run that was killed; it may be read-only
    try:
        with part.open("wb") as file:
            file.write(data)
            if sync:
                file.flush()
                os.fsync(file.fileno())
        part.chmod(mode)
        os.replace(part, path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    if sync:
        _sync(path.parent)


@contextmanager
def only_run(root: Path, unit: str) -> Iterator[None]:
    """Keep a second run from grading the same unit at the same time.

    The lock ends with the process, however that ends.

    Raises:
        BusyError: if there is such a run.
    """
    path = root / "results" / unit / ".lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise BusyError(f"another run is grading {unit}; wait until it has ended") from None
    try:
        yield
    finally:
        lock.release()


def _sync(folder: Path) -> None:
    """Make sure that a new name in a folder is still there after a power cut."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
