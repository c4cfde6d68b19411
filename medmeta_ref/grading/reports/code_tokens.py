"""A learner's code as the tokens that renaming, comments and layout do not change.

Names that can be renamed all count as one; what a library calls its functions and settings stays,
and so do keywords, numbers and operators. Strings, and with them docstrings, are left out.
"""

import builtins
import functools
import io
import keyword
import re
import tokenize
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

# More than any honest answer has; the report stays quick whatever is handed in.
MAX_TOKENS = 5000

CHOSEN = "name"  # stands for every name that somebody chose
_KEPT = frozenset(keyword.kwlist) | frozenset(dir(builtins))
_LEFT_OUT = frozenset(
    number
    for name, number in vars(tokenize).items()
    if name in ("COMMENT", "NL", "NEWLINE", "INDENT", "DEDENT", "ENDMARKER", "ENCODING", "STRING")
    or name.startswith(("FSTRING", "TSTRING"))  # Python 3.12, 3.14
)
# For code that Python does not tokenize: an open bracket, a quote too many.
_ROUGHLY = re.compile(
    r"#[^\n]*|[rbfuRBFU]{0,2}(?:'''.*?'''|\"\"\".*?\"\"\"|'[^'\n]*'|\"[^\"\n]*\")"
    r"|(?P<token>\w+|\*\*|//|[<>=!+\-*/]=|[^\s\w])",
    re.DOTALL,
)


class Token(NamedTuple):
    """One token.

    Attributes:
        text: the token, normalised.
        line: the line it stands in, from 1.
    """

    text: str
    line: int


@functools.lru_cache(maxsize=20_000)
def code_tokens(source: str) -> tuple[Token, ...]:
    """Return the normalised tokens of a piece of code, whether it can be compiled or not.

    >>> [token.text for token in code_tokens("loss = F.mse_loss(a, dim=1)  # mean")]
    ['name', '=', 'name', '.', 'mse_loss', '(', 'name', ',', 'dim', '=', '1', ')']
    """
    try:
        raw = list(islice(_exactly(source), MAX_TOKENS))
    except (tokenize.TokenError, SyntaxError, ValueError):
        raw = list(islice(_roughly(source), MAX_TOKENS))
    return tuple(_normalised(raw))


def _exactly(source: str) -> Iterator[Token]:
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in _LEFT_OUT and token.string.strip():
            yield Token(token.string, token.start[0])


def _roughly(source: str) -> Iterator[Token]:
    line, seen = 1, 0
    for found in _ROUGHLY.finditer(source):
        line += source.count("\n", seen, found.start())
        seen = found.start()
        if found["token"]:
            yield Token(found["token"], line)


def _normalised(raw: list[Token]) -> Iterator[Token]:
    depth = 0
    for i, (text, line) in enumerate(raw):
        depth += (text in "([{") - (text in ")]}")
        if text.isidentifier() and text not in _KEPT:
            attribute = i > 0 and raw[i - 1].text == "."
            setting = depth > 0 and i + 1 < len(raw) and raw[i + 1].text == "="
            if not attribute and not setting:
                text = CHOSEN
        yield Token(text, line)
