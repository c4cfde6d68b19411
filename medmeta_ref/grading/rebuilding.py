"""Rebuild a submitted notebook as the released one plus the texts of the learner's answers.

What is graded and shown is a notebook of ours in which a few cells hold words of theirs. So nothing
else that a file can carry gets any further: no metadata, output, attachment, cell, kernel or format
of theirs.
"""

import copy
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from medmeta_ref.grading.answer_cells import Exercise, Found, find_answers
from medmeta_ref.grading.left_out import missing_helpers, named
from medmeta_ref.grading.markdown_cleaning import clean_markdown
from medmeta_ref.grading.submission_files import Refused
from medmeta_ref.grading.submitted_json import Submitted, SubmittedCell, read_submitted

# Ids of nbgrader's own pages; a heading of the same id would stand in for them.
_PAGE_IDS = ("top", "toc", "notebook", "notebook-container", "statusmessage")


class Rebuilt(NamedTuple):
    """A submission that is safe to grade and to show.

    Attributes:
        notebook: the released notebook with the answers in it, as JSON would be read.
        notes: what the student should know, one sentence or two each; safe on any page.
        answers: grade id -> text, of the cells that differ from the release.
    """

    notebook: dict[str, Any]
    notes: tuple[str, ...]
    answers: dict[str, str]


class _Cell(NamedTuple):
    """A released cell: what it is called, what it is, what it says."""

    name: str
    fields: Mapping[str, Any]
    cell_id: str | None
    kind: str
    source: str

    @property
    def is_answer(self) -> bool:
        return bool(self.fields.get("solution"))


def rebuild(
    released: Mapping[str, Any], submitted: bytes, *, name: str = "the notebook"
) -> Rebuilt:
    """Return the released notebook with the answers of a submission in its answer cells.

    Args:
        released: the notebook in `exercises/`, as read from JSON. Not changed.
        submitted: the bytes of a file that may hold anything.
        name: what to call the file in notes.

    Raises:
        ValueError: if the released notebook is not in order; never because of the submission.
    """
    cells = _released_cells(released)
    try:
        found = read_submitted(submitted, name=name)
    except Refused as refused:
        return refuse(released, str(refused))
    texts, notes = _answers(cells, found)
    notebook = copy.deepcopy(dict(released))
    for cell, made in zip(cells, notebook["cells"], strict=True):
        if cell.is_answer and cell.name in texts:
            made["source"] = texts[cell.name].splitlines(keepends=True)
    return Rebuilt(notebook, tuple(notes), texts)


def answers_in(released: Mapping[str, Any], submitted: Submitted) -> Found:
    """Return the texts that answer the exercises of a release, as the learner wrote them.

    Args:
        released: the notebook in `exercises/`, as read from JSON.
        submitted: the cells of a notebook.

    Raises:
        ValueError: if the released notebook is not in order.
    """
    cells = _released_cells(released)
    return find_answers(_exercises(cells), *_sort(cells, submitted))


def refuse(released: Mapping[str, Any], why: str) -> Rebuilt:
    """Return the untouched release, with a note."""
    note = f"{why} All exercises count as not attempted."
    return Rebuilt(copy.deepcopy(dict(released)), (note,), {})


def _answers(cells: Sequence[_Cell], submitted: Submitted) -> tuple[dict[str, str], list[str]]:
    owned, own = _sort(cells, submitted)
    found = find_answers(_exercises(cells), owned, own)
    texts, notes = dict(found.texts), [*submitted.notes, *found.notes]
    for cell in cells:
        if cell.kind == "markdown" and cell.name in texts:
            cleaned, change = clean_markdown(texts[cell.name], page_ids=_page_ids(cells))
            texts[cell.name] = cleaned
            notes += [f"Cell '{cell.name}' {change}"] * bool(change)
    if not texts and not any(owned.values()):
        # Said instead of one note for every cell that is missing from it.
        what = "No cell of it belongs to these exercises; was another notebook handed in?"
        return texts, [*submitted.notes, what]
    return texts, notes + _about_the_rest(cells, owned, own, found.used, texts)


def _about_the_rest(
    cells: Sequence[_Cell],
    owned: Mapping[str, Sequence[SubmittedCell]],
    own: Sequence[SubmittedCell],
    used: frozenset[int],
    texts: Mapping[str, str],
) -> list[str]:
    """Return notes on what was left out or put back."""
    notes, changed = list[str](), list[str]()
    left_out = [cell for cell in own if cell.position not in used]
    if left_out:
        count = f"{len(left_out)} cell" + "s" * (len(left_out) > 1)
        notes.append(f"{count} of your own left out; only answer cells are graded.")
    for cell in cells:
        if not cell.is_answer:
            copies = owned[cell.name]
            edited = [each for each in copies if each.source.strip() != cell.source.strip()]
            left_out += edited
            if cell.fields and (edited or not copies):
                changed.append(cell.name)
    if changed:
        notes.append(f"Changed or deleted, and put back as released: {named(changed)}.")
    given = [cell.source for cell in cells if not cell.is_answer]
    return notes + missing_helpers(texts, given, left_out)


def _sort(
    cells: Sequence[_Cell], submitted: Submitted
) -> tuple[dict[str, list[SubmittedCell]], list[SubmittedCell]]:
    """Return name of a released cell -> the submitted cells that stand for it, and the others."""
    owned: dict[str, list[SubmittedCell]] = {cell.name: [] for cell in cells}
    marked = {cell.name for cell in cells if cell.fields}
    by_id = {cell.cell_id: cell.name for cell in cells if cell.cell_id}
    unmarked, own = list[SubmittedCell](), list[SubmittedCell]()
    for each in submitted.cells:
        (owned[each.grade_id] if each.grade_id in marked else unmarked).append(each)
    free = {name for name, found in owned.items() if not found}
    for each in unmarked:
        name = by_id.get(each.cell_id)
        (owned[name] if name is not None and name in free else own).append(each)
    return owned, own


def _exercises(cells: Sequence[_Cell]) -> list[Exercise]:
    """Return the cells that learners answer, in order, each with the next check."""
    exercises, check = list[Exercise](), ""
    for cell in reversed(cells):
        if cell.is_answer:
            exercises.append(Exercise(cell.name, cell.kind, cell.source, check))
        elif cell.fields.get("grade"):
            check = cell.name
    return exercises[::-1]


def _page_ids(cells: Sequence[_Cell]) -> set[str]:
    """Return the ids that nbgrader's pages use, which no heading of an answer may take."""
    names = [cell.name for cell in cells]
    forms = ("{}", "{}-comment", "comment-{}", "{}_extra_credit")
    return {*_PAGE_IDS, *(form.format(name) for name in names for form in forms)}


def _released_cells(released: Mapping[str, Any]) -> list[_Cell]:
    found = released.get("cells")
    if not isinstance(found, list) or not found:
        raise ValueError("the released notebook has no cells; run 'medmeta build'")
    cells = []
    for position, cell in enumerate(found, start=1):
        fields = cell["metadata"].get("nbgrader", {})
        name = fields.get("grade_id") or cell.get("id") or f"cell {position}"
        source = cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
        cells.append(_Cell(name, fields, cell.get("id"), cell["cell_type"], source))
        if fields.get("task"):
            raise ValueError(
                f"cell '{name}' is a task, which is answered in new cells, and those are left out; "
                "make it a written answer (solution and grade)"
            )
    names = [cell.name for cell in cells]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"released cells share a name: {named(twice)}; give each its own")
    return cells
