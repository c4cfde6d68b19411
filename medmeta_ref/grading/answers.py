"""The cells a learner writes: read them from a text file, put them into a released notebook."""

import json
from collections.abc import Mapping
from pathlib import Path

from medmeta_ref.authoring.percent import read_percent
from medmeta_ref.authoring.problems import BuildError


def read_answers(path: Path) -> dict[str, str]:
    """Return the answer cells of a percent text file: grade id -> source.

    Solution marks are left out, so the cells of `solutions/03_distillation.py` read as a learner
    would have written them.

    Args:
        path: a percent text file whose answer cells are marked `grade_id="..."`.

    Raises:
        BuildError: if the file is not in order.
    """
    # Named as an exercise text, whatever folder it is in: only those have answer cells.
    text, problems = read_percent(path, name=f"solutions/{path.name}")
    if problems:
        raise BuildError(problems)
    return {
        cell.answer_id: "\n".join(
            line for line in cell.source.splitlines() if not line.strip().startswith("### ")
        )
        for cell in text.cells
        if cell.answer_id is not None
    }


def read_released(released: Path) -> dict[str, str]:
    """Return the code cells that a learner answers, as they were handed out: grade id -> source.

    Args:
        released: a notebook in `exercises/`.
    """
    notebook = json.loads(released.read_text(encoding="utf-8"))
    return {
        cell["metadata"]["nbgrader"]["grade_id"]: "".join(cell["source"])
        for cell in notebook["cells"]
        if cell["cell_type"] == "code" and cell["metadata"].get("nbgrader", {}).get("solution")
    }


def fill_in(released: Path, answers: Mapping[str, str]) -> str:
    """Return the released notebook, as JSON, with answers in the cells they belong to.

    Args:
        released: a notebook in `exercises/`. Not changed.
        answers: grade id -> source. Cells without an answer stay as they were handed out.

    Raises:
        ValueError: if there is no answer cell of such an id.
    """
    notebook = json.loads(released.read_text(encoding="utf-8"))
    cells = {
        cell["metadata"]["nbgrader"]["grade_id"]: cell
        for cell in notebook["cells"]
        if cell["metadata"].get("nbgrader", {}).get("solution")
    }
    for grade_id, source in answers.items():
        if grade_id not in cells:
            raise ValueError(
                f"{released.name} has no answer cell {grade_id!r}; it has {', '.join(cells)}"
            )
        cells[grade_id]["source"] = source
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
