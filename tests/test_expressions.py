"""Formulas of learners: read without being run, small, and right or refused by name."""

import math
import random

import pytest

from medmeta_ref.questions.expressions import MAX_LENGTH, BadFormula, evaluate, parse

NAMES = frozenset({"h", "alpha", "c"})


def value(text, **values):
    return evaluate(parse(text, NAMES), values)


@pytest.mark.parametrize(
    "text",
    [
        "h * (1 - alpha * h) ** 2 * c",
        "-h ** 2 + +alpha",
        "h ** -alpha / c - 3.5e-1",
        "exp(-h) * log(alpha) + sqrt(abs(c)) - tanh(h / 2)",
        "((h))",
        "7",
    ],
)
def test_value_is_that_of_python_itself(text):
    generator = random.Random(0)
    for _ in range(20):
        values = {name: generator.uniform(0.1, 3) for name in NAMES}
        functions = {"exp": math.exp, "log": math.log, "sqrt": math.sqrt, "tanh": math.tanh}
        want = eval(text, functions | values)
        assert value(text, **values) == pytest.approx(want, rel=1e-12)


@pytest.mark.parametrize(
    "text",
    ["h / 0", "log(-h)", "sqrt(-h)", "(-h) ** 0.5", "9.0 ** 999", "exp(9999 * h)", "0 ** -h"],
)
def test_what_has_no_value_is_nan(text):
    assert math.isnan(value(text, h=1.0))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("h ^ 2", r"\*\*, not \^"),
        ("h // 2", r"Only \+ - \* / \*\*"),
        ("h @ c", "Only"),
        ("beta * h", "'beta' is not among the variables alpha, c, h"),
        ("2h", "between all factors"),
        ("h c", "between all factors"),
        ("", "no formula"),
        ("h = 2", "no formula"),
        ("h\x00", "no formula"),
        ("h if c else alpha", "Only numbers"),
        ("h < c", "Only numbers"),
        ("lambda: h", "Only numbers"),
        ("(h, c)", "Only numbers"),
        ("h.real", "Only numbers"),
        ("h[0]", "Only numbers"),
        ("'text'", "Only numbers"),
        ("True", "Only numbers"),
        ("1j", "Only numbers"),
        ("exp(h, c)", "Only numbers"),
        ("exp(*h)", "Only numbers"),
        ("exp(x=h)", "Only numbers"),
        ("exp", "'exp' is not among"),
        ("__import__('os').system('true')", "Only numbers"),
        ("eval('h')", "Only numbers"),
        ("(lambda: h)()", "Only numbers"),
        ("[h for h in c]", "Only numbers"),
        ("(h := 3)", "Only numbers"),
        ("9" * 40, "too large"),
        ("(" * 290 + ")" * 5, "no formula"),
        ("h" + "+h" * 149, "parts"),
        ("-" * 250 + "h", "parts"),
        ("h" * (MAX_LENGTH + 1), "characters"),
    ],
)
def test_anything_else_is_refused_in_both_languages(text, says):
    with pytest.raises(BadFormula, match=says) as refused:
        parse(text, NAMES)
    assert any("\u4e00" <= character <= "\u9fff" for character in refused.value.zh)


def test_towers_of_powers_overflow_and_do_not_grow():
    assert math.isnan(value("9 ** 9 ** 9 ** 9"))
    assert math.isnan(value("(9 ** 99) ** 99 ** 9"))


def test_whatever_text_comes_it_is_a_number_or_refused():
    generator = random.Random(1)
    pieces = [*"hc0123456789.+-*/()[]{}^%,:='\" \n\\", "alpha", "**", "exp(", "__", "\u00b2", "if "]
    for _ in range(3000):
        text = "".join(generator.choices(pieces, k=generator.randint(1, 25)))
        try:
            assert type(value(text, h=1.3, c=0.7, alpha=0.2)) is float
        except BadFormula:
            continue
