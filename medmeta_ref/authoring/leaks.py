"""No line of an answer may reach a learner.

Every line between solution marks is searched for in all exercises and all lessons: given code,
prose and code fences alike, in its own unit and in the others. A line of three tokens or fewer
(`return x`) gives nothing away and may recur.
"""

import io
import json
import re
import tokenize
from collections.abc import Iterator, Mapping, Sequence

from medmeta_ref.authoring.notebooks import cell_ids
from medmeta_ref.authoring.percent import Cell, Text
from medmeta_ref.authoring.problems import Problem
from medmeta_ref.authoring.rules import solution_rows

MOST_TOKENS_SHARED = 3

_NO_CONTENT = {
    tokenize.COMMENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
    tokenize.INDENT,
    tokenize.NEWLINE,
    tokenize.NL,
}


def leaks(texts: Sequence[Text], opened: Mapping[str, bytes]) -> list[Problem]:
    """Return every answer line that stands in a notebook a learner opens.

    Args:
        texts: the text files of the course.
        opened: text file -> bytes of the notebook that a learner opens: the lesson, or what
            nbgrader made of the solutions.
    """
    answers = [answer for text in texts for answer in _answers(text)]
    problems = []
    for text in (text for text in texts if text.name in opened):
        line_of = dict(zip(cell_ids(text), (cell.line for cell in text.cells), strict=True))
        for cell in json.loads(opened[text.name])["cells"]:
            source = "".join(cell["source"]).split("\n")
            problems += [
                Problem(
                    text.name,
                    line_of[cell["id"]],
                    f"the answer line '{line.strip()}' of {where} reaches learners "
                    f"in cell '{cell['id']}'; reword it there or move it behind the solution marks",
                )
                for where, line, pattern in answers
                if any(pattern.search(shown) for shown in source)
            ]
    return problems


def _answers(text: Text) -> Iterator[tuple[str, str, re.Pattern[str]]]:
    """Yield (place, line, pattern that finds it) for each telling answer line."""
    for cell in text.cells:
        if cell.answer_id:
            for line, code in _telling_lines(cell):
                yield f"{text.name}:{cell.line}", line, _pattern(code)


def _pattern(code: str) -> re.Pattern[str]:
    """Return what finds a line of code, however it is spaced and whatever stands around it."""
    # Around it, because prose quotes code between other words.
    words = re.sub(r"(?<=\w)\s+(?=\w)", "\n", code.strip())  # blanks that keep two names apart
    parts = (re.escape(part) for part in re.findall(r"\n|\w+|[^\w\s]", words))
    found = r"\s*".join(parts).replace("\\\n", r"\s")
    return re.compile(rf"(?<!\w){found}(?!\w)")


def _telling_lines(cell: Cell) -> Iterator[tuple[str, str]]:
    """Yield (line, its code without comment) for answer lines of more than three tokens."""
    lines = cell.source.split("\n")
    counts, comments = [0] * (len(lines) + 1), dict[int, int]()
    # The whole cell, for a block alone may not be something that can be cut into tokens.
    for token in tokenize.generate_tokens(io.StringIO(cell.source).readline):
        row, last = token.start[0] - 1, token.end[0] - 1
        if token.type == tokenize.COMMENT:
            comments[row] = token.start[1]
        if token.type not in _NO_CONTENT:
            counts[row] += 1
            for inside in range(row + 1, last + 1):  # the rest of a long string: its words count
                counts[inside] += len(lines[inside].split())
    for row in solution_rows(cell):
        if counts[row] > MOST_TOKENS_SHARED:
            yield lines[row], lines[row][: comments.get(row)]
