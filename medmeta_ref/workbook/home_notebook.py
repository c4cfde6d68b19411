"""The notebook that `medmeta lab` opens: the map of the course, and the way to every unit.

It is made anew each time, with the map already in it. Cells that the learner added stay, below.
"""

import json
from pathlib import Path
from typing import Any

from medmeta_ref.grading.result_files import write_whole
from medmeta_ref.workbook.folders import my_folder, put_aside
from medmeta_ref.workbook.home import map_of
from medmeta_ref.workbook.overview import overview

FILE_NAME = "home.ipynb"
_OURS = "medmeta-home-"
_IMPORT = "from medmeta_ref.workbook.home import"

_WELCOME = """\
# medmeta: where you are

Run the cell below to see how things stand now: click into it, then Shift and Enter. Each unit has
a **lesson** to read and **exercises** to do. What you do lies in `submitted/me/`, where no update
of the course touches it. Every check that you run is noted there, too."""

_START = """\
## Start a unit

Put its number in, and run the cell. You get a copy of the exercises, and links."""

_MORE = """\
## The same in a terminal

| command | what it does |
| --- | --- |
| `medmeta check 03` | checks the whole notebook of unit 03 |
| `medmeta status` | this table, with attempts and time; `--html FILE` writes a page with figures |
| `medmeta update 03` | brings your copy to the course's newest version, your answers in it |
| `medmeta reset 03` | begins anew and keeps your old copy |

Cells that you add below are yours; the ones above are made anew by `medmeta lab`."""


def write_home(root: Path) -> Path:
    """Write `submitted/me/home.ipynb` and return it.

    Args:
        root: the course folder.

    Raises:
        OSError, ValueError: if it cannot be written, or the course cannot be read.
    """
    path = my_folder(root) / FILE_NAME
    notebook = home_notebook(root)
    notebook["cells"] += _own_cells(root, path)
    write_whole(path, (json.dumps(notebook, indent=1, ensure_ascii=False) + "\n").encode())
    return path


def home_notebook(root: Path) -> dict[str, Any]:
    """Return the notebook, without cells of the learner's own."""
    found = overview(root)
    ready = (
        each.unit.number
        for each in found.standings
        if not each.started and not found.todo.get(each.unit.name, "").startswith("after")
    )
    number = next(ready, "00")
    shown = {"output_type": "display_data", "metadata": {}, "data": map_of(root)}
    cells = [
        _cell("welcome", "markdown", _WELCOME),
        _cell("map", "code", f"{_IMPORT} home\n\nhome()", shown),
        _cell("how-to-start", "markdown", _START),
        _cell("start", "code", f'{_IMPORT} start\n\nstart("{number}")'),
        _cell("more", "markdown", _MORE),
    ]
    spec = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    metadata = {"kernelspec": spec, "language_info": {"name": "python"}}
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def _cell(name: str, kind: str, text: str, *outputs: dict[str, Any]) -> dict[str, Any]:
    cell = {"id": f"{_OURS}{name}", "cell_type": kind, "metadata": {}, "source": text}
    run = {"execution_count": None, "outputs": list(outputs)} if kind == "code" else {}
    return cell | run


def _own_cells(root: Path, path: Path) -> list[dict[str, Any]]:
    """Return the cells that the learner added; a file that is no notebook is put aside."""
    if not path.exists():
        return []
    try:
        cells = json.loads(path.read_bytes())["cells"]
        return [c for c in cells if not c["id"].startswith(_OURS) and "".join(c["source"]).strip()]
    except (AttributeError, KeyError, TypeError, ValueError):
        put_aside(root, path)
        return []
