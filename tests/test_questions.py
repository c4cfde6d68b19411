"""How each kind of question is judged, against brute force and chance."""

import itertools
import math
from statistics import mean

import pytest
import torch
from scipy.stats import kendalltau

from medmeta_ref.questions.arranging import kendall_tau
from medmeta_ref.questions.kinds import (
    Bug,
    Fix,
    Formula,
    Match,
    Multi,
    Numeric,
    Order,
    Pair,
    Predict,
    Right,
    Shape,
    Single,
    Slip,
    Step,
    Words,
    Wrong,
    same,
)
from medmeta_ref.questions.question import LETTERS, draw
from medmeta_ref.questions.snippets import outcome

W = Words("words", "文字")
BASE = {"title": W, "stem": W, "objective": W, "source": "a paper", "answers": ("A4",)}


def single(right="b"):
    options = (Right if mark == right else Wrong for mark in "abcd")
    return Single(
        id="s",
        **BASE,
        options=tuple(o(same(f"o{n}"), same(f"w{n}")) for n, o in enumerate(options)),
    )


def multi(right, n_options):
    marks = LETTERS[:n_options]
    kinds = [Right if mark in right else Wrong for mark in marks]
    options = tuple(k(same(m), same(f"why {m}")) for k, m in zip(kinds, marks, strict=True))
    return Multi(id="m", **BASE, options=options)


def order(n_steps):
    return Order(id="o", **BASE, steps=tuple(Step(same(f"s{n}"), W) for n in range(n_steps)))


def match(*rights, extra=()):
    pairs = tuple(Pair(same(f"l{n}"), same(r), same(f"p{n}")) for n, r in enumerate(rights))
    return Match(id="ma", **BASE, pairs=pairs, extra=tuple(map(same, extra)))


# single


def test_single_gives_all_or_nothing_and_explains_the_chosen_option():
    question = single("b")
    assert [question.judge(mark).share for mark in "abcd"] == [0, 1, 0, 0]
    assert question.judge("a").why.en == "a: w0"
    assert question.judge("b").why.zh == "b\uff1aw1"


@pytest.mark.parametrize("answer", ["e", "B", "ab", "", 1, True, ["b"], {"b"}, b"b", object()])
def test_single_takes_nothing_but_a_letter_and_says_so(answer):
    verdict = single("b").judge(answer)
    assert verdict.share == 0
    assert "letters was expected" in verdict.why.en
    assert "字母" in verdict.why.zh


# multi

SIZES = [("ab", 4), ("abc", 5), ("ad", 5), ("bce", 6)]


@pytest.mark.parametrize(("right", "n"), SIZES)
def test_multi_is_the_jaccard_similarity_less_that_of_choosing_all(right, n):
    question = multi(right, n)
    for size in range(1, n + 1):
        for chosen in itertools.combinations(LETTERS[:n], size):
            # Letter by letter: how many of those in either are in both.
            either = [m for m in LETTERS[:n] if m in chosen or m in right]
            jaccard = sum(m in chosen and m in right for m in either) / len(either)
            blind = len(right) / n
            want = max(0, (jaccard - blind) / (1 - blind))
            assert question.judge(set(chosen)).share == pytest.approx(want)
    assert question.judge(set(right)).share == 1
    assert question.judge(set(LETTERS[:n])).share == 0


@pytest.mark.parametrize(("right", "n"), SIZES)
def test_multi_pays_little_for_a_random_set(right, n):
    subsets = [c for k in range(1, n + 1) for c in itertools.combinations(LETTERS[:n], k)]
    question = multi(right, n)
    assert mean(question.judge(set(chosen)).share for chosen in subsets) < 0.2


def test_multi_explains_the_wrong_choices_and_does_not_name_the_missed_ones():
    why = multi("abd", 5).judge({"a", "c"}).why.en
    assert why == "c: why c You missed 2 right options."


@pytest.mark.parametrize("answer", ["a", {"z"}, {1}, [["a"]], {"a": 1}, 3])
def test_multi_takes_nothing_but_letters(answer):
    assert multi("ab", 4).judge(answer).share == 0
    assert "set of the letters" in multi("ab", 4).judge(answer).why.en


# order


@pytest.mark.parametrize("n", [2, 4, 5])
def test_tau_is_that_of_scipy_for_every_permutation(n):
    for permutation in itertools.permutations(range(n)):
        want = kendalltau(range(n), permutation).statistic
        assert kendall_tau(permutation) == pytest.approx(want)


@pytest.mark.parametrize("n", [4, 5, 6])
def test_order_is_worth_tau_and_nothing_below_chance(n):
    question = order(n)
    right = question.right_answer()
    letters = LETTERS[:n]
    taus = []
    for given in itertools.permutations(letters):
        tau = kendalltau([right.index(x) for x in given], range(n)).statistic
        taus.append(tau)
        assert question.judge("".join(given)).share == pytest.approx(max(0, tau))
    assert mean(taus) == pytest.approx(0)
    assert question.judge(right).share == question.judge(list(right)).share == 1
    assert question.judge(right[::-1]).share == 0


