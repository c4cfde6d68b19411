"""The question bank: every `unit_NN.py` beside this file, read when it is asked for."""

import functools
import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from medmeta_ref.questions.oral import Card
from medmeta_ref.questions.question import Question


class Unit(NamedTuple):
    """What a unit's file holds.

    Attributes:
        number: for instance "03".
        lesson: the items of the source bank that the unit's lesson answers.
        exercises: exercise -> the items that it answers.
        questions: the graded ones.
        cards: the oral ones.
    """

    number: str
    lesson: tuple[str, ...]
    exercises: Mapping[str, tuple[str, ...]]
    questions: tuple[Question, ...]
    cards: tuple[Card, ...]


def numbers() -> list[str]:
    """Return the numbers of all units with questions."""
    files = Path(__file__).parent.glob("unit_*.py")
    return sorted(path.stem.removeprefix("unit_") for path in files)


@functools.cache
def unit(number: str) -> Unit:
    """Return the questions of a unit.

    Raises:
        ValueError: if it has none.
    """
    if number not in numbers():
        raise ValueError(f"unit {number!r} has no questions; there are {', '.join(numbers())}")
    module = importlib.import_module(f"medmeta_ref.questions.unit_{number}")
    return Unit(number, module.LESSON, module.EXERCISES, module.QUESTIONS, module.CARDS)


def all_units() -> list[Unit]:
    """Return the questions of all units."""
    return [unit(number) for number in numbers()]
