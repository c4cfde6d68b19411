"""`medmeta report`: what comes out of a graded unit, for the gradebook, the class and yourself."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from medmeta_ref.terminal import fail, out


def report_command(
    unit: Annotated[str, typer.Argument(help="A graded unit, for instance 03_distillation.")],
    results: Annotated[
        Path | None, typer.Option(help="Where UNIT/STUDENT.json are; by default results/.")
    ] = None,
    out_folder: Annotated[
        Path | None,
        typer.Option("--out", help="Where to write; by default RESULTS/UNIT/report/."),
    ] = None,
    roster: Annotated[
        Path | None,
        typer.Option(
            help="A grade export of Canvas or Moodle (CSV) to which you added a column 'folder': "
            "the student's folder in submitted/."
        ),
    ] = None,
    column: Annotated[
        str, typer.Option(help="Title of the assignment in the gradebook; by default UNIT.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Write grades, feedback, statistics, similar answers of a unit.

    Example: medmeta report 03_distillation --roster class.csv
    """
    from medmeta_ref.authoring.builder import BuildError, course_root
    from medmeta_ref.grading.reports.roster import RosterError, read_roster
    from medmeta_ref.grading.reports.saved_results import ResultsError, read_results
    from medmeta_ref.grading.reports.statistics_views import statistics_table
    from medmeta_ref.grading.reports.writing import write_reports

    try:
        root = course_root(None)
        units = sorted(path.name for path in (root / "exercises").glob("*") if path.is_dir())
        if unit not in units:
            fail(f"no exercise {unit!r}; there are {', '.join(units) or 'none: run medmeta build'}")
        folder = (results or root / "results") / unit
        graded = read_results(folder)
        people = read_roster(roster) if roster is not None else None
        written = write_reports(
            root, graded, out_folder or folder / "report", roster=people, assignment=column
        )
    except (BuildError, ResultsError, RosterError, OSError) as error:
        fail(error)
    if as_json:
        print(json.dumps(written.to_json()))
        return
    out.print(statistics_table(written.items, unit=unit))
    for name, what in written.files.items():
        out.print(f"{escape(str(written.folder / name))}: {what}", highlight=False, soft_wrap=True)
    for note in written.notes:
        out.print(f"[bold]Note[/] {escape(note)}", highlight=False, soft_wrap=True)
