"""questions() -> answers to the interview questions of unit 10."""

import pytest

from medmeta_ref.grading.question_checks import judge, questions_of


@pytest.mark.parametrize("question", questions_of("10"))
def test_question(yours, question):
    """{question.heading}."""
    judge(question, yours)
