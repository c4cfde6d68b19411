"""Every unit, graded as at the end of a course: in the sandbox, where no reference is at hand."""

import nbformat
import pytest

from medmeta_ref.authoring.builder import course_root
from medmeta_ref.grading.answers import read_answers
from medmeta_ref.grading.results import State
from medmeta_ref.grading.sandbox.grade import Sandbox, grade_answers
from medmeta_ref.grading.spec_runner import exercises, max_points
from tests.sandboxed import SECRET

ROOT = course_root()
UNITS = sorted(path.stem for path in (ROOT / "solutions").glob("*.py"))


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as made:
        yield made


def released(unit):
    """Return the answer cells of the notebook that learners get, as they get it."""
    notebook = nbformat.read(ROOT / "exercises" / unit / f"{unit}.ipynb", as_version=4)
    cells = [(cell, cell.metadata.get("nbgrader", {})) for cell in notebook.cells]
    return {about.grade_id: cell.source for cell, about in cells if about.get("solution")}


def graded(answers, unit, sandbox):
    return grade_answers(answers, unit, secret=SECRET, student="ada", sandbox=sandbox)


@pytest.mark.parametrize("unit", UNITS)
def test_published_solution_gets_every_point(unit, sandbox):
    result = graded(read_answers(ROOT / "solutions" / f"{unit}.py"), unit, sandbox)
    names = [name for name in exercises() if name.startswith(unit[:2])]
    lost = [c for e in result.exercises for c in e.checks if c.state is not State.RIGHT]
    assert lost == []
    assert result.points == result.max_points == sum(map(max_points, names))


@pytest.mark.parametrize("unit", UNITS)
def test_release_as_it_was_handed_out_gets_nothing_and_is_not_attempted(unit, sandbox):
    result = graded(released(unit), unit, sandbox)
    assert result.points == 0
    states = {check.state for each in result.exercises for check in each.checks}
    assert states == {State.NOT_ATTEMPTED}
