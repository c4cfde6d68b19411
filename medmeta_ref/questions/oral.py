"""Two-minute questions to answer aloud. Nobody grades them: there is a rubric to do it oneself."""

from dataclasses import dataclass

from medmeta_ref.questions.words import Words


@dataclass(frozen=True, kw_only=True)
class Card:
    """A question that an interviewer would ask.

    Attributes:
        id: a name, once in its unit.
        prompt: the question.
        rubric: what a good answer mentions, three points or more.
        model: an answer that takes two minutes to say.
        source: the paper or the file where one can look it up.
        answers: the items of the source bank that it answers.
    """

    id: str
    prompt: Words
    rubric: tuple[Words, ...]
    model: Words
    source: str
    answers: tuple[str, ...] = ()
