"""A new version of a unit for a learner who has begun the old one: nothing of theirs is lost.

The new notebook is the released one with the learner's answers in their cells, and with the cells
that the learner added where they stood. The old one is kept, whole, before anything is written.
"""

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
from nbgrader.utils import compute_checksum

from medmeta_ref.grading.rebuilding import answers_in
from medmeta_ref.grading.result_files import write_whole
from medmeta_ref.grading.submitted_json import read_submitted
from medmeta_ref.progress import log
from medmeta_ref.progress.units import released
from medmeta_ref.workbook.changes import (
    Changes,
    UnreadableError,
    changes_of,
    grade_id,
    read_mine,
    source,
)
from medmeta_ref.workbook.folders import LEARNER, NotStarted, back_up, my_notebook
from medmeta_ref.workbook.versions import versions


class Updated(NamedTuple):
    """What an update did.

    Attributes:
        changes: between the two versions; nothing was written if there are none.
        backup: the folder that holds what was there before, or None if nothing was written.
        carried: names of the exercises whose answers are in the new notebook.
        left: names of those whose answers are in the backup alone, because the exercise is gone.
        own: how many cells of the learner's own were carried over.
        notes: what the learner should know about how the old notebook was read, or the log.
    """

    changes: Changes
    backup: Path | None = None
    carried: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    own: int = 0
    notes: tuple[str, ...] = ()


def update(root: Path, unit: str) -> Updated:
    """Bring the learner's copy of a unit to the released version.

    Args:
        root: the course folder.
        unit: for instance "03_distillation".

    Raises:
        NotStarted: if the learner has no notebook of this unit.
        UnreadableError: if it cannot be read; nothing was changed then.
        OSError: if something cannot be written; the old notebook is still there then.
    """
    mine = my_notebook(root, unit)
    if not mine.is_file():
        raise NotStarted(f"there is no {mine.relative_to(root)}")
    path = log.log_file(root, LEARNER)
    changes = changes_of(root, unit, log.read(path))
    if not changes:
        return Updated(changes)
    done = Updated(changes)
    if changes.notebook_is_old:
        old, release = read_mine(root, unit), json.loads(released(root, unit).read_bytes())
        notebook, done = _carry_over(old, release, changes)
        _require_valid(notebook, mine)
        done = done._replace(backup=back_up(root, unit))
        text = json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
        write_whole(mine, text.encode(), sync=True)
        _copy_other_files(root, unit)
    step = log.Step(log.now(), "update", unit, versions(root, unit))
    told = log.note(path, step)
    return done._replace(notes=(*done.notes, *([told] * bool(told))))


def _carry_over(
    old: Mapping[str, Any], release: Mapping[str, Any], changes: Changes
) -> tuple[dict[str, Any], Updated]:
    """Return the new notebook, and what is in it."""
    found = answers_in(release, read_submitted(json.dumps(old).encode(), name="your notebook"))
    written = {grade_id(cell) for cell in old["cells"] if _is_written(cell)}
    # An untouched cell is no answer, although it may differ from the new one.
    untouched = {grade_id(cell) for cell in old["cells"]} - written
    answers = {name: text for name, text in found.texts.items() if name not in untouched}
    notebook = copy.deepcopy(dict(release))
    for cell in notebook["cells"]:
        if grade_id(cell) in answers:
            cell["source"] = answers[grade_id(cell)].splitlines(keepends=True)
    own = _add_own_cells(notebook, old)
    left = tuple(name for name in changes.removed if name in written)
    expected = tuple(f"Cell '{name}' is missing" for name in changes.new)
    notes = tuple(note for note in found.notes if not note.startswith(expected))
    return notebook, Updated(changes, None, tuple(answers), left, own, notes)


def _is_written(cell: Mapping[str, Any]) -> bool:
    """Return whether a learner has written into an answer cell: it differs from what it was."""
    fields = cell["metadata"].get("nbgrader", {})
    if not fields.get("solution") or not source(cell).strip():
        return False
    given = fields.get("checksum")
    as_now = nbformat.from_dict({**cell, "source": source(cell)})  # type: ignore[no-untyped-call]
    return given is None or given != compute_checksum(as_now)


def _add_own_cells(notebook: dict[str, Any], old: Mapping[str, Any]) -> int:
    """Put the cells that the learner added below the cells they stood below; return how many.

    Cells that the course hands out for the learner's own use keep what is in them.
    """
    cells: list[dict[str, Any]] = notebook["cells"]
    free = {cell.get("id"): cell for cell in cells if not grade_id(cell)}
    taken = {cell.get("id") for cell in cells}
    place, own = 0, 0
    for cell in old["cells"]:
        names = [grade_id(each) or each.get("id") for each in cells]
        name = grade_id(cell) or cell.get("id")
        if not grade_id(cell) and cell.get("id") in free:
            free[cell["id"]] |= {k: cell[k] for k in ("source", "cell_type")}
        elif not grade_id(cell) and source(cell).strip():
            added = copy.deepcopy(dict(cell))
            while added.get("id") in taken:
                added["id"] = f"{added['id']}-mine"
            taken.add(added.get("id"))
            cells.insert(place, added)
            place, own = place + 1, own + 1
            continue
        if name in names:
            place = names.index(name) + 1
    return own


def _require_valid(notebook: Mapping[str, Any], mine: Path) -> None:
    try:
        nbformat.validate(nbformat.from_dict(notebook))  # type: ignore[no-untyped-call]
    except nbformat.ValidationError as error:
        raise UnreadableError(
            f"a cell of {mine.name} is not in order ({str(error).splitlines()[0]}); nothing was "
            "changed. Open the notebook in JupyterLab, save it, and try again"
        ) from None


def _copy_other_files(root: Path, unit: str) -> None:
    """Bring the files beside the notebook up to date; what stood there is in the backup."""
    source_folder = released(root, unit).parent
    for path in sorted(source_folder.rglob("*")):
        name = path.relative_to(source_folder)
        if path.is_file() and path.suffix != ".ipynb" and ".ipynb_checkpoints" not in name.parts:
            write_whole(my_notebook(root, unit).parent / name, path.read_bytes())
