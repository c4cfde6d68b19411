"""Test cases as answers: judged by running our own functions, and worth what they catch."""

import itertools
from dataclasses import replace

import pytest

from medmeta_ref.questions.kinds import Mutant, Mutants, Words, same
from medmeta_ref.questions.lint_keys import key_problems
from medmeta_ref.questions.mutants import MAX_LENGTH, MAX_SIZE

W = Words("words", "文字")
QUESTION = Mutants(
    id="spread",
    title=W,
    stem=W,
    objective=W,
    source="a paper",
    head="def spread(numbers, scale):",
    right="return (max(numbers) - min(numbers)) * scale",
    mutants=(
        Mutant("return max(numbers) * scale", same("the least is 0")),
        Mutant("return max(numbers) - min(numbers)", same("the scale is 1")),
        Mutant("return (numbers[-1] - numbers[0]) * scale", same("they are sorted")),
        Mutant("return (sorted(numbers)[1] - min(numbers)) * scale", same("there are two")),
    ),
    example=([3, 7, 2], 5),
    careless=(([0, 1], 1), ([0, 2, 4], 1), ([3, 5], 1)),
    why=W,
)


def by_hand(numbers, scale):
    """Return which of the four give what the right one gives."""
    want = (max(numbers) - min(numbers)) * scale
    given = (
        max(numbers) * scale,
        max(numbers) - min(numbers),
        (numbers[-1] - numbers[0]) * scale,
        (sorted(numbers)[1] - min(numbers)) * scale,
    )
    return [n for n, each in enumerate(given) if each == want]


def test_survivors_are_those_that_brute_force_finds():
    seen = set()
    for *numbers, scale in itertools.product(range(3), repeat=4):
        survivors = QUESTION.survivors((numbers, scale))
        assert survivors == by_hand(numbers, scale)
        seen.add(tuple(survivors))
    assert () in seen
    assert (0, 1, 2, 3) in seen


def test_share_is_what_is_caught_beyond_a_careless_case():
    assert QUESTION.free == 1  # ([0, 2, 4], 1) catches the last one, ([3, 5], 1) the first
    for *numbers, scale in itertools.product(range(3), repeat=4):
        caught = 4 - len(by_hand(numbers, scale))
        share = QUESTION.judge(QUESTION.case((numbers, scale))).share
        assert share == pytest.approx(max(0, (caught - 1) / 3))


def test_first_survivor_is_explained():
    assert QUESTION.judge((([3, 5], 1), 2)).why.en == (
        "1 of 4 are caught. b passes your test: the scale is 1"
    )
    assert QUESTION.judge(QUESTION.right_answer()) == (1.0, W)


def test_case_that_the_right_function_would_fail_is_worth_nothing():
    verdict = QUESTION.judge((([3, 7, 2], 5), 24))
    assert verdict.share == 0
    assert "The right function would fail your test" in verdict.why.en
    assert "25" not in verdict.why.en


def test_arguments_that_the_right_function_cannot_take_are_worth_nothing():
    verdict = QUESTION.judge((([], 5), 0))
    assert verdict.share == 0
    assert "cannot work with these" in verdict.why.en


def test_wrong_function_that_raises_is_caught():
    assert 3 not in QUESTION.survivors(([2], 0))  # there is no second number
    assert by_hand([2, 2], 0) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "answer",
    [
        "([3, 7, 2], 5), 25",
        ([3, 7, 2], 5),
        (([3, 7, 2],), 25),
        (([3, 7, 2], 5, 1), 25),
        (([3, "7", 2], 5), 25),
        (([3, True], 5), 25),
        (([3, float("nan")], 5), 25),
        (([[3], [7]], 5), 25),
        (([MAX_SIZE * 2, 0], 5), 25),
        (([10**5000, 0], 5), 25),
        (([1] * (MAX_LENGTH + 1), 5), 0),
        (([3, 7, 2], 5), None),
        25,
        {"numbers": [1]},
    ],
)
def test_what_is_no_small_case_is_refused_and_never_run(answer, monkeypatch):
    monkeypatch.setattr(Mutants, "_call", lambda *_: pytest.fail("it was run"))
    verdict = QUESTION.judge(answer)
    assert verdict.share == 0
    assert "A pair of arguments and result was expected" in verdict.why.en


def test_function_that_changes_its_list_does_not_change_it_for_the_next():
    greedy = replace(
        QUESTION, mutants=(Mutant("return numbers.pop() * scale", W), *QUESTION.mutants[1:])
    )
    numbers = [3, 7, 2]
    assert greedy.survivors((numbers, 5)) == []
    assert numbers == [3, 7, 2]


def test_listing_shows_the_signature_and_not_the_right_line():
    assert QUESTION.code_for("") == "def spread(numbers, scale):\n    ..."
    [shown] = QUESTION.lists()
    assert [mark for mark, _ in shown.items] == list("abcd")
    assert not any(QUESTION.right in text.en for _, text in shown.items)


PLANTED = {
    "example lets one pass": ({"example": ([3, 7, 2], 1)}, "has an example that lets b pass"),
    "three only": ({"mutants": QUESTION.mutants[:3]}, "needs four wrong functions"),
    "no careless case": ({"careless": ()}, "a careless case at least"),
    "caught by everything": (
        {"mutants": (*QUESTION.mutants, Mutant("return -9", W))},
        "that every careless case catches: 'return -9'",
    ),
    "no syntax": ({"right": "return ("}, "cannot be computed: SyntaxError"),
}


@pytest.mark.parametrize(("changes", "says"), PLANTED.values(), ids=PLANTED)
def test_linter_finds_what_is_planted(changes, says):
    found = list(key_problems(replace(QUESTION, **changes)))
    assert any(says in line for line in found), found


def test_linter_has_nothing_against_the_question_before():
    assert list(key_problems(QUESTION)) == []
