"""All that the table, the page and the home notebook tell a learner, gathered in one place."""

import csv
import io
import json
from pathlib import Path
from typing import Any, NamedTuple

from medmeta_ref.progress import log
from medmeta_ref.progress.standing import Standing, missing, next_unit, standings
from medmeta_ref.progress.units import course_units
from medmeta_ref.workbook.changes import UnreadableError, changes_of
from medmeta_ref.workbook.folders import LEARNER, my_notebook, started_units


class Overview(NamedTuple):
    """How a learner stands.

    Attributes:
        standings: one per unit, in the course's order.
        next: the unit to go on with, or None if all are done.
        todo: unit -> what to do in it, in words; no entry where nothing is left to do.
        outdated: names of started units of which the course has a newer version.
        log: all that was noted.
    """

    standings: tuple[Standing, ...]
    next: Standing | None
    todo: dict[str, str]
    outdated: frozenset[str]
    log: log.Log

    @property
    def points(self) -> float:
        """All points so far."""
        return sum(each.points for each in self.standings)

    @property
    def max_points(self) -> float:
        """All points there are."""
        return sum(each.max_points for each in self.standings)

    def to_json(self) -> dict[str, Any]:
        """Return plain dictionaries and lists."""
        return {
            "points": self.points,
            "max_points": self.max_points,
            "next": self.next.unit.name if self.next else None,
            "unreadable_lines": self.log.unreadable,
            "units": [self._unit(each) for each in self.standings],
        }

    def _unit(self, each: Standing) -> dict[str, Any]:
        exercises = [
            one._asdict() | {"last": one.last.isoformat() if one.last else None}
            for one in each.exercises
        ]
        return {
            "unit": each.unit.name,
            "title": each.unit.title,
            "needs": list(each.unit.needs),
            "state": each.state,
            "points": each.points,
            "max_points": each.max_points,
            "attempts": each.attempts,
            "minutes": round(each.minutes, 1),
            "last": each.last.isoformat() if each.last else None,
            "todo": self.todo.get(each.unit.name),
            "newer_version": each.unit.name in self.outdated,
            "exercises": exercises,
        }


def overview(root: Path) -> Overview:
    """Return how the learner of a course folder stands.

    Raises:
        OSError, ValueError: if the log or a released notebook cannot be read.
    """
    noted = log.read(log.log_file(root, LEARNER))
    found = standings(course_units(root), started_units(root), noted)
    outdated, broken = set[str](), set[str]()
    for each in found:
        if each.started and each.unit.exercises:
            try:
                if changes_of(root, each.unit.name, noted):
                    outdated.add(each.unit.name)
            except UnreadableError:
                broken.add(each.unit.name)
    todo = {
        each.unit.name: words
        for each in found
        if (words := _todo(each, found, each.unit.name in outdated, each.unit.name in broken))
    }
    return Overview(tuple(found), next_unit(found), todo, frozenset(outdated), noted)


def advice(root: Path, found: Overview) -> str:
    """Return one sentence or two: what to do next."""
    unit = found.next
    if unit is None:
        return "All units that are there are done. Well done!" if found.standings else ""
    name, exercise = unit.unit.name, unit.open_exercise
    if not unit.started or exercise is None:
        lesson = f"read lessons/{name}.ipynb, then " if unit.unit.has_lesson else ""
        return f"Next: {lesson}medmeta start {name}"
    where = my_notebook(root, name).relative_to(root)
    points = f"{exercise.points:g} of {exercise.max_points:g} points so far"
    return f"Next: {exercise.name} ({points}) in {where}; open it with: medmeta lab"


def exported(found: Overview, *, as_csv: bool) -> str:
    """Return all that was noted as text for other programs: JSON, or a row for every check."""
    if not as_csv:
        events = [*map(log.as_json, found.log.checks), *map(log.as_json, found.log.steps)]
        events.sort(key=lambda event: str(event["time"]))
        return json.dumps(found.to_json() | {"events": events}, indent=1, ensure_ascii=False) + "\n"
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["time", "exercise", "points", "max_points", "attempted", "where"])
    for check in found.log.checks:
        amounts = (f"{check.points:g}", f"{check.max_points:g}", int(check.attempted))
        writer.writerow([check.time.isoformat(), check.exercise, *amounts, check.where])
    return table.getvalue()


def _todo(each: Standing, found: list[Standing], outdated: bool, broken: bool) -> str:
    number = each.unit.number
    if not each.unit.exercises:
        return ""
    if broken:
        return f"notebook damaged: medmeta reset {number}"
    if outdated:
        return f"new version: medmeta update {number}"
    if not each.started:
        before = missing(each.unit, found)
        return f"after {', '.join(before)}" if before else f"medmeta start {number}"
    return each.open_exercise.name.partition(".")[2] if each.open_exercise else ""
