"""`medmeta status` and `lab`: how a learner stands in the whole course."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from medmeta_ref.cli_grade import course_folder
from medmeta_ref.terminal import fail, out, say


def status_command(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write a page with figures.")
    ] = None,
    export: Annotated[
        Path | None,
        typer.Option("--export", metavar="FILE", help="Write all checks: .csv, or else JSON."),
    ] = None,
) -> None:
    """Show your points, attempts and time in each unit, and what is next.

    Exit codes: 0 shown, 1 something cannot be read or written.

    Example: medmeta status --html progress.html
    """
    from medmeta_ref.workbook.overview import advice, exported, overview
    from medmeta_ref.workbook.status_page import status_page
    from medmeta_ref.workbook.status_table import status_table

    root = course_folder()
    try:
        found = overview(root)
        written = dict[Path, str]()
        if html is not None:
            written[html] = status_page(found, advice(root, found))
        if export is not None:
            written[export] = exported(found, as_csv=export.suffix.lower() == ".csv")
        for path, text in written.items():
            path.write_text(text, encoding="utf-8", newline="\n")
    except (OSError, ValueError) as error:
        fail(error)
    if as_json:
        print(json.dumps(found.to_json(), indent=1, ensure_ascii=False))
        return
    if not found.standings:
        fail("there are no exercises yet; make them with: medmeta build")
    if not written:
        out.print(status_table(found))
        say(advice(root, found))
        if found.log.unreadable:
            where = log_name(root)
            say(f"note: of {where} {found.log.unreadable} damaged lines were left out")
    for path in written:
        say(f"wrote {path}")


def lab_command(context: typer.Context) -> None:
    """Open the course in JupyterLab: the map, your points, every unit.

    It opens submitted/me/home.ipynb. Other options are JupyterLab's own, such as --no-browser.

    Example: medmeta lab
    """
    from medmeta_ref.workbook.home_notebook import write_home

    root = course_folder()
    jupyter = Path(sys.executable).with_name("jupyter")
    if not jupyter.exists():
        fail(f"no jupyter beside {sys.executable}; pip install -c constraints.txt -e .")
    arguments = [str(jupyter), "lab"]
    try:
        page = write_home(root).relative_to(root).as_posix()
        arguments.append(f"--LabApp.default_url=/lab/tree/{page}")
    except (OSError, ValueError) as error:
        say(f"The map of the course cannot be made, so JupyterLab opens without it: {error}")
    os.chdir(root)
    # Beside this Python are the jupyter, nbgrader and alembic that belong to it.
    path = os.pathsep.join([str(jupyter.parent), os.environ.get("PATH", "")])
    os.execve(jupyter, [*arguments, *context.args], os.environ | {"PATH": path})


def log_name(root: Path) -> str:
    """Return where the learner's log is, seen from the course folder."""
    from medmeta_ref.progress.log import log_file

    return log_file(root).relative_to(root).as_posix()
