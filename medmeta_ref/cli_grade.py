"""`medmeta grade`: a batch of submissions, with live progress; `medmeta demo`: one of our own."""

import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from medmeta_ref.terminal import fail, out

if TYPE_CHECKING:
    from medmeta_ref.grading.executors import Crew
    from medmeta_ref.grading.grade_one import SandboxChoice
    from medmeta_ref.grading.gradebook import Course, Grade

# More tables than that nobody reads; a line each is left.
_TABLES = 3


def grade_command(
    unit: Annotated[str, typer.Argument(help="For instance 03_distillation.")],
    submitted: Annotated[
        Path, typer.Argument(help="The folder that holds STUDENT/UNIT/UNIT.ipynb.")
    ] = Path("submitted"),
    student: Annotated[
        list[str] | None, typer.Option(help="Only this one; may be given several times.")
    ] = None,
    jobs: Annotated[
        int, typer.Option(min=0, help="Processes that grade; 0 is one for each core.")
    ] = 0,
    dask: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Grade on this Dask cluster: tcp://host:8786.")
    ] = "",
    sandbox: Annotated[
        str, typer.Option(help="auto, bubblewrap, landlock, podman or docker.")
    ] = "auto",
    fresh: Annotated[
        bool, typer.Option("--fresh", help="A whole new sandbox for every submission; slower.")
    ] = False,
    unsafe: Annotated[
        bool, typer.Option("--unsafe", help="No sandbox: for work that you trust like your own.")
    ] = False,
    gradebook: Annotated[
        str, typer.Option(metavar="URL", help="Another database: postgresql+psycopg://...")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON line for each.")] = False,
) -> None:
    """Grade what was handed in: sandbox, gradebook, feedback pages.

    Results are kept in results/UNIT/STUDENT.json as soon as they are there. A run that is stopped,
    by whatever, goes on from them, and only changed answers or checks are graded again.

    The inputs of the checks depend on a secret: the variable MEDMETA_SECRET, or else the file
    medmeta/course_secret in ~/.config, made on first use. Keep it from learners.

    Example: medmeta grade 03_distillation --jobs 2
    """
    from medmeta_ref.grading.gradebook import Course, submitted_students
    from medmeta_ref.grading.sandbox.backend import BACKENDS

    if sandbox not in ("auto", *BACKENDS):
        fail(f"no sandbox {sandbox!r}; there are auto, {', '.join(BACKENDS[:-1])}")
    root = course_folder()
    # As nbgrader has it, "submitted" is below the course folder, wherever the command is run.
    folder = "submitted" if submitted == Path("submitted") else str(submitted.resolve())
    students = student or submitted_students(root, unit, folder)
    if not students:
        fail(f"nothing in {submitted}/*/{unit}; a learner starts with: medmeta start {unit}")
    for name in students:
        if not (root / folder / name / unit).is_dir():
            there = ", ".join(submitted_students(root, unit, folder)) or "nobody"
            fail(f"{name!r} has not handed in {unit}; handed in by: {there}")
    course = Course(
        root,
        folder,
        gradebook,
        _choice("unsafe" if unsafe or sandbox == "unsafe" else sandbox, fresh),
        _crew(jobs or min(_cores(), len(students)), dask),
    )
    _grade(course, unit, students, as_json)


def demo_command() -> None:
    """Grade a half-right sample of ours, from release to feedback page.

    Example: medmeta demo
    """
    from medmeta_ref.datasets import load_or_synthetic
    from medmeta_ref.grading import answers, gradebook
    from medmeta_ref.grading.grade_table import grade_table

    root, unit = course_folder(), "03_distillation"
    images = load_or_synthetic("bloodmnist", "train")
    out.print(f"[bold]Images[/]   {images.source}, {len(images.images):,} for training")
    released = root / "exercises" / unit / f"{unit}.ipynb"
    handed_in = root / "submitted" / "sample" / unit / f"{unit}.ipynb"
    handed_in.parent.mkdir(parents=True, exist_ok=True)
    sample = answers.read_answers(root / "tests" / "samples" / f"{unit}.py")
    handed_in.write_text(answers.fill_in(released, sample), encoding="utf-8")
    out.print(f"[bold]Exercise[/] {released.relative_to(root)}")
    out.print(f"[bold]Sample[/]   {handed_in.relative_to(root)}, half right on purpose")
    name = _sandbox_for_our_own_work()
    course = gradebook.Course(root, sandbox=_choice(name, False), tell=_tell)
    with out.status("grading"):
        graded = list(_or_fail(gradebook.grade(course, unit, ["sample"])))
    for one in graded:
        out.print(grade_table(one))
        out.print(f"[bold]Feedback[/] {one.feedback.relative_to(root)}", soft_wrap=True)
    out.print(
        "\nNow you: [bold].venv/bin/medmeta start 03_distillation[/], then "
        "[bold].venv/bin/medmeta lab[/]"
    )


