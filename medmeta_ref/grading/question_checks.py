"""The checks of a unit's interview questions: one per question, its points shared out if need be.

All of a unit's spec is a test parametrised over `questions_of("03")` that calls `judge`.

Why a share and not a row of all-or-nothing checks: what a half-right set, order or matching is
worth (Jaccard, Kendall's tau, pairs beyond chance) is a number of the whole answer. Cut into
pieces, each piece could be guessed; as a whole, chance is taken off.
"""

from typing import Any

import pytest

from medmeta_ref.grading.learner import NotAttempted
from medmeta_ref.grading.results import Scored
from medmeta_ref.questions.bank import unit
from medmeta_ref.questions.question import Question, is_unanswered
from medmeta_ref.questions.words import LANGUAGES

MAX_NAME = 80


def questions_of(number: str) -> list[Any]:
    """Return a unit's questions as parameters of a test, each with its id and its points."""
    return [
        pytest.param(question, id=question.id, marks=pytest.mark.points(question.points))
        for question in unit(number).questions
    ]


def judge(question: Question, yours: Any) -> None:
    """Judge a learner's answer to one question.

    Args:
        question: the question.
        yours: the learner's `questions`: a function without arguments that returns a dict from
            question id to answer, or the dict. Its "student" names the variant that was shown, its
            "language" that of the explanations.

    Raises:
        Scored: with the share of the points, and the explanation of that very answer.
        NotAttempted: if there is no answer, or `...` in its place.
        AssertionError: if `yours` is something else.
    """
    answers = yours() if callable(yours) else yours
    assert type(answers) is dict, (
        f"A dict from question to answer was expected, got {type(answers).__name__}. "
        "ask(...) prints one to start from."
    )
    answer = answers.get(question.id)
    if is_unanswered(answer):
        raise NotAttempted(f'put your answer in: "{question.id}": ...')
    student, language = answers.get("student", ""), answers.get("language", "en")
    if type(student) is not str or len(student) > MAX_NAME:
        raise AssertionError(f'"student" should be a name of at most {MAX_NAME} characters.')
    if type(language) is not str or language not in LANGUAGES:
        raise AssertionError('"language" should be "en" or "zh".')
    if student and question.values(student):
        _note(yours, f"Judged with the numbers of student {student!r}.")
    verdict = question.judge(answer, student)
    raise Scored(verdict.share, verdict.why.in_(language))


def _note(yours: Any, text: str) -> None:
    """Say whose numbers were used: an answer copied along with its name is seen."""
    notes = getattr(yours, "notes", None)
    if isinstance(notes, list) and text not in notes:
        notes.append(text)
