"""Every code cell is plain Python, before its answer is taken out and after.

So ruff and mypy read the text files, the other rules read syntax trees, and a learner opens a cell
that fails for the missing answer and for nothing else.
"""

import ast
from collections.abc import Iterator

from medmeta_ref.authoring.percent import Text
from medmeta_ref.authoring.problems import Problem
from medmeta_ref.authoring.rules import solution_rows


def python_problems(text: Text) -> list[Problem]:
    """Return the cells of one text file that Python cannot read."""
    return [Problem(text.name, line, what) for line, what in _problems(text)]


def _problems(text: Text) -> Iterator[tuple[int, str]]:
    """Yield (line, problem) for cells that do not parse."""
    for cell in text.cells:
        if cell.kind != "code":
            continue
        error = _syntax_error(cell.source)
        if error:
            what = f"no valid Python ({error.msg}); take out notebook commands (%, !) as well"
            yield cell.line + (error.lineno or 1), what
        elif rows := solution_rows(cell):
            lines = cell.source.split("\n")
            begin = lines[rows.start - 1]
            stub = begin[: begin.index("#")] + "raise NotImplementedError"
            error = _syntax_error("\n".join([*lines[: rows.start], stub, *lines[rows.stop :]]))
            if error:
                what = f"'{cell.answer_id}' without its solution is no valid Python ({error.msg})"
                yield cell.line, f"{what}; indent the marks like the body of the function"


def _syntax_error(source: str) -> SyntaxError | None:
    """Return why a cell does not parse; None if it does."""
    try:
        ast.parse(source)
    except SyntaxError as error:
        return error
    return None
