"""Release, grade and give feedback with nbgrader, on notebooks that are trusted.

nbgrader runs a submission in a kernel of its own, with the rights of whoever runs this: fit for
one's own notebooks and for a demonstration, not for the work of strangers.
"""

import json
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from medmeta_ref.authoring.course_files import CONFIG
from medmeta_ref.grading.check import RESULT_MIME
from medmeta_ref.grading.results import CheckResult, ExerciseResult, State


class GradingError(Exception):
    """nbgrader could not do its part; the message holds what it said."""


class Grade(NamedTuple):
    """What one submission got.

    Attributes:
        student: the name of the folder below `submitted/`.
        score: the points in nbgrader's gradebook.
        max_score: the points there are.
        exercises: the verdicts behind the points.
        feedback: the page for the student.
    """

    student: str
    score: float
    max_score: float
    exercises: tuple[ExerciseResult, ...]
    feedback: Path


def submitted_students(root: Path, unit: str) -> list[str]:
    """Return who has handed in a unit: the folders `submitted/STUDENT/UNIT`."""
    return sorted(path.parent.name for path in (root / "submitted").glob(f"*/{unit}"))


def grade(root: Path, unit: str, students: Sequence[str]) -> Iterator[Grade]:
    """Grade submissions one after the other and write their feedback pages.

    Every submission is graded anew. The unit is released into the gradebook first, so that points
    and check cells are those of the text file as it is now. A submission that cannot be graded
    does not keep the others from it.

    Args:
        root: the course folder.
        unit: for instance "03_distillation".
        students: whose submissions; see `submitted_students`.

    Raises:
        GradingError: after all the others are graded, if nbgrader failed on some; the message
            names them and what nbgrader said.
    """
    with _nbgrader(root) as api:
        _require(api.generate_assignment(unit, force=True, create=True), f"releasing {unit}")
    failures = []
    for student in students:
        try:
            graded = _grade_one(root, unit, student)
        except GradingError as error:
            failures.append(str(error))
        else:
            yield graded
    if failures:
        raise GradingError("\n".join(failures))


def _grade_one(root: Path, unit: str, student: str) -> Grade:
    with _nbgrader(root) as api:
        _require(api.autograde(unit, student, force=True, create=True), f"grading {student}")
        _require(api.generate_feedback(unit, student, force=True), f"feedback for {student}")
        with api.gradebook as gradebook:
            submission = gradebook.find_submission(unit, student)
            score, max_score = float(submission.score), float(submission.max_score)
    notebook = root / "autograded" / student / unit / f"{unit}.ipynb"
    page = root / "feedback" / student / unit / f"{unit}.html"
    return Grade(student, score, max_score, tuple(read_results(notebook)), page)


def read_results(autograded: Path) -> Iterator[ExerciseResult]:
    """Return the verdicts that the check cells of a graded notebook left in their outputs.

    A check cell that could not run, because the function it checks is gone, say, gives one verdict
    of its own that holds the error.

    Args:
        autograded: a notebook in `autograded/`.
    """
    notebook = json.loads(autograded.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        settings = cell["metadata"].get("nbgrader", {})
        if settings.get("grade"):
            unit = autograded.stem.partition("_")[0]
            name = f"{unit}.{settings['grade_id'].removesuffix('_check')}"
            outputs = cell.get("outputs", [])
            results = [o["data"][RESULT_MIME] for o in outputs if RESULT_MIME in o.get("data", {})]
            if results:
                yield ExerciseResult.from_json(results[-1])
            else:
                yield _not_run(name, float(settings["points"]), outputs)


def _not_run(name: str, points: float, outputs: Sequence[dict[str, Any]]) -> ExerciseResult:
    errors = [f"{o['ename']}: {o['evalue']}" for o in outputs if o["output_type"] == "error"]
    message = errors[-1] if errors else "the cell of this check left no result"
    check = CheckResult(name, "The check could not run.", State.RAISED, points, message)
    return ExerciseResult(name, (check,))


@contextmanager
def _nbgrader(root: Path) -> Iterator[Any]:
    """Give nbgrader's interface for the course in `root`, in surroundings it can work in."""
    # Here, because nbgrader takes two seconds and the checks in a notebook have no use for it.
    from nbgrader.apps import NbGraderAPI
    from traitlets.config.loader import PyFileConfigLoader

    config = PyFileConfigLoader(CONFIG, path=str(root)).load_config()
    config.CourseDirectory.root = str(root)
    config.NbGraderAPI.log_level = "ERROR"
    path = os.environ.get("PATH", "")
    # nbgrader calls a bare `alembic` for a new gradebook; it stands beside this Python, which is
    # on PATH only where the virtual environment is activated.
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), path])
    try:
        with warnings.catch_warnings():
            # Objects that nbgrader adds in another order than SQLAlchemy 2 likes; harmless.
            warnings.filterwarnings("ignore", message=".*not in session.*")
            yield NbGraderAPI(config=config)
    finally:
        os.environ["PATH"] = path


def _require(outcome: dict[str, Any], doing: str) -> None:
    if not outcome["success"]:
        raise GradingError(f"{doing} failed. nbgrader says:\n{outcome.get('log', '').strip()}")
