"""The grades as Canvas and Moodle import them.

Canvas wants its own export back: the columns Student, ID, SIS User ID, SIS Login ID and Section, in
this order, then one column per assignment; a row "Points Possible" may follow the header. It looks
a student up by ID, else by SIS ids, else by name, and an assignment by "Title (id)" or by title; a
title that it does not know becomes a new assignment. See Canvas' `lib/gradebook_importer.rb`
(github.com/instructure/canvas-lms), and Ohio State University's guide "Import CSV File for Carmen
Grades" (teaching.resources.osu.edu).

Moodle lets the teacher choose which column names the student (username, ID number or e-mail
address) and which holds the grade. One student whom it does not know, or a grade above 100 unless
the site allows more, stops the whole import. See "Grade import" (docs.moodle.org/311/en) and
Moodle's `grade/import/csv/classes/load_data.php` (github.com/moodle/moodle).

In both, an empty grade stands for none. Nobody is left out: not somebody of the roster who handed
nothing in, and not a submission whose folder the roster does not know.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from medmeta_ref.grading.reports.roster import CANVAS_COLUMNS, MOODLE_COLUMNS, Person
from medmeta_ref.grading.reports.shown_text import spreadsheet_cell
from medmeta_ref.grading.stored_result import StoredResult

_MOODLE_MAX = 100


class GradeRow(NamedTuple):
    """One student with a grade, or without.

    Attributes:
        person: who it is.
        result: what was graded; None if nothing was handed in.
    """

    person: Person
    result: StoredResult | None


class GradeRows(NamedTuple):
    """The class.

    Attributes:
        rows: one per student, nobody left out.
        notes: whom to look after, in words for the instructor.
    """

    rows: tuple[GradeRow, ...]
    notes: tuple[str, ...]


def match_roster(results: Sequence[StoredResult], roster: Sequence[Person] | None) -> GradeRows:
    """Return everybody of the roster, and everybody else who was graded.

    Args:
        results: of one unit.
        roster: None without one; the names of the folders have to do then.
    """
    graded = {stored.student: stored for stored in results}
    known = {person.folder for person in roster or ()}
    rows = [GradeRow(person, graded.get(person.folder)) for person in roster or ()]
    unknown = [stored for stored in results if stored.student not in known]
    rows += [GradeRow(Person(stored.student, {}), stored) for stored in unknown]
    notes = []
    if roster is None:
        notes.append(
            "No roster: students are named by their folders. Canvas and Moodle find them only if "
            "those are their names or usernames there."
        )
    elif unknown:
        names = _listed(stored.student for stored in unknown)
        notes.append(
            f"{len(unknown)} graded, but not in the roster: {names}. They stand at the end of "
            "the files, without ids; Moodle imports nothing while it does not know one of them."
        )
    absent = [row.person for row in rows if row.result is None]
    if absent:
        names = _listed(person.name for person in absent)
        notes.append(f"{len(absent)} in the roster, but not graded: {names}. Their grade is empty.")
    most = max((stored.result.max_points for stored in results), default=0.0)
    if most > _MOODLE_MAX:
        notes.append(f"{most:g} points: Moodle takes {_MOODLE_MAX} at most, unless set to more.")
    if len({stored.result.max_points for stored in results}) > 1:
        notes.append("Not all were graded by the same checks; grade the unit again.")
    return GradeRows(tuple(rows), tuple(notes))


def canvas_csv(rows: Iterable[GradeRow], *, assignment: str, max_points: float) -> str:
    """Return the text of a file for "Import" in Canvas' gradebook.

    Args:
        rows: the class.
        assignment: the title of the assignment, or "Title (id)" as an export of Canvas has it.
        max_points: what can be earned; tells Canvas how to make a new assignment.
    """
    table = [[*CANVAS_COLUMNS, assignment], ["    Points Possible", "", "", "", "", _n(max_points)]]
    for person, result in rows:
        ids = [person.get(column) for column in CANVAS_COLUMNS[1:]]
        table.append([person.name, *ids, _points(result)])
    return _csv(table)


def moodle_csv(rows: Iterable[GradeRow], *, assignment: str) -> str:
    """Return the text of a file for "CSV file" under "Import" in Moodle's gradebook.

    A student without a roster, or not in it, is named by folder in the column Username.

    Args:
        rows: the class.
        assignment: the head of the column of grades.
    """
    table = [[*MOODLE_COLUMNS, assignment]]
    for person, result in rows:
        ids = [person.get(column) for column in MOODLE_COLUMNS]
        if not any(ids):
            ids[0] = person.folder
        table.append([*ids, _points(result)])
    return _csv(table)


def _points(result: StoredResult | None) -> str:
    return "" if result is None else _n(result.result.points)


def _n(number: float) -> str:
    """Return a number with a point and as few decimals as it has."""
    return f"{number:.4f}".rstrip("0").rstrip(".")


def _csv(table: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows([spreadsheet_cell(cell) for cell in row] for row in table)
    return text.getvalue()


def _listed(names: Iterable[str]) -> str:
    first = list(names)
    rest = f" and {len(first) - 10} more" if len(first) > 10 else ""
    return ", ".join(first[:10]) + rest
