"""The `medmeta` command. Thin: a command calls one function of the package and shows the result.

Heavy imports stand inside the commands, so that `medmeta --help` is quick.
"""

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from medmeta_ref import cli_bench, cli_data
from medmeta_ref.cli_book import book_command
from medmeta_ref.cli_execute import execute_command
from medmeta_ref.cli_grade import course_folder, demo_command, grade_command
from medmeta_ref.cli_report import report_command
from medmeta_ref.cli_train import train_command
from medmeta_ref.terminal import fail, out, show_findings

app = typer.Typer(
    help="Learn, grade and use meta-learning for medical images.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(cli_data.app, name="data")
app.add_typer(cli_bench.app, name="bench")
app.command("train")(train_command)
app.command("grade")(grade_command)
app.command("report")(report_command)
app.command("execute")(execute_command)
app.command("book")(book_command)
app.command("demo")(demo_command)

Unit = Annotated[str, typer.Argument(help="A unit of the course, for instance 03_distillation.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


@app.command()
def build(
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 if a notebook is out of date.")
    ] = False,
) -> None:
    """Make the notebooks from the text files in lessons/ and solutions/, and check the questions.

    Example: medmeta build && medmeta build --check
    """
    from medmeta_ref.authoring import builder, question_bank

    root, changed = course_folder(), list[Path]()
    try:
        problems = question_bank.bank_problems()
        if check:
            problems += [*builder.check(root), *question_bank.coverage_problems(root)]
        elif not problems:
            changed = [*builder.build(root), *question_bank.write_coverage(root)]
    except builder.BuildError as error:
        fail(error)
    for problem in problems:
        out.print(escape(problem), highlight=False, soft_wrap=True)
    if problems:
        raise typer.Exit(1)
    for path in changed:
        out.print(f"wrote {path.relative_to(root) if path.is_absolute() else path}")
    if not changed:
        out.print("every notebook is as its text file says")


@app.command()
def start(unit: Unit) -> None:
    """Copy an exercise to submitted/me/, where updates of the course never touch it.

    Example: medmeta start 03_distillation
    """
    root = course_folder()
    released = root / "exercises" / unit
    units = sorted(path.name for path in (root / "exercises").glob("*") if path.is_dir())
    if unit not in units:  # a path such as .. is no unit either
        fail(f"no exercise {unit!r}; there are {', '.join(units) or 'none: run medmeta build'}")
    mine = root / "submitted" / "me" / unit
    if mine.exists():
        fail(f"{mine.relative_to(root)} is there already, with your work in it; open it instead")
    shutil.copytree(released, mine)
    yours = mine.relative_to(root) / f"{unit}.ipynb"
    out.print(f"Yours: {yours}. Open it with: medmeta lab", soft_wrap=True)


@app.command()
def lab() -> None:
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


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Say what is installed and found here, and what to do about what is not.

    Example: medmeta doctor
    """
    from medmeta_ref.doctor import examine
    from medmeta_ref.medmnist_files import data_folder
    from medmeta_ref.npz_cache import cache_folder

    findings = examine(data_folder(None), cache_folder())
    if as_json:
        print(json.dumps([finding._asdict() for finding in findings], indent=1))
    else:
        show_findings(findings)
    if any(finding.required and not finding.ok for finding in findings):
        raise typer.Exit(1)
