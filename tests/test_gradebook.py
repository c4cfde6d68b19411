"""From hand-in to feedback page: who gets how many points in nbgrader's gradebook, and why.

One batch of submissions is graded once, in a copy of the course; the tests look at the outcome.
"""

import ast
import inspect
import json
import os
import shutil
import subprocess
import sys
from html.parser import HTMLParser

import psutil
import pytest
from nbgrader.api import Gradebook

from medmeta_ref.authoring.builder import build, course_root
from medmeta_ref.grading.answers import fill_in, read_answers
from medmeta_ref.grading.gradebook import Course, grade, read_results, submitted_students
from medmeta_ref.grading.report import as_text, headline
from medmeta_ref.grading.results import State
from medmeta_ref.grading.spec_runner import exercises, max_points
from tests.wrong_answers import WRONG_ANSWERS, unit_03

pytestmark = pytest.mark.slow

ROOT = course_root()
UNIT = "03_distillation"
TOTAL = 100
SOLVED = read_answers(ROOT / "solutions" / f"{UNIT}.py")

NOISE = """

import functools, logging, os, sys, warnings

logging.basicConfig()  # its handler keeps the stream of this cell


def noisy(function):
    @functools.wraps(function)
    def louder(*args, **kwargs):
        warnings.warn("a warning of mine")
        print("a line on stderr", file=sys.stderr)
        logging.getLogger("mine").error("a line in a log")
        os.write(2, b"a line from C\\n")
        return function(*args, **kwargs)

    return louder


{name} = noisy({name})
"""

INJECTION = "<img src=x onerror=alert(1)><script>alert(1)</script>"


def noisy(name):
    return SOLVED[name] + NOISE.format(name=name)


def as_cell(answer):
    """Return the source of a wrong answer as a learner would type it, with what it needs."""
    if answer.exercise.endswith(".questions"):  # plain values, which are written as they are
        return f"def questions():\n    return {answer.function()!r}"
    parts = []
    for name in answer.function.__code__.co_names:
        value = vars(unit_03).get(name)
        if inspect.isfunction(value):
            parts.append(inspect.getsource(value))
        elif isinstance(value, tuple):
            parts.append(f"{name} = {value!r}")
    (function,) = ast.parse(inspect.getsource(answer.function)).body
    function.name, function.decorator_list = answer.exercise.split(".")[1], []
    return "\n\n".join([*parts, ast.unparse(function)])


def mistaken(number):
    """Return one wrong answer to each exercise: the first, the second, ..."""
    by_exercise = {}
    for answer in WRONG_ANSWERS:
        if answer.exercise.startswith("03."):
            by_exercise.setdefault(answer.exercise, []).append(answer)
    return {name.split(".")[1]: found[number] for name, found in by_exercise.items()}


MISTAKEN = {f"mistaken-{number}": mistaken(number) for number in (0, 2)}

SUBMISSIONS = {
    "untouched": {},
    "solved": SOLVED,
    "noisy": {name: noisy(name) for name in SOLVED},
    "sample": read_answers(ROOT / "tests" / "samples" / f"{UNIT}.py"),
    "broken": SOLVED
    | {
        "soft_targets": "# I will do this tomorrow",
        "label_weight": f"def label_weight(labels):\n    raise ValueError({INJECTION!r})",
    },
    **{
        student: {name: as_cell(answer) for name, answer in answers.items()}
        for student, answers in MISTAKEN.items()
    },
}


def hand_in(root, student, answers):
    released = root / "exercises" / UNIT / f"{UNIT}.ipynb"
    path = root / "submitted" / student / UNIT / f"{UNIT}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(fill_in(released, answers), encoding="utf-8")
    return path


@pytest.fixture(scope="module", autouse=True)
def secret():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEDMETA_SECRET", "a secret of the course")
        yield


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    root = tmp_path_factory.mktemp("course")
    shutil.copy(ROOT / "nbgrader_config.py", root)
    (root / "solutions").mkdir()
    shutil.copy(ROOT / "solutions" / f"{UNIT}.py", root / "solutions")
    build(root)
    for student, answers in SUBMISSIONS.items():
        hand_in(root, student, answers)
    return root


