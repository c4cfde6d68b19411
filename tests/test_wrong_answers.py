"""Every check catches what it should, names it, and leaves right answers alone."""

from collections import Counter

import pytest
import torch

from medmeta_ref import distillation
from medmeta_ref.authoring.builder import course_root
from medmeta_ref.grading.answers import read_answers
from medmeta_ref.grading.results import State
from medmeta_ref.grading.spec_runner import exercises, max_points, run_spec
from tests.wrong_answers import WRONG_ANSWERS, import_all

ROOT = course_root()
import_all()


def solved(exercise, preamble="import math\nimport torch\nimport torch.nn.functional as F\n"):
    """Return the function of the published solution; it may call the answers above it."""
    unit, name = exercise.split(".")
    (text,) = (ROOT / "solutions").glob(f"{unit}_*.py")
    names = {}
    exec(preamble + "\n\n".join(read_answers(text).values()), names)
    return names[name]


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("exercise", exercises())
def test_published_solution_gets_every_point_for_any_seed(exercise, seed):
    result = run_spec(exercise, solved(exercise), seed=seed)
    assert {check.state for check in result.checks} == {State.RIGHT}, result
    assert result.points == result.max_points == max_points(exercise)


@pytest.mark.parametrize(
    "name",
    ["soft_targets", "distillation_loss", "distillation_gradient", "feature_distillation_loss"],
)
def test_reference_library_passes_the_checks_of_its_own_course(name):
    result = run_spec(f"03.{name}", getattr(distillation, name))
    assert result.points == result.max_points, result


@pytest.mark.parametrize(
    "answer", WRONG_ANSWERS, ids=lambda a: f"{a.exercise}-{a.function.__name__}"
)
def test_wrong_answer_loses_exactly_the_intended_checks(answer):
    result = run_spec(answer.exercise, answer.function)
    lost = [check for check in result.checks if check.points < check.max_points]
    assert {check.test for check in lost} == answer.loses
    assert answer.says in lost[0].message
    assert all(check.message for check in lost), "a lost check that says nothing"


@pytest.mark.parametrize(
    "answer", WRONG_ANSWERS, ids=lambda a: f"{a.exercise}-{a.function.__name__}"
)
def test_wrong_answer_is_wrong_for_every_seed(answer):
    for seed in (1, 2):
        result = run_spec(answer.exercise, answer.function, seed=seed)
        lost = {check.test for check in result.checks if check.points < check.max_points}
        assert lost == answer.loses


def test_every_exercise_has_at_least_five_wrong_answers():
    counts = Counter(answer.exercise for answer in WRONG_ANSWERS)
    assert {exercise: counts[exercise] for exercise in exercises() if counts[exercise] < 5} == {}


def test_every_check_is_lost_by_some_wrong_answer():
    lost = {(answer.exercise, test) for answer in WRONG_ANSWERS for test in answer.loses}
    declared = {
        (exercise, check.test)
        for exercise in exercises()
        for check in run_spec(exercise, solved(exercise)).checks
    }
    assert declared - lost == set()


@pytest.mark.parametrize("exercise", exercises())
def test_value_that_ignores_its_inputs_earns_nothing(exercise):
    for constant in (None, 0.0, torch.zeros(()), torch.ones(5, 3), {}, "right"):
        result = run_spec(exercise, lambda *args, value=constant, **kwargs: value)
        assert result.points == 0, (constant, result)
