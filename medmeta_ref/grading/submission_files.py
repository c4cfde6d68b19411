"""Read what was handed in without following a link, waiting for a pipe or filling the memory.

A submission's folder belongs to the learner, who may have put anything in it under any name. Every
step of the path is opened by itself, from the folder above, so that no step can be a link that
leads elsewhere: to a neighbour's work, to the gradebook, to /etc.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

# A notebook of text is below 1 MiB; with the figures that Jupyter keeps in it, a few MiB.
MAX_BYTES = 10 * 2**20
# Past this many names nobody reads the list, and a folder can hold millions.
MAX_NAMES = 1000

_LONGEST_SHOWN = 60
_MARKUP = set('<>&"\\')
NO_PLAIN_NAME = (
    "the folder's name holds a sign that a terminal or nbgrader's pages would obey (such as <, \", "
    "& or a line break), so nothing in it is graded; rename the folder"
)


def is_plain_name(student: str) -> bool:
    """Return whether the name of a student's folder can stand on a page and in a terminal.

    nbgrader's formgrader puts it into its pages as it is: as text, in quotes, and into a script.

    >>> is_plain_name("O'Brien, ada@example.org"), is_plain_name("<script>")
    (True, False)
    """
    return student.isprintable() and not _MARKUP & set(student)


class Refused(Exception):
    """Something that was handed in cannot be taken; the message tells the student why."""


class HandedIn(NamedTuple):
    """One file of a submission.

    Attributes:
        data: its bytes.
        modified: when it was last written, as the file system says, in UTC.
        note: something a person should know about it, or "".
    """

    data: bytes
    modified: datetime
    note: str


def shown(text: str) -> str:
    """Return text of a stranger in a form that is safe on a page, in a terminal and in a table.

    >>> shown("<b>notes</b> 1.ipynb")
    '?b?notes?/b? 1.ipynb'
    """
    safe = "".join(sign if sign.isalnum() or sign in " ._-+/()" else "?" for sign in text[:200])
    return safe if len(safe) <= _LONGEST_SHOWN else f"{safe[: _LONGEST_SHOWN - 3]}..."


@contextmanager
def open_folder(root: Path, parts: Sequence[str]) -> Iterator[int]:
    """Give the descriptor of the folder `root/part/part/...`, no part of which may be a link.

    Args:
        root: a folder of the instructor's; it may be reached through links.
        parts: names below it.

    Raises:
        Refused: if a part is missing, a link or no folder.
        ValueError: if a part is no name.
    """
    for part in parts:
        if part in ("", ".", "..") or "/" in part or "\0" in part:
            raise ValueError(f"{part!r} is no name of a folder; give one name without '/'")
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
    folder = os.open(root, flags)
    try:
        for part in parts:
            try:
                below = os.open(part, flags | os.O_NOFOLLOW, dir_fd=folder)
            except OSError as error:
                raise Refused(_no_folder("/".join(parts), error)) from error
            os.close(folder)
            folder = below
        yield folder
    finally:
        os.close(folder)


def names_in(folder: int, *, expected: Sequence[str]) -> list[str]:
    """Return the names in a folder, sorted.

    Args:
        folder: the descriptor that `open_folder` gives.
        expected: names that are told if they are there, even when the folder holds so many that
            only `MAX_NAMES` others are.
    """
    with os.scandir(folder) as entries:
        names = {entry.name for entry, _ in zip(entries, range(MAX_NAMES), strict=False)}
    for name in expected:
        with suppress(OSError):
            os.stat(name, dir_fd=folder, follow_symlinks=False)
            names.add(name)
    return sorted(names)


def read_file(folder: int, name: str, *, max_bytes: int = MAX_BYTES) -> HandedIn:
    """Return one file of a folder.

    Args:
        folder: the descriptor that `open_folder` gives.
        name: a name in it.
        max_bytes: the largest file to take.

    Raises:
        Refused: if it is missing, no plain file, larger than that, or another person's file.
    """
    # O_NONBLOCK, or opening a pipe that was put there after the look would wait forever.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    try:
        # Looked at first, because opening a device can set it in motion.
        _require_plain(os.stat(name, dir_fd=folder, follow_symlinks=False), name)
        opened = os.open(name, flags, dir_fd=folder)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise Refused(f"The file '{shown(name)}' cannot be read: {why}.") from error
    with os.fdopen(opened, "rb", buffering=0) as file:
        info = os.fstat(opened)
        _require_plain(info, name)
        note = _about_links(info, os.fstat(folder), name)
        data = bytearray()
        while info.st_size <= max_bytes and len(data) <= max_bytes:  # it may grow meanwhile
            piece = file.read(min(1 << 20, max_bytes + 1 - len(data)))
            if not piece:
                return HandedIn(bytes(data), datetime.fromtimestamp(info.st_mtime, UTC), note)
            data += piece
    raise Refused(too_large(name, max(info.st_size, len(data)), max_bytes))


def too_large(name: str, size: int, max_bytes: int) -> str:
    """Return the words for a file above the limit, with the way out."""
    return (
        f"The file '{shown(name)}' has {size:,} bytes; {max_bytes:,} are the most that is taken. "
        "Clear all outputs, save, and hand it in again."
    )


def _require_plain(info: os.stat_result, name: str) -> None:
    if not stat.S_ISREG(info.st_mode):
        kinds = {stat.S_IFLNK: "a link", stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe"}
        kind = kinds.get(stat.S_IFMT(info.st_mode), "a device or socket")
        raise Refused(f"'{shown(name)}' is {kind}; hand in the file itself.")


def _about_links(info: os.stat_result, folder: os.stat_result, name: str) -> str:
    """Return a note on a file that stands elsewhere too; refuse it if it is somebody else's."""
    if info.st_nlink == 1:
        return ""
    if info.st_uid != folder.st_uid:
        # Linking to a file needs no right to read it, and whoever grades may read everything.
        raise Refused(
            f"'{shown(name)}' is a second name for a file that belongs to somebody else; "
            "hand in a copy of your own."
        )
    return f"'{shown(name)}' is a second name for a file that stands elsewhere too (a hard link)."


def _no_folder(path: str, error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return f"Nothing was handed in: there is no folder '{shown(path)}'."
    return f"A part of '{shown(path)}' is a link or no folder; hand in a plain folder."
