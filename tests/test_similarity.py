"""Copies are found through disguises; what everybody writes, and honest work, is left alone."""

import random
import re

import pytest

from medmeta_ref.grading.answers import read_released
from medmeta_ref.grading.reports import similarity
from medmeta_ref.grading.reports.code_tokens import MAX_TOKENS, code_tokens
from medmeta_ref.grading.reports.fingerprints import RUN, fingerprint
from medmeta_ref.grading.reports.similarity import SOLUTION, similar_answers
from tests.graded_class import EXERCISES, ROOT, UNIT, solutions
from tests.honest_class import WRITERS, honest

RELEASED = read_released(ROOT / "exercises" / UNIT / f"{UNIT}.ipynb")


def words(source):
    return [token.text for token in code_tokens(source)]


def findings(exercise, answers):
    return similar_answers(
        exercise, answers, released=RELEASED[exercise], solution=solutions()[exercise]
    )


def disguised(text):
    """Return a text with other names, other layout, new comments, and no docstring."""
    text = re.sub(r'\n *""".*?"""', "", text, flags=re.DOTALL)
    for old, new in (("log_student", "aaa"), ("student", "first"), ("teacher", "other")):
        text = text.replace(old, new)
    lines = [f"{line}  # mine" if line.strip() else line for line in text.splitlines()]
    return "\n\n".join(lines)


def pairs(found):
    return {frozenset((f.left[0], f.right[0])) for f in found}


# Tokens


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = a + b", "result=left+right"),
        ("x = 1  # a comment", "x = 1"),
        ('def f(a):\n    """Say."""\n    return a', "def g(b):\n  return b"),
        ("f(a,\n  b)", "f(a, b)"),
        (
            "import torch.nn.functional as F\nF.relu(x)",
            "import torch.nn.functional as Q\nQ.relu(y)",
        ),
    ],
)
def test_names_layout_comments_and_docstrings_make_no_difference(one, other):
    assert words(one) == words(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("F.log_softmax(x, dim=1)", "F.softmax(x, dim=1)"),
        ("f(x, dim=1)", "f(x, dim=0)"),
        ("f(x, dim=1)", "f(x, axis=1)"),
        ("a * b", "a / b"),
        ("len(x)", "sum(x)"),
        ("if x: y", "while x: y"),
    ],
)
def test_what_the_code_does_makes_a_difference(one, other):
    assert words(one) != words(other)


BROKEN = {
    "open bracket": "def f(x:\n    return (x +\n",
    "wrong indent": "def f(x):\n        return x\n    return y\n",
    "open string": 'x = "half\ny = 1\n',
    "open docstring": 'def f(x):\n    """never closed\n    return x\n',
    "zero bytes": "x = 1\x00\ny = 2",
    "half a character": "x = '\ud800'",
    "prose": "I don't know, sorry! What's 1/0?",
    "nothing": "",
    "only blanks": " \n\t\n",
    "deep": "(" * 5000,
    "tabs and spaces": "if x:\n\ty = 1\n        z = 2\n",
    "magic": "%matplotlib inline\n!ls\n?x",
}


@pytest.mark.parametrize("source", BROKEN.values(), ids=BROKEN)
def test_code_that_python_cannot_read_has_tokens_as_well(source):
    found = code_tokens(source)
    assert all(type(token.text) is str and token.line >= 1 for token in found)
    assert bool(found) == bool(source.strip())


def test_the_rough_reading_is_the_exact_one_where_both_can_read():
    text = solutions()["distillation_loss"]
    assert words(text + "\n(")[:-1] == words(text)
    lines = [token.line for token in code_tokens(text + "\n(")][:-1]
    assert lines == [token.line for token in code_tokens(text)]


def test_a_huge_answer_is_cut():
    assert len(code_tokens("x = 1\n" * 30_000)) == MAX_TOKENS


def test_runs_of_the_released_cell_are_not_the_learners_own():
    for name, text in RELEASED.items():
        assert not fingerprint(text, text).runs
        assert fingerprint(solutions()[name], text).runs.keys().isdisjoint(fingerprint(text).runs)


# Copies


@pytest.mark.parametrize("exercise", ["distillation_loss", "loss_test"])
@pytest.mark.parametrize("n", [3, 40, 200])
def test_a_disguised_copy_is_found_first(exercise, n):
    answers = honest(exercise, n)
    source = answers["h0000"]
    answers["copy"] = "import math\n" + disguised(source)
    found = findings(exercise, answers)
    assert pairs(found[:1]) == {frozenset(("h0000", "copy"))}
    assert not found[0].verbatim
    assert found[0].containment > 0.9


@pytest.mark.parametrize("n", [40, 200])
def test_a_copy_with_a_line_changed_is_found(n):
    answers = honest("loss_test", n)
    lines = answers["h0000"].splitlines()
    lines[3] = "    y = torch.zeros(2).long()"
    answers["copy"] = disguised("\n".join(lines))
    assert frozenset(("h0000", "copy")) in pairs(findings("loss_test", answers)[:1])


