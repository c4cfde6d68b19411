"""Wrong answers with names: each loses the checks it should lose, and no other.

A grader is only as good as what it catches. Every file holds the wrong answers to one unit.
"""

import importlib
import pkgutil
from collections.abc import Callable
from typing import Any, NamedTuple


class WrongAnswer(NamedTuple):
    """One wrong answer.

    Attributes:
        exercise: for instance "03.soft_targets".
        function: the answer; its docstring says what is wrong with it.
        loses: the tests of the spec that it must fail; it must pass all the others.
        says: words that the message of the first lost check must hold: the mistake by its name.
    """

    exercise: str
    function: Callable[..., Any]
    loses: frozenset[str]
    says: str


WRONG_ANSWERS: list[WrongAnswer] = []


def wrong(exercise: str, *loses: str, says: str) -> Callable[..., Callable[..., Any]]:
    """Register the decorated function as a wrong answer to `exercise`."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        WRONG_ANSWERS.append(WrongAnswer(exercise, function, frozenset(loses), says))
        return function

    return register


def import_all() -> None:
    """Import every file of wrong answers, so that all of them are registered."""
    for found in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{found.name}")
