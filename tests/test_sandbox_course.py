"""The whole course through intake and sandbox: answers, no answers, and every known mistake.

Units and wrong answers are found by themselves, so that a new one is covered at once.
"""

import ast
import functools
import inspect
import json
import sys
from pathlib import Path

import pytest

from medmeta_ref.grading.answers import fill_in, read_answers
from medmeta_ref.grading.rebuilding import rebuild
from medmeta_ref.grading.report import headline
from medmeta_ref.grading.results import State
from medmeta_ref.grading.sandbox.grade import Sandbox, grade_answers
from medmeta_ref.grading.spec_runner import exercises, max_points
from tests.sandboxed import ROOT, SECRET
from tests.test_wrong_answers import WRONG_ANSWERS

UNITS = sorted(path.stem for path in (ROOT / "solutions").glob("[0-9][0-9]_*.py"))


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as made:
        yield made


def released(unit):
    return ROOT / "exercises" / unit / f"{unit}.ipynb"


@functools.cache
def solved(unit):
    return read_answers(ROOT / "solutions" / f"{unit}.py")


def graded(notebook, unit, sandbox):
    """Return exercise -> result of a notebook that was handed in.

    Args:
        notebook: its text.
        unit: for instance "03_distillation".
        sandbox: where to run it.
    """
    rebuilt = rebuild(json.loads(released(unit).read_text()), notebook.encode())
    assert rebuilt.notes == ()
    cells = {
        cell["metadata"]["nbgrader"]["grade_id"]: "".join(cell["source"])
        for cell in rebuilt.notebook["cells"]
        if cell["cell_type"] == "code" and cell["metadata"].get("nbgrader", {}).get("solution")
    }
    result = grade_answers(cells, unit, secret=SECRET, student="ada", sandbox=sandbox)
    return {each.exercise: each for each in result.exercises}


def of_unit(unit):
    return [name for name in exercises() if name.partition(".")[0] == unit.partition("_")[0]]


def test_every_exercise_belongs_to_a_unit():
    assert sorted(name for unit in UNITS for name in of_unit(unit)) == sorted(exercises())


@pytest.mark.parametrize("unit", UNITS)
def test_published_solutions_get_every_point(unit, sandbox):
    results = graded(fill_in(released(unit), solved(unit)), unit, sandbox)
    assert {name: result.points for name, result in results.items()} == {
        name: max_points(name) for name in of_unit(unit)
    }
    assert {check.state for result in results.values() for check in result.checks} == {State.RIGHT}


@pytest.mark.parametrize("unit", UNITS)
def test_untouched_notebook_is_not_attempted(unit, sandbox):
    results = graded(released(unit).read_text(), unit, sandbox)
    assert set(results) == set(of_unit(unit))
    for result in results.values():
        assert result.points == 0
        assert {check.state for check in result.checks} == {State.NOT_ATTEMPTED}
        assert headline(result).endswith("points, not attempted")


def cell(function, name):
    """Return the text of a cell that holds a wrong answer, as a learner would have written it.

    Around it stands what its module holds besides other answers.

    Args:
        function: the wrong answer.
        name: what the exercise calls it.
    """
    source = Path(inspect.getfile(function)).read_text(encoding="utf-8")
    kept = []
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef) and node.name == function.__name__:
            node.decorator_list = []
        elif getattr(node, "decorator_list", []):
            continue
        elif isinstance(node, ast.ImportFrom) and str(node.module).startswith("tests"):
            continue
        kept.append(ast.unparse(node))
    return "\n\n".join([*kept, f"{name} = {function.__name__}"])


@pytest.mark.parametrize(
    "answer", WRONG_ANSWERS, ids=lambda a: f"{a.exercise}-{a.function.__name__}"
)
def test_wrong_answer_loses_the_named_checks_and_no_others(answer, sandbox):
    number, _, name = answer.exercise.partition(".")
    [unit] = [unit for unit in UNITS if unit.startswith(f"{number}_")]
    answers = solved(unit) | {name: cell(answer.function, name)}
    results = graded(fill_in(released(unit), answers), unit, sandbox)
    lost = {
        (exercise, check.test)
        for exercise, result in results.items()
        for check in result.checks
        if check.points < check.max_points
    }
    assert lost == {(answer.exercise, test) for test in answer.loses}
    messages = [check.message for check in results[answer.exercise].checks if check.message]
    assert answer.says in messages[0]


def test_cell_of_a_wrong_answer_runs_by_itself():
    import torch

    answer = next(a for a in WRONG_ANSWERS if a.function.__name__ == "no_t_squared")
    names = {"torch": torch, "F": torch.nn.functional}
    exec(cell(answer.function, "loss"), names)
    assert "wrong" not in names
    assert sys.modules[answer.function.__module__].no_t_squared is not names["loss"]
    z = torch.tensor([[0.0, 1.0]])
    assert names["loss"](z, z, torch.tensor([1]), temperature=1.0, alpha=1.0) == 0
