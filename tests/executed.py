"""Lessons and solved notebooks after a run, and what they print and show."""

import os
import re
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest

from medmeta_ref.authoring.builder import course_root
from medmeta_ref.authoring.execution import execute

ROOT = course_root()
LESSONS = sorted((ROOT / "lessons").glob("*.ipynb"))
REAL = Path(os.environ.get("MEDMNIST_ROOT") or Path.home() / ".medmnist")


def run(path, **environment):
    """Return the code cells of a notebook after a run in a kernel of its own."""
    return execute(path, environment=environment).code


def outputs(cells):
    return [output for cell in cells for output in cell.outputs]


def printed(cells):
    streams = [output for output in outputs(cells) if output.output_type == "stream"]
    assert [output.text for output in streams if output.name == "stderr"] == []
    return "".join(output.text for output in streams)


class Images(HTMLParser):
    """The alternative texts of the images in a piece of HTML; None where there is none."""

    def __init__(self, page):
        super().__init__()
        self.alts = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        if tag == "img":
            self.alts.append(dict(attrs).get("alt"))


def alternative_texts(cells):
    """Return the words of every picture; a picture without words fails."""
    data = [output.data for output in outputs(cells) if "data" in output]
    assert not [mime for shown in data for mime in shown if mime.startswith("image/")]
    alts = [alt for shown in data for alt in Images(shown.get("text/html", "")).alts]
    assert all(alts), alts
    return alts


def mean_of(name, words):
    """Return the mean in "NAME 0.719 ± 0.037"."""
    return float(re.search(rf"(?:^|[:;] ){re.escape(name)} (\d\.\d+) ±", words)[1])


def in_full(unit, *data_sets):
    """Return what a lesson prints in full on official images, and the words of its pictures.

    MEDMETA_EXECUTED names a folder of notebooks that `medmeta execute` has run: they are read, not
    run once more.
    """
    missing = [name for name in data_sets if not (REAL / f"{name}.npz").is_file()]
    if missing:
        pytest.skip(f"needs {', '.join(missing)} in MEDMNIST_ROOT")
    (path,) = (path for path in LESSONS if path.stem == unit)
    if folder := os.environ.get("MEDMETA_EXECUTED"):
        notebook = nbformat.read(Path(folder) / path.relative_to(ROOT), as_version=4)
        cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    else:
        cells = run(path, MEDMNIST_ROOT=str(REAL), MEDMETA_FAST="0")
    return printed(cells), alternative_texts(cells)
