"""The ways in which the corpus is graded: as whoever runs the tests, as another user, in less."""

import os
import shutil
import stat
import sys
from pathlib import Path

from medmeta_ref.grading.sandbox.landlock import version
from tests.sandboxed import ROOT

NOBODY = 65534


class Missing(Exception):
    """This machine lacks something for one of the ways; the message says what."""


def as_ordinary_user(course: Path) -> list[str]:
    """Return the command that runs another one as a user without rights.

    Where Python or the course lies in a folder that is closed to others (below /root, say), the
    user is shown a file system in which that folder holds just those, read only.

    Args:
        course: a folder that the user has to be able to read.

    Raises:
        Missing: if that cannot be done here.
    """
    if os.getuid() != 0:
        raise Missing("only root can become another user; the other runs are an ordinary user's")
    if shutil.which("setpriv") is None:
        raise Missing("the program `setpriv` (util-linux) is not there")
    change = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    needed = {Path(path).resolve() for path in (sys.base_prefix, sys.prefix, ROOT, course)}
    closed = {path: door for path in needed if (door := _closed(path)) is not None}
    if not closed:
        return change
    if shutil.which("bwrap") is None:
        raise Missing(f"others may not enter {', '.join(map(str, set(closed.values())))}")
    shown = ["bwrap", "--dev-bind", "/", "/", "--die-with-parent"]
    for door in sorted(set(closed.values())):
        shown += ["--perms", "0755", "--tmpfs", str(door)]
    for path, door in sorted(closed.items()):
        between = [p for p in path.parents if p.is_relative_to(door) and p != door]
        for folder in reversed(between):
            shown += ["--perms", "0755", "--dir", str(folder)]
        shown += ["--ro-bind", str(path), str(path)]
    return [*shown, *change]


def need_landlock() -> None:
    """Say so if this kernel has no Landlock.

    Raises:
        Missing: if it has none.
    """
    if version() == 0:
        raise Missing("this kernel has no Landlock (Linux 5.13, and switched on)")


def _closed(path: Path) -> Path | None:
    """Return the topmost folder on the way that others may not enter."""
    for folder in [*reversed(path.parents), path]:
        if not folder.stat().st_mode & stat.S_IXOTH:
            return folder
    return None
