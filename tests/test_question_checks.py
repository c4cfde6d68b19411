"""The check of a unit's questions: shares, states, variants; in the notebook and in the sandbox."""

import pytest

from medmeta_ref.grading.results import CheckResult, ExerciseResult, Scored, State
from medmeta_ref.grading.sandbox.grade import Sandbox
from medmeta_ref.grading.spec_runner import max_points, run_spec
from medmeta_ref.questions.bank import all_units, unit
from tests.sandboxed import graded, solutions

QUESTIONS = {question.id: question for question in unit("03").questions}


def right(student=""):
    return {name: question.right_answer(student) for name, question in QUESTIONS.items()}


def found(answers, exercise="03.questions"):
    result = run_spec(exercise, lambda: answers)
    return result, {c.test.partition("[")[2][:-1]: c for c in result.checks}


@pytest.mark.parametrize("student", ["", "ada", "ben", "学生甲"])
@pytest.mark.parametrize("number", [each.number for each in all_units()])
def test_right_answers_of_any_variant_earn_everything(number, student):
    answers = {q.id: q.right_answer(student) for q in unit(number).questions}
    result, checks = found(answers | {"student": student}, f"{number}.questions")
    assert {check.state for check in checks.values()} == {State.RIGHT}
    assert result.points == sum(question.points for question in unit(number).questions)
    assert all(check.message for check in checks.values()), "right, and nothing said why"


def test_declared_points_are_those_of_the_questions():
    assert (
        max_points("03.questions") == sum(question.points for question in QUESTIONS.values()) == 20
    )


def test_a_dict_does_as_well_as_a_function():
    assert run_spec("03.questions", right()).points == 20


def test_what_is_missing_or_a_placeholder_is_not_attempted():
    for answers in ({}, dict.fromkeys(QUESTIONS), dict.fromkeys(QUESTIONS, ...)):
        result, checks = found(answers)
        assert {check.state for check in checks.values()} == {State.NOT_ATTEMPTED}
        assert result.points == 0
    _, checks = found({"t_squared": "b", "dark_knowledge": set(), "protocol": ""})
    states = {name: check.state for name, check in checks.items()}
    assert states.pop("t_squared") is State.RIGHT
    assert set(states.values()) == {State.NOT_ATTEMPTED}


def test_a_share_is_shown_as_wrong_with_a_part_of_the_points():
    _, checks = found({"dark_knowledge": {"a", "c"}})
    check = checks["dark_knowledge"]
    # Jaccard 2/3, less 3/5 for choosing all: (2/3 - 3/5) / (2/5) = 1/6 of 2 points.
    assert check.state is State.WRONG
    assert check.share == pytest.approx(1 / 6)
    assert check.points == 0.33


def test_share_survives_storing_and_old_results_read_without_one():
    result, _ = found({"dark_knowledge": {"a", "c"}})
    assert ExerciseResult.from_json(result.to_json()) == result
    data = result.to_json()
    for check in data["checks"]:
        del check["share"]
    assert ExerciseResult.from_json(data).points == 0


def test_a_share_counts_for_a_wrong_answer_only():
    for state, points in ((State.RIGHT, 4), (State.WRONG, 1), (State.RAISED, 0)):
        assert CheckResult("t", "T.", state, 4.0, "", 0.25).points == points
    for share in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match="goes from 0 to 1"):
            Scored(share, "")


def test_the_variant_is_the_one_that_the_answers_name():
    with_numbers = [name for name, question in QUESTIONS.items() if question.values("ada")]
    assert len(with_numbers) >= 3
    _, checks = found(right("ada") | {"student": "ben"})
    assert {n for n, c in checks.items() if c.state is not State.RIGHT} <= set(with_numbers)
    assert any(checks[name].state is State.WRONG for name in with_numbers)
    result, checks = found(right("ada") | {"student": " Ada"})
    assert {check.state for check in checks.values()} == {State.RIGHT}
    assert result.notes == ("Judged with the numbers of student ' Ada'.",)


def test_explanations_come_in_the_language_of_the_answers():
    _, english = found({"t_squared": "a"})
    _, chinese = found({"t_squared": "a", "language": "zh"})
    why = QUESTIONS["t_squared"].options[0].why
    assert english["t_squared"].message == f"a: {why.en}"
    assert chinese["t_squared"].message == f"a\uff1a{why.zh}"


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        (None, "A dict from question to answer was expected, got NoneType"),
        ([], "got list"),
        ({"t_squared": "b", "student": 3}, '"student" should be a name'),
        ({"t_squared": "b", "student": "x" * 81}, '"student" should be a name'),
        ({"t_squared": "b", "language": "de"}, '"language" should be "en" or "zh"'),
        ({"t_squared": "b", "language": ["zh"]}, '"language" should be "en" or "zh"'),
    ],
)
def test_answers_of_no_use_are_wrong_and_told_why(answers, says):
    _, checks = found(answers)
    assert checks["t_squared"].state is State.WRONG
    assert says in checks["t_squared"].message


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as made:
        yield made


def test_every_kind_of_answer_crosses_the_sandbox(sandbox):
    result = graded(solutions(), sandbox)["questions"]
    assert result.points == 20, result


CELLS = {
    "template": (
        "def questions():\n    return {'t_squared': ..., 'protocol': ..., 'batchmean': None}",
        {State.NOT_ATTEMPTED},
    ),
    "released": (
        "def questions():\n    raise NotImplementedError('your code goes here')",
        {State.NOT_ATTEMPTED},
    ),
    "a dict instead": ("questions = {'t_squared': 'b'}", {State.RIGHT, State.NOT_ATTEMPTED}),
    "an ellipsis in a dict": ("questions = {'t_squared': ...}", {State.NOT_ATTEMPTED}),
    "raises": ("def questions():\n    return {1: 2}[0]", {State.RAISED}),
    "an object that equals everything": (
        "class Yes(str):\n    __eq__ = lambda *_: True\n    __hash__ = str.__hash__\n"
        "def questions():\n    return {n: Yes('b') for n in ['t_squared']}",
        {State.WRONG, State.NOT_ATTEMPTED},
    ),
    "huge": (
        "def questions():\n    return {'batchmean': 10**4000, 'hot_gradient': '(' * 10**5,\n"
        "            'protocol': 'a' * 10**5, 'ensemble_targets': (10**900,) * 50}",
        {State.WRONG, State.NOT_ATTEMPTED},
    ),
    "nested": (
        "def questions():\n    return {'kl_facts': [[[[[]]]]], 'smaller_models': {1: {2: {}}},\n"
        "            'dark_knowledge': [['a']], 'stored_logits': ((1,), [2])}",
        {State.WRONG, State.NOT_ATTEMPTED},
    ),
    "a tensor": (
        "def questions():\n    return {n: torch.ones(2) for n in ['t_squared', 'batchmean']}",
        {State.WRONG, State.NOT_ATTEMPTED},
    ),
}


@pytest.mark.parametrize(("cell", "states"), CELLS.values(), ids=CELLS)
def test_odd_answers_cost_their_points_and_nothing_else(sandbox, cell, states):
    result = graded({"questions": cell}, sandbox)["questions"]
    assert {check.state for check in result.checks} == states, result
    assert all(len(check.message) < 500 for check in result.checks)
    assert result.points == (1 if State.RIGHT in states else 0)


def test_the_name_in_the_answers_counts_and_not_that_of_the_folder(sandbox):
    cell = f"questions = {right('ada') | {'student': 'ada'}!r}"
    assert graded({"questions": cell}, sandbox, student="ben")["questions"].points == 20
