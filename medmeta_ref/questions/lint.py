"""Keep the bank honest: `problems(all_units())` says all that is wrong with it.

Texts are looked at by `lint_words`, keys by `lint_keys`; here is what concerns a unit or the bank.
"""

import math
from collections import Counter
from collections.abc import Iterator, Sequence

from medmeta_ref.questions.bank import Unit
from medmeta_ref.questions.choices import Multi, Single
from medmeta_ref.questions.lint_keys import key_problems
from medmeta_ref.questions.lint_words import length_tells, number_problems, word_problems
from medmeta_ref.questions.oral import Card
from medmeta_ref.questions.question import Question
from medmeta_ref.questions.source_items import ITEMS

MIN_QUESTIONS, MIN_KINDS, MIN_CARDS, MIN_RUBRIC = 10, 6, 3, 3
RESERVED = ("student", "language")  # keys of the learner's dict that are no questions
MAX_SAME_LETTER = 0.4  # of the right letters of all single questions
MAX_ONE_LETTER = 0.1  # of a unit's points, for one letter as the answer to every single question


def problems(units: Sequence[Unit]) -> list[str]:
    """Return what is wrong with the bank, one line each: unit, question, problem."""
    found = [f"unit {unit.number}: {what}" for unit in units for what in _unit(unit)]
    return [*found, *_letters(units)]


def _unit(unit: Unit) -> Iterator[str]:
    kinds = {question.kind for question in unit.questions}
    for have, least, what in (
        (len(unit.questions), MIN_QUESTIONS, "questions"),
        (len(kinds), MIN_KINDS, "kinds of questions"),
        (len(unit.cards), MIN_CARDS, "oral cards"),
    ):
        if have < least:
            yield f"{have} {what}; {least} are the least"
    ids = Counter([*(q.id for q in unit.questions), *(card.id for card in unit.cards)])
    yield from (f"{name}: is there {times} times" for name, times in ids.items() if times > 1)
    for items in (unit.lesson, *unit.exercises.values()):
        yield from _unknown_items(items)
    for question in unit.questions:
        yield from (f"{question.id}: {what}" for what in _question(question))
    for card in unit.cards:
        yield from (f"{card.id}: {what}" for what in _card(card))
    asked: tuple[Question | Card, ...] = (*unit.questions, *unit.cards)
    for each in asked:
        yield from (f"{each.id}: {what}" for what in _origin(each, unit))
    for letter, share in _one_letter(unit).items():
        if share > MAX_ONE_LETTER:
            yield f"answering every single question with {letter!r} earns {share:.0%}"


def _question(question: Question) -> Iterator[str]:
    if not question.id.isidentifier() or question.id in RESERVED:
        yield "has no usable id; take letters, digits and _"
    if type(question.points) is not int or not 1 <= question.points <= 5:
        yield f"has {question.points!r} points; take 1 to 5"
    for where, text in question.texts():
        if where != "list":
            yield from (f"{where} {what}" for what in word_problems(text))
    yield from (f"stem {what}" for what in number_problems(question.stem))
    if isinstance(question, Single | Multi):
        yield from length_tells(question.options)
    yield from key_problems(question)


def _card(card: Card) -> Iterator[str]:
    if len(card.rubric) < MIN_RUBRIC:
        yield f"has {len(card.rubric)} points in its rubric; {MIN_RUBRIC} are the least"
    for text in (card.prompt, *card.rubric, card.model):
        yield from word_problems(text)


def _origin(asked: Question | Card, unit: Unit) -> Iterator[str]:
    # A unit whose lesson answers no item, such as the orientation, has none to name.
    if not asked.source.strip() or (unit.lesson and not asked.answers):
        yield "lacks its source, or the items of the source bank that it answers"
    yield from _unknown_items(asked.answers)


def _unknown_items(items: Sequence[str]) -> Iterator[str]:
    return (f"answers {item!r}, which is no item" for item in items if item not in ITEMS)


def _one_letter(unit: Unit) -> dict[str, float]:
    """Return letter -> share of the unit's points, if every single question got that letter."""
    earned = Counter[str]()
    for question in unit.questions:
        if isinstance(question, Single):
            for letter in question.right:
                earned[letter] += question.points
    total = sum(question.points for question in unit.questions)
    return {letter: points / total for letter, points in sorted(earned.items())}


def _letters(units: Sequence[Unit]) -> Iterator[str]:
    singles = [q for unit in units for q in unit.questions if isinstance(q, Single)]
    times = Counter(letter for question in singles for letter in question.right)
    for letter, count in sorted(times.items()):
        if count > max(2, math.ceil(MAX_SAME_LETTER * len(singles))):
            yield f"bank: {letter!r} is right in {count} of {len(singles)} single questions"
