"""The notebooks that people read: they run from top to bottom, and say what we say they say."""

import ast
import importlib
import re

import pytest

from medmeta_ref.authoring.percent import read_percent
from tests.executed import LESSONS, ROOT, alternative_texts, printed, run

SOLVED = sorted((ROOT / "solutions").glob("*/*.ipynb"))
TEXTS = [*sorted((ROOT / "lessons").glob("*.py")), *sorted((ROOT / "solutions").glob("*.py"))]

LONGEST_CELL = 20  # lines; 15 is the aim
# The answers of every unit that hunts bugs and asks questions: the name is part of the exercise.
# And the methods that torch wants of every module of ours.
SAME_NAME_IN_TWO_UNITS = {"bug_lines", "questions", "__init__", "forward"}


@pytest.fixture
def nothing_here(tmp_path):
    """Return the environment of a machine without any data."""
    for name in ("home", "data", "cache"):
        (tmp_path / name).mkdir()
    return {
        "HOME": str(tmp_path / "home"),
        "MEDMNIST_ROOT": str(tmp_path / "data"),
        "MEDMETA_CACHE": str(tmp_path / "cache"),
    }


@pytest.mark.slow
@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_lesson_runs_without_data_and_says_that_its_images_are_synthetic(path, nothing_here):
    cells = run(path, MEDMETA_FAST="1", **nothing_here)
    text = printed(cells)
    assert "drawn by this project and no medical data" in text
    assert "synthetic-" in text
    assert alternative_texts(cells)


@pytest.mark.slow
@pytest.mark.parametrize("path", SOLVED, ids=lambda path: path.stem)
def test_every_check_of_the_solved_notebook_returns_its_full_points(path, nothing_here):
    cells = run(path, **nothing_here)
    assert printed(cells) == ""
    checks = [cell for cell in cells if cell.metadata.get("nbgrader", {}).get("grade")]
    for cell in checks:
        (returned,) = [o for o in cell.outputs if o.output_type == "execute_result"]
        assert float(returned.data["text/plain"]) == cell.metadata.nbgrader.points
    assert len(checks) > 0


# ---- the texts behind the notebooks ----


def shared_functions(texts):
    """Return the functions that more than one unit defines, from unit -> source."""
    units = {}
    for unit, source in texts:
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                units.setdefault(node.name, set()).add(unit)
    return {name for name, found in units.items() if len(found) > 1}


def test_shared_functions_are_found_across_units_only():
    same = "def one():\n    pass\n"
    assert shared_functions([("01", same), ("02", same + "def two():\n    pass\n")]) == {"one"}
    assert shared_functions([("01", same), ("01", same)]) == set()


def test_no_function_is_written_out_in_two_units():
    texts = [(path.stem, path.read_text(encoding="utf-8")) for path in TEXTS]
    assert shared_functions(texts) - SAME_NAME_IN_TWO_UNITS == set()


def resolve(dotted):
    """Return what a dotted name stands for."""
    parts = dotted.split(".")
    found = importlib.import_module(parts[0])
    for position, part in enumerate(parts[1:], start=2):
        if not hasattr(found, part):
            importlib.import_module(".".join(parts[:position]))
        found = getattr(found, part)
    return found


@pytest.mark.parametrize("name", ["medmeta_ref.no_module", "medmeta_ref.metrics.no_function"])
def test_name_that_is_not_there_is_noticed(name):
    with pytest.raises(ImportError):
        resolve(name)


@pytest.mark.parametrize("path", [*TEXTS, ROOT / "README.md"], ids=lambda path: path.name)
def test_every_name_of_the_package_in_the_prose_is_there(path):
    prose = path.read_text(encoding="utf-8")
    for dotted in re.findall(r"`(medmeta_ref(?:\.[A-Za-z_]\w*)+)", prose):
        resolve(dotted)


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_no_cell_of_a_lesson_is_longer_than_a_screen(path):
    text, problems = read_percent(path.with_suffix(".py"), name=f"lessons/{path.stem}.py")
    assert problems == []
    lengths = {
        cell.line: len(cell.source.splitlines()) for cell in text.cells if cell.kind == "code"
    }
    too_long = {line: length for line, length in lengths.items() if length > LONGEST_CELL}
    assert too_long == {}
