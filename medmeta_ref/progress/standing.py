"""How a learner stands in every unit: points, attempts, time, and what to do next."""

import itertools
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from medmeta_ref.progress.log import Check, Log
from medmeta_ref.progress.units import Unit

# Between two checks that lie further apart somebody was probably not at work.
PAUSE = timedelta(minutes=30)
# With this share of its points a unit is known well enough to build on.
ENOUGH = 0.8


class ExerciseStanding(NamedTuple):
    """How things stand in one exercise.

    Attributes:
        name: for instance "03.soft_targets".
        points: those of the last check.
        max_points: what there is.
        attempts: how many different answers were checked, or the same one after another.
        last: when it was last checked, or None.
    """

    name: str
    points: float
    max_points: float
    attempts: int
    last: datetime | None


class Standing(NamedTuple):
    """How things stand in one unit.

    Attributes:
        unit: the unit.
        started: whether the learner has a copy of it.
        exercises: how things stand in each.
        minutes: time at work, as far as checks show it: of all times between two checks in a row
            of this unit those that are no longer than `PAUSE`.
    """

    unit: Unit
    started: bool
    exercises: tuple[ExerciseStanding, ...]
    minutes: float

    @property
    def points(self) -> float:
        """The points of the last checks."""
        return sum(each.points for each in self.exercises)

    @property
    def max_points(self) -> float:
        """The points there are."""
        return self.unit.max_points

    @property
    def attempts(self) -> int:
        """The attempts at all exercises."""
        return sum(each.attempts for each in self.exercises)

    @property
    def done(self) -> bool:
        """Whether all points are there."""
        return self.max_points > 0 and self.points >= self.max_points

    @property
    def last(self) -> datetime | None:
        """When something of it was last checked."""
        return max((each.last for each in self.exercises if each.last), default=None)

    @property
    def open_exercise(self) -> ExerciseStanding | None:
        """The first exercise that lacks points."""
        return next((each for each in self.exercises if each.points < each.max_points), None)

    @property
    def state(self) -> str:
        """In words."""
        if not self.started:
            return "not started"
        return "done" if self.done else "in progress" if self.attempts else "started"


def standings(units: Sequence[Unit], started: set[str], log: Log) -> list[Standing]:
    """Return how a learner stands in every unit.

    Args:
        units: of the course.
        started: the names of those that the learner has a copy of.
        log: what was checked so far.
    """
    return [_standing(unit, unit.name in started, log) for unit in units]


def next_unit(found: Sequence[Standing]) -> Standing | None:
    """Return the unit to go on with, or None if all are done.

    That is the one last worked on, if it lacks points; else the first unfinished one that has been
    started; else the first whose prerequisites are known well enough.
    """
    unfinished = [each for each in found if each.unit.exercises and not each.done]
    begun = [each for each in unfinished if each.started]
    worked_on = [each for each in found if each.started and each.last is not None]
    latest = max(worked_on, key=lambda each: (each.last, each.unit.name), default=None)
    if latest in begun:
        return latest
    ready = [each for each in unfinished if not missing(each.unit, found)]
    return next(iter([*begun, *ready, *unfinished]), None)


def missing(unit: Unit, found: Sequence[Standing]) -> list[str]:
    """Return the numbers of the prerequisites of a unit that are not known well enough yet."""
    known = {
        each.unit.number for each in found if each.points >= ENOUGH * each.max_points and each.last
    }
    there = {each.unit.number for each in found}
    return [number for number in unit.needs if number in there - known]


def _standing(unit: Unit, started: bool, log: Log) -> Standing:
    begun = log.last_start(unit.name)
    mine = [check for check in log.checks if check.exercise.partition(".")[0] == unit.number]
    times = sorted(check.time for check in mine)
    steps = (b - a for a, b in itertools.pairwise(times))
    minutes = sum(((s for s in steps if s <= PAUSE)), timedelta()) / timedelta(minutes=1)
    exercises = tuple(
        _exercise(name, points, [each for each in mine if each.exercise == name], begun)
        for name, points in unit.exercises.items()
    )
    return Standing(unit, started, exercises, minutes)


def _exercise(
    name: str, max_points: float, checks: Sequence[Check], begun: datetime | None
) -> ExerciseStanding:
    attempts, before = 0, None
    for check in checks:
        attempts += check.attempted and not (before and _is_same(check, before))
        before = check
    counted = [check for check in checks if begun is None or check.time >= begun]
    # A unit that was updated may be worth another number of points than when it was checked.
    points = min(counted[-1].points, max_points) if counted else 0.0
    return ExerciseStanding(name, points, max_points, attempts, before.time if before else None)


def _is_same(check: Check, before: Check) -> bool:
    """Return whether a check looked at the answer that the one before it had looked at."""
    if check.answer and before.answer:
        return check.answer == before.answer
    return (check.points, check.attempted) == (before.points, before.attempted)