def test_three_with_the_same_answer_are_one_finding():
    answers = honest("loss_test", 30)
    answers |= dict.fromkeys(("copy1", "copy2"), answers["h0000"])
    [first, *_] = findings("loss_test", answers)
    assert (first.left, first.right) == (("h0000",), ("copy1", "copy2"))
    assert first.verbatim
    assert first.containment == 1


@pytest.mark.parametrize("exercise", ["distillation_loss", "loss_test"])
@pytest.mark.parametrize("share", [1, 8, 20])
def test_copies_of_the_published_solution_are_found(exercise, share):
    answers = honest(exercise, 40)
    copies = list(answers)[:share]
    answers |= dict.fromkeys(copies, solutions()[exercise])
    found = [f for f in findings(exercise, answers) if f.right == (SOLUTION,)]
    assert {student for f in found for student in f.left} == set(copies)
    assert all(f.verbatim for f in found)


def test_a_disguised_copy_of_the_solution_is_found_and_not_called_verbatim():
    answers = honest("loss_test", 40) | {"copy": disguised(solutions()["loss_test"])}
    [found] = [f for f in findings("loss_test", answers) if f.right == (SOLUTION,)]
    assert found.left == ("copy",)
    assert not found.verbatim


def test_two_who_copied_the_solution_are_not_told_again_as_a_pair():
    answers = honest("loss_test", 40) | dict.fromkeys(("a", "b"), solutions()["loss_test"])
    named = [f for f in findings("loss_test", answers) if {"a", "b"} & {*f.left, *f.right}]
    assert [f.right for f in named] == [(SOLUTION,)]


def test_the_only_submission_is_compared_with_the_solution():
    [found] = findings("loss_test", {"me": solutions()["loss_test"]})
    assert found.right == (SOLUTION,)
    assert findings("loss_test", {}) == []


# What must not be flagged


@pytest.mark.parametrize("exercise", ["soft_targets", "label_weight", "feature_distillation_loss"])
@pytest.mark.parametrize("n", [2, 5, 40, 300])
def test_a_short_answer_that_everybody_has_to_write_is_not_shown(exercise, n):
    answers = {f"s{i}": solutions()[exercise] for i in range(n)}
    assert findings(exercise, answers) == []
    # And not if half of them do, or two only.
    for same in (2, n // 2):
        mixed = honest("soft_targets", n)
        mixed |= {student: solutions()["soft_targets"] for student in list(mixed)[:same]}
        assert findings("soft_targets", mixed) == []


@pytest.mark.parametrize("n", [2, 5, 10, 40, 200])
@pytest.mark.parametrize("exercise", WRITERS)
def test_honest_work_leads_to_few_findings(exercise, n):
    """Of n (n - 1) / 2 pairs, one in a thousand at most, and one in any small class."""
    for seed in range(3):
        found = findings(exercise, honest(exercise, n, seed))
        assert all(f.right != (SOLUTION,) for f in found)
        assert len(found) <= max(2, n * (n - 1) / 2000)


def test_an_untouched_answer_is_like_nobody_elses():
    for exercise in EXERCISES:
        assert findings(exercise, dict.fromkeys("abc", RELEASED[exercise])) == []


def test_order_of_the_students_does_not_matter():
    answers = honest("loss_test", 40)
    answers["copy"] = disguised(answers["h0000"])
    shuffled = list(answers.items())
    random.Random(1).shuffle(shuffled)
    one, other = findings("loss_test", answers), findings("loss_test", dict(shuffled))
    assert pairs(one) == pairs(other)
    assert [f.surprise for f in one] == pytest.approx([f.surprise for f in other])


def test_marked_lines_are_those_that_hold_shared_runs():
    answers = honest("loss_test", 10)
    answers["copy"] = "helper = 1\n\n\n" + answers["h0000"]
    [found, *_] = findings("loss_test", answers)
    assert pairs([found]) == {frozenset(("h0000", "copy"))}
    n_lines = len(answers["h0000"].splitlines())
    [left, right] = found.shared_lines
    if found.left == ("copy",):
        left, right = right, left
    assert right == {line + 3 for line in left}
    assert {2, n_lines} <= left
    assert len(left) >= n_lines - 1


def test_of_half_a_million_pairs_few_are_compared_even_among_hostile_answers(monkeypatch):
    """At most 50 comparisons per answer: what the index is for."""
    answers = honest("distillation_loss", 1000)
    hostile = "x = [" + ", ".join(f"f{i}({i})" for i in range(3000)) + "]"
    answers |= {f"h{i:04}": hostile + f"\ny{i} = {i}" for i in range(60)}
    compared = []
    bits = similarity._bits
    monkeypatch.setattr(similarity, "_bits", lambda *a, **k: compared.append(1) or bits(*a, **k))
    assert findings("distillation_loss", answers)
    assert len(compared) < 50 * len(answers)


def test_a_run_is_shorter_than_the_shortest_solution():
    assert all(len(code_tokens(text)) > RUN for text in solutions().values())
