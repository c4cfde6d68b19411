"""Notebooks run from clean kernels, keep their outputs, and are timed."""

import shutil

import nbformat
import pytest
from typer.testing import CliRunner

from medmeta_ref.authoring import execution
from medmeta_ref.authoring.builder import course_root
from medmeta_ref.cli import app

SPIN = "import time\nbegan = time.process_time()\nwhile time.process_time() < began + 0.5: pass"


def write(path, *cells):
    path.parent.mkdir(parents=True, exist_ok=True)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbformat.write(notebook, path)
    return path


@pytest.fixture
def course(tmp_path, monkeypatch):
    """Return a course of two units; the second lesson takes its time, the first shows a picture."""
    shutil.copy(course_root() / "nbgrader_config.py", tmp_path)
    show = "from IPython.display import HTML, display\ndisplay(HTML('<img alt=\"a dot\">'))"
    for text in ("lessons/01_one.py", "lessons/02_two.py", "solutions/01_one.py"):
        (tmp_path / text).parent.mkdir(exist_ok=True)
        (tmp_path / text).write_text("", encoding="utf-8")
    write(tmp_path / "lessons/01_one.ipynb", show, "import os\nos.environ['MEDMETA_FAST']")
    write(tmp_path / "lessons/02_two.ipynb", SPIN)
    write(tmp_path / "solutions/01_one/01_one.ipynb", "1 + 1")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_lesson_and_every_solved_exercise_is_named_once(course):
    every = ["lessons/01_one.ipynb", "lessons/02_two.ipynb", "solutions/01_one/01_one.ipynb"]
    assert execution.course_notebooks(course) == every
    assert execution.course_notebooks(course, ["02_two"]) == every[1:2]
    assert execution.course_notebooks(course, ["01", "01_one"]) == every[::2]


def test_unknown_unit_is_told_which_there_are(course):
    with pytest.raises(ValueError, match=r"no unit '03'; there are 01_one, 02_two"):
        execution.course_notebooks(course, ["03"])


def test_kernel_that_computes_for_half_a_second_is_charged_for_it(course):
    idle, busy = (
        execution.execute(course / f"lessons/{name}.ipynb", environment={"MEDMETA_FAST": "1"})
        for name in ("01_one", "02_two")
    )
    assert busy.cpu_seconds > 0.5
    assert min(idle.cpu_seconds, idle.seconds, busy.seconds) > 0
    assert (idle.n_figures, busy.n_figures) == (1, 0)


def test_full_run_of_all_keeps_outputs_and_writes_the_table(course):
    done = CliRunner().invoke(app, ["execute"])
    assert done.exit_code == 0, done.output
    ran = nbformat.read(course / "executed/lessons/01_one.ipynb", as_version=4)
    assert ran.cells[1].outputs[0].data["text/plain"] == "'0'"
    assert nbformat.read(course / "lessons/01_one.ipynb", as_version=4).cells[1].outputs == []
    table = (course / execution.TABLE).read_text(encoding="utf-8").splitlines()
    rows = [line.split("|")[1:-1] for line in table if line.startswith("| `")]
    assert [row[0].strip() for row in rows] == [
        f"`{name}`" for name in execution.course_notebooks(course)
    ]
    assert [[int(cell) for cell in row[3:]] for row in rows] == [[2, 1], [1, 0], [1, 0]]


@pytest.mark.parametrize("arguments", [["--fast"], ["01", "02"]])
def test_fast_or_partial_run_leaves_the_table_alone(course, arguments):
    done = CliRunner().invoke(app, ["execute", *arguments, "--to", "elsewhere"])
    assert done.exit_code == 0, done.output
    assert not (course / execution.TABLE).exists()
    ran = nbformat.read(course / "elsewhere/lessons/01_one.ipynb", as_version=4)
    assert ran.cells[1].outputs[0].data["text/plain"] == f"'{int('--fast' in arguments)}'"


def test_cell_that_raises_fails_the_run_after_the_others_have_run(course):
    write(course / "lessons/01_one.ipynb", "1 / 0")
    done = CliRunner().invoke(app, ["execute"])
    assert done.exit_code == 1
    assert "lessons/01_one.ipynb" in done.output
    assert "ZeroDivisionError" in done.output
    assert "1 of 3 notebooks failed" in done.output
    assert (course / "executed/lessons/02_two.ipynb").exists()
    assert not (course / execution.TABLE).exists()
