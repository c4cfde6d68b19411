"""Questions as markdown for a notebook, and as plain text for a terminal.

Markdown, because a notebook turns it into headings and lists, which a screen reader can walk, and
sets its formulas. Nothing is told by colour or position alone.
"""

import html
import json
import re
import textwrap
import unicodedata
from collections.abc import Iterator

from medmeta_ref.questions.bank import Unit
from medmeta_ref.questions.oral import Card
from medmeta_ref.questions.question import Question
from medmeta_ref.questions.words import Words

_WIDTH = 88
_TITLE = Words("Interview questions", "面试题")
_HOW = Words("Answer:", "作答：")
_SPACE = Words(" ", "")  # after a colon; a Chinese one brings its own
_ANSWERS = Words("Your answers", "作答")
_ALOUD = Words("Two minutes aloud (not graded)", "两分钟口述（不计分）")
_RUBRIC = Words("A good answer mentions:", "好的回答应提到：")
_MODEL = Words("One good answer:", "参考回答：")
_OPEN = Words("Rubric and answer", "评分要点与参考回答")
_COPY = Words(
    "Copy this into the answer cell and replace what you know. `...` counts as not attempted.",
    "把下面的内容复制到答案单元格，会的题就把 `...` 换掉；保留 `...` 算作未作答。",
)


def as_markdown(unit: Unit, *, language: str, student: str) -> str:
    """Return all questions and cards of a unit."""
    lang = "zh-Hans" if language == "zh" else "en"
    parts = [f'<div lang="{lang}">', f"## {_TITLE.in_(language)} {unit.number}"]
    for number, question in enumerate(unit.questions, start=1):
        parts += question_as_markdown(question, number=number, language=language, student=student)
    parts += [
        f"### {_ANSWERS.in_(language)}",
        _COPY.in_(language),
        f"```python\n{template(unit, language=language, student=student)}\n```",
        f"### {_ALOUD.in_(language)}",
    ]
    for card in unit.cards:
        parts += card_as_markdown(card, language=language)
    return "\n\n".join([*parts, "</div>"])


def as_text(unit: Unit, *, language: str, student: str) -> str:
    """Return the same for a terminal; the rubrics of the cards stand below their questions."""
    markdown = as_markdown(unit, language=language, student=student)
    plain = re.sub(r"</?(?:div|details|summary|br)[^>]*>", "", markdown)
    # Bold marks only, not the powers of a formula.
    plain = re.sub(r"^(- )?\*\*(.+?)\*\*", r"\1\2", html.unescape(plain), flags=re.MULTILINE)
    plain = re.sub(r"^\*(\w+[:：])\*", r"\1", plain, flags=re.MULTILINE)
    plain = re.sub(r"\n{3,}", "\n\n", plain).strip()
    lines, in_code = [], False
    for line in plain.split("\n"):
        in_code ^= line.startswith("```")
        if in_code or line.startswith("```"):
            lines += [] if line.startswith("```") else [f"    {line}"]
            continue
        lines += wrapped(line, hanging="   " if line.startswith("- ") else "")
    return "\n".join(lines)


def template(unit: Unit, *, language: str, student: str) -> str:
    """Return the answer cell's dict with a place for every answer."""
    rows = [f'    "student": {json.dumps(student, ensure_ascii=False)},'] if student else []
    rows += [f'    "language": "{language}",'] if language != "en" else []
    rows += [f'    "{question.id}": ...,' for question in unit.questions]
    return "\n".join(["return {", *rows, "}"])


def wrapped(line: str, *, hanging: str = "", width: int = _WIDTH) -> list[str]:
    """Return a line cut into lines of at most `width` columns; a Chinese character takes two."""
    if line.isascii():
        return textwrap.wrap(line, width, subsequent_indent=hanging) or [""]
    lines, current, used = [], "", 0
    for piece in re.findall(r"[!-~]+|.", line):
        size = sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in piece)
        # Closing marks may hang over: they never begin a line.
        if used + size > width and current.strip() and piece not in "，。；：？！、）」”":
            lines.append(current.rstrip())
            current, used = hanging, len(hanging)
            piece = piece.lstrip()
        current, used = current + piece, used + size
    return [*lines, current.rstrip()]


def question_as_markdown(
    question: Question, *, number: int, language: str, student: str
) -> Iterator[str]:
    """Yield the heading of a question, then its paragraphs."""
    title = question.title.in_(language)
    plural = "s" * (question.points != 1)
    points = Words(f"{question.points} point{plural}", f"{question.points} 分").in_(language)
    yield f"### {number}. {title} (`{question.id}`, {points})"
    yield question.stem_for(student).in_(language).strip()
    code = question.code_for(student)
    if code:
        yield f"```python\n{code}\n```\n\n<br>"  # JupyterLab leaves no room below a listing
    for lines in question.lists():
        name = lines.title.in_(language)
        rows = "\n".join(f"- **{mark}.** {text.in_(language)}" for mark, text in lines.items)
        yield f"{name}\n\n{rows}" if name else rows
    yield f"*{_HOW.in_(language)}*{_SPACE.in_(language)}{question.how.in_(language)}"


def card_as_markdown(card: Card, *, language: str, level: int = 4) -> Iterator[str]:
    """Yield the paragraphs of an oral question, its rubric and answer to be opened."""
    yield f"{'#' * level} {card.prompt.in_(language)}"
    yield f"<details><summary>{_OPEN.in_(language)}</summary>"
    yield _RUBRIC.in_(language)
    yield "\n".join(f"- {point.in_(language)}" for point in card.rubric)
    yield f"{_MODEL.in_(language)}{_SPACE.in_(language)}{card.model.in_(language)}"
    yield "</details>"
