"""What is an answer's own: its runs of tokens that were not handed out.

A run is `RUN` tokens in a row, as normalised by `code_tokens`. Two texts that have the same runs
are the same but for names, comments and layout.
"""

from collections.abc import Collection
from typing import NamedTuple

from medmeta_ref.grading.reports.code_tokens import Token, code_tokens

# Long enough to be more than `x . softmax ( x ,`; short enough to survive a changed line.
RUN = 6

Run = tuple[str, ...]


class Fingerprint(NamedTuple):
    """One answer.

    Attributes:
        text: as it was handed in.
        runs: run -> the lines of its tokens, where it stands first.
    """

    text: str
    runs: dict[Run, tuple[int, ...]]

    def lines_of(self, runs: Collection[Run]) -> set[int]:
        """Return the lines, from 1, in which some of the runs stand."""
        return {line for run, lines in self.runs.items() if run in runs for line in lines}


def fingerprint(text: str, released: str = "") -> Fingerprint:
    """Return the runs of an answer that its released cell does not have.

    Args:
        text: the answer.
        released: the cell as it was handed out.
    """
    given = _runs(code_tokens(released)).keys() if released else ()
    return Fingerprint(text, {r: n for r, n in _runs(code_tokens(text)).items() if r not in given})


def _runs(tokens: tuple[Token, ...]) -> dict[Run, tuple[int, ...]]:
    texts = [token.text for token in tokens]
    found: dict[Run, tuple[int, ...]] = {}
    for i in range(len(tokens) - RUN + 1):
        # Of the lines in between, a docstring's for instance, nothing was compared.
        lines = tuple({token.line for token in tokens[i : i + RUN]})
        found.setdefault(tuple(texts[i : i + RUN]), lines)
    return found
