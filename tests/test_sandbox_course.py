"""The whole course through intake and sandbox: answers, no answers, and every known mistake.

Units and wrong answers are found by themselves, so that a new one is covered at once.
"""

import ast
import functools
import inspect
import json
import sys
import textwrap
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


# Stands for the decorator that registers wrong answers.
_COLLECTOR = """\
_answers = {}
def wrong(*loses, says):
    return lambda answer: _answers.setdefault(answer.__name__, answer)
"""


def cell(function, name):
    """Return the text of a cell that holds a wrong answer.

    Of an answer without arguments, what it returns; of any other its whole module, in a function,
    so that no name of the module stands in for another exercise.

    Args:
        function: the wrong answer.
        name: what the exercise calls it.
    """
    if not inspect.signature(function).parameters:
        return f"def {name}():\n    return {function()!r}"
    kept = []
    for node in ast.parse(Path(inspect.getfile(function)).read_text(encoding="utf-8")).body:
        if not (isinstance(node, ast.ImportFrom) and str(node.module).startswith("tests")):
            kept.append(ast.unparse(node))
    body = textwrap.indent("\n".join([_COLLECTOR, *kept]), "    ")
    body += f"\n    return _answers[{function.__name__!r}]"
    return f"def made():\n{body}\n\n{name} = made()"


def builds_on(unit, name):
    """Return the exercises whose published solution calls that of another, directly or not."""
    found, border = set(), {name}
    while border:
        border = {
            other
            for other, source in solved(unit).items()
            if border & {n.id for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Name)}
        } - found
        found |= border
    return found - {name}


def test_exercises_of_unit_03_stand_on_their_own():
    assert {name: builds_on("03_distillation", name) for name in solved("03_distillation")} == {
        name: set() for name in solved("03_distillation")
    }


@pytest.mark.parametrize(
    "answer", WRONG_ANSWERS, ids=lambda a: f"{a.exercise}-{a.function.__name__}"
)
def test_wrong_answer_loses_the_named_checks_and_no_others(answer, sandbox):
    number, _, name = answer.exercise.partition(".")
    [unit] = [unit for unit in UNITS if unit.startswith(f"{number}_")]
    answers = solved(unit) | {name: cell(answer.function, name)}
    results = graded(fill_in(released(unit), answers), unit, sandbox)
    lost = {
        exercise: [check for check in result.checks if check.points < check.max_points]
        for exercise, result in results.items()
    }
    assert {check.test for check in lost[answer.exercise]} == answer.loses
    assert all(check.message for check in lost[answer.exercise]), "a lost check that says nothing"
    elsewhere = {exercise.partition(".")[2] for exercise, checks in lost.items() if checks}
    assert elsewhere <= {name} | builds_on(unit, name)


def test_cell_of_a_wrong_answer_runs_by_itself():
    import torch

    answer = next(a for a in WRONG_ANSWERS if a.function.__name__ == "no_t_squared")
    names = {"torch": torch, "F": torch.nn.functional}
    exec(cell(answer.function, "loss"), names)
    assert "no_t_squared" not in names
    assert sys.modules[answer.function.__module__].no_t_squared is not names["loss"]
    z = torch.tensor([[0.0, 1.0]])
    assert names["loss"](z, z, torch.tensor([1]), temperature=1.0, alpha=1.0) == 0