def children():
    return {process.pid for process in psutil.Process().children(recursive=True)}


@pytest.fixture(scope="module")
def others(course):
    """Return the processes that tests of other files have left running."""
    return children()


@pytest.fixture(scope="module")
def grades(course, others):
    path = os.environ["PATH"]
    graded = list(grade(Course(course), UNIT, submitted_students(course, UNIT)))
    assert os.environ["PATH"] == path
    return {one.student: one for one in graded}


def by_name(graded):
    return {result.exercise.split(".")[1]: result for result in graded.exercises}


def states(graded):
    return {check.state for result in graded.exercises for check in result.checks}


def test_all_who_handed_in_are_graded(course, grades):
    assert sorted(grades) == sorted(SUBMISSIONS) == submitted_students(course, UNIT)


def test_grading_leaves_no_process_behind(others, grades):
    assert children() - others == set()


def test_points_of_the_notebook_are_those_of_the_specs_and_100_in_all(course):
    notebook = json.loads((course / "exercises" / UNIT / f"{UNIT}.ipynb").read_text())
    fields = [cell["metadata"].get("nbgrader", {}) for cell in notebook["cells"]]
    points = {f["grade_id"].removesuffix("_check"): f["points"] for f in fields if f.get("grade")}
    in_specs = {e.split(".")[1]: max_points(e) for e in exercises() if e.startswith("03.")}
    assert points == in_specs
    assert sum(points.values()) == TOTAL


def test_untouched_exercise_gets_0_and_every_verdict_is_not_attempted(grades):
    untouched = grades["untouched"]
    assert (untouched.score, untouched.max_score) == (0, TOTAL)
    assert states(untouched) == {State.NOT_ATTEMPTED}


def test_published_solutions_get_every_point(grades):
    solved = grades["solved"]
    assert (solved.score, solved.max_score) == (TOTAL, TOTAL)
    assert states(solved) == {State.RIGHT}


def test_right_answers_that_warn_log_and_print_to_stderr_get_every_point(grades):
    assert grades["noisy"].score == TOTAL
    for result in grades["noisy"].exercises:
        notes = "\n".join(result.notes)
        # In the notebook a log and what C writes are told as well; the sandbox drops them.
        for words in ("a warning of mine", "a line on stderr"):
            assert words in notes, (result.exercise, words)


def test_half_right_sample_shows_all_four_states(grades):
    assert states(grades["sample"]) == set(State)


@pytest.mark.parametrize("student", sorted(SUBMISSIONS))
def test_score_in_nbgraders_gradebook_is_the_sum_of_the_verdicts(course, grades, student):
    verdicts = {name: result.points for name, result in by_name(grades[student]).items()}
    with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        cells = gradebook.find_submission_notebook(UNIT, UNIT, student).grades
        scores = {cell.name.removesuffix("_check"): cell.score for cell in cells}
        by_hand = [cell.name for cell in cells if cell.needs_manual_grade]
    assert scores == verdicts
    assert grades[student].score == sum(verdicts.values())
    assert by_hand == []


def test_function_that_is_gone_costs_its_own_points_and_says_so(grades):
    results = by_name(grades["broken"])
    gone = results["soft_targets"]
    assert {check.state for check in gone.checks} == {State.RAISED}
    assert (gone.points, gone.max_points) == (0, 8)
    assert all("the cell defines no 'soft_targets'" in check.message for check in gone.checks)
    lost = {name for name, result in results.items() if result.points < result.max_points}
    assert lost == {"soft_targets", "label_weight"}
    assert grades["broken"].score == TOTAL - 8 - 5


@pytest.mark.parametrize(
    ("student", "name"),
    [(student, name) for student, answers in MISTAKEN.items() for name in answers],
)
def test_wrong_answer_loses_exactly_the_intended_points(grades, student, name):
    answer = MISTAKEN[student][name]
    worth = {check.test: check.max_points for check in by_name(grades["solved"])[name].checks}
    result = by_name(grades[student])[name]
    assert result.points == sum(worth.values()) - sum(worth[test] for test in answer.loses)
    first_lost = next(check for check in result.checks if check.state is not State.RIGHT)
    assert answer.says in first_lost.message


