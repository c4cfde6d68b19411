"""What all kinds of questions share: texts, points, a variant per student, and a verdict."""

import hashlib
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from medmeta_ref.questions.words import Words

# Parameter -> the values that a student's variant is drawn from.
Given = Mapping[str, Sequence[Any]]

LETTERS = "abcdefghijklmnop"


class Verdict(NamedTuple):
    """What an answer is worth, and why.

    Attributes:
        share: of the question's points, 0 to 1.
        why: an explanation of that very answer.
    """

    share: float
    why: Words


class Lines(NamedTuple):
    """A list below the stem of a question.

    Attributes:
        title: what is listed; empty if that is plain.
        items: (mark, text), for instance ("a", an option).
    """

    title: Words
    items: tuple[tuple[str, Words], ...]


class Slip(NamedTuple):
    """A wrong answer that people give, and why it tempts.

    Attributes:
        answer: the answer, or a function of the variant's values that returns it.
        why: what the learner reads who gives it.
    """

    answer: Any
    why: Words

    def given(self, values: Mapping[str, Any]) -> Any:
        """Return the wrong answer for a variant."""
        return self.answer(**values) if callable(self.answer) else self.answer


@dataclass(frozen=True, kw_only=True)
class Question:
    """One graded question. Each kind of question is a subclass.

    Attributes:
        id: a name, once in its unit: the key of the learner's answer.
        title: a few words.
        stem: the question itself, markdown.
        objective: what somebody can do who answers it.
        source: the paper or the file where one can look it up.
        answers: the items of the source bank that it answers, such as "A4".
        points: what it is worth.
    """

    id: str
    title: Words
    stem: Words
    objective: Words
    source: str
    answers: tuple[str, ...] = ()
    points: int = 2

    kind: ClassVar[str]
    how: ClassVar[Words]  # how to write the answer down

    @property
    def heading(self) -> str:
        """One line that names the question in both languages."""
        return f"{self.title.en} · {self.title.zh} ({self.id})"

    def values(self, student: str) -> dict[str, Any]:
        """Return the parameters of a student's variant; most kinds have none."""
        return {}

    def stem_for(self, student: str) -> Words:
        """Return the stem as that student reads it."""
        return self.stem.filled(self.values(student))

    def code_for(self, student: str) -> str:
        """Return the listing below the stem, or ""."""
        return ""

    def lists(self) -> tuple[Lines, ...]:
        """Return what is to choose from, in the order shown."""
        return ()

    def right_answer(self, student: str = "") -> Any:
        """Return the right answer, as a learner would write it."""
        raise NotImplementedError

    def judge(self, answer: Any, student: str = "") -> Verdict:
        """Return what an answer is worth in a student's variant."""
        raise NotImplementedError

    def guesses(self) -> Iterator[Any]:
        """Yield answers that need no thought: no letter read, nothing computed."""
        return iter(())

    def explanations(self) -> Iterator[tuple[str, Words]]:
        """Yield (what it explains, explanation) for every answer that is foreseen."""
        raise NotImplementedError

    def texts(self) -> Iterator[tuple[str, Words]]:
        """Yield (where, text) for all that a learner can read."""
        yield from (("title", self.title), ("stem", self.stem), ("objective", self.objective))
        for lines in self.lists():
            yield "list", lines.title
            yield from ((f"option {mark}", text) for mark, text in lines.items)
        yield from ((f"why of {what}", why) for what, why in self.explanations())


def draw(question_id: str, given: Given, student: str) -> dict[str, Any]:
    """Return a student's values: a pure function of the names of question and student.

    Args:
        question_id: so that two questions draw independently.
        given: parameter -> what to draw from.
        student: any name; capitals and blanks around it do not matter.

    >>> draw("q", {"n": (5,)}, "Ada") == draw("q", {"n": (5,)}, " ada")
    True
    """
    generator = random.Random(digest(question_id, student.strip().casefold()))
    return {name: generator.choice(list(choices)) for name, choices in given.items()}


def shuffled(question_id: str, n_items: int) -> list[int]:
    """Return 0..n_items-1 in an order that depends on the question alone."""
    order = list(range(n_items))
    random.Random(digest(question_id, "")).shuffle(order)
    return order


def digest(*names: str) -> int:
    """Return a number that depends on some names, the same on every machine."""
    return int.from_bytes(hashlib.sha256("\0".join(names).encode()).digest()[:8], "big")


def is_unanswered(answer: Any) -> bool:
    """Return whether an answer is only the place for one: missing, `...`, or empty."""
    # By its name: out of the sandbox comes an object that stands for the Ellipsis.
    if answer is None or type(answer).__name__ == "ellipsis":
        return True
    return type(answer) in (str, list, tuple, set, frozenset, dict) and not answer


def cut(text: str, most: int = 60) -> str:
    """Return the beginning of a text that a learner wrote, fit to be quoted."""
    return text if len(text) <= most else text[: most - 3] + "..."


def unreadable(answer: Any, wanted: Words) -> Verdict:
    """Return the verdict on an answer that is not of the kind that was asked for."""
    got = type(answer).__name__
    # Python refuses to write very long integers out.
    is_short = type(answer) is not int or answer.bit_length() < 200
    if type(answer) in (str, int, float, bool) and is_short:
        got = cut(repr(answer))
    return Verdict(
        0.0, Words(f"{wanted.en} Your answer is {got}.", f"{wanted.zh}你的答案是 {got}。")
    )
