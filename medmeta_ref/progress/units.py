"""The units of the course as they are released: exercises and points, read from the notebooks."""

import json
import re
from pathlib import Path
from typing import NamedTuple

from medmeta_ref.progress.course_map import TOPICS

_CHECKED = re.compile(r"""\bcheck\(\s*["'](\d+\.\w+)["']""")


class Unit(NamedTuple):
    """One unit.

    Attributes:
        name: of its folder, for instance "03_distillation".
        title: a few words.
        needs: numbers of the units it builds on.
        exercises: exercise ("03.soft_targets") -> its points, in the order of the notebook.
        has_lesson: whether there is a lesson of that name.
    """

    name: str
    title: str
    needs: tuple[str, ...]
    exercises: dict[str, float]
    has_lesson: bool

    @property
    def number(self) -> str:
        """The part of the name that stands before "_": "03"."""
        return self.name.partition("_")[0]

    @property
    def max_points(self) -> float:
        """The points there are."""
        return sum(self.exercises.values())


class NoSuchUnit(ValueError):
    """There is no unit of that name; the message tells which there are."""


def course_units(root: Path) -> list[Unit]:
    """Return the units that are released in `exercises/`, in the course's order.

    Args:
        root: the course folder.

    Raises:
        ValueError: if a released notebook is not in order.
    """
    return [_unit(root, name) for name in unit_names(root)]


def unit_names(root: Path) -> list[str]:
    """Return the names of the units that are released."""
    return sorted(path.name for path in (root / "exercises").glob("*") if path.is_dir())


def find_unit(root: Path, asked: str) -> str:
    """Return the name of the unit that somebody means: by name, or by number alone ("03", "3").

    Raises:
        NoSuchUnit: if there is none.
    """
    names = unit_names(root)
    number = asked.zfill(2) if asked.isdecimal() else None
    for name in names:
        if asked == name or number == name.partition("_")[0]:
            return name
    there = ", ".join(names) or "none: run medmeta build"
    raise NoSuchUnit(f"no exercise {asked!r}; there are {there}")


def released(root: Path, unit: str) -> Path:
    """Return the notebook of a unit as it is handed out."""
    return root / "exercises" / unit / f"{unit}.ipynb"


def points_of(notebook: Path) -> dict[str, float]:
    """Return exercise -> points, as the check cells of a notebook have them.

    Raises:
        ValueError: if it is no notebook of the course.
    """
    points: dict[str, float] = {}
    try:
        for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
            fields = cell["metadata"].get("nbgrader", {})
            if cell["cell_type"] == "code" and fields.get("grade"):
                if found := _CHECKED.search("".join(cell["source"])):
                    points[found[1]] = float(fields["points"])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{notebook} is no notebook of the course ({type(error).__name__}: {error}); "
            "run medmeta build"
        ) from None
    return points


def _unit(root: Path, name: str) -> Unit:
    number, _, words = name.partition("_")
    title, needs = TOPICS.get(number, (words.replace("_", " ").capitalize(), ()))
    path = released(root, name)
    exercises = points_of(path) if path.is_file() else {}
    return Unit(name, title, needs, exercises, (root / "lessons" / f"{name}.ipynb").is_file())
