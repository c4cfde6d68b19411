"""How a class did in every check: who got it right, which mistakes were made, what it tells apart.

Discrimination is the point-biserial correlation: Pearson's, between having a check right (0 or 1)
and the points of everything else in the unit, the check's own points left out. A check near 0
says nothing about who can do the rest; one below 0 is worth a look, for it may be wrong itself.

Reference: Crocker and Algina 1986, Introduction to Classical and Modern Test Theory.
"""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from medmeta_ref.grading.reports.messages import named_mistake
from medmeta_ref.grading.results import CheckResult, State
from medmeta_ref.grading.stored_result import StoredResult

# With fewer attempts a correlation is mostly chance: at 30 its standard error is still about 0.18.
MIN_ATTEMPTS = 30
# So many have to be right, and so many not right.
MIN_EACH = 5


class ItemStatistics(NamedTuple):
    """How the submissions did in one check.

    Attributes:
        exercise: for instance "03.distillation_loss".
        test: the name of the check.
        title: what it checks.
        max_points: what it is worth.
        n_submissions: submissions that were graded by this check.
        n_right: how many had it right.
        n_wrong: how many gave a wrong value.
        n_raised: how many ended in an error.
        mistakes: (what went wrong, how many), the most frequent first.
        discrimination: point-biserial correlation with the rest score over the `n_attempted`; None
            if there are too few of them, or if all have it right, say.
    """

    exercise: str
    test: str
    title: str
    max_points: float
    n_submissions: int
    n_right: int
    n_wrong: int
    n_raised: int
    mistakes: tuple[tuple[str, int], ...]
    discrimination: float | None

    @property
    def n_attempted(self) -> int:
        """How many handed in an answer to it."""
        return self.n_right + self.n_wrong + self.n_raised

    @property
    def n_not_attempted(self) -> int:
        """How many did not."""
        return self.n_submissions - self.n_attempted

    def to_json(self) -> dict[str, Any]:
        """Return plain dictionaries and lists."""
        counts = {"n_attempted": self.n_attempted, "n_not_attempted": self.n_not_attempted}
        mistakes = [{"mistake": mistake, "n": n} for mistake, n in self.mistakes]
        return self._asdict() | counts | {"mistakes": mistakes}


def item_statistics(results: Sequence[StoredResult]) -> list[ItemStatistics]:
    """Return the statistics of every check, in the order of the unit.

    Args:
        results: of one unit, one per student.
    """
    found: dict[tuple[str, str], list[tuple[CheckResult, float]]] = {}
    for stored in results:
        points = stored.result.points
        for exercise in stored.result.exercises:
            for check in exercise.checks:
                rest = points - check.points
                found.setdefault((exercise.exercise, check.test), []).append((check, rest))
    return [_of_check(exercise, rows) for (exercise, _), rows in found.items()]


def point_biserial(right: Sequence[bool], rest: Sequence[float]) -> float | None:
    """Return Pearson's correlation of two equally long lists; None if one of them is constant."""
    n = len(right)
    mean_right, mean_rest = sum(right) / n, math.fsum(rest) / n
    x, y = [value - mean_right for value in right], [value - mean_rest for value in rest]
    spread = math.sqrt(math.fsum(a * a for a in x) * math.fsum(b * b for b in y))
    # Equal points can differ in the last digits once they were added up in another order.
    if min(map(len, map(set, (right, [round(value, 9) for value in rest])))) < 2:
        return None
    return math.fsum(a * b for a, b in zip(x, y, strict=True)) / spread


def _of_check(exercise: str, rows: Sequence[tuple[CheckResult, float]]) -> ItemStatistics:
    first = rows[0][0]
    states = Counter(check.state for check, _ in rows)
    attempted = [(check, rest) for check, rest in rows if check.state is not State.NOT_ATTEMPTED]
    lost = [check for check, _ in attempted if check.state is not State.RIGHT]
    mistakes = Counter(map(named_mistake, lost))
    discrimination = None
    if len(attempted) >= MIN_ATTEMPTS and MIN_EACH <= len(lost) <= len(attempted) - MIN_EACH:
        right = [check.state is State.RIGHT for check, _ in attempted]
        discrimination = point_biserial(right, [rest for _, rest in attempted])
    return ItemStatistics(
        exercise=exercise,
        test=first.test,
        title=first.title,
        max_points=first.max_points,
        n_submissions=len(rows),
        n_right=states[State.RIGHT],
        n_wrong=states[State.WRONG],
        n_raised=states[State.RAISED],
        mistakes=tuple(sorted(mistakes.items(), key=lambda pair: (-pair[1], pair[0]))),
        discrimination=discrimination,
    )
