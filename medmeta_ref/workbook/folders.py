"""Where a learner's copies lie, how one is made, and how one is put aside before it changes."""

import os
import shutil
from datetime import datetime
from pathlib import Path

LEARNER = "me"
BACKUPS = "backups"


class AlreadyThere(Exception):
    """The learner has a copy of the unit, with work in it perhaps."""


class NotStarted(Exception):
    """The learner has no copy of the unit."""


def my_folder(root: Path) -> Path:
    """Return the folder of all that a learner has made."""
    return root / "submitted" / LEARNER


def my_notebook(root: Path, unit: str) -> Path:
    """Return the learner's notebook of a unit; it need not be there."""
    return my_folder(root) / unit / f"{unit}.ipynb"


def started_units(root: Path) -> set[str]:
    """Return the names of all units that the learner has a notebook of."""
    return {path.parent.name for path in my_folder(root).glob("*/*.ipynb") if _is_unit(path)}


def start(root: Path, unit: str) -> Path:
    """Copy an exercise for the learner and return the notebook; it is there as a whole or not.

    Raises:
        AlreadyThere: if there is a copy.
        OSError: if it cannot be copied.
    """
    mine = my_notebook(root, unit)
    if mine.parent.exists():
        raise AlreadyThere(
            f"{mine.parent.relative_to(root)} is there already, with your work in it"
        )
    _copy_release(root, unit).rename(mine.parent)
    return mine


def reset(root: Path, unit: str) -> Path:
    """Put the learner's copy aside, make a new one, and return where the old one lies now.

    Raises:
        NotStarted: if there is no copy.
        OSError: if something cannot be moved or copied; nothing is lost then.
    """
    mine = my_notebook(root, unit).parent
    if not mine.exists():
        raise NotStarted(f"there is no {mine.relative_to(root)} to put aside")
    fresh = _copy_release(root, unit)
    backup = _backup_name(root, unit)
    mine.rename(backup)
    fresh.rename(mine)
    return backup


def back_up(root: Path, unit: str) -> Path:
    """Copy the learner's copy into a folder with the time in its name, and return that.

    Raises:
        OSError: if it cannot be copied.
    """
    backup = _backup_name(root, unit)
    part = backup.with_name(f".{backup.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(my_notebook(root, unit).parent, part, symlinks=True)
    part.rename(backup)
    return backup


def put_aside(root: Path, path: Path) -> Path:
    """Move a file into the folder of backups, and return where it lies now."""
    backup = _backup_name(root, path.stem, path.suffix)
    path.rename(backup)
    return backup


def _copy_release(root: Path, unit: str) -> Path:
    """Copy an exercise next to where it will be, and return the copy."""
    part = my_folder(root) / f".{unit}.part"
    shutil.rmtree(part, ignore_errors=True)  # of a run that was killed
    leave_out = shutil.ignore_patterns(".ipynb_checkpoints", "__pycache__")
    shutil.copytree(root / "exercises" / unit, part, ignore=leave_out)
    for folder, _, names in os.walk(part):  # a course on a read-only disk
        for name in names:
            path = Path(folder, name)
            path.chmod(path.stat().st_mode | 0o200)
    return part


def _backup_name(root: Path, what: str, suffix: str = "") -> Path:
    folder = my_folder(root) / BACKUPS
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{what}-{datetime.now():%Y%m%d-%H%M%S}"
    names = (stem, *(f"{stem}-{number}" for number in range(2, 1000)))
    paths = (folder / f"{name}{suffix}" for name in names)
    return next(path for path in paths if not path.exists())


def _is_unit(path: Path) -> bool:
    return path.stem == path.parent.name and path.is_file()
