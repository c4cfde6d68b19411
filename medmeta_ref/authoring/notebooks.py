"""Turn the cells of a text file into the bytes of a notebook.

The same text gives the same bytes, on any machine: ids come from the text, not from chance, and
nothing that changes by itself (outputs, versions, times) is written.
"""

import json
import re
from typing import Any

from medmeta_ref.authoring.cards import parse_card, render_card
from medmeta_ref.authoring.percent import Cell, Text

# Begins the first cell of every notebook that is built, and of no other.
GENERATED = "<!-- Generated from "

_METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
_HEADING = re.compile(r"^#{1,6}\s+(.*)$", re.MULTILINE)
_LONGEST_SLUG = 40  # nbformat allows ids of 64 characters; the number behind the slug needs a few


def cell_ids(text: Text) -> list[str]:
    """Return one id per cell; in `solutions/` it is the cell's nbgrader id as well.

    Exercises bring their ids. Prose and given code are numbered below the nearest heading, so that
    a new cell renames only its neighbours: nbgrader finds them by id in work handed in earlier.
    """
    ids, slug, seen = [], "top", dict[str, int]()
    for position, cell in enumerate(text.cells, start=1):
        heading = _HEADING.search(cell.source) if cell.kind == "markdown" else None
        if heading and not cell.card_id:
            slug = _slug(heading.group(1))
        grade_id = cell.answer_id or cell.check_id
        if grade_id:
            ids.append(grade_id)
        elif cell.card_id:
            ids.append(f"{cell.card_id}_card")
        elif cell.is_scratch or text.folder == "lessons":
            ids.append(f"cell-{position:02d}")
        else:
            seen[slug] = seen.get(slug, 0) + 1
            ids.append(f"read-{slug}-{seen[slug]}")
    return ids


def notebook_bytes(text: Text) -> bytes:
    """Return the notebook of a lesson, or the nbgrader source notebook of a solutions file."""
    cells = [
        _notebook_cell(cell, id_, text=text)
        for cell, id_ in zip(text.cells, cell_ids(text), strict=True)
    ]
    note = f'{GENERATED}{text.name} by "medmeta build". Edit that file, then build again. -->'
    cells[0]["source"] = f"{note}\n\n{cells[0]['source']}"
    notebook = {"cells": cells, "metadata": _METADATA, "nbformat": 4, "nbformat_minor": 5}
    for cell in cells:
        cell["source"] = cell["source"].splitlines(keepends=True)
    # As nbformat writes it, so that a notebook saved in JupyterLab differs in what was changed.
    written = json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True)
    return f"{written}\n".encode()


def is_generated(notebook: object) -> bool:
    """Return whether the first cell of a notebook, as read from JSON, says that it was built."""
    match notebook:
        case {"cells": [{"source": [str(first), *_] | str(first)}, *_]}:
            return first.startswith(GENERATED)
    return False


def _notebook_cell(cell: Cell, id_: str, *, text: Text) -> dict[str, Any]:
    """Return one cell as nbformat wants it, with nbgrader's fields in `solutions/`."""
    made: dict[str, Any] = {"cell_type": cell.kind, "id": id_, "metadata": {}}
    if text.folder == "solutions" and not cell.is_scratch:
        made["metadata"]["nbgrader"] = _nbgrader_fields(cell, id_)
    made["source"] = render_card(parse_card(cell.source)) if cell.card_id else cell.source
    if cell.kind == "code":
        made |= {"execution_count": None, "outputs": []}
    return made


def _nbgrader_fields(cell: Cell, id_: str) -> dict[str, Any]:
    """Return nbgrader's cell metadata, schema 3. Whatever is not an answer is locked."""
    fields: dict[str, Any] = {
        "grade": cell.check_id is not None,
        "grade_id": id_,
        "locked": cell.answer_id is None,
        "schema_version": 3,
        "solution": cell.answer_id is not None,
        "task": False,
    }
    if cell.check_id:  # the schema: "only present if grade is true"
        fields["points"] = cell.marker["points"]
    return fields


def _slug(heading: str) -> str:
    """Return a heading as part of an id: `Why $T^2$?` -> `why-t-2`."""
    words = re.findall(r"[a-z0-9]+", heading.lower())
    return "-".join(words)[:_LONGEST_SLUG].strip("-") or "part"
