"""The table that an instructor sees of one graded submission."""

from typing import Any

from rich.table import Table

from medmeta_ref.grading.checks_table import checks_table
from medmeta_ref.grading.gradebook import Grade


def grade_table(graded: Grade) -> Table:
    """Return a table of all checks, with the likely cause of what went wrong.

    An exercise that was not attempted takes one row.
    """
    title = f"{graded.student}: {graded.score:g} of {graded.max_score:g} points"
    return checks_table(title, graded.exercises)


def grade_as_json(graded: Grade) -> dict[str, Any]:
    """Return the grade as plain dictionaries and lists."""
    exercises = [exercise.to_json() for exercise in graded.exercises]
    return graded._asdict() | {"feedback": str(graded.feedback), "exercises": exercises}
