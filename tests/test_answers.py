"""Answers go from a text file into a released notebook, and nothing else changes."""

import json

import nbformat
import pytest
from nbgrader.utils import compute_checksum

from medmeta_ref.authoring.builder import course_root
from medmeta_ref.authoring.problems import BuildError
from medmeta_ref.grading.answers import fill_in, read_answers

ROOT = course_root()
UNIT = "03_distillation"
SOLUTIONS = ROOT / "solutions" / f"{UNIT}.py"
RELEASED = ROOT / "exercises" / UNIT / f"{UNIT}.ipynb"

TEXT = '''\
# %% [markdown]
# # Title

# %%
import math

# %% grade_id="one"
def one():
    """Return 1."""
    ### BEGIN SOLUTION
    return 1  ### not a mark
    ### END SOLUTION


# %% grade_id="one_check" points=2
check("03.one", one)

# %% scratch=true
one()
'''


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "03_small.py"
    path.write_text(TEXT, encoding="utf-8")
    return path


def cells(notebook):
    return {cell["id"]: cell for cell in json.loads(notebook)["cells"]}


def test_answer_cells_alone_are_read_without_their_marks(text):
    assert read_answers(text) == {
        "one": 'def one():\n    """Return 1."""\n    return 1  ### not a mark'
    }


def test_published_solutions_are_read_as_python_that_runs():
    answers = read_answers(SOLUTIONS)
    assert len(answers) == 8
    for name, source in answers.items():
        assert "SOLUTION" not in source
        names = {}
        exec(source, names)
        assert callable(names[name])


def test_file_out_of_order_is_refused_with_its_line(text):
    text.write_text(TEXT.replace('grade_id="one"\n', 'grade="one"\n'), encoding="utf-8")
    with pytest.raises(BuildError, match=r"^solutions/03_small\.py:7: .*unknown grade;"):
        read_answers(text)


def test_file_without_cells_is_refused(text):
    text.write_text("x = 1\n", encoding="utf-8")
    with pytest.raises(BuildError, match="does not begin with a cell"):
        read_answers(text)


def test_unknown_answer_names_the_cells_there_are():
    with pytest.raises(ValueError, match=r"has no answer cell 'nothing'") as refused:
        fill_in(RELEASED, {"nothing": "pass"})
    message = str(refused.value)
    assert message.startswith(f"{UNIT}.ipynb has")
    assert message.partition("it has ")[2].split(", ") == list(read_answers(SOLUTIONS))


def test_check_cell_cannot_be_filled_in():
    with pytest.raises(ValueError, match="no answer cell 'soft_targets_check'"):
        fill_in(RELEASED, {"soft_targets_check": "8.0"})


def test_filled_notebook_differs_from_the_released_one_in_its_answers_only():
    before = RELEASED.read_bytes()
    filled = cells(fill_in(RELEASED, {"soft_targets": "def soft_targets(): ...", "bug_lines": "ü"}))
    released = cells(before)
    assert list(filled) == list(released)
    changed = {name for name in released if filled[name] != released[name]}
    assert changed == {"soft_targets", "bug_lines"}
    for name in changed:
        assert filled[name] | {"source": ""} == released[name] | {"source": ""}
    assert filled["soft_targets"]["source"] == "def soft_targets(): ..."
    assert filled["bug_lines"]["source"] == "ü"
    assert RELEASED.read_bytes() == before


def test_without_answers_the_notebook_stays_as_it_was():
    assert json.loads(fill_in(RELEASED, {})) == json.loads(RELEASED.read_text(encoding="utf-8"))


def test_filled_notebook_is_valid_and_its_locked_cells_keep_their_checksums():
    notebook = nbformat.reads(fill_in(RELEASED, read_answers(SOLUTIONS)), as_version=4)
    nbformat.validate(notebook)
    fields = [(cell, cell.metadata.get("nbgrader", {})) for cell in notebook.cells]
    kept = [f["checksum"] == compute_checksum(cell) for cell, f in fields if f.get("locked")]
    answered = [f["checksum"] != compute_checksum(cell) for cell, f in fields if f.get("solution")]
    assert len(kept) > 8
    assert len(answered) == 8
    assert all(kept)
    assert all(answered)
