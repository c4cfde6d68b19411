"""`medmeta start`, `check` and `lab`: a learner's way through the course."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from medmeta_ref.cli_grade import course_folder
from medmeta_ref.terminal import fail, out

Unit = Annotated[str, typer.Argument(help="A unit: its name, 03_distillation, or its number, 03.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]

# Of `medmeta check`: nothing was checked, so neither 0 (all points) nor 1 (some are lost) is true.
NOT_CHECKED = 2


def start_command(unit: Unit) -> None:
    """Copy an exercise to submitted/me/, where no update touches it.

    A copy that is there is never overwritten. Exit codes: 0 copied, 1 not.

    Example: medmeta start 03_distillation
    """
    from medmeta_ref.progress import log
    from medmeta_ref.workbook import folders
    from medmeta_ref.workbook.check_versions import check_versions

    root = course_folder()
    name = unit_name(root, unit)
    try:
        mine = folders.start(root, name)
    except folders.AlreadyThere as error:
        fail(
            f"{error}; open it instead: medmeta lab. To begin anew: medmeta reset {name}; for the "
            f"course's newest version of it, with your answers: medmeta update {name}"
        )
    except OSError as error:
        fail(f"{name} cannot be copied: {error}")
    step = log.Step(log.now(), "start", name, check_versions(root, name))
    say(log.note(log.log_file(root, folders.LEARNER), step))
    out.print(f"Yours: {mine.relative_to(root)}. Open it with: medmeta lab", soft_wrap=True)


def check_command(
    unit: Annotated[
        str,
        typer.Argument(help="A unit, 03_distillation or 03; or one exercise, 03.soft_targets."),
    ],
    as_json: AsJson = False,
) -> None:
    """Check your notebook of a unit: points, and what went wrong.

    It reads the saved file in submitted/me/ and runs the checks of the notebook on the same inputs.
    The results are kept for medmeta status. Answers run in a sandbox where there is one.

    Exit codes: 0 all points, 1 some are lost, 2 nothing could be checked.

    Example: medmeta check 03_distillation
    """
    from medmeta_ref.grading.checks_table import checks_table
    from medmeta_ref.grading.report import brief_text
    from medmeta_ref.grading.sandbox.backend import SandboxError
    from medmeta_ref.grading.spec_runner import SpecError
    from medmeta_ref.workbook.folders import NotStarted
    from medmeta_ref.workbook.own_check import check_own

    root = course_folder(code=NOT_CHECKED)
    number, _, exercise = unit.partition(".")
    name = unit_name(root, number, code=NOT_CHECKED)
    only = f"{name.partition('_')[0]}.{exercise}" if exercise else ""
    try:
        with Console(stderr=True).status(f"checking {unit}"):
            found = check_own(root, name, only=only)
    except NotStarted as error:
        fail(f"{error}; start with: medmeta start {name}", code=NOT_CHECKED)
    except (OSError, SandboxError, SpecError, ValueError) as error:
        fail(error, code=NOT_CHECKED)
    if as_json:
        print(json.dumps(found.to_json(), indent=1, ensure_ascii=False))
    else:
        title = f"{name}: {found.points:g} of {found.max_points:g} points"
        if out.is_terminal:
            out.print(checks_table(title, found.exercises))
        else:
            print("\n\n".join([*map(brief_text, found.exercises), title]))
        for note in found.notes:
            say(f"note: {note}")
    raise typer.Exit(0 if found.points >= found.max_points else 1)


def lab_command() -> None:
    """Open the course in JupyterLab.

    Example: medmeta lab
    """
    root = course_folder()
    jupyter = Path(sys.executable).with_name("jupyter")
    if not jupyter.exists():
        fail(f"no jupyter beside {sys.executable}; pip install -c constraints.txt -e .")
    os.chdir(root)
    # Beside this Python are the jupyter, nbgrader and alembic that belong to it.
    path = os.pathsep.join([str(jupyter.parent), os.environ.get("PATH", "")])
    os.execve(jupyter, [str(jupyter), "lab"], os.environ | {"PATH": path})


def unit_name(root: Path, asked: str, *, code: int = 1) -> str:
    """Return the name of the unit that was asked for, or end the command."""
    from medmeta_ref.progress.units import NoSuchUnit, find_unit

    try:
        return find_unit(root, asked)
    except NoSuchUnit as error:
        fail(error, code=code)


def say(line: str) -> None:
    """Print a line as it is, if there is one; a terminal breaks it where it ends."""
    if line:
        out.print(line, markup=False, highlight=False, soft_wrap=True)
