"""Verdicts stand in the check cells as outputs that nbgrader reads the same points off."""

import copy
import json

import nbformat
import pytest
from nbgrader.utils import determine_grade

from medmeta_ref.authoring.builder import course_root
from medmeta_ref.grading.check import RESULT_MIME
from medmeta_ref.grading.graded_notebook import (
    MismatchError,
    as_nbformat,
    check_cells,
    write_verdicts,
)
from medmeta_ref.grading.report import as_text
from medmeta_ref.grading.results import CheckResult, ExerciseResult, State
from medmeta_ref.grading.sandbox.grade import UnitResult
from medmeta_ref.grading.stored_result import StoredResult

UNIT = "03_distillation"
RELEASED = json.loads((course_root() / "exercises" / UNIT / f"{UNIT}.ipynb").read_text())


def verdicts(notes=()):
    """Return a result in which every other exercise is right, and one has two checks."""
    results = []
    for number, (name, cell) in enumerate(check_cells(RELEASED).items()):
        points = float(cell["metadata"]["nbgrader"]["points"])
        state = State.RIGHT if number % 2 else State.WRONG
        checks = (
            CheckResult("test_a", "A title.", state, points - 1, "<b>bold</b>"),
            CheckResult("test_b", "Another.", State.RIGHT, 1, ""),
        )
        results.append(ExerciseResult(f"03.{name}", checks))
    unit = UnitResult(UNIT, tuple(reversed(results)), "digest", 0.1, 0.2)
    return StoredResult("ada", "key", unit, {}, notes)


@pytest.fixture
def graded():
    notebook = copy.deepcopy(RELEASED)
    write_verdicts(notebook, verdicts(notes=("A note.", "Another note.")))
    return notebook


def test_nbgrader_reads_the_points_of_the_verdicts(graded):
    points = {each.exercise: each.points for each in verdicts().result.exercises}
    for name, cell in check_cells(as_nbformat(graded)).items():
        assert determine_grade(cell)[0] == points[f"03.{name}"]


def test_notebook_is_one_by_nbformats_own_rules(graded):
    nbformat.validate(as_nbformat(graded))


def test_tables_are_text_and_hold_the_verdicts(graded):
    for name, cell in check_cells(graded).items():
        [result] = [e for e in verdicts().result.exercises if e.exercise == f"03.{name}"]
        *_, table, _value = cell["outputs"]
        assert table["data"] == {"text/plain": as_text(result), RESULT_MIME: result.to_json()}


def test_notes_are_told_once(graded):
    texts = [
        output["data"]["text/plain"]
        for cell in graded["cells"]
        for output in cell.get("outputs", [])
    ]
    assert [text for text in texts if "A note." in text] == [
        "How your notebook was read:\n- A note.\n- Another note."
    ]


def test_cells_that_check_nothing_are_left_alone(graded):
    checks = [id(cell) for cell in check_cells(graded).values()]
    for cell, released in zip(graded["cells"], RELEASED["cells"], strict=True):
        if id(cell) not in checks:
            assert cell == released


def test_points_that_differ_are_nobodys_fault_but_the_courses():
    notebook = copy.deepcopy(RELEASED)
    check_cells(notebook)["soft_targets"]["metadata"]["nbgrader"]["points"] = 9
    with pytest.raises(MismatchError, match=r"soft_targets is worth 9 points.* 8 in its spec"):
        write_verdicts(notebook, verdicts())


def test_exercise_without_a_verdict_is_not_given_any_points():
    stored = verdicts()
    less = stored.result._replace(exercises=stored.result.exercises[1:])
    missing = stored.result.exercises[0].exercise.partition(".")[2]
    with pytest.raises(MismatchError, match=f"do not match at {missing}"):
        write_verdicts(copy.deepcopy(RELEASED), stored._replace(result=less))
