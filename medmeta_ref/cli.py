"""The `medmeta` command. Thin: a command calls one function of the package and shows the result.

Heavy imports stand inside the commands, so that `medmeta --help` is quick.
"""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from medmeta_ref import cli_bench, cli_benchmark, cli_data
from medmeta_ref.cli_book import book_command
from medmeta_ref.cli_execute import execute_command
from medmeta_ref.cli_grade import course_folder, demo_command, grade_command
from medmeta_ref.cli_learner import (
    check_command,
    reset_command,
    start_command,
    update_command,
)
from medmeta_ref.cli_report import report_command
from medmeta_ref.cli_screen import PANELS, OneScreen, tell_exit_codes
from medmeta_ref.cli_status import lab_command, status_command
from medmeta_ref.cli_train import train_command
from medmeta_ref.terminal import fail, out, show_findings

LEARN, TEACH, USE, MAKE = PANELS

app = typer.Typer(
    cls=OneScreen,
    help="learn, grade and use meta-learning for medical images.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("start", rich_help_panel=LEARN)(start_command)
app.command("check", rich_help_panel=LEARN)(check_command)
app.command("status", rich_help_panel=LEARN)(status_command)
app.command("update", rich_help_panel=LEARN)(update_command)
app.command("reset", rich_help_panel=LEARN)(reset_command)
app.command(
    "lab",
    rich_help_panel=LEARN,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)(lab_command)
app.command("grade", rich_help_panel=TEACH)(grade_command)
app.command("report", rich_help_panel=TEACH)(report_command)
app.command("demo", rich_help_panel=TEACH)(demo_command)
app.command("train", rich_help_panel=USE)(train_command)
app.add_typer(cli_data.app, name="data", rich_help_panel=USE)
app.add_typer(cli_bench.app, name="bench", rich_help_panel=USE)
app.add_typer(cli_benchmark.app, name="benchmark", rich_help_panel=USE)
app.command("execute", rich_help_panel=MAKE)(execute_command)
app.command("book", rich_help_panel=MAKE)(book_command)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


@app.command(rich_help_panel=MAKE)
def build(
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 if a notebook is out of date.")
    ] = False,
) -> None:
    """Make the notebooks from their text files, and check the questions.

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


@app.command(rich_help_panel=USE)
def doctor(as_json: AsJson = False) -> None:
    """Say what is installed here, and what to do about what is not.

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


tell_exit_codes(app)
