"""Read a percent text file into cells.

A marker line starts each cell and may carry keys:

    # %% [markdown]                                  prose
    # %% [markdown] card="soft_targets"              the card of an exercise (YAML)
    # %% grade_id="soft_targets"                     a cell the learner answers
    # %% grade_id="soft_targets_check" points=4      the check that gives the points
    # %% scratch=true                                a cell that belongs to the learner
    # %%                                             any other code

jupytext reads the file, so what it calls a cell is a cell in every editor that knows the
format. It does not say where a cell stood, and a refusal has to: `line` is added here.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from medmeta_ref.authoring.problems import Problem

KEYS = ("grade_id", "points", "card", "scratch")

_MARKER = re.compile(r"^\s*#\s*%%")
# Without this, jupytext turns comments such as "# %matplotlib inline" into magics.
_FORMAT = {"extension": ".py", "format_name": "percent", "comment_magics": False}
# jupytext's own bookkeeping, no key of an author.
_LAYOUT_KEYS = ("lines_to_next_cell", "lines_to_end_of_cell_marker", "cell_marker")


class Cell(NamedTuple):
    """One cell of a text file.

    Attributes:
        kind: what the notebook will call it.
        source: its text without the marker line; prose without the comment signs.
        marker: the keys of the marker line, as far as they are known.
        line: the marker line, from 1.
    """

    kind: Literal["code", "markdown"]
    source: str
    marker: Mapping[str, object]
    line: int

    @property
    def answer_id(self) -> str | None:
        """The id of an answer cell, else None."""
        grade_id = self.marker.get("grade_id")
        is_answer = isinstance(grade_id, str) and not grade_id.endswith("_check")
        return str(grade_id) if is_answer else None

    @property
    def check_id(self) -> str | None:
        """The id of a check cell, else None."""
        grade_id = self.marker.get("grade_id")
        is_check = isinstance(grade_id, str) and grade_id.endswith("_check")
        return str(grade_id) if is_check else None

    @property
    def card_id(self) -> str | None:
        """The exercise that this cell is the card of, else None."""
        card = self.marker.get("card")
        return str(card) if card is not None else None

    @property
    def is_scratch(self) -> bool:
        """Whether the cell belongs to the learner and nobody grades it."""
        return self.marker.get("scratch") is True


class Text(NamedTuple):
    """One text file of the course.

    Attributes:
        name: the file seen from the course folder, with `/`: `lessons/03_distillation.py`.
        cells: its cells, in order.
    """

    name: str
    cells: tuple[Cell, ...]

    @property
    def folder(self) -> str:
        """`lessons` or `solutions`."""
        return self.name.split("/")[0]

    @property
    def unit(self) -> str:
        """`03_distillation`."""
        return self.name.split("/")[-1].removesuffix(".py")


def read_percent(path: Path, *, name: str) -> tuple[Text, list[Problem]]:
    """Return the cells of a text file, and what is wrong with its marker lines.

    Args:
        path: the file.
        name: what to call it in messages and in the notebook's first cell.
    """
    lines = path.read_text(encoding="utf-8").split("\n")
    starts = [number for number, line in enumerate(lines, start=1) if _MARKER.match(line)]
    first_text = next((number for number, line in enumerate(lines, start=1) if line.strip()), 1)
    if not starts or starts[0] != first_text:
        what = (
            "the file does not begin with a cell; start it with '# %% [markdown]' "
            "and delete any notebook header above that line"
        )
        return Text(name, ()), [Problem(name, first_text, what)]

    import jupytext  # here, because it takes a second and `medmeta --help` has no use for it

    notebook = jupytext.reads("\n".join(lines), fmt=_FORMAT)
    if len(notebook.cells) != len(starts):
        what = (
            f"{len(starts)} lines look like cell markers, but {len(notebook.cells)} start a cell; "
            "a string or a code fence must not contain a line that starts with '# %%'"
        )
        return Text(name, ()), [Problem(name, starts[0], what)]

    cells, problems = [], []
    for raw, line in zip(notebook.cells, starts, strict=True):
        keys = {key: value for key, value in raw.metadata.items() if key not in _LAYOUT_KEYS}
        problems += [
            Problem(name, line, what) for what in _marker_problems(keys, lines[line - 1], name=name)
        ]
        if raw.cell_type not in ("code", "markdown"):
            what = f"a cell of type '{raw.cell_type}'; use '# %%' or '# %% [markdown]'"
            problems.append(Problem(name, line, what))
        kind: Literal["code", "markdown"] = "code" if raw.cell_type == "code" else "markdown"
        known = {key: keys[key] for key in KEYS if key in keys}
        cells.append(Cell(kind, raw.source, known, line))
    return Text(name, tuple(cells)), problems


def _marker_problems(keys: Mapping[str, object], marker: str, *, name: str) -> list[str]:
    """Return what is wrong with the keys of one marker line."""
    allowed = KEYS if name.startswith("solutions/") else ()
    known = ", ".join(allowed) if allowed else "no key at all"
    unknown = [key for key in keys if key not in allowed]
    if unknown:
        return [
            f"marker '{marker.strip()}': unknown {', '.join(unknown)}; use {known} as key=value"
        ]
    problems = []
    if keys.get("scratch", True) is not True:
        problems.append(f"scratch={keys['scratch']!r}; write scratch=true or leave it out")
    for key in ("grade_id", "card"):
        value = keys.get(key, "a_name")
        # A Python name has no hyphen, so it never meets an id that the builder derives.
        if not (isinstance(value, str) and value.isascii() and value.isidentifier()):
            problems.append(f'{key}={value!r} is no name; use letters, digits, _: {key}="my_name"')
    if len({"grade_id", "card", "scratch"} & set(keys)) > 1:
        problems.append("grade_id, card and scratch exclude each other; keep one of them")
    return problems
