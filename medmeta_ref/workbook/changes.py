"""What a new version of a unit changes for a learner who has the old one.

nbgrader keeps with every released cell a checksum of what it was when it was handed out, and the
learner's notebook has kept those. So the two releases can be compared although only one of them is
there, whatever the learner has written.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from medmeta_ref.grading.submission_files import Refused
from medmeta_ref.grading.submitted_json import read_submitted
from medmeta_ref.progress.log import Log
from medmeta_ref.progress.units import released
from medmeta_ref.workbook.folders import my_notebook
from medmeta_ref.workbook.versions import NOTEBOOK, versions

_PARTS = {"": "the cell you fill in", "_card": "its text", "_check": "its check cell"}
_EDITED = "its checks"


class UnreadableError(Exception):
    """A learner's notebook cannot be read; the message says why and what to do."""


class Changes(NamedTuple):
    """What is different in a new version.

    Attributes:
        new: names of exercises that the learner does not have.
        changed: name of an exercise -> what of it is different, in words.
        removed: names of exercises that are no more.
        texts: how many other cells of the course came, went or differ.
    """

    new: tuple[str, ...]
    changed: dict[str, str]
    removed: tuple[str, ...]
    texts: int

    @property
    def notebook_is_old(self) -> bool:
        """Whether the learner's notebook has to be made anew."""
        only_checks = all(words == _EDITED for words in self.changed.values())
        return bool(self.new or self.removed or self.texts or not only_checks)

    def __bool__(self) -> bool:
        return self.notebook_is_old or bool(self.changed)


def changes_of(root: Path, unit: str, log: Log) -> Changes:
    """Return what the course's version of a unit changes for the learner.

    Args:
        root: the course folder.
        unit: for instance "03_distillation"; the learner has a notebook of it.
        log: the learner's; it tells with which checks the unit was started.

    Raises:
        UnreadableError: if the learner's notebook is none.
    """
    release = json.loads(released(root, unit).read_bytes())
    mine, now = read_mine(root, unit), versions(root, unit)
    seen = dict[str, str]()
    for step in log.steps:
        if step.unit == unit:
            seen = step.checks
    found = compare(mine, release)
    if seen.get(NOTEBOOK) == now.pop(NOTEBOOK, ""):
        found = Changes((), {}, (), 0)  # whatever is missing, the learner has deleted
    changed = dict(found.changed)
    for exercise, version in now.items():
        name = exercise.partition(".")[2]
        if seen.get(exercise, version) != version and name not in found.new:
            changed[name] = ", ".join(filter(None, [changed.get(name, ""), _EDITED]))
    return found._replace(changed=changed)


def compare(mine: Mapping[str, Any], release: Mapping[str, Any]) -> Changes:
    """Return what is different between what a learner was given and a release.

    Args:
        mine: the learner's notebook.
        release: the notebook in `exercises/`, both as read from JSON.
    """
    old, new = _given(mine), _given(release)
    asked, asks = _exercises(mine), _exercises(release)
    changed = dict[str, str]()
    ours = set[str]()
    for name in (*asks, *asked):
        ours |= {name + part for part in _PARTS}
        if name in asks and name in asked:
            parts = [words for p, words in _PARTS.items() if old.get(name + p) != new.get(name + p)]
            changed |= {name: ", ".join(parts)} if parts else {}
    others = (old.keys() | new.keys()) - ours
    return Changes(
        tuple(name for name in asks if name not in asked),
        changed,
        tuple(name for name in asked if name not in asks),
        sum(old.get(name) != new.get(name) for name in others),
    )


def read_mine(root: Path, unit: str) -> dict[str, Any]:
    """Return the learner's notebook as read from JSON.

    Raises:
        UnreadableError: if it is no notebook.
    """
    path = my_notebook(root, unit)
    try:
        data = path.read_bytes()
        read_submitted(data, name=path.name)  # as at grading: the size, above all
        notebook = json.loads(data)
        for cell in notebook["cells"]:
            cell["cell_type"], cell["source"], cell["metadata"].get("nbgrader", {}).get("grade_id")
    except Refused as refused:
        why = str(refused)
    except (AttributeError, KeyError, OSError, TypeError, ValueError) as error:
        why = f"It cannot be read as a notebook ({type(error).__name__}: {error})."
    else:
        return dict(notebook)
    raise UnreadableError(
        f"{path.relative_to(root)}: {why} Nothing was changed. For a fresh copy, with the old file "
        f"put aside: medmeta reset {unit}"
    )


def grade_id(cell: Mapping[str, Any]) -> str:
    """Return what nbgrader calls a cell, or ""."""
    return str(cell["metadata"].get("nbgrader", {}).get("grade_id", ""))


def source(cell: Mapping[str, Any]) -> str:
    """Return the text of a cell, which JSON may hold in one piece or in lines."""
    return cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])


def _given(notebook: Mapping[str, Any]) -> dict[str, str]:
    """Return name of a released cell -> what tells its released version from others."""
    given = dict[str, str]()
    for cell in notebook["cells"]:
        fields = cell["metadata"].get("nbgrader", {})
        if grade_id(cell):
            given.setdefault(grade_id(cell), str(fields.get("checksum") or source(cell)))
    return given


def _exercises(notebook: Mapping[str, Any]) -> list[str]:
    """Return the names of all exercises, each once."""
    answered = (c for c in notebook["cells"] if c["metadata"].get("nbgrader", {}).get("solution"))
    return list(dict.fromkeys(map(grade_id, answered)))