def course_folder(*, code: int = 1) -> Path:
    """Return the course folder that the command is run in, or end the command with a code."""
    from medmeta_ref.authoring.builder import BuildError, course_root

    try:
        return course_root(None)
    except BuildError as error:
        fail(error, code=code)


def _grade(course: "Course", unit: str, students: list[str], as_json: bool) -> None:
    from medmeta_ref.grading.grade_table import grade_as_json, grade_table
    from medmeta_ref.grading.gradebook import grade

    # Progress goes to stderr, so that stdout can be piped; where nobody watches, there is none.
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[told]}"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    failed = 0
    with progress:
        bar = progress.add_task(f"grading {unit}", total=len(students), told="")

        def show() -> None:
            task = progress.tasks[0]
            done = int(task.completed)
            rate = f"{60 * task.speed:,.0f} a minute" if task.speed else "starting"
            left = len(students) - done - failed
            progress.update(bar, told=f"{failed} failed, {left} remaining, {rate}")

        def on_failure(student: str, why: str) -> None:
            nonlocal failed
            failed += 1
            progress.console.print(f"{student}: {why}", markup=False, soft_wrap=True)
            show()

        show()
        running = course._replace(
            tell=lambda message: progress.console.print(message, markup=False, soft_wrap=True),
            on_failure=on_failure,
        )
        for graded in _or_fail(grade(running, unit, students)):
            progress.advance(bar)
            show()
            if as_json:
                print(json.dumps(grade_as_json(graded)), flush=True)
            elif len(students) > _TABLES:
                points = f"{graded.score:g} of {graded.max_score:g}"
                out.print(f"{graded.student}: {points}", markup=False, highlight=False)
            else:
                out.print(grade_table(graded))
                page = graded.feedback
                shown = page.relative_to(course.root) if page.is_relative_to(course.root) else page
                out.print(f"Feedback {shown}", soft_wrap=True)


def _or_fail(graded: Iterable["Grade"]) -> Iterator["Grade"]:
    """Yield the grades; end the command with a message if grading stops."""
    from medmeta_ref.grading.batch import BatchError
    from medmeta_ref.grading.course_secret import SecretError
    from medmeta_ref.grading.executors import ClusterError
    from medmeta_ref.grading.graded_notebook import MismatchError
    from medmeta_ref.grading.nbgrader_course import GradingError
    from medmeta_ref.grading.result_files import BusyError
    from medmeta_ref.grading.sandbox.backend import SandboxError
    from medmeta_ref.grading.spec_runner import SpecError

    known = (BatchError, BusyError, ClusterError, GradingError, MismatchError, SecretError)
    try:
        yield from graded
    except (*known, SandboxError, SpecError, ValueError) as error:
        fail(error)


def _choice(name: str, fresh: bool) -> "SandboxChoice":
    from medmeta_ref.grading.grade_one import SandboxChoice

    return SandboxChoice(name, fresh)


def _crew(jobs: int, address: str) -> "Callable[[], AbstractContextManager[Crew]]":
    from medmeta_ref.grading import executors

    return partial(executors.dask, address) if address else partial(executors.local, jobs)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _sandbox_for_our_own_work() -> str:
    """Return the sandbox to grade the course's own sample in: none, if none works here."""
    from medmeta_ref.grading.sandbox.backend import SandboxError
    from medmeta_ref.grading.sandbox.grade import Sandbox

    try:
        with Sandbox() as sandbox:
            name = sandbox.name
    except SandboxError as error:
        _tell(f"{error} The sample is the course's own, so it is graded without a sandbox now.")
        return "unsafe"
    out.print(f"[bold]Sandbox[/]  {name}")
    return name


def _tell(message: str) -> None:
    out.print(message, markup=False, soft_wrap=True)
