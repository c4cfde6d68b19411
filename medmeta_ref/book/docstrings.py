"""Docstrings as the reference shows them: what is mathematics in them is not taken for markup.

Docstrings here are plain text with `code` in single backticks, sections as Google writes them, and
`*words*` in emphasis. Sphinx reads reStructuredText, where |x| and 2 * n * m mean something else.
"""

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

_CODE = re.compile(r"(`+[^`]+`+)")
_SIGNATURE = re.compile(r'<dt class="sig .*?</dt>', re.DOTALL)
_STAR = re.compile(r"(?<!\\)(\*\w(?:[^*]*\w)?\*(?!\w))|(\*)")


def plain(line: str) -> str:
    r"""Return a line of a docstring with the signs escaped that would be markup.

    >>> plain("the norm ||w|| of `a * b`, *not* 2 * n")
    'the norm \\|\\|w\\|\\| of `a * b`, *not* 2 \\* n'
    """
    parts = _CODE.split(line)
    for number in range(0, len(parts), 2):  # every other one is code
        escaped = parts[number].replace("|", r"\|")
        parts[number] = _STAR.sub(lambda found: found[1] or r"\*", escaped)
    return "".join(parts)


def setup(app: "Sphinx") -> dict[str, Any]:
    """Look at every docstring before napoleon does, at every member, and at every page."""
    app.connect("autodoc-process-docstring", _process, priority=400)
    app.connect("autodoc-skip-member", _skip)
    app.connect("html-page-context", _spans)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def marked_up(lines: list[str]) -> list[str]:
    r"""Return the lines of a docstring as Sphinx has to read them.

    Doctests stay as they are. A block that is indented after an empty line holds formulas or code,
    set by hand: it becomes a literal block.

    >>> marked_up(["The step:", "", "    w - a * g", "", "2 * a"])
    ['The step:', '', '::', '', '    w - a * g', '', '2 \\* a']
    """
    made: list[str] = []
    in_example, literal, last = False, None, 0
    for line in lines:
        indent = len(line) - len(line.lstrip())
        blank = not line.strip()
        if literal is not None and not blank and indent < literal:
            literal = None
        in_example = line.lstrip().startswith(">>>") or (in_example and not blank)
        starts = not blank and not in_example and made and not made[-1].strip() and indent > last
        if starts and literal is None:
            made += [f"{' ' * last}::", ""]
            literal = indent
        if not blank and literal is None:
            last = indent
        made.append(line if in_example or literal is not None else plain(line))
    return made


def _process(
    app: "Sphinx", what: str, name: str, of: object, options: object, lines: list[str]
) -> None:
    lines[:] = marked_up(lines)


def _skip(
    app: "Sphinx", what: str, name: str, of: object, skip: bool, options: object
) -> bool | None:
    """Leave out the fields of named tuples: the class's docstring says what they hold."""
    return True if type(of).__name__ == "_tuplegetter" else None


def _spans(
    app: "Sphinx", page: str, template: str, context: dict[str, Any], doctree: object
) -> None:
    """Write long signatures without the list of definitions that Sphinx makes of them.

    That list has no term, so screen readers announce it wrongly; axe calls it serious.
    """

    def spans(found: re.Match[str]) -> str:
        text = found[0].replace("<dl>", "").replace("</dl>", "")
        return text.replace("<dd>", '<span class="sig-parameter-line">').replace("</dd>", "</span>")

    context["body"] = _SIGNATURE.sub(spans, context.get("body", ""))
