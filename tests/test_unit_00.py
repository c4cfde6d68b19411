"""What unit 00 says of checks and grading is what checks and grading do."""

import random
import warnings

import pytest
import torch

from medmeta_ref.authoring.builder import course_root
from medmeta_ref.grading.answers import read_answers
from medmeta_ref.grading.results import State
from medmeta_ref.grading.sandbox.grade import Sandbox, grade_answers
from medmeta_ref.grading.spec_runner import run_spec
from medmeta_ref.questions.bank import unit
from tests.sandboxed import SECRET

UNIT = "00_orientation"
QUESTIONS = {question.id: question for question in unit("00").questions}
KINDS = [
    "single",
    "match",
    "multi",
    "numeric",
    "predict",
    "order",
    "shape",
    "formula",
    "bug",
    "mutant",
]


def test_every_kind_of_question_is_met_once():
    assert [question.kind for question in unit("00").questions] == KINDS


# ---- the four states, as the question tells them ----


def untouched(images):
    raise NotImplementedError


def misspelt(images):
    return images.sdt()


def without_return(images):
    images.mean()


def with_warnings(images):
    warnings.warn("slow", stacklevel=1)
    return images.mean(), images.std(correction=0)


def variance(images):
    return images.mean(), images.var(correction=0)


def fails_for_one_of_two_shapes(images, mean, std):
    if len(images) == 5:
        raise ZeroDivisionError
    return (images - mean) / std


def test_states_of_the_question_are_those_of_the_checks():
    answers = [untouched, misspelt, without_return, with_warnings]
    results = [run_spec("00.mean_std", answer) for answer in answers]
    results += [run_spec("00.standardise", fails_for_one_of_two_shapes)]
    results += [run_spec("00.mean_std", variance)]
    states = [result.checks[-1].state.value for result in results]
    assert states == [pair.right.en for pair in QUESTIONS["four_states"].pairs]
    assert "variance" in results[-1].checks[-1].message


# ---- what grading takes ----


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as made:
        yield made


def graded(sandbox, **changes):
    """Return the result of the first exercise, of the solution with some cells changed."""
    answers = read_answers(course_root() / "solutions" / f"{UNIT}.py") | changes
    result = grade_answers(answers, UNIT, secret=SECRET, student="ada", sandbox=sandbox)
    [exercise] = [each for each in result.exercises if each.exercise == "00.mean_std"]
    return exercise


def test_helper_in_a_cell_of_ones_own_raises_a_name_error_at_grading(sandbox):
    result = graded(sandbox, mean_std="def mean_std(images):\n    return helper(images)\n")
    assert {check.state for check in result.checks} == {State.RAISED}
    assert "NameError" in result.checks[0].message


@pytest.mark.parametrize(
    "cell",
    [
        "def mean_and_std(images):\n    return images.mean(), images.std(correction=0)\n",
        "def mean_std(images):\n    return 0.5, 0.25\n",
    ],
)
def test_another_name_and_copied_numbers_have_no_points(sandbox, cell):
    assert graded(sandbox, mean_std=cell).points == 0


def test_progress_on_both_streams_costs_nothing(sandbox):
    loud = (
        "import sys\ndef mean_std(images):\n    print('50%', file=sys.stderr)\n"
        "    return images.mean(), images.std(correction=0)\n"
    )
    result = graded(sandbox, mean_std=loud)
    assert result.points == result.max_points == 6


# ---- keys, by other means ----


def test_pooled_variance_is_that_of_all_pixels():
    generator = torch.Generator().manual_seed(0)
    dark, bright = torch.rand(2, 50, generator=generator, dtype=torch.float64)
    bright = 3 * bright + 1
    both = torch.cat([dark, bright]).var(correction=0).item()
    numbers = {"a": dark.mean(), "b": bright.mean()}
    numbers |= {"v": dark.var(correction=0), "w": bright.var(correction=0)}
    assert QUESTIONS["pooled_variance"].key(**numbers).item() == pytest.approx(both)


def test_random_numbers_of_the_predicted_snippet_are_all_different():
    assert QUESTIONS["same_seed"].right_answer() == (False, True, 6)


def test_random_cases_rarely_catch_every_wrong_function():
    question, generator = QUESTIONS["test_case"], random.Random(0)
    shares = []
    for _ in range(200):
        low, high, *pixels = (generator.randint(0, 3) for _ in range(5))
        if low != high:
            shares.append(question.judge(question.case((pixels, low, high))).share)
    assert 0 < sum(share == 1 for share in shares) < len(shares) / 2
