"""Take in what students handed in, so that nothing in a folder of theirs can do any harm.

From a folder come one notebook, rebuilt, the time, and nbgrader's secret, no other file. Whatever
cannot be taken becomes a note for the student, whose notebook is then the untouched release: one
odd submission never stops a batch.
"""

import json
import os
import re
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from medmeta_ref.authoring.course_files import exercise_of
from medmeta_ref.grading import hand_in_time
from medmeta_ref.grading.left_out import named
from medmeta_ref.grading.rebuilding import Rebuilt, rebuild, refuse
from medmeta_ref.grading.submission_files import (
    HandedIn,
    Refused,
    names_in,
    open_folder,
    read_file,
    shown,
)

# nbgrader files a student's feedback page under this; `nbgrader submit` makes one every time.
SECRET = "submission_secret.txt"

_SECRET_FORM = re.compile(rb"[0-9A-Za-z]{16,256}")
_EXPECTED = (hand_in_time.FILE_NAME, SECRET, ".ipynb_checkpoints", "__pycache__", ".DS_Store")


class TakenIn(NamedTuple):
    """What one student handed in for one unit.

    Attributes:
        unit: for instance "03_distillation".
        student: the name of the folder below `submitted/`.
        rebuilt: the notebook, with all the notes.
        handed_in: when, in UTC.
        secret: what nbgrader files the feedback page under, or "".
    """

    unit: str
    student: str
    rebuilt: Rebuilt
    handed_in: datetime
    secret: str


def take_in(
    root: Path,
    unit: str,
    student: str,
    *,
    submitted: str = "submitted",
    now: datetime | None = None,
) -> TakenIn:
    """Return what a student handed in for a unit, read from `submitted/STUDENT/UNIT/`.

    The time is that of `timestamp.txt`. Without a readable one it is the time at which the file
    system says the notebook was last written, but not later than `now`: copying by hand may make
    that later than the truth, so the note says what to do about it.

    Args:
        root: the course folder.
        unit: for instance "03_distillation".
        student: the name of a folder.
        submitted: the folder below `root` that holds the students' folders, or the path of another.
        now: the present, with a time zone; by default that of the clock.

    Raises:
        ValueError: if there is no released notebook, it is not in order, or `unit`, `student` or
            `submitted` is no name of a folder; never because of the submission.
    """
    released = _released(root, unit)
    now = datetime.now(UTC) if now is None else now
    notes, secret = list[str](), ""
    try:
        place = root / submitted
        with open_folder(place.parent, [place.name, student, unit]) as folder:
            wanted = (f"{unit}.ipynb", hand_in_time.FILE_NAME, SECRET)
            names = names_in(folder, expected=wanted)
            stamp = _stamp(folder, names, notes)
            secret = _secret(folder, names)
            try:
                name = _choose(names, unit, notes)
                file: HandedIn | None = read_file(folder, name)
            except Refused as refused:
                file, rebuilt = None, refuse(released, str(refused))
    except Refused as refused:
        return TakenIn(unit, student, refuse(released, str(refused)), now, "")
    if file is not None:
        rebuilt = rebuild(released, file.data, name=name)
        notes += [file.note] * bool(file.note)
    moment = stamp or _fallback(file, now, notes)
    return TakenIn(unit, student, rebuilt._replace(notes=(*rebuilt.notes, *notes)), moment, secret)


def hand_on(taken: TakenIn, folder: Path) -> Path:
    """Write `folder/STUDENT/UNIT/` as nbgrader reads it; return the notebook's path.

    Every file is there as a whole or not at all, so a run that is killed can be repeated.

    Args:
        taken: what `take_in` returned.
        folder: a folder of the instructor's, not the one that submissions arrive in.

    Raises:
        ValueError: if something stands there that is not written here.
    """
    target = folder / taken.student / taken.unit
    target.mkdir(parents=True, exist_ok=True)
    notebook, kept = target / f"{taken.unit}.ipynb", target / SECRET
    names = (notebook.name, hand_in_time.FILE_NAME, SECRET)
    known = {*names, *(f".{name}.part" for name in names)}
    foreign = sorted(
        path.name for path in target.iterdir() if path.name not in known or path.is_symlink()
    )
    if foreign or target.is_symlink():
        raise ValueError(
            f"{target} is a link or holds {named(foreign)}; give a folder that only intake fills"
        )
    # nbgrader cannot release feedback without a secret. A student who never had one cannot fetch
    # the page either way, so any will do.
    secret = taken.secret or (kept.read_text() if kept.exists() else secrets.token_hex(64))
    text = json.dumps(taken.rebuilt.notebook, indent=1, ensure_ascii=False) + "\n"
    for name, content in zip(
        names, (text, hand_in_time.write_time(taken.handed_in), secret), strict=True
    ):
        part = target / f".{name}.part"
        part.write_bytes(content.encode())
        os.replace(part, target / name)
    return notebook


def _released(root: Path, unit: str) -> dict[str, Any]:
    path = root / exercise_of(unit)
    if not path.is_file():
        raise ValueError(f"there is no {exercise_of(unit)} in {root}; run 'medmeta build' there")
    notebook: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return notebook


def _choose(names: Sequence[str], unit: str, notes: list[str]) -> str:
    """Return the name of the notebook to take, and note what else is there."""
    wanted = f"{unit}.ipynb"
    notebooks = [name for name in names if name.lower().endswith(".ipynb")]
    alike = [name for name in notebooks if name.startswith(unit)]
    choices = [wanted] if wanted in notebooks else alike if len(alike) == 1 else notebooks
    others = [name for name in names if name not in (*_EXPECTED, *choices)]
    if others:
        words = named([shown(name) for name in others])
        notes.append(f"Other files and folders are left out, so no code can use them: {words}.")
    if not choices:
        raise Refused(f"There is no notebook '{wanted}'.")
    if len(choices) > 1:
        words = named([shown(name) for name in choices])
        raise Refused(f"There are several notebooks, none named '{wanted}': {words}.")
    if choices != [wanted]:
        notes.append(f"The notebook is named '{shown(choices[0])}', not '{wanted}'; it was taken.")
    return choices[0]


def _stamp(folder: int, names: Sequence[str], notes: list[str]) -> datetime | None:
    if hand_in_time.FILE_NAME not in names:
        return None
    try:
        file = read_file(folder, hand_in_time.FILE_NAME, max_bytes=hand_in_time.MAX_BYTES)
        found = hand_in_time.read_time(file.data.decode("utf-8"))
    except Refused as refused:
        notes.append(str(refused))
    except ValueError as error:  # UnicodeDecodeError is one
        why = "it is no text" if isinstance(error, UnicodeDecodeError) else str(error)
        notes.append(f"{hand_in_time.FILE_NAME} tells no time: {why}.")
    else:
        notes += [found.note] * bool(found.note)
        return found.moment
    return None


def _fallback(file: HandedIn | None, now: datetime, notes: list[str]) -> datetime:
    if file is None:
        return now
    moment = min(file.modified, now)
    notes.append(
        f"There is no readable {hand_in_time.FILE_NAME}, so the time is when the notebook's file "
        f"was last written, {hand_in_time.write_time(moment)}. Your instructor can put the right "
        "time into that file and grade again."
    )
    return moment


def _secret(folder: int, names: Sequence[str]) -> str:
    if SECRET in names:
        try:
            data = read_file(folder, SECRET, max_bytes=256).data.strip()
        except Refused:
            return ""  # no harm to the grade: the student cannot fetch a page, and can be sent one
        if _SECRET_FORM.fullmatch(data):
            return data.decode()
    return ""
