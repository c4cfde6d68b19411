"""Time the grader beside nbgrader's stock engine, on the same notebooks, in one run.

What is counted is CPU seconds, of all processes that take part: wall time on a busy machine says
little. The stock engine is `nbgrader autograde` with its own list of steps, which runs each
notebook in a kernel; ours is everything `medmeta grade` does, from intake to the feedback page.
"""

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from medmeta_ref.authoring.builder import build
from medmeta_ref.authoring.course_files import CONFIG
from medmeta_ref.grading.answers import fill_in, read_answers

UNIT = "03_distillation"
# nbgrader's own list, as its class has it.
_STOCK = """
c.Autograde.autograde_preprocessors = [
    "nbgrader.preprocessors.Execute",
    "nbgrader.preprocessors.IgnorePattern",
    "nbconvert.preprocessors.ClearMetadataPreprocessor",
    "nbgrader.preprocessors.LimitOutput",
    "nbgrader.preprocessors.SaveAutoGrades",
    "nbgrader.preprocessors.AssignLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata",
]
"""


class Timing(NamedTuple):
    """What grading some submissions took.

    Attributes:
        engine: who did it.
        submissions: how many.
        start_cpu_seconds: until the first was graded, that one included.
        cpu_seconds: all of it, start and end included.
        wall_seconds: all of it.
        peak_mib: the most memory that one process held.
    """

    engine: str
    submissions: int
    start_cpu_seconds: float
    cpu_seconds: float
    wall_seconds: float
    peak_mib: float

    @property
    def cpu_per_submission(self) -> float:
        """CPU seconds of one submission, the start shared among all."""
        return self.cpu_seconds / self.submissions

    @property
    def a_minute(self) -> float:
        """Submissions a minute, by the clock of this machine as busy as it was."""
        return 60 * self.submissions / self.wall_seconds

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        rates = {"cpu_per_submission": self.cpu_per_submission, "a_minute": self.a_minute}
        return self._asdict() | rates


def compare(
    root: Path, *, submissions: int, stock: int, jobs: int, sandbox: str = "auto"
) -> Iterator[Timing]:
    """Yield the timing of nbgrader's engine, then of ours.

    Args:
        root: the course folder; it is copied, not changed.
        submissions: how many ours grades. They are all right and all different.
        stock: how many nbgrader's grades; 0 leaves it out.
        jobs: how many processes ours has.
        sandbox: where ours runs learners' code.

    Raises:
        RuntimeError: if one of them does not give all the points.
    """
    with tempfile.TemporaryDirectory(prefix="medmeta-bench-") as folder:
        if stock:
            course = _course(root, Path(folder) / "stock", stock, settings=_STOCK)
            yield _time("nbgrader, stock engine", course, ["stock", str(stock)], stock)
        course = _course(root, Path(folder) / "ours", submissions)
        arguments = ["ours", str(submissions), str(jobs), sandbox]
        yield _time(f"medmeta, {jobs} jobs", course, arguments, submissions)


def _course(root: Path, course: Path, submissions: int, *, settings: str = "") -> Path:
    (course / "solutions").mkdir(parents=True)
    shutil.copy(root / CONFIG, course)
    shutil.copy(root / "solutions" / f"{UNIT}.py", course / "solutions")
    build(course)
    if settings:
        text = (course / CONFIG).read_text(encoding="utf-8").replace("\ntake_over()\n", "\n")
        (course / CONFIG).write_text(text + settings, encoding="utf-8")
    released = course / "exercises" / UNIT / f"{UNIT}.ipynb"
    answers = read_answers(root / "solutions" / f"{UNIT}.py")
    for number in range(submissions):
        path = course / "submitted" / f"student{number:05}" / UNIT / f"{UNIT}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(fill_in(released, _signed(answers, number)), encoding="utf-8")
    return course


def _signed(answers: Mapping[str, str], number: int) -> dict[str, str]:
    """Return the answers, each with a comment that no other submission has."""
    return {name: f"{text}\n# submission {number}" for name, text in answers.items()}


def _time(engine: str, course: Path, arguments: list[str], count: int) -> Timing:
    """Run one engine in a process of its own, from its start to its end."""
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "medmeta_ref.bench.grading", *arguments],
        cwd=course,
        env=os.environ | {"MEDMETA_SECRET": "a secret for the benchmark", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    wall = time.monotonic() - started
    lines = [line for line in done.stdout.splitlines() if line.startswith("timing ")]
    if done.returncode or not lines:
        raise RuntimeError(f"{engine} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    start, total, peak = map(float, lines[-1].split()[1:])
    return Timing(engine, count, start, total, wall, peak)


def _grade_ours(count: int, jobs: int, sandbox: str) -> None:
    from medmeta_ref.grading.executors import local
    from medmeta_ref.grading.grade_one import SandboxChoice
    from medmeta_ref.grading.gradebook import Course, grade, submitted_students

    root = Path.cwd()
    course = Course(root, sandbox=SandboxChoice(sandbox), start=partial(local, jobs))
    first = total = 0.0
    for number, one in enumerate(grade(course, UNIT, submitted_students(root, UNIT)), start=1):
        if one.score != one.max_score:
            raise RuntimeError(f"{one.student} got {one.score:g} of {one.max_score:g}")
        first = first or _cpu_so_far()
        if number == count:
            total = _cpu_so_far()  # before the sandboxes end and take their times with them
    print("timing", first, total, _peak_mib())


def _grade_stock(count: int) -> None:
    from nbgrader.api import Gradebook

    from medmeta_ref.grading.nbgrader_course import nbgrader_course, require

    root = Path.cwd()
    with nbgrader_course(root) as api:
        require(api.generate_assignment(UNIT, force=True, create=True), "releasing")
    before = _cpu_so_far()  # the release is not the engine's
    command = [sys.executable, "-m", "nbgrader", "autograde", UNIT]
    subprocess.run(command, check=True, capture_output=True)
    total = _cpu_so_far() - before
    with Gradebook(f"sqlite:///{root}/gradebook.db") as book:
        scores = [one.score / one.max_score for one in book.assignment_submissions(UNIT)]
    if scores != [1.0] * count:
        raise RuntimeError(f"the scores are {scores}")
    print("timing", 0.0, total, _peak_mib())


def _cpu_so_far() -> float:
    """Return the CPU seconds of this process, of those below it, and of those that were."""
    seconds = 0.0
    this = psutil.Process()
    for process in (this, *this.children(recursive=True)):
        try:
            seconds += sum(process.cpu_times()[:4])
        except psutil.NoSuchProcess:
            continue
    return seconds


def _peak_mib() -> float:
    """Return the most memory that this process, or one that has ended below it, ever held."""
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return max(resource.getrusage(each).ru_maxrss for each in who) / 1024


if __name__ == "__main__":
    if sys.argv[1] == "stock":
        _grade_stock(int(sys.argv[2]))
    else:
        _grade_ours(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
