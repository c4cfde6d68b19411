"""A result as Gradescope's `results.json`.

The format: gradescope-autograders.readthedocs.io/en/latest/specs, "Output format" and "Output
String Formatting". Everything is declared as text, so Gradescope escapes what a learner wrote.
"""

from typing import Any

from medmeta_ref.grading.reports.shown_text import visible
from medmeta_ref.grading.results import CheckResult, State
from medmeta_ref.grading.stored_result import StoredResult

VISIBILITIES = ("visible", "after_due_date", "after_published", "hidden")


def gradescope_results(stored: StoredResult, *, visibility: str = "visible") -> dict[str, Any]:
    """Return what goes into `results.json`: one test per check, with points that add up.

    Args:
        stored: the result of one student.
        visibility: when the student sees the tests; one of `VISIBILITIES`.

    Raises:
        ValueError: if there is no such visibility.
    """
    if visibility not in VISIBILITIES:
        raise ValueError(f"no visibility {visibility!r}; there are {', '.join(VISIBILITIES)}")
    notes = list(stored.notes)
    tests = []
    for number, exercise in enumerate(stored.result.exercises, 1):
        notes += [f"{exercise.exercise}: {note}" for note in exercise.notes]
        for letter, check in enumerate(exercise.checks, 1):
            tests.append(
                {
                    "number": f"{number}.{letter}",
                    "name": visible(f"{exercise.exercise}: {check.title}"),
                    "name_format": "text",
                    "score": check.points,
                    "max_score": check.max_points,
                    "status": "passed" if check.state is State.RIGHT else "failed",
                    "output": visible(_output(check)),
                    "output_format": "text",
                    "visibility": visibility,
                }
            )
    return {
        "score": stored.result.points,
        "execution_time": round(stored.result.wall_seconds, 3),
        "output": visible("\n".join(notes)),
        "output_format": "text",
        "test_output_format": "text",
        "test_name_format": "text",
        "visibility": visibility,
        "stdout_visibility": "hidden",
        "tests": tests,
    }


def _output(check: CheckResult) -> str:
    return f"{check.state}: {check.message}" if check.message else str(check.state)
