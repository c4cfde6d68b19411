"""`check("03.soft_targets", soft_targets)`: what a learner runs below an answer."""

import linecache
import os
from pathlib import Path
from typing import Any

from medmeta_ref.grading.learner import quiet_stderr
from medmeta_ref.grading.logged import as_check
from medmeta_ref.grading.report import as_html, as_text
from medmeta_ref.grading.results import ExerciseResult
from medmeta_ref.grading.spec_runner import run_spec
from medmeta_ref.progress import log

RESULT_MIME = "application/vnd.medmeta.check+json"


class ChecksFailed(Exception):
    """Raised while nbgrader validates a notebook: its message is the table of checks.

    Args:
        result: what the checks found.
    """

    def __init__(self, result: ExerciseResult) -> None:
        super().__init__(as_text(result))

    def _render_traceback_(self) -> list[str]:
        """Return the lines IPython shows in place of a traceback."""
        return str(self).splitlines()


def check(exercise: str, answer: Any, *, seed: int = 0) -> float:
    """Show how `answer` does in every check of `exercise`, and return its points.

    Warnings, and whatever the answer writes to stderr, are shown as notes and cost nothing. Below
    `submitted/` the result is noted in the learner's log, which `medmeta status` reads.

    Args:
        exercise: for instance "03.distillation_loss".
        answer: the function, or the value, that the exercise asked for.
        seed: other seeds give other inputs of the same kind.

    Returns:
        the points, as a plain float: nbgrader gives full marks to what it cannot read as one.

    Raises:
        ValueError: if there is no such exercise.
        ChecksFailed: instead of showing a table, if nbgrader's Validate runs the notebook and
            points are missing; Validate shows messages of exceptions and nothing else.
    """
    with quiet_stderr() as said:
        result = run_spec(exercise, answer, seed=seed)
    result = result._replace(notes=(*result.notes, *said))
    if os.environ.get("NBGRADER_EXECUTION") == "validate":
        if result.points < result.max_points:
            raise ChecksFailed(result)
    else:
        _display(result)
        if "NBGRADER_EXECUTION" not in os.environ:
            _note(result, answer)
    return result.points


def _note(result: ExerciseResult, answer: Any) -> None:
    """Note the result in the log of the learner whose notebook this is, if it is anybody's."""
    path = log.log_of(Path.cwd())
    if path is None:
        return
    code = getattr(answer, "__code__", None)
    # IPython keeps the text of every cell where Python looks for lines of source.
    text = "".join(linecache.getlines(code.co_filename)) if code is not None else ""
    if problem := log.note(path, as_check(result, text, where="notebook")):
        print(problem)


def _display(result: ExerciseResult) -> None:
    """Show the table where we are: a notebook cell, or a terminal."""
    from IPython.core.getipython import get_ipython

    if get_ipython() is None:
        print(as_text(result))
        return
    from IPython.display import display

    shown: dict[str, Any] = {"text/plain": as_text(result), RESULT_MIME: result.to_json()}
    # nbgrader sanitises its feedback pages, which tears a table apart; the text survives.
    if "NBGRADER_EXECUTION" not in os.environ:
        shown["text/html"] = as_html(result)
    display(shown, raw=True)  # type: ignore[no-untyped-call]
