"""The page that a student gets: every check, what it found and why, beside the student's answer.

It stands beside nbgrader's page, whose sanitiser leaves of our table no more than its text.
"""

from typing import Any

from medmeta_ref.grading.report import SIGNS, headline
from medmeta_ref.grading.reports.messages import parts
from medmeta_ref.grading.reports.pages import STATE_CLASSES, render
from medmeta_ref.grading.results import CheckResult, ExerciseResult, State
from medmeta_ref.grading.stored_result import StoredResult

_CAUSE_IS = {State.RAISED: "Error", State.WRONG: "Likely cause", State.NOT_ATTEMPTED: "To do"}


def feedback_page(stored: StoredResult) -> str:
    """Return the page of one student, as HTML.

    Args:
        stored: the student's result.
    """
    checked = {_grade_id(exercise) for exercise in stored.result.exercises}
    return render(
        "feedback.html",
        title=f"Feedback on {stored.unit}",
        unit=stored.unit,
        student=stored.student,
        points=f"{stored.result.points:g}",
        max_points=f"{stored.result.max_points:g}",
        notes=stored.notes,
        exercises=[_exercise(each, stored.answers) for each in stored.result.exercises],
        others=[item for item in stored.answers.items() if item[0] not in checked],
    )


def _grade_id(exercise: ExerciseResult) -> str:
    return exercise.exercise.partition(".")[2]


def _exercise(exercise: ExerciseResult, answers: dict[str, str]) -> dict[str, Any]:
    return {
        "name": exercise.exercise,
        "headline": headline(exercise),
        "points": f"{exercise.points:g}",
        "max_points": f"{exercise.max_points:g}",
        "checks": [_check(check) for check in exercise.checks],
        "notes": exercise.notes,
        "answer": answers.get(_grade_id(exercise), ""),
        "open": exercise.points < exercise.max_points,
    }


def _check(check: CheckResult) -> dict[str, str]:
    numbers, cause, line = parts(check)
    # "cell soft_targets line 2: return x": the place, then the line itself.
    place, colon, source = line.partition(": ")
    return {
        "css": STATE_CLASSES[check.state],
        "sign": SIGNS[check.state],
        "state": str(check.state),
        "points": f"{check.points:g}",
        "max_points": f"{check.max_points:g}",
        "title": check.title,
        "numbers": numbers,
        "cause": "" if check.state is State.RIGHT else cause,
        "cause_is": _CAUSE_IS.get(check.state, ""),
        "place": f"Your line, in {place}:" if colon else "Your line:",
        "line": source if colon else line,
    }
