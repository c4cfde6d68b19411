"""Grade a unit: intake, sandbox, result files, nbgrader's gradebook, feedback pages.

One process writes all of it, so no two can get in each other's way; those that run learners' code
hand over values. Whatever ends it, the next run goes on where it was: see `result_files`.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from medmeta_ref.grading.batch import grade_all
from medmeta_ref.grading.check import RESULT_MIME
from medmeta_ref.grading.course_secret import course_secret
from medmeta_ref.grading.executors import Crew, local
from medmeta_ref.grading.grade_one import GradingTask, SandboxChoice, task_of
from medmeta_ref.grading.graded_folder import GradedFolder, graded_notebook
from medmeta_ref.grading.graded_notebook import as_nbformat, check_cells
from medmeta_ref.grading.intake import TakenIn, take_in
from medmeta_ref.grading.nbgrader_course import GradingError, nbgrader_course, require
from medmeta_ref.grading.result_files import (
    ResultError,
    only_run,
    read_result,
    result_file,
    write_result,
)
from medmeta_ref.grading.results import CheckResult, ExerciseResult, State
from medmeta_ref.grading.spec_runner import SpecError
from medmeta_ref.grading.stored_result import StoredResult
from medmeta_ref.grading.submission_files import NO_PLAIN_NAME, is_plain_name, shown

# A check that is broken for this many submissions is broken for all.
MAX_BROKEN = 3


class Grade(NamedTuple):
    """What one submission got.

    Attributes:
        student: the name of the folder below `submitted/`.
        score: the points in nbgrader's gradebook, less what is lost by being late.
        max_score: the points there are.
        exercises: the verdicts behind the points, in the order of the notebook.
        feedback: the page for the student.
    """

    student: str
    score: float
    max_score: float
    exercises: tuple[ExerciseResult, ...]
    feedback: Path


class Course(NamedTuple):
    """What a run of the grader works on, and with.

    Attributes:
        root: the course folder.
        submitted: the folder below it that holds `STUDENT/UNIT/`, or the path of another one.
        gradebook: URL of the database; by default what `nbgrader_config.py` says.
        sandbox: where learners' code runs.
        start: starts who grades; see `executors`.
        tell: is told what an instructor should know.
        on_failure: is told who could not be graded, and why, when it happens; a folder whose name
            is no plain text is among them.
    """

    root: Path
    submitted: str = "submitted"
    gradebook: str = ""
    sandbox: SandboxChoice = SandboxChoice()
    start: Callable[[], AbstractContextManager[Crew]] = partial(local, 1)
    tell: Callable[[str], None] = lambda message: None
    on_failure: Callable[[str, str], None] = lambda student, why: None


def submitted_students(root: Path, unit: str, submitted: str = "submitted") -> list[str]:
    """Return who has handed in a unit: the folders `submitted/STUDENT/UNIT`."""
    return sorted(path.parent.name for path in (root / submitted).glob(f"*/{unit}"))


def grade(course: Course, unit: str, students: Sequence[str]) -> Iterator[Grade]:
    """Grade submissions and write their feedback pages; yield each when all of it is written.

    The unit is released into the gradebook first, so that points and check cells are those of the
    text file as it is now. A submission is graded only if there is no result for these answers,
    checks and secret yet.

    Args:
        course: what to work on, and with.
        unit: for instance "03_distillation".
        students: whose submissions; see `submitted_students`.

    Raises:
        SandboxError: if there is no sandbox, or it fails.
        SpecError: after all the others are graded, if a check is broken for some; sooner, if it is
            broken for `MAX_BROKEN`. They get no score.
        SecretError: if the course's secret cannot be used.
        BusyError: if another run is grading this unit.
        GradingError: if nbgrader failed, or something cannot be written.
        ClusterError, BatchError: if those who should grade cannot.
    """
    try:
        with (
            only_run(course.root, unit),
            nbgrader_course(course.root, gradebook=course.gradebook) as api,
        ):
            require(api.generate_assignment(unit, force=True, create=True), f"releasing {unit}")
            yield from _Run(course, unit, api).grade(students)
    except OSError as error:
        raise GradingError(
            f"{error.filename or 'a file'}: {error.strerror or error}. What is graded is kept in "
            "results/; run it again when that is mended"
        ) from error


class _Run:
    """One run of the grader over one unit."""

    def __init__(self, course: Course, unit: str, api: Any) -> None:
        # Here, because they import nbgrader; see `nbgrader_course`.
        from medmeta_ref.grading.feedback_pages import FeedbackPages
        from medmeta_ref.grading.gradebook_rows import GradebookRows

        self._course, self._unit, self._api = course, unit, api
        self._secret = course_secret()
        self._rows, self._pages = GradebookRows(api, unit), FeedbackPages(api, unit)
        self._taken: dict[str, TakenIn] = {}

    def grade(self, students: Sequence[str]) -> Iterator[Grade]:
        broken: dict[str, str] = {}
        todo = []
        with self._rows:
            for student in students:
                if not is_plain_name(student):
                    self._course.on_failure(shown(student), NO_PLAIN_NAME)
                    continue
                graded = self._graded_before(student)
                if graded is None:
                    todo.append(student)
                else:
                    yield graded
            for task, outcome in grade_all(self._tasks(todo), self._course.start):
                taken = self._taken.pop(task.student)
                if isinstance(outcome, SpecError):
                    broken[task.student] = str(outcome)
                    self._course.on_failure(task.student, str(outcome))
                    if len(broken) >= MAX_BROKEN:
                        break
                    continue
                write_result(self._file(task.student), outcome)
                yield self._record(taken, outcome)
        if broken:
            lines = [f"{student}: {said}" for student, said in broken.items()]
            raise SpecError("\n".join([*lines, "No score was written for these submissions."]))

    def _graded_before(self, student: str) -> Grade | None:
        """Return the grade of a submission whose verdicts are known from an earlier run."""
        try:
            stored = read_result(self._file(student))
        except ResultError as error:
            self._course.tell(f"{error}; it is graded again")
            return None
        if stored is None:
            return None
        taken, task = self._take_in(student)
        return self._record(taken, stored) if stored.key == task.key else None

    def _tasks(self, students: Sequence[str]) -> Iterator[GradingTask]:
        for student in students:
            self._taken[student], task = self._take_in(student)
            yield task

    def _take_in(self, student: str) -> tuple[TakenIn, GradingTask]:
        course = self._course
        taken = take_in(course.root, self._unit, student, submitted=course.submitted)
        return taken, task_of(taken, secret=self._secret, sandbox=course.sandbox)

    def _record(self, taken: TakenIn, stored: StoredResult) -> Grade:
        """Write rows and files, unless they are there."""
        folder = GradedFolder(self._api, self._unit, taken.student)
        standing = self._rows.find(taken.student) if folder.holds(stored) else None
        if standing is None:
            notebook = graded_notebook(taken, stored)
            read = as_nbformat(notebook)
            standing = self._rows.record(taken, read)
            folder.write(taken, notebook, self._pages.render(read, standing, taken.student))
        score = standing.score - standing.penalty
        by_name = {each.exercise.partition(".")[2]: each for each in stored.result.exercises}
        verdicts = tuple(by_name[name] for name in check_cells(taken.rebuilt.notebook))
        return Grade(taken.student, score, standing.max_score, verdicts, folder.page)

    def _file(self, student: str) -> Path:
        return result_file(self._course.root, self._unit, student)


def read_results(autograded: Path) -> Iterator[ExerciseResult]:
    """Return the verdicts that the check cells of a graded notebook left in their outputs.

    A check cell without one, in a notebook that was graded by running it, say, gives a verdict of
    its own that holds the error.

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
