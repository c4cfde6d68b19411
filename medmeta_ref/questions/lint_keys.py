"""What is wrong with the keys of a question: not computable, the same for all, or to be guessed."""

import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from medmeta_ref.questions.arranging import Match, Order
from medmeta_ref.questions.bugs import Bug
from medmeta_ref.questions.choices import Multi, Single
from medmeta_ref.questions.computed import Numeric, Predict, Shape
from medmeta_ref.questions.expressions import BadFormula
from medmeta_ref.questions.formulas import Formula
from medmeta_ref.questions.mutants import Mutants
from medmeta_ref.questions.question import LETTERS, Question

STUDENTS = tuple(f"student {n}" for n in range(60))
MIN_DISTINCT = 4  # keys among those students ...
MAX_COMMON = 0.5  # ... of which none may be the key of more than this share of them
MAX_GUESS = 0.15  # what an answer without thought may earn, on average over students


def key_problems(question: Question) -> Iterator[str]:
    """Yield what is wrong with a question's key, slips and options."""
    try:
        found = list(_of_kind(question))
    except Exception as error:  # noqa: BLE001 - an author's function may raise anything
        found = [f"has a key that cannot be computed: {type(error).__name__}: {error}"]
    yield from found
    if found:
        return
    if question.judge(question.right_answer()).share != 1:
        yield f"does not accept its own key {question.right_answer()!r}"
    yield from _guesses(question)


def _of_kind(question: Question) -> Iterator[str]:
    match question:
        case Single() | Multi():
            yield from _options(question)
        case Numeric() | Shape() | Predict():
            yield from _computed(question)
        case Order(steps=steps):
            if not 4 <= len(steps) <= len(LETTERS):
                yield f"has {len(steps)} steps; four are the least, else guessing pays"
        case Match(pairs=pairs):
            if len(pairs) < 4 or len(question.partners()) < 3:
                yield "needs four pairs and three partners at least, else guessing pays"
        case Bug():
            yield from _bug(question)
        case Formula():
            yield from _formula(question)
        case Mutants():
            yield from _mutants(question)
        case _:
            yield f"is of a kind that the linter does not know: {type(question).__name__}"


def _options(question: Single | Multi) -> Iterator[str]:
    n_right, n_options = len(question.right), len(question.options)
    if n_options > len(LETTERS):
        yield f"has {n_options} options; there are {len(LETTERS)} letters"
    for position, language in enumerate(("English", "Chinese")):
        if len({option.text[position] for option in question.options}) < n_options:
            yield f"has the same option twice in {language}"
    if isinstance(question, Single):
        if n_right != 1:
            yield f"has {n_right} right options; exactly one has to be"
        if n_options < 4:
            yield f"has {n_options} options; four are the least, else guessing pays"
    elif n_right < 2 or n_options - n_right < 2:
        yield "needs two right and two wrong options at least"


def _computed(question: Numeric | Shape | Predict) -> Iterator[str]:
    keys = [question.right_answer(student) for student in STUDENTS]
    yield from sorted({f"has the key {key!r}" for key in keys if not _is_plain(key)})
    if question.given:
        (key, times), *_ = Counter(map(repr, keys)).most_common(1)
        if len(set(map(repr, keys))) < MIN_DISTINCT or times > MAX_COMMON * len(keys):
            yield f"has the key {key} for {times} of {len(keys)} students; draw from more values"
    elif isinstance(question, Numeric | Shape):
        yield "draws nothing per student; give it parameters, or ask it as a Single"
    if isinstance(question, Predict) and any(type(key) is bool for key in keys):
        yield "can be answered by a coin; let the last line be a tuple"
    for name in question.given:
        if question.code_for("") == "" or isinstance(question, Numeric | Shape):
            shown = re.compile(rf"\{{{name}(?::[^}}]*)?\}}")  # as it is, or with a format
            hidden = [text for text in question.stem if not shown.search(text)]
        else:
            hidden = [] if f"{{{name}}}" in getattr(question, "code", "") else [name]
        if hidden:
            yield f"does not show {{{name}}} in both languages"
    for number, slip in enumerate(question.slips, start=1):
        told = Counter(
            question.judge(slip.given(question.values(s)), s).why
            == slip.why.filled(question.values(s))
            for s in STUDENTS
        )
        shares = [question.judge(slip.given(question.values(s)), s).share for s in STUDENTS]
        if any(shares):
            yield f"has a slip {number} that is right for some student"
        elif told[True] < len(STUDENTS) / 2:
            yield f"has a slip {number} whose explanation is hardly ever shown"


def _is_plain(key: Any) -> bool:
    if isinstance(key, tuple | list):
        return all(map(_is_plain, key))
    if isinstance(key, float):
        return math.isfinite(key)
    return type(key) in (int, bool, str)


def _bug(question: Bug) -> Iterator[str]:
    if not question.is_broken():
        yield "has a listing that works as it stands"
    n_cures = sum(question.cures())
    if n_cures != 1:
        yield f"has {n_cures} fixes that work; exactly one has to"
    if len(question.fixes) < 4 or len({fix.line for fix in question.fixes}) < 2:
        yield "needs four fixes for two lines at least, else guessing pays"


def _formula(question: Formula) -> Iterator[str]:
    if not question.is_right(question.example):
        yield "has an example that is not its key"
    for number, slip in enumerate(question.slips, start=1):
        try:
            if question.is_right(slip.answer):
                yield f"has a slip {number} that is right"
            elif question.judge(slip.answer).why != slip.why:
                yield f"has a slip {number} whose explanation is never shown"
        except BadFormula as error:
            yield f"has a slip {number} that is no formula: {error}"


def _mutants(question: Mutants) -> Iterator[str]:
    if len(question.mutants) < 4 or not question.careless:
        yield "needs four wrong functions and a careless case at least, else guessing pays"
        return
    alive = question.survivors(question.example)
    if alive:
        yield f"has an example that lets {', '.join(LETTERS[n] for n in alive)} pass"
    for number, mutant in enumerate(question.mutants):
        if not any(number in question.survivors(each) for each in question.careless):
            yield f"has a wrong function that every careless case catches: {mutant.code!r}"


def _guesses(question: Question) -> Iterator[str]:
    for guess in question.guesses():
        mean = sum(question.judge(guess, student).share for student in STUDENTS) / len(STUDENTS)
        if mean > MAX_GUESS:
            yield f"pays {mean:.0%} for the thoughtless answer {guess!r}"
