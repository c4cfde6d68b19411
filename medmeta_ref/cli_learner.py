"""`medmeta start`, `check`, `update` and `reset`: a learner's way through a unit."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from medmeta_ref.cli_grade import course_folder
from medmeta_ref.terminal import fail, out, say

Unit = Annotated[str, typer.Argument(help="A unit: its name, 03_distillation, or its number, 03.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]

# Of `medmeta check`: nothing was checked, so neither 0 (all points) nor 1 (some are lost) is true.
NOT_CHECKED = 2
_IN_LAB = "If it is open in JupyterLab, close it there without saving, and open it again."


def start_command(unit: Unit) -> None:
    """Copy an exercise to submitted/me/, where no update touches it.

    A copy that is there is never overwritten. Exit codes: 0 copied, 1 not.

    Example: medmeta start 03_distillation
    """
    from medmeta_ref.progress import log
    from medmeta_ref.workbook import folders
    from medmeta_ref.workbook.versions import versions

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
    step = log.Step(log.now(), "start", name, versions(root, name))
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
    from medmeta_ref.workbook.changes import UnreadableError
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
    except (OSError, SandboxError, SpecError, UnreadableError, ValueError) as error:
        fail(error, code=NOT_CHECKED)
    if as_json:
        print(json.dumps(found.to_json(), indent=1, ensure_ascii=False))
    else:
        title = f"{name}: {found.points:g} of {found.max_points:g} points"
        if out.is_terminal:
            out.print(checks_table(title, found.exercises))
        else:
            print("\n\n".join([*map(brief_text, found.exercises), title]))
        say(f"As saved on {found.saved:%Y-%m-%d at %H:%M:%S}; in JupyterLab, save with Ctrl+S.")
        for note in found.notes:
            say(f"note: {note}")
    raise typer.Exit(0 if found.points >= found.max_points else 1)


def reset_command(unit: Unit) -> None:
    """Begin a unit anew; your old copy stays, with the time in its name.

    Exit codes: 0 done, 1 not.

    Example: medmeta reset 03_distillation
    """
    from medmeta_ref.progress import log
    from medmeta_ref.workbook import folders
    from medmeta_ref.workbook.versions import versions

    root = course_folder()
    name = unit_name(root, unit)
    try:
        backup = folders.reset(root, name)
    except folders.NotStarted as error:
        fail(f"{error}; start with: medmeta start {name}")
    except OSError as error:
        fail(f"{name} cannot be begun anew, and is as it was: {error}")
    step = log.Step(log.now(), "reset", name, versions(root, name))
    say(log.note(log.log_file(root, folders.LEARNER), step))
    say(f"Your old copy: {backup.relative_to(root)}")
    say(f"A fresh one:   {folders.my_notebook(root, name).relative_to(root)}")
    say(_IN_LAB)


def update_command(
    unit: Annotated[
        str | None, typer.Argument(help="A unit, 03_distillation or 03; by default all you began.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False,
) -> None:
    """Bring your copy of a unit up to date, with your answers in it.

    The old copy is kept, and you are told what is new, changed and removed.

    Exit codes: 0 up to date now, 1 not.

    Example: medmeta update 03_distillation
    """
    from medmeta_ref.progress.units import unit_names
    from medmeta_ref.workbook.changes import UnreadableError
    from medmeta_ref.workbook.folders import NotStarted, started_units
    from medmeta_ref.workbook.update import Updated, update
    from medmeta_ref.workbook.update_report import update_json, update_lines

    root = course_folder()
    begun = sorted(started_units(root) & set(unit_names(root)))
    names = begun if unit is None else [unit_name(root, unit)]
    if not names:
        fail("you have begun no unit yet; start with: medmeta start 00")
    done, problems = dict[str, Updated](), list[Exception]()
    for name in names:
        try:
            done[name] = update(root, name)
        except NotStarted as error:
            fail(f"{error}; start with: medmeta start {name}")
        except (OSError, UnreadableError, ValueError) as error:
            problems.append(error)
    if as_json:
        reports = [update_json(root, name, each) for name, each in done.items()]
        print(json.dumps(reports, indent=1, ensure_ascii=False))
    else:
        for name, each in done.items():
            for line in update_lines(root, name, each):
                say(line)
        if any(each.backup is not None for each in done.values()):
            say(_IN_LAB)
    if problems:
        fail("\n".join(map(str, problems)))


def unit_name(root: Path, asked: str, *, code: int = 1) -> str:
    """Return the name of the unit that was asked for, or end the command."""
    from medmeta_ref.progress.units import NoSuchUnit, find_unit

    try:
        return find_unit(root, asked)
    except NoSuchUnit as error:
        fail(error, code=code)
