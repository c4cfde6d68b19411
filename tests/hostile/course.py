"""A course folder full of hostile submissions, and what around it must stay as it is."""

import hashlib
import json
import os
import shutil
import socket
import sqlite3
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from medmeta_ref.grading.answers import fill_in
from tests.hostile import UNIT, Hostile
from tests.sandboxed import ROOT, solutions

NEIGHBOURS = ("honest_a", "honest_z")  # one is graded before most others, one after
CANARY = "the instructor's own 5b7c0d"  # found nowhere but in a file and in the environment
NOTEBOOK = f"{UNIT}.ipynb"


class Course(NamedTuple):
    """Where everything is.

    Attributes:
        root: the course folder.
        canary: a file beside it.
        students: name of a submission -> the student's folder.
    """

    root: Path
    canary: Path
    students: dict[str, str]


def make_course(folder: Path, submissions: list[Hostile], *, port: int) -> Course:
    """Return a course with these submissions, and an honest one before and after them.

    Args:
        folder: an empty folder.
        submissions: which.
        port: of the listener that they try to reach.
    """
    root, canary = folder / "course", folder / "canary.txt"
    shutil.copytree(ROOT / "exercises" / UNIT, root / "exercises" / UNIT)
    (root / "solutions").mkdir()
    shutil.copy(ROOT / "solutions" / f"{UNIT}.py", root / "solutions")
    canary.write_text(CANARY)
    (root / "results" / UNIT).mkdir(parents=True)
    (root / "results" / UNIT / "honest_a.json").write_text('{"key": "kept"}')
    with sqlite3.connect(root / "gradebook.db") as book:
        book.execute("create table grade (student text, auto_score real, manual_score real)")
    book.close()
    replaced = {"COURSE": str(root), "CANARY": str(canary), "PORT": str(port)}
    honest = [Hostile(name, "", frozenset(), {}) for name in NEIGHBOURS]
    students = {}
    for number, each in enumerate([*honest, *submissions]):
        name = each.name if each in honest else each.student or f"m{number:03}_{each.name}"
        students[each.name] = name
        place = root / "submitted" / name / UNIT
        place.mkdir(parents=True)
        data = notebook(each, replaced)
        if each.place:
            each.place(place, data)
        else:
            (place / NOTEBOOK).write_bytes(data)
    return Course(root, canary, students)


def notebook(submission: Hostile, replaced: dict[str, str]) -> bytes:
    """Return the bytes of the notebook that a submission hands in."""
    answers = {
        name: _filled(source, replaced)
        for name, source in (solutions() | submission.answers).items()
    }
    released = ROOT / "exercises" / UNIT / NOTEBOOK
    made = json.loads(fill_in(released, answers))
    instead = submission.alter(made) if submission.alter else None
    if instead is not None:
        return instead
    return _filled(json.dumps(made), replaced if submission.alter else {}).encode()


def _filled(text: str, replaced: dict[str, str]) -> str:
    for name, value in replaced.items():
        text = text.replace(name, value)
    return text


def snapshot(course: Course) -> dict[str, object]:
    """Return everything below and beside the course folder: kind, mode, time, bytes."""
    found: dict[str, object] = {}
    for top, folders, files in os.walk(course.root.parent):
        for name in (*folders, *files):
            path = os.path.join(top, name)
            info = os.lstat(path)
            data = os.readlink(path) if stat.S_ISLNK(info.st_mode) else ""
            if stat.S_ISREG(info.st_mode):
                with open(path, "rb") as file:
                    data = hashlib.sha256(file.read()).hexdigest()
            found[path] = (info.st_mode, info.st_mtime_ns, info.st_size, data)
    return found


@contextmanager
def listener() -> Iterator[tuple[int, list[object]]]:
    """Give a port of this machine, for TCP and UDP, and the list of who came."""
    reached: list[object] = []
    done = threading.Event()
    with (
        socket.create_server(("127.0.0.1", 0)) as tcp,
        socket.socket(type=socket.SOCK_DGRAM) as udp,
    ):
        port = tcp.getsockname()[1]
        udp.bind(("127.0.0.1", port))
        udp.settimeout(0.2)
        tcp.settimeout(0.2)

        def take(receive) -> None:
            while not done.is_set():
                try:
                    got = receive()
                    reached.append(got[1])
                    if isinstance(got[0], socket.socket):
                        got[0].close()
                except TimeoutError:
                    pass

        threads = [
            threading.Thread(target=take, args=(receive,))
            for receive in (tcp.accept, lambda: udp.recvfrom(100))
        ]
        for thread in threads:
            thread.start()
        try:
            yield port, reached
        finally:
            done.set()
            for thread in threads:
                thread.join()
