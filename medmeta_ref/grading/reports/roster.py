"""Who is in the class: the instructor's table from folders in `submitted/` to names and ids.

It is a grade export of Canvas or of Moodle to which a column `folder` was added, so the ids are
those that the import asks for, under the names that it knows.
"""

import csv
import io
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

FOLDER = "folder"
# As a Canvas export heads its columns, and as a Moodle export does.
CANVAS_COLUMNS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
MOODLE_COLUMNS = ("Username", "ID number", "Email address")
_POINTS_POSSIBLE = "Points Possible"


class RosterError(Exception):
    """A roster that cannot be used; the message says where and why."""


class Person(NamedTuple):
    """One line of the roster.

    Attributes:
        folder: the name of the folder below `submitted/`; "" if there is none yet.
        columns: name of a column -> what it holds.
    """

    folder: str
    columns: dict[str, str]

    def get(self, column: str) -> str:
        """Return what a column holds; "" if the roster has no such column."""
        return self.columns.get(column, "")

    @property
    def name(self) -> str:
        """The student as the roster calls them."""
        get = self.get
        full = " ".join(filter(None, (get("First name"), get("Last name") or get("Surname"))))
        return get("Student") or full or self.folder or get("Email address") or get("ID")


def read_roster(path: Path) -> list[Person]:
    """Return the people in a roster.

    Args:
        path: a CSV file, UTF-8, separated by commas or semicolons, with a column `folder`.

    Raises:
        RosterError: if it is no such file, or two lines have the same folder.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise RosterError(f"{path} cannot be read: {error}") from None
    first = text.partition("\n")[0]
    delimiter = ";" if first.count(";") > first.count(",") else ","
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise RosterError(f"{path} is no CSV file: {error}") from None
    header = [name.strip() for name in rows[0]] if rows else []
    if FOLDER not in header:
        found = ", ".join(header) or "nothing"
        raise RosterError(
            f"{path} has no column {FOLDER!r} but {found}; add one with the names of the folders "
            "in submitted/ to a grade export of Canvas or Moodle"
        )
    people = [_person(header, row) for row in rows[1:] if _is_person(row)]
    _refuse_duplicates(people, path)
    return people


def _person(header: list[str], row: list[str]) -> Person:
    columns = {name: cell.strip() for name, cell in zip(header, row, strict=False)}
    return Person(columns.get(FOLDER, ""), columns)


def _is_person(row: list[str]) -> bool:
    """Return whether a row is about somebody; Canvas has one that is about the columns."""
    return any(cell.strip() for cell in row) and not any(_POINTS_POSSIBLE in cell for cell in row)


def _refuse_duplicates(people: Iterable[Person], path: Path) -> None:
    seen: dict[str, str] = {}
    for person in people:
        if person.folder and person.folder in seen:
            other = seen[person.folder]
            raise RosterError(
                f"{path} gives folder {person.folder!r} to {other!r} and to {person.name!r}; "
                "every student needs one of their own"
            )
        seen[person.folder] = person.name