@pytest.mark.parametrize("n", [4, 5, 6, 7, 8])
def test_the_order_shown_and_its_reverse_are_worth_nothing_or_next_to_it(n):
    for guess in order(n).guesses():
        assert order(n).judge(guess).share <= 1 / 10


def test_order_shows_its_steps_mixed_and_its_key_unmixes_them():
    question = order(6)
    [lines] = question.lists()
    shown = dict(lines.items)
    assert [shown[mark].en for mark in question.right_answer()] == [f"s{n}" for n in range(6)]


@pytest.mark.parametrize("answer", ["abc", "abcc", "abcde", "", 4, {"a", "b", "c", "d"}])
def test_order_wants_every_letter_once(answer):
    assert "once" in order(4).judge(answer).why.en


# match


@pytest.mark.parametrize("rights", [("p", "q", "r", "s"), ("p", "q", "r", "s", "t")])
def test_match_takes_the_chance_of_a_random_permutation_off(rights):
    question = match(*rights)
    n = len(rights)
    right = question.right_answer()
    raw = []
    for letters in itertools.permutations(LETTERS[:n]):
        answer = dict(zip(range(1, n + 1), letters, strict=True))
        n_right = sum(answer[k] == right[k] for k in right)
        raw.append((n_right - 1) / (n - 1))
        assert question.judge(answer).share == pytest.approx(max(0, raw[-1]))
    assert mean(raw) == pytest.approx(0)


def test_match_with_shared_partners_pays_nothing_for_the_commonest_one():
    question = match("p", "p", "p", "q", "r", extra=("s",))
    assert len(question.partners()) == 4
    for letter in LETTERS[:4]:
        assert question.judge(dict.fromkeys(range(1, 6), letter)).share == 0
    assert question.judge(question.right_answer()).share == 1


def test_match_shows_both_sides_and_its_key_joins_them():
    question = match("p", "q", "r", "s")
    left, right = (dict(lines.items) for lines in question.lists())
    joined = {left[str(n)].en: right[x].en for n, x in question.right_answer().items()}
    assert joined == {"l0": "p", "l1": "q", "l2": "r", "l3": "s"}
    assert all(question.judge(guess).share == 0 for guess in question.guesses())


def test_match_counts_missing_numbers_as_wrong():
    question = match("p", "q", "r", "s")
    half = dict(list(question.right_answer().items())[:2])
    assert question.judge(half).share == pytest.approx(1 / 3)
    assert "Number 3 has no letter" in question.judge(half).why.en


@pytest.mark.parametrize("answer", ["abcd", {"1": "a"}, {1: "z"}, {0: "a"}, {1: 2}, {1: ["a"]}])
def test_match_takes_nothing_but_numbers_and_letters(answer):
    assert "A dict from 1 to 4" in match("p", "q", "r", "s").judge(answer).why.en


# numeric, shape, predict

NUMERIC = Numeric(
    id="n",
    **BASE | {"stem": Words("{a} of {b}", "{b} 中的 {a}")},
    given={"a": (2, 3, 5), "b": (7, 11)},
    key=lambda a, b: a / b,
    slips=(Slip(lambda a, b: b / a, Words("{b} over {a}", "反了")),),
    why=Words("it is {key}", "是 {key}"),
)


def test_numeric_key_follows_the_numbers_that_are_shown():
    seen = set()
    for n in range(200):
        student = f"student {n}"
        a, b = (NUMERIC.values(student)[name] for name in "ab")
        seen.add((a, b))
        assert NUMERIC.stem_for(student) == Words(f"{a} of {b}", f"{b} 中的 {a}")
        assert NUMERIC.judge(a / b, student).share == 1
        assert NUMERIC.judge(b / a, student).why.en == f"{b} over {a}"
    assert len(seen) == 6


def test_variants_depend_on_the_name_but_not_on_how_it_is_written():
    given = {"x": range(10**6)}
    assert draw("q", given, "Ada") == draw("q", given, "  ada ")
    assert draw("q", given, "ada") != draw("q", given, "ben")
    assert draw("q", given, "ada") != draw("r", given, "ada")


def test_numeric_accepts_three_digits_and_no_less():
    question = Numeric(id="n", **BASE, key=lambda: 2 / 3, why=W)
    assert question.judge(0.667).share == 1
    assert question.judge(0.66).share == 0


@pytest.mark.parametrize("answer", ["0.5", math.nan, math.inf, True, 10**400, [1], 1j])
def test_numeric_takes_nothing_but_finite_numbers(answer):
    assert NUMERIC.judge(answer, "ada").share == 0
    assert "finite number" in NUMERIC.judge(answer, "ada").why.en


def test_shape_is_that_of_a_tensor_that_is_really_made():
    question = Shape(
        id="sh", **BASE, given={"n": (3, 4)}, key=lambda n: torch.zeros(n, 2).T.shape, why=W
    )
    n = question.values("ada")["n"]
    assert question.judge((2, n), "ada").share == question.judge([2, n], "ada").share == 1
    assert question.judge((n, 2), "ada").share == 0
    assert "tuple of whole numbers" in question.judge((2.0, n), "ada").why.en
    assert "tuple of whole numbers" in question.judge("(2, 3)", "ada").why.en


