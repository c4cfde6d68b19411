"""Write the verdicts into the check cells of a notebook, as if the cells had been run.

nbgrader reads points off a check cell's output: the first value it finds. Here that value comes
from the verdicts, and the table above it is text, which no page takes for markup.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from medmeta_ref.grading.check import RESULT_MIME
from medmeta_ref.grading.report import as_text
from medmeta_ref.grading.results import ExerciseResult
from medmeta_ref.grading.stored_result import StoredResult


class MismatchError(Exception):
    """A notebook and the specs do not belong together: nothing may be graded with them."""


def check_cells(notebook: Mapping[str, Any]) -> dict[str, Any]:
    """Return the name of an exercise ("03.soft_targets") -> the cell that checks it.

    Args:
        notebook: a released notebook as read from JSON, or by nbformat.
    """
    cells = {}
    for cell in notebook["cells"]:
        fields = cell["metadata"].get("nbgrader", {})
        if cell["cell_type"] == "code" and fields.get("grade") and not fields.get("solution"):
            cells[fields["grade_id"].removesuffix("_check")] = cell
    return cells


def write_verdicts(notebook: Mapping[str, Any], stored: StoredResult) -> None:
    """Give every check cell its table and its points; the first one tells the notes as well.

    Args:
        notebook: a released notebook with answers in it. Its check cells are changed.
        stored: the verdicts.

    Raises:
        MismatchError: if an exercise has no check cell, a check cell no verdict, or their points
            differ.
    """
    cells = check_cells(notebook)
    results = {each.exercise.partition(".")[2]: each for each in stored.result.exercises}
    without = sorted(cells.keys() ^ results.keys())
    if without:
        raise MismatchError(
            f"{stored.unit} and its specs do not match at {', '.join(without)}; run 'medmeta build'"
        )
    notes = stored.notes
    for name, cell in cells.items():
        points = float(cell["metadata"]["nbgrader"]["points"])
        if points != results[name].max_points:
            raise MismatchError(
                f"{name} is worth {points:g} points in the notebook of {stored.unit} and "
                f"{results[name].max_points:g} in its spec; run 'medmeta build'"
            )
        cell["outputs"] = _outputs(results[name], notes)
        cell["execution_count"] = None
        notes = ()


def as_nbformat(notebook: Mapping[str, Any]) -> Any:
    """Return a copy of a notebook, as read from JSON, in the form that nbformat reads."""
    from nbformat import from_dict

    convert: Any = from_dict  # it has no type hints
    read = convert(notebook)
    for cell in read.cells:
        cell.source = "".join(cell.source)
    return read


def _outputs(result: ExerciseResult, notes: Sequence[str]) -> list[dict[str, Any]]:
    shown = [{"text/plain": as_text(result), RESULT_MIME: result.to_json()}]
    if notes:
        lines = ["How your notebook was read:", *(f"- {note}" for note in notes)]
        shown.insert(0, {"text/plain": "\n".join(lines)})
    outputs: list[dict[str, Any]] = [
        {"output_type": "display_data", "data": data, "metadata": {}} for data in shown
    ]
    points = {"text/plain": repr(result.points)}
    value = {"output_type": "execute_result", "data": points, "metadata": {}}
    return [*outputs, value | {"execution_count": None}]
