"""Which text of a submitted notebook answers which exercise?

Cells are found by their nbgrader name, else by the notebook's own cell id, else by what they
define. Where a learner left several, the text counts that "Restart and run all" would have shown
to the check: that is what the learner saw, whoever copied, split or moved a cell.
"""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from medmeta_ref.grading.submitted_json import SubmittedCell

# An answer is a function; five thousand lines of it are no honest work and slow every page down.
MAX_CODE = 200_000
# About ten pages; the markdown parser behind every page takes long for longer ones.
MAX_WRITTEN = 20_000

_STUB = re.compile(r"^(?:async[ \t]+)?(?:def|class)[ \t]+(\w+)", re.MULTILINE)


class Exercise(NamedTuple):
    """One cell that a learner answers, as it was released.

    Attributes:
        grade_id: its name.
        kind: "code" or "markdown".
        source: its text.
        check: the name of the next check cell, or "".
    """

    grade_id: str
    kind: str
    source: str
    check: str

    @property
    def function(self) -> str:
        """The name of the function or class that it asks for, or ""."""
        found = _STUB.search(self.source) if self.kind == "code" else None
        return found[1] if found else ""

    def is_answered_by(self, text: str) -> bool:
        """Return whether a text is something else than nothing and than the released text."""
        return bool(text.strip()) and _bare(text) != _bare(self.source)


class Found(NamedTuple):
    """The answers of a notebook.

    Attributes:
        texts: grade id -> text, for the exercises that were answered.
        used: positions of the cells that the texts came from.
        notes: in words for the student.
    """

    texts: dict[str, str]
    used: frozenset[int]
    notes: tuple[str, ...]


def find_answers(
    exercises: Sequence[Exercise],
    owned: Mapping[str, Sequence[SubmittedCell]],
    own: Sequence[SubmittedCell],
) -> Found:
    """Return the text that answers each exercise.

    Args:
        exercises: in released order.
        owned: name of a released cell -> the submitted cells that stand for it.
        own: the cells that stand for no released one.
    """
    texts, notes, used, order = dict[str, str](), list[str](), set[int](), list[int]()
    for exercise in exercises:
        what, marked = f"Cell '{exercise.grade_id}'", owned.get(exercise.grade_id, ())
        cells = [cell for cell in marked if exercise.is_answered_by(cell.source)]
        if not cells and exercise.function:
            cells = _defining(exercise, owned, own)
            notes += [
                f"{what} is {'untouched' if marked else 'missing'}; cell {_places(cells)} defines "
                f"'{exercise.function}' and was taken in its place."
            ] * bool(cells)
        if not cells:
            notes += [f"{what} is missing or empty; it counts as not attempted."] * (not marked)
            continue
        check = max((cell.position for cell in owned.get(exercise.check, ())), default=0)
        kept = pick([cell for cell in cells if cell.position < check] or cells, exercise)
        text = "\n\n".join(cell.source.strip("\n") for cell in kept)
        if len(kept) == 1:
            text = kept[0].source
        notes += [f"{what} {note}" for note in _about(cells, kept, exercise)]
        limit = MAX_CODE if exercise.kind == "code" else MAX_WRITTEN
        if len(text) > limit:
            size = f"{what} has {len(text):,} characters; {limit:,} are the most that is taken."
            if exercise.kind == "code":  # half of a function is no function
                notes.append(f"{size} It counts as not attempted; shorten it and hand it in again.")
                continue
            notes.append(f"{size} The rest was cut off; shorten it and hand it in again.")
        texts[exercise.grade_id] = text[:limit]
        used |= {cell.position for cell in kept}
        order.append(kept[0].position)
    if order != sorted(order):
        notes.append("The answers stand in another order than released; they were put back.")
    return Found(texts, frozenset(used), tuple(notes))


def pick(cells: Sequence[SubmittedCell], exercise: Exercise) -> list[SubmittedCell]:
    """Return those of several cells whose texts together are the answer, in order.

    Equal texts count once. Of the cells that define the function, the last one counts, as when all
    are run; those that define something else are parts of a cell that was split, so they stay.
    Written answers all stay: a person reads them.
    """
    distinct = list({_bare(cell.source): cell for cell in cells}.values())
    distinct.sort(key=lambda cell: cell.position)
    if exercise.kind != "code":
        return distinct
    name = exercise.function
    if not name:
        return distinct[-1:]
    defining = [cell for cell in distinct if _defines(cell.source, name)]
    outdated = {cell.position for cell in defining[:-1]}
    return [cell for cell in distinct if cell.position not in outdated]


def _about(
    cells: Sequence[SubmittedCell], kept: Sequence[SubmittedCell], exercise: Exercise
) -> list[str]:
    """Return what the student should know about how an answer was read."""
    notes = []
    if len(cells) > 1 and len({_bare(cell.source) for cell in cells}) == 1:
        notes.append(f"is there {len(cells)} times with the same text, which was taken.")
    elif len(cells) > len(kept):
        notes.append(
            f"is there {len(cells)} times with different texts. Taken was {_places(kept)} (counted "
            "from the top), which 'Restart and run all' leaves for the check; delete the others."
        )
    elif len(kept) > 1:
        notes.append(f"is there in {len(kept)} parts; they were joined in their order.")
    if any(cell.kind != exercise.kind for cell in kept):
        notes.append(f"is no {exercise.kind} cell any more; its text was taken as {exercise.kind}.")
    if any(cell.grade_id != exercise.grade_id for cell in kept):
        notes.append("has lost its nbgrader mark; hand in a notebook that keeps it.")
    mended = sorted({cell.mended for cell in kept} - {""})
    if mended:
        notes.append(f"held {', '.join(mended)}; they were removed or replaced.")
    return notes


def _defining(
    exercise: Exercise,
    owned: Mapping[str, Sequence[SubmittedCell]],
    own: Sequence[SubmittedCell],
) -> list[SubmittedCell]:
    """Return the cells elsewhere that define the function: the learner's own, else other answers.

    Merging two answer cells in Jupyter leaves one cell under the name of the first.
    """
    name = exercise.function  # once: a file may hold hundreds of thousands of cells
    others = [cell for cells in owned.values() for cell in cells]
    for group in (own, others):
        cells = [
            cell
            for cell in group
            if _defines(cell.source, name) and exercise.is_answered_by(cell.source)
        ]
        if cells:
            return cells
    return []


def _defines(source: str, name: str) -> bool:
    if name not in source:  # for files of a million cells
        return False
    start = rf"(?:async[ \t]+)?def[ \t]+{name}[ \t]*\(|class[ \t]+{name}\b"
    return re.search(rf"^(?:{start}|{name}[ \t]*=(?!=))", source, re.MULTILINE) is not None


def _bare(text: str) -> str:
    """Return a text without the white space that editors add and remove by themselves."""
    return "\n".join(line.rstrip() for line in text.strip().split("\n"))


def _places(cells: Sequence[SubmittedCell]) -> str:
    numbers = ", ".join(str(cell.position) for cell in cells[:5])
    return f"{numbers}, ..." if len(cells) > 5 else numbers
