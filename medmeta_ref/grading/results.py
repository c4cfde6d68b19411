"""What a check found, as plain data: the notebook shows it, the grader stores it."""

from enum import StrEnum
from typing import Any, NamedTuple


class State(StrEnum):
    """The four things a check can say."""

    NOT_ATTEMPTED = "not attempted"
    WRONG = "wrong"
    RAISED = "your code raised"
    RIGHT = "right"


class Scored(Exception):
    """Raised by a check that gives a share of its points, or a reason to a right answer.

    Args:
        share: of the points, 0 to 1; 1 is right, all else wrong.
        message: an explanation of the answer.
    """

    def __init__(self, share: float, message: str) -> None:
        if not 0 <= share <= 1:
            raise ValueError(f"a share of {share} of the points; it goes from 0 to 1")
        self.share = share
        super().__init__(message)


class CheckResult(NamedTuple):
    """The verdict of one check.

    Attributes:
        test: the name of the test function, with its parameter if it has several.
        title: the test's docstring, one line: what is checked.
        state: one of the four states.
        max_points: what the check is worth.
        message: what went wrong and the likely cause; if right, empty or the reason.
        share: of the points, if the check gives a part of them for an answer that is not right.
    """

    test: str
    title: str
    state: State
    max_points: float
    message: str
    share: float = 0.0

    @property
    def points(self) -> float:
        """The points earned: all or none, so that luck on half a check earns nothing.

        Only interview questions give a share, and theirs has the luck taken off.
        """
        if self.state is State.RIGHT:
            return self.max_points
        return round(self.max_points * self.share, 2) if self.state is State.WRONG else 0.0


class ExerciseResult(NamedTuple):
    """The verdicts of all checks of one exercise.

    Attributes:
        exercise: for instance "03.distillation_loss".
        checks: one per test, in the order of the spec.
        notes: warnings and messages of the learner's code; they never cost points.
    """

    exercise: str
    checks: tuple[CheckResult, ...]
    notes: tuple[str, ...] = ()

    @property
    def points(self) -> float:
        """The points earned."""
        return float(sum(check.points for check in self.checks))

    @property
    def max_points(self) -> float:
        """The points there are."""
        return float(sum(check.max_points for check in self.checks))

    def to_json(self) -> dict[str, Any]:
        """Return plain dictionaries and lists, as `from_json` reads them."""
        checks = [check._asdict() | {"state": str(check.state)} for check in self.checks]
        return {"exercise": self.exercise, "checks": checks, "notes": list(self.notes)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "ExerciseResult":
        """Return the result that `to_json` wrote.

        Raises:
            KeyError, TypeError, ValueError: if `data` is not of that form.
        """
        checks = tuple(
            CheckResult(**(check | {"state": State(check["state"])})) for check in data["checks"]
        )
        return cls(data["exercise"], checks, tuple(data["notes"]))
