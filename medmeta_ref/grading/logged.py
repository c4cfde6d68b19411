"""A verdict as a line of a learner's log."""

import hashlib

from medmeta_ref.grading.results import ExerciseResult, State
from medmeta_ref.progress.log import Check, now


def as_check(result: ExerciseResult, text: str, *, where: str) -> Check:
    """Return the line.

    Args:
        result: what the checks found.
        text: the cell that the answer stands in, or "" if that is not known.
        where: "notebook" or "terminal".
    """
    attempted = any(check.state is not State.NOT_ATTEMPTED for check in result.checks)
    # The same cell is the same answer, whichever way its text was come by.
    bare = "\n".join(line.rstrip() for line in text.strip().splitlines())
    answer = hashlib.sha256(bare.encode()).hexdigest()[:12] if bare else ""
    return Check(now(), result.exercise, result.points, result.max_points, attempted, answer, where)