class _Page(HTMLParser):
    """The text of a page as a reader sees it, its scripts, and its tags with their attributes."""

    def __init__(self, page):
        super().__init__()
        self.text, self.scripts, self.attributes, self._in = "", "", set(), ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self._in = tag
        self.attributes |= {name for name, _ in attrs}

    def handle_endtag(self, tag):
        self._in = ""

    def handle_data(self, data):
        if self._in == "script":
            self.scripts += data
        elif self._in != "style":
            self.text += data


@pytest.mark.parametrize("student", sorted(SUBMISSIONS))
def test_feedback_page_shows_every_table_and_title(grades, student):
    text = _Page(grades[student].feedback.read_text(encoding="utf-8")).text
    flowing = " ".join(text.split())
    for result in grades[student].exercises:
        assert as_text(result) in text
        for check in result.checks:
            assert " ".join(check.title.split()) in flowing


def test_feedback_page_shows_a_learners_markup_and_never_runs_it(grades):
    page = _Page(grades["broken"].feedback.read_text(encoding="utf-8"))
    assert INJECTION in " ".join(page.text.split())
    assert "alert(1)" not in page.scripts
    assert not any(name.startswith("on") for name in page.attributes)


def test_grading_twice_gives_the_same(course, grades):
    (again,) = grade(Course(course), UNIT, ["sample"])
    assert again == grades["sample"]


def test_check_cell_without_a_result_gets_a_verdict_of_its_own(course, grades, tmp_path):
    graded = course / "autograded" / "solved" / UNIT / f"{UNIT}.ipynb"
    notebook = json.loads(graded.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = []
    emptied = tmp_path / f"{UNIT}.ipynb"
    emptied.write_text(json.dumps(notebook), encoding="utf-8")
    results = list(read_results(emptied))
    assert [result.exercise for result in results] == [
        r.exercise for r in grades["solved"].exercises
    ]
    assert {result.points for result in results} == {0}
    assert sum(result.max_points for result in results) == TOTAL
    assert {result.checks[0].message for result in results} == {
        "the cell of this check left no result"
    }


def test_unreadable_submission_gets_0_and_a_note_and_does_not_stop_those_after_it(course, grades):
    path = hand_in(course, "torn", {})
    path.write_text(path.read_text(encoding="utf-8")[:200], encoding="utf-8")
    try:
        torn, untouched = grade(Course(course), UNIT, ["torn", "untouched"])
    finally:
        shutil.rmtree(path.parents[1])
    torn, untouched = sorted((torn, untouched))
    assert untouched == grades["untouched"]
    assert torn.score == 0
    assert states(torn) == {State.NOT_ATTEMPTED}
    page = _Page(torn.feedback.read_text(encoding="utf-8")).text
    assert "All exercises count as not attempted." in page


def validate(course, student):
    notebook = f"submitted/{student}/{UNIT}/{UNIT}.ipynb"
    return subprocess.run(
        [sys.executable, "-m", "nbgrader", "validate", notebook],
        cwd=course,
        capture_output=True,
        text=True,
        timeout=180,
    )


def test_nbgraders_validate_shows_the_whole_table_of_a_check_that_fails(course, grades):
    done = validate(course, "sample")
    shown = [line.strip() for line in done.stdout.splitlines()]
    flowing = " ".join(done.stdout.split())
    for result in grades["sample"].exercises:
        if result.points < result.max_points:
            assert headline(result) in shown
            assert all(" ".join(check.title.split()) in flowing for check in result.checks)
        else:
            assert headline(result) not in shown
    assert not any(line.endswith("...") for line in shown)
    assert "Traceback" not in done.stdout
    assert "WARNING" not in done.stderr


def test_nbgraders_validate_calls_the_solved_notebook_a_success(course, grades):
    done = validate(course, "solved")
    assert done.stdout.strip() == "Success! Your notebook passes all the tests."
    assert done.returncode == 0, done.stderr
