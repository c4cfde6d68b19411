"""Lessons and exercises as pages of the book."""

import base64
import hashlib
import re
from pathlib import Path
from typing import Any

from medmeta_ref.authoring.course_files import exercise_of
from medmeta_ref.authoring.execution import FAST

_PICTURE = re.compile(r'src="data:image/png;base64,([^"]+)"')
# What a page can show, of the forms that an output has. Sliders and what checks keep for the
# grader are none of them.
_SHOWN = {"text/html", "text/markdown", "text/latex", "text/plain", "image/png", "image/svg+xml"}
_NOTES = {
    "full": "The outputs below are those of a full run (`medmeta execute`).",
    "fast": (
        "The outputs below are those of the **fast mode**: a few steps of training, so that the "
        "book is built in minutes. They show what a cell gives, and nothing about methods. "
        "`medmeta execute` runs the lesson in full."
    ),
    "not run": (
        "The cells below were **not run**, so their outputs are missing. `medmeta lab` opens the "
        "lesson to run it."
    ),
}


class StaleError(ValueError):
    """An executed notebook that is not the lesson as it stands now."""


def write_lesson(
    root: Path, unit: str, *, executed: Path | None, into: Path, pictures: Path
) -> str:
    """Write the page of a lesson; return, and say on the page, where its outputs come from.

    Args:
        root: the course folder.
        unit: such as "06_maml".
        executed: a folder of executed notebooks, laid out as the course.
        into: the folder of the book's sources.
        pictures: where figures go; it becomes the site's `_static/`.

    Returns:
        "full", "fast", or "not run" if this lesson is not among the executed ones.

    Raises:
        StaleError: if the executed notebook has other cells than the lesson.
    """
    import nbformat

    name = f"lessons/{unit}.ipynb"
    lesson = nbformat.read(root / name, as_version=4)  # type: ignore[no-untyped-call]
    mode = "not run"
    if executed is not None and (executed / name).is_file():
        ran = nbformat.read(executed / name, as_version=4)  # type: ignore[no-untyped-call]
        same = [cell.source for cell in ran.cells] == [cell.source for cell in lesson.cells]
        if not same or FAST not in ran.metadata:
            raise StaleError(
                f"{executed / name} was run from another version of the course; run "
                f"medmeta execute {unit} --to {executed} again"
            )
        lesson, mode = ran, "fast" if ran.metadata[FAST] else "full"
    _clean(lesson, pictures)
    then = (
        f"Then do the [exercises](../exercises/{unit}.ipynb), and try the "
        f"[interview questions](../questions/{unit[:2]}.md)."
    )
    _write(lesson, f"{_NOTES[mode]} {then}", into / name)
    return mode


def write_exercise(root: Path, unit: str, *, into: Path, pictures: Path) -> None:
    """Write the page of an exercise, as it is released: without answers, without outputs."""
    import nbformat

    released = nbformat.read(root / exercise_of(unit), as_version=4)  # type: ignore[no-untyped-call]
    _clean(released, pictures)
    note = (
        f"To read here, to do in JupyterLab: `medmeta start {unit}`, then `medmeta lab`. Checks "
        f"and questions work there. Read the [lesson](../lessons/{unit}.ipynb) first; the "
        f"[interview questions](../questions/{unit[:2]}.md) are in this book, too."
    )
    _write(released, note, into / "exercises" / f"{unit}.ipynb")


def _clean(notebook: Any, pictures: Path) -> None:
    """Take out what a page has no use for: sliders, nbgrader's marks, pictures inside the text."""
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        cell.metadata = {}
        cell.source = re.sub(r"\A<!--.*?-->\s*", "", cell.source, flags=re.DOTALL)
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            for form in set(data) - _SHOWN:  # what a slider says where it cannot move is text
                del data[form]
            if "text/html" in data:
                data["text/html"] = _PICTURE.sub(
                    lambda found: _as_file(found[1], pictures), data["text/html"]
                )


def _as_file(encoded: str, pictures: Path) -> str:
    """Write a picture to a file of its own and return the attributes that show it."""
    png = base64.b64decode(encoded)
    name = f"{hashlib.sha256(png).hexdigest()[:16]}.png"
    folder = pictures / "figures"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(png)
    return f'loading="lazy" src="../_static/figures/{name}"'


def _write(notebook: Any, note: str, path: Path) -> None:
    """Write a notebook with a note below its title cell."""
    import nbformat

    told = nbformat.v4.new_markdown_cell(f":::{{note}}\n{note}\n:::", id="book-note")  # type: ignore[no-untyped-call]
    notebook.cells.insert(1, told)
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)  # type: ignore[no-untyped-call]
