"""The question bank as pages: one for every unit and language, with answers that can be opened.

A question whose numbers differ from student to student is shown once, with the numbers of nobody in
particular, and says so.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from medmeta_ref.book.page_language import CHINESE
from medmeta_ref.questions.bank import Unit
from medmeta_ref.questions.question import Question, Slip
from medmeta_ref.questions.render import card_as_markdown, question_as_markdown
from medmeta_ref.questions.words import LANGUAGES, Words, shown

_STUDENT = ""  # nobody in particular

_TITLE = Words("Interview questions", "面试题")
_OTHER = Words("[中文]({page}.md)", "[English]({page}.md)")
_HOW = Words(
    'The course asks the same in a notebook, where a check judges your answers: `ask("{number}")`.',
    '课程的笔记本里也有这些题，并自动判分：`ask("{number}", language="zh")`。',
)
_SHOW = Words("Show the answer", "查看答案")
_RIGHT = Words("Right answer:", "正确答案：")
_VARIANT = Words(
    "An example: in the notebook, everybody gets numbers of their own.",
    "这是一个例子：在笔记本里，每个人的数字各不相同。",
)
_OBJECTIVE = Words("What it asks for:", "考查：")
_SOURCE = Words("Look it up in:", "出处：")
_NAME = Words("Its name in the answer cell:", "在答案单元格中的名字：")
_ALOUD = Words("Two minutes aloud (not graded)", "两分钟口述（不计分）")
_IS_RIGHT = Words(" (right)", "（正确）")
# What an explanation explains, as the bank calls it.
_LABELS = {
    "the right answer": Words("Why", "理由"),
    "option": Words("Option", "选项"),
    "step": Words("Place", "位置"),
    "pair": Words("Pair", "配对"),
    "fix": Words("Replacement", "换法"),
    "mutant": Words("Wrong one", "错误写法"),
}


def write_questions(unit: Unit, *, into: Path) -> None:
    """Write the pages of a unit, one for each language, into `questions/` below `into`."""
    folder = into / "questions"
    folder.mkdir(parents=True, exist_ok=True)
    for language in LANGUAGES:
        path = folder / f"{page_name(unit.number, language)}.md"
        path.write_text(as_page(unit, language=language), encoding="utf-8")


def page_name(number: str, language: str) -> str:
    """Return the name of a unit's page.

    >>> page_name("06", "en"), page_name("06", "zh")
    ('06', '06_zh')
    """
    return number + CHINESE * (language == "zh")


def as_page(unit: Unit, *, language: str) -> str:
    """Return the questions and cards of a unit, with answers, as MyST markdown."""
    other = page_name(unit.number, "en" if language == "zh" else "zh")
    parts = [
        f"# {_TITLE.in_(language)} {unit.number}",
        _HOW.in_(language).format(number=unit.number)
        + f" {_OTHER.in_(language).format(page=other)}",
    ]
    for number, question in enumerate(unit.questions, start=1):
        _, *asked = question_as_markdown(
            question, number=number, language=language, student=_STUDENT
        )
        heading = f"## {number}. {question.title.in_(language)}"
        # The page leaves room below a listing by itself.
        asked = [part.removesuffix("\n\n<br>") for part in asked]
        parts += [heading, *asked, *_answer(question, language)]
    parts.append(f"## {_ALOUD.in_(language)}")
    for card in unit.cards:
        parts += card_as_markdown(card, language=language, level=3)
    return "\n\n".join(parts) + "\n"


def explained(question: Question, *, language: str) -> Iterator[tuple[str, str]]:
    """Yield (label, explanation) for every answer to a question that is foreseen.

    Wrong answers that are numbers or formulas are labelled by themselves.
    """
    values = question.values(_STUDENT)
    right = question.right_answer(_STUDENT)
    filling = values | {"key": shown(right)}
    slips: tuple[Slip, ...] = getattr(question, "slips", ())
    for what, why in question.explanations():
        kind, _, mark = what.partition(" ")
        if kind == "slip":
            given = slips[int(mark) - 1].given(values)
            if question.judge(given, _STUDENT).share == 1:
                continue  # in this variant it happens to be right
            label = f"`{_plain(given)}`"
        elif what in _LABELS:
            label = _LABELS[what].in_(language)
        else:
            label = f"{_LABELS[kind].in_(language)} {mark}"
            label += _IS_RIGHT.in_(language) if kind == "option" and mark in right else ""
        yield label, why.filled(filling).in_(language)


def _answer(question: Question, language: str) -> Iterator[str]:
    yield f"<details><summary>{_SHOW.in_(language)}</summary>"
    if question.values(_STUDENT):
        yield f"*{_VARIANT.in_(language)}*"
    yield f"**{_RIGHT.in_(language)}** `{_plain(question.right_answer(_STUDENT))}`"
    rows = explained(question, language=language)
    yield "\n".join(f"- **{label}.** {why}" for label, why in rows)
    yield f"{_OBJECTIVE.in_(language)} {question.objective.in_(language)}"
    yield f"{_SOURCE.in_(language)} {question.source}"
    yield f"{_NAME.in_(language)} `{question.id}`"
    yield "</details>"


def _plain(answer: Any) -> str:
    """Return an answer as a learner would write it; sets in the order of the alphabet."""
    if isinstance(answer, str):
        return json.dumps(answer, ensure_ascii=False)
    if isinstance(answer, set):
        return "{" + ", ".join(map(_plain, sorted(answer))) + "}"
    if isinstance(answer, dict):
        return "{" + ", ".join(f"{_plain(k)}: {_plain(v)}" for k, v in answer.items()) + "}"
    if isinstance(answer, (tuple, list)):
        inside = ", ".join(map(_plain, answer)) + "," * (len(answer) == 1)
        return f"({inside})" if isinstance(answer, tuple) else f"[{', '.join(map(_plain, answer))}]"
    return shown(answer)
