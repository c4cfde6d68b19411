"""Formulas as MathML: no script, no font and no host is needed to show them, and they can be read.

All current browsers set MathML; screen readers speak it.
"""

import re
from typing import TYPE_CHECKING, Any

from docutils import nodes

if TYPE_CHECKING:
    from sphinx.application import Sphinx


_BIG_ANGLE = re.compile(r"(\\[bB]igg?[lr]?)\s*\\([lr])angle(?![A-Za-z])")
_ANGLES = {"l": "\N{MATHEMATICAL LEFT ANGLE BRACKET}", "r": "\N{MATHEMATICAL RIGHT ANGLE BRACKET}"}


class FormulaError(ValueError):
    """A formula that cannot be set."""


def mathml(tex: str, *, block: bool = False) -> str:
    r"""Return a formula as a `<math>` element.

    Args:
        tex: LaTeX without the dollar signs.
        block: whether it stands on lines of its own.

    Raises:
        FormulaError: if it is no LaTeX, or holds a command that the converter does not know.

    >>> mathml(r"\alpha").count("<mi>")
    1
    """
    # Here, because only a build of the book needs it.
    from latex2mathml.converter import convert

    try:
        made: str = convert(_known(tex), display="block" if block else "inline")
    except Exception as error:
        raise FormulaError(f"formula {tex!r}: {type(error).__name__}: {error}") from error
    unknown = re.search(r">\\([A-Za-z]+)<", made)
    if unknown:
        raise FormulaError(f"formula {tex!r}: \\{unknown[1]} is not known; write it otherwise")
    return made


def setup(app: "Sphinx") -> dict[str, Any]:
    """Register the renderer with Sphinx."""
    app.add_html_math_renderer(
        "mathml", inline_renderers=(_inline, None), block_renderers=(_block, None)
    )
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _known(tex: str) -> str:
    r"""Return a formula as the converter can read it.

    Several lines of a display are aligned, as Sphinx has it, if they are not yet; an angle bracket
    behind `\Bigl` and its like has to be the character itself.
    """
    plain = _BIG_ANGLE.sub(lambda found: found[1] + _ANGLES[found[2]], tex.strip())
    if r"\\" in plain and r"\begin" not in plain:
        return rf"\begin{{aligned}}{plain}\end{{aligned}}"
    return plain


def _inline(writer: Any, node: nodes.math) -> None:
    writer.body.append(_set(node, block=False))
    raise nodes.SkipNode


def _block(writer: Any, node: nodes.math_block) -> None:
    writer.body.append(f'<div class="math-block" tabindex="0">{_set(node, block=True)}</div>\n')
    raise nodes.SkipNode


def _set(node: nodes.Element, *, block: bool) -> str:
    """Return the MathML of a node; a formula that cannot be set is a warning at its place."""
    from sphinx.util import logging

    try:
        return mathml(node.astext(), block=block)
    except FormulaError as error:
        logging.getLogger(__name__).warning(str(error), location=node)
        return ""
