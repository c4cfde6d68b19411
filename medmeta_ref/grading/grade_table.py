"""The table that an instructor sees of one graded submission."""

from typing import Any

from rich.markup import escape
from rich.table import Table

from medmeta_ref.grading.gradebook import Grade
from medmeta_ref.grading.report import SIGNS
from medmeta_ref.grading.results import State


def grade_table(graded: Grade) -> Table:
    """Return a table of all checks, with the likely cause of what went wrong.

    An exercise that was not attempted takes one row.
    """
    table = Table(title=f"{graded.student}: {graded.score:g} of {graded.max_score:g} points")
    table.add_column("result", no_wrap=True)
    table.add_column("points", justify="right", no_wrap=True)
    table.add_column("check; → what went wrong and the likely cause")
    for exercise in graded.exercises:
        table.add_section()
        points = f"[bold]{exercise.points:g} / {exercise.max_points:g}[/]"
        untouched = {check.state for check in exercise.checks} == {State.NOT_ATTEMPTED}
        result = f"{SIGNS[State.NOT_ATTEMPTED]} not attempted" if untouched else ""
        table.add_row(result, points, f"[bold]{exercise.exercise}[/]")
        for check in () if untouched else exercise.checks:
            told = check.title + (f"\n→ {check.message}" if check.message else "")
            points = f"{check.points:g} / {check.max_points:g}"
            table.add_row(f"{SIGNS[check.state]} {check.state}", points, escape(told))
    return table


def grade_as_json(graded: Grade) -> dict[str, Any]:
    """Return the grade as plain dictionaries and lists."""
    exercises = [exercise.to_json() for exercise in graded.exercises]
    return graded._asdict() | {"feedback": str(graded.feedback), "exercises": exercises}
