"""All checks of a learner's own notebook at once, as a terminal or a script asks for them.

The inputs are those that the check cells use, so the verdicts are those of the notebook. The
answers are read from the file as at grading, so this also shows what grading would make of it.
"""

import contextlib
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from medmeta_ref.grading.grade_one import answer_sources
from medmeta_ref.grading.logged import as_check
from medmeta_ref.grading.rebuilding import rebuild
from medmeta_ref.grading.results import ExerciseResult
from medmeta_ref.grading.sandbox.backend import SandboxError
from medmeta_ref.grading.sandbox.grade import Sandbox, exercises_of, judge_answers
from medmeta_ref.progress import log
from medmeta_ref.progress.units import points_of, released
from medmeta_ref.workbook.changes import read_mine
from medmeta_ref.workbook.folders import LEARNER, NotStarted, my_notebook

NO_SANDBOX = "No sandbox works here, so your answers ran without one, as they do in your notebook."


class OwnCheck(NamedTuple):
    """What the checks found.

    Attributes:
        unit: for instance "03_distillation".
        exercises: the verdicts, in the order of the notebook.
        notes: what the learner should know about how the notebook was read, and its progress.
        sandbox: where the answers ran; "unsafe" is none.
        saved: when the notebook was saved that was checked, in local time.
    """

    unit: str
    exercises: tuple[ExerciseResult, ...]
    notes: tuple[str, ...]
    sandbox: str
    saved: datetime

    @property
    def points(self) -> float:
        """The points earned."""
        return float(sum(each.points for each in self.exercises))

    @property
    def max_points(self) -> float:
        """The points there are."""
        return float(sum(each.max_points for each in self.exercises))

    def to_json(self) -> dict[str, Any]:
        """Return plain dictionaries and lists."""
        totals = {"points": self.points, "max_points": self.max_points}
        exercises = [
            each.to_json() | {"points": each.points, "max_points": each.max_points}
            for each in self.exercises
        ]
        facts = {"sandbox": self.sandbox, "saved": self.saved.isoformat()}
        told = {"notes": list(self.notes), "exercises": exercises}
        return {"unit": self.unit} | totals | facts | told


def check_own(
    root: Path,
    unit: str,
    *,
    only: str = "",
    open_sandbox: Callable[[str], Sandbox] = Sandbox,
) -> OwnCheck:
    """Run the checks of the learner's notebook and note the results in the learner's log.

    Args:
        root: the course folder.
        unit: for instance "03_distillation".
        only: the exercise to check, "03.soft_targets"; "" stands for all.
        open_sandbox: name of a sandbox -> the sandbox.

    Raises:
        NotStarted: if the learner has no notebook of this unit.
        UnreadableError: if it cannot be read.
        ValueError: if there is no such exercise.
        SandboxError: if the answers cannot be run at all.
        SpecError: if a check is broken.
    """
    mine, release = my_notebook(root, unit), json.loads(released(root, unit).read_bytes())
    if not mine.is_file():
        raise NotStarted(f"there is no {mine.relative_to(root)}")
    names = sorted(exercises_of(unit), key=list(points_of(released(root, unit))).index)
    if only and only not in names:
        raise ValueError(f"no exercise {only!r} in {unit}; there are {', '.join(names)}")
    chosen = [only] if only else names
    read_mine(root, unit)  # a damaged file has no answers to find wrong
    saved = datetime.fromtimestamp(mine.stat().st_mtime)
    rebuilt = rebuild(release, mine.read_bytes(), name=mine.name)
    with _sandbox(open_sandbox) as sandbox:
        found, _ = judge_answers(answer_sources(rebuilt.notebook), chosen, seed=0, sandbox=sandbox)
        name = sandbox.name
    texts = {each: rebuilt.answers.get(each.partition(".")[2], "") for each in chosen}
    lines = [as_check(each, texts[each.exercise], where="terminal") for each in found]
    told = log.note(log.log_file(root, LEARNER), *lines)
    notes = (*rebuilt.notes, *([NO_SANDBOX] * (name == "unsafe")), *([told] * bool(told)))
    return OwnCheck(unit, found, notes, name, saved)


@contextlib.contextmanager
def _sandbox(open_sandbox: Callable[[str], Sandbox]) -> Any:
    """Give the strictest sandbox that works here; a learner's own answers may do without."""
    try:
        sandbox = open_sandbox("auto")
    except SandboxError:
        sandbox = open_sandbox("unsafe")
    with sandbox:
        yield sandbox
