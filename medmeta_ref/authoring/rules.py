"""What every exercise must have: a card, one place for the answer, and a check that gives points.

Each rule returns all its problems, so that an author sees them in one go.
"""

import re
from collections import Counter
from collections.abc import Iterator

from medmeta_ref.authoring.cards import CardError, parse_card
from medmeta_ref.authoring.notebooks import cell_ids
from medmeta_ref.authoring.percent import Cell, Text
from medmeta_ref.authoring.problems import Problem

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"

_UNIT = re.compile(r"[0-9]{2}(_[a-z0-9]+)+")


def exercise_problems(text: Text) -> list[Problem]:
    """Return what keeps the exercises of one text file from being built."""
    rules = (_name, _first_cell, _unique_ids, _solution_blocks, _checks, _cards)
    problems = [Problem(text.name, line, what) for rule in rules for line, what in rule(text)]
    return sorted(problems)


def solution_rows(cell: Cell) -> range:
    """Return which lines of a cell, from 0, stand between the solution marks."""
    marks = [line.strip() for line in cell.source.split("\n")]
    if BEGIN not in marks or END not in marks:
        return range(0)
    return range(marks.index(BEGIN) + 1, marks.index(END))


def _name(text: Text) -> Iterator[tuple[int, str]]:
    """Yield (line, problem) for files that are not called like a unit."""
    if not _UNIT.fullmatch(text.unit):
        what = f"'{text.unit}' is no unit name; call the file NN_topic.py, like 03_distillation.py"
        yield 1, what


def _first_cell(text: Text) -> Iterator[tuple[int, str]]:
    """Yield (line, problem) for a text that does not begin with its title."""
    first = text.cells[0]
    if first.kind != "markdown" or first.marker:
        # The builder's "edit that file" note goes there.
        what = "the first cell is not the title; begin with '# %% [markdown]' and '# # Title'"
        yield first.line, what


def _unique_ids(text: Text) -> Iterator[tuple[int, str]]:
    """Yield (line, problem) for ids that nbgrader could not tell apart, and would stop at."""
    ids = cell_ids(text)
    counts = Counter(ids)
    first = {id_: cell.line for id_, cell in reversed(list(zip(ids, text.cells, strict=True)))}
    for id_, cell in zip(ids, text.cells, strict=True):
        if counts[id_] > 1 and cell.line != first[id_]:
            what = f"duplicate id '{id_}', first used in line {first[id_]}; rename one of them"
            yield cell.line, what
        if len(id_) > 64:
            what = f"the id '{id_}' has {len(id_)} characters, notebooks allow 64; shorten it"
            yield cell.line, what


def _solution_blocks(text: Text) -> Iterator[tuple[int, str]]:
    """Yield (line, problem) for marks that would make nbgrader stop, or ship an answer."""
    for cell in text.cells:
        lines = cell.source.split("\n")
        marks = [line.strip() for line in lines if re.search("(BEGIN|END) SOLUTION", line)]
        if not cell.answer_id:
            if marks:
                what = f"'{marks[0]}' outside an answer cell; give the cell a grade_id or drop it"
                yield cell.line, what
        elif cell.kind != "code":
            what = f"the answer '{cell.answer_id}' is prose; use a code cell: '# %% grade_id='"
            yield cell.line, what
        elif marks != [BEGIN, END]:
            what = (
                f"the answer '{cell.answer_id}' needs exactly one '{BEGIN}' and one '{END}' "
                f"after it, each alone on its line; found {marks or 'none'}"
            )
            yield cell.line, what
        elif all(lines[row].strip()[:1] in ("", "#") for row in solution_rows(cell)):
            what = f"the solution of '{cell.answer_id}' is empty; write it between the marks"
            yield cell.line, what
        elif _indents(lines, solution_rows(cell)) != 1:
            # nbgrader indents its stub like the mark: at the margin, it would leave the function.
            what = f"the marks of '{cell.answer_id}' are not indented like the solution"
            yield cell.line, f"{what}; move them to where it begins"


def _indents(lines: list[str], rows: range) -> int:
    """Return how many indentations the two marks and the first line of the solution have."""
    first = next(row for row in rows if lines[row].strip())
    marked = (lines[row] for row in (rows.start - 1, first, rows.stop))
    return len({len(line) - len(line.lstrip()) for line in marked})


def _checks(text: Text) -> Iterator[tuple[int, str]]:
    """Yield (line, problem) for answers without check, checks without points."""
    answers = {cell.answer_id: n for n, cell in enumerate(text.cells) if cell.answer_id}
    checks = {cell.check_id for cell in text.cells if cell.check_id}
    for number, cell in enumerate(text.cells):
        points = cell.marker.get("points")
        if cell.answer_id and f"{cell.answer_id}_check" not in checks:
            what = f"the answer '{cell.answer_id}' has no check; add a cell"
            yield cell.line, f"""{what} '# %% grade_id="{cell.answer_id}_check" points=...'"""
        if cell.check_id:
            answer = cell.check_id.removesuffix("_check")
            if answers.get(answer, number) >= number:
                what = f"the check '{cell.check_id}' has no answer cell '{answer}' above it"
                yield cell.line, f"{what}; add one or rename the check"
            if not isinstance(points, int) or isinstance(points, bool) or points < 1:
                what = f"the check '{cell.check_id}' has points {points!r}; write points=1 or more"
                yield cell.line, what
            if cell.kind != "code":
                yield cell.line, f"the check '{cell.check_id}' is prose; use a code cell"
        elif points is not None:
            yield cell.line, "points on a cell that checks nothing; move them to the _check cell"


def _cards(text: Text) -> Iterator[tuple[int, str]]:
    """Yield (line, problem) for answers without card, and cards that cannot be shown."""
    cards = {cell.card_id: n for n, cell in reversed(list(enumerate(text.cells))) if cell.card_id}
    answers = {cell.answer_id for cell in text.cells}
    points = {cell.check_id: cell.marker.get("points") for cell in text.cells if cell.check_id}
    for number, cell in enumerate(text.cells):
        if cell.answer_id and cards.get(cell.answer_id, number) >= number:
            what = f"the answer '{cell.answer_id}' has no card above it; add a cell"
            yield cell.line, f"""{what} '# %% [markdown] card="{cell.answer_id}"'"""
        if not cell.card_id:
            continue
        if cell.card_id not in answers:
            what = f"the card '{cell.card_id}' belongs to no answer cell"
            yield cell.line, f"{what}; add one or rename the card"
        if cell.kind != "markdown":
            what = f"the card '{cell.card_id}' is a code cell; write '# %% [markdown] card='"
            yield cell.line, what
            continue
        try:
            card = parse_card(cell.source)
        except CardError as error:
            for offset, what in error.problems:
                yield cell.line + 1 + offset, f"card '{cell.card_id}': {what}"
        else:
            checked = points.get(f"{cell.card_id}_check", card.points)
            if card.points != checked:
                what = f"the card '{cell.card_id}' promises {card.points} points, its check gives"
                yield cell.line, f"{what} {checked}; make them equal"
