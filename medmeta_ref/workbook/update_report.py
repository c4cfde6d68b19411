"""What an update tells the learner: as lines for a terminal, as data for a script."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from medmeta_ref.workbook.folders import my_notebook
from medmeta_ref.workbook.update import Updated


def update_lines(root: Path, unit: str, done: Updated) -> Iterator[str]:
    """Yield what changed, what was carried over and what was not, a line each."""
    changes = done.changes
    if not changes:
        yield f"{unit} is the newest version already; nothing was changed."
        return
    yield f"Up to date now: {my_notebook(root, unit).relative_to(root)}"
    if done.backup is not None:
        yield f"Before it was:  {done.backup.relative_to(root)}"
    for name in changes.new:
        yield f"  new:      {name}"
    for name, what in changes.changed.items():
        again = "; your answer is carried over, check it again" if name in done.carried else ""
        yield f"  changed:  {name} ({what}){again}"
    for name in changes.removed:
        kept = "; your answer is kept in the old copy" if name in done.left else ""
        yield f"  removed:  {name}{kept}"
    if changes.texts:
        yield f"  texts:    {_count(changes.texts, 'other cell')} of the course changed"
    if done.backup is not None:
        own = f", and {_count(done.own, 'cell')} of your own" if done.own else ""
        names = f" ({', '.join(done.carried)})" if done.carried else ""
        yield f"Carried over: {_count(len(done.carried), 'answer')}{names}{own}."
    for note in done.notes:
        yield f"note: {note}"


def update_json(root: Path, unit: str, done: Updated) -> dict[str, Any]:
    """Return the same as plain dictionaries and lists."""
    changes = done.changes._asdict() | {"new": list(done.changes.new)}
    return {
        "unit": unit,
        "changed": bool(done.changes),
        "backup": str(done.backup.relative_to(root)) if done.backup else None,
        "carried": list(done.carried),
        "left_in_backup": list(done.left),
        "own_cells": done.own,
        "changes": changes | {"removed": list(done.changes.removed)},
        "notes": list(done.notes),
    }


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
