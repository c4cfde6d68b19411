"""The home notebook: the map with links that lead somewhere, and cells that do what they say."""

import json
import re

import nbformat
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from medmeta_ref.progress import log
from medmeta_ref.progress.units import NoSuchUnit
from medmeta_ref.workbook import folders
from medmeta_ref.workbook.home import home, map_of, start
from medmeta_ref.workbook.home_notebook import write_home
from tests.learner_course import UNIT, learner_course

FIRST, LAST = "00_orientation", "04_prototypes"


@pytest.fixture
def course(tmp_path, monkeypatch):
    """Return a course of three units, one of them started; we are where its home notebook is."""
    root = learner_course(tmp_path / "course", FIRST, UNIT, LAST)
    folders.start(root, UNIT)
    monkeypatch.chdir(root / "submitted" / "me")
    return root


def read(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    return notebook


def links(page):
    return re.findall(r'href="([^"]+)"', page)


def test_every_link_of_the_map_leads_to_a_notebook(course):
    page = map_of(course)["text/html"]
    found = links(page)
    assert f"{UNIT}/{UNIT}.ipynb" in found
    assert f"../../lessons/{LAST}.ipynb" in found
    for link in found:
        assert (course / "submitted" / "me" / link).is_file(), link
    # What is not started has no link that would lead to the course's own copy.
    assert not any("exercises" in link or f"{FIRST}/" in link for link in found)


def test_map_names_needs_points_and_what_is_next(course):
    log.append(log.log_file(course), log.Check(log.now(), "03.soft_targets", 8, 8, True))
    page = map_of(course)["text/html"]
    assert "8 of 230 points so far" in page
    assert "Next: exercise 03.distillation_loss." in page
    [row] = re.findall(r"<tr>(?:(?!</tr>).)*→ 03 Distillation.*?</tr>", page)
    assert re.findall(r"<td[^>]*>([^<]*)", row)[:3] == ["00", "◐ in progress", "8 / 100"]
    plain = map_of(course)["text/plain"]
    assert re.search(r"03 Distillation +◐ in progress 8/100  distillation_loss", plain)


def test_notebook_is_valid_and_shows_the_map_before_anything_runs(course):
    notebook = read(write_home(course))
    headings = [c.source.splitlines()[0] for c in notebook.cells if c.cell_type == "markdown"]
    assert headings == ["# medmeta: where you are", "## Start a unit", "## The same in a terminal"]
    [shown] = [output for c in notebook.cells if c.cell_type == "code" for output in c.outputs]
    assert "03 Distillation" in shown.data["text/html"]


def test_cells_of_the_notebook_run_and_start_the_unit_they_name(course):
    notebook = read(write_home(course))
    shell = InteractiveShell.instance()
    try:
        for cell in (c for c in notebook.cells if c.cell_type == "code"):
            with capture_output() as shown:
                assert shell.run_cell(cell.source).success
    finally:
        InteractiveShell.clear_instance()
    assert (course / "submitted" / "me" / FIRST / f"{FIRST}.ipynb").is_file()
    [output] = shown.outputs
    assert links(output.data["text/html"]) == [
        f"{FIRST}/{FIRST}.ipynb",
        f"../../lessons/{FIRST}.ipynb",
    ]
    assert log.read(log.log_file(course)).steps[-1].unit == FIRST


def test_starting_again_keeps_the_work_and_says_so(course, capsys):
    mine = folders.my_notebook(course, UNIT)
    mine.write_text("my work", encoding="utf-8")
    start("03")
    assert "Yours already, with your work in it" in capsys.readouterr().out
    assert mine.read_text(encoding="utf-8") == "my work"


def test_a_unit_that_is_not_there_is_refused_with_those_that_are(course):
    with pytest.raises(NoSuchUnit, match="there are 00_orientation"):
        start("77")


def test_outside_a_notebook_the_map_is_plain_text(course, capsys):
    home()
    assert "00 The way around" in capsys.readouterr().out


def test_cells_of_the_learner_stay_when_it_is_made_anew(course):
    path = write_home(course)
    notebook = read(path)
    notebook.cells.insert(1, nbformat.v4.new_markdown_cell("my plan"))
    notebook.cells[0].source = "scribbled over"
    nbformat.write(notebook, path)
    again = read(write_home(course))
    assert [cell.source for cell in again.cells].count("my plan") == 1
    assert again.cells[0].source.startswith("# medmeta")
    assert len(again.cells) == len(notebook.cells)


@pytest.mark.parametrize("text", ["", "{", '{"cells": [1]}', "[]"])
def test_a_file_that_is_no_notebook_is_put_aside(text, course):
    path = folders.my_folder(course) / "home.ipynb"
    path.write_text(text, encoding="utf-8")
    write_home(course)
    assert json.loads(path.read_text(encoding="utf-8"))["cells"]
    [aside] = (folders.my_folder(course) / "backups").iterdir()
    assert aside.read_text(encoding="utf-8") == text
    assert aside.suffix == ".ipynb"
