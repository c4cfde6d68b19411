"""Where things are in a clone of the course: the text files, and the notebooks made from them."""

import json
from collections.abc import Iterator
from pathlib import Path

from medmeta_ref.authoring.notebooks import is_generated
from medmeta_ref.authoring.problems import BuildError

CONFIG = "nbgrader_config.py"
TEXT_FOLDERS = ("lessons", "solutions")
NOTEBOOK_FOLDERS = ("lessons", "solutions", "exercises")

# Where builders of sites put their copies of notebooks.
_NO_NOTEBOOKS = ("_build",)


def course_root(start: Path | None = None) -> Path:
    """Return the course folder that `start` lies in; by default the current folder.

    Raises:
        BuildError: if no folder above holds `nbgrader_config.py`.
    """
    here = Path.cwd() if start is None else start.resolve()
    for folder in (here, *here.parents):
        if (folder / CONFIG).is_file():
            return folder
    raise BuildError(
        [f"no {CONFIG} in {here} or above it; run this inside a clone of the course's repository"]
    )


def text_files(root: Path) -> list[str]:
    """Return the text files that notebooks are made from, seen from the course folder."""
    return [
        f"{folder}/{path.name}"
        for folder in TEXT_FOLDERS
        for path in sorted((root / folder).glob("*.py"))
    ]


def notebook_of(text_name: str) -> str:
    """Return the notebook that a text file becomes: `solutions/03_x.py` has a folder of its own."""
    folder, unit = text_name.removesuffix(".py").split("/")
    # nbgrader copies whatever stands beside a source notebook, so no text file may stand there.
    return f"{folder}/{unit}.ipynb" if folder == "lessons" else f"{folder}/{unit}/{unit}.ipynb"


def exercise_of(unit: str) -> str:
    """Return the notebook that a learner does."""
    return f"exercises/{unit}/{unit}.ipynb"


def notebooks_on_disk(root: Path) -> list[str]:
    """Return the notebooks that are there now, seen from the course folder."""
    return sorted(
        path.relative_to(root).as_posix()
        for folder in NOTEBOOK_FOLDERS
        for path in _notebooks_below(root / folder)
    )


def says_generated(path: Path) -> bool:
    """Return whether a notebook file says that it was built, and so may be deleted."""
    try:
        notebook = json.loads(path.read_bytes())
    except ValueError:
        return False  # no JSON, so nothing that was built
    return is_generated(notebook)


def _notebooks_below(folder: Path) -> Iterator[Path]:
    """Yield the notebooks below a folder, without editors' hidden copies."""
    for path in folder.rglob("*.ipynb"):
        parts = path.relative_to(folder).parts
        if not any(part.startswith(".") or part in _NO_NOTEBOOKS for part in parts):
            yield path