def test_shape_without_axes_is_written_as_text():
    question = Shape(id="sh", **BASE, key=lambda: torch.tensor(1.0).shape, why=W)
    assert question.right_answer() == "()"
    assert question.judge("()").share == 1
    assert question.judge((1,)).share == 0


@pytest.mark.parametrize(
    ("code", "key"),
    [
        ("1 + 1", 2),
        ("x = [1, 2]\nx.append(3)\nlen(x), x[-1] > 2", (2 + 1, True)),
        ("import torch\ntorch.ones(2, 3).shape", (2, 3)),
        ("import torch\ntorch.ones(2)", [1.0, 1.0]),
        ("{}['a']", "KeyError"),
        ("import torch\ntorch.ones(2) @ torch.ones(3)", "RuntimeError"),
        ("def f():\n    raise StopIteration\nf()", "StopIteration"),
        ("print", print),
    ],
)
def test_outcome_of_a_snippet_is_what_running_it_gives(code, key):
    assert outcome(code) == key


def test_a_snippet_has_to_end_in_an_expression():
    with pytest.raises(SyntaxError, match="no expression"):
        outcome("x = 1")


def test_predict_runs_its_code_with_the_students_numbers():
    question = Predict(
        id="p",
        **BASE,
        given={"k": (2, 3, 4)},
        code="total = sum(range({k}))\n(total, total > {k})",
        why=W,
    )
    for student in ("ada", "ben", "cy", "di"):
        k = question.values(student)["k"]
        assert question.judge((k * (k - 1) // 2, k * (k - 1) / 2 > k), student).share == 1
        assert f"range({k})" in question.code_for(student)


def test_predict_tells_true_from_one_and_takes_the_name_of_an_error():
    truth = Predict(id="p", **BASE, code="(True, 1)", why=W)
    assert truth.judge((True, 1)).share == 1
    assert truth.judge((1, 1)).share == truth.judge((True, True)).share == 0
    assert truth.judge((True, 1, 1)).share == 0
    error = Predict(id="p", **BASE, code="1 / 0", why=W)
    assert error.judge("ZeroDivisionError").share == 1
    nothing = Predict(id="p", **BASE, code="None", why=W)
    assert nothing.judge("None").share == 1


# bug

LISTING = """
def total(numbers):
    result = 1
    for number in numbers:
        result += number
    return result
"""
BUG = Bug(
    id="b",
    **BASE,
    code=LISTING,
    fixes=(
        Fix(2, "result = 0", same("right")),
        Fix(4, "result = result + number", same("the same")),
        Fix(5, "return result()", same("raises")),
        Fix(3, "for number in numbers", same("no syntax")),
    ),
    works=lambda names: names["total"]([1, 2, 3]) == 6 and names["total"]([]) == 0,
)


def test_bug_finds_its_key_by_running_every_fix():
    assert BUG.is_broken()
    assert BUG.cures() == [True, False, False, False]
    assert BUG.right_answer() == (2, "a")
    assert " 2      result = 1" in BUG.code_for("")


def test_bug_wants_line_and_fix_and_explains_the_fix():
    assert BUG.judge((2, "a")).share == BUG.judge([2, "a"]).share == 1
    assert BUG.judge((4, "b")) == (0.0, same("the same"))
    assert "line 3 is not where it belongs" in BUG.judge((3, "a")).why.en
    for answer in (2, "a", ("a", 2), (2, "z"), (2, "ab"), (2,), (True, "a")):
        assert "A pair of line number and letter" in BUG.judge(answer).why.en


# formula

FORMULA = Formula(
    id="f",
    **BASE,
    variables={"h": (1, 9), "alpha": (0, 0.2), "c": (-1, 1)},
    key=lambda h, alpha, c: h * (1 - alpha * h) ** 2 * c,
    example="h * (1 - alpha * h) ** 2 * c",
    slips=(Slip("h * (1 - alpha * h) * c", same("squared")),),
    why=same("because"),
)


@pytest.mark.parametrize(
    "formula",
    [
        "c*h*(1-h*alpha)**2",
        "c * h - 2 * alpha * c * h ** 2 + alpha ** 2 * h ** 3 * c",
        "h * c * (alpha * h - 1) * (alpha * h - 1)",
    ],
)
def test_formula_is_right_however_it_is_written(formula):
    assert FORMULA.judge(formula) == (1.0, same("because"))


def test_formula_that_differs_is_told_where():
    assert FORMULA.judge("h * (1 - h * alpha) * c").why.en == "squared"
    assert "expected is" in FORMULA.judge("h * c").why.en
    assert "nan" in FORMULA.judge("log(-h)").why.en
    assert "is not among" in FORMULA.judge("x").why.en
    assert "as text" in FORMULA.judge(3.0).why.en
