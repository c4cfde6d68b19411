"""Find the bug: which line, and what should stand there instead.

The fixes are offered, so a learner's code is never run. Which of them is right is found by running
the listing with each in its place: the property has to fail for the listing as it is, to hold with
exactly one of the fixes, and that one is the key.
"""

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from medmeta_ref.questions.question import LETTERS, Lines, Question, Verdict, unreadable
from medmeta_ref.questions.snippets import namespace
from medmeta_ref.questions.words import Words, same


class Fix(NamedTuple):
    """A line to put in another's place.

    Attributes:
        line: the number of the line that it replaces; learners are not shown it.
        code: what would stand there, without indentation.
        why: why this mends the listing, or why it tempts and does not.
    """

    line: int
    code: str
    why: Words


@dataclass(frozen=True, kw_only=True)
class Bug(Question):
    """A listing with one wrong line. Line and fix have to be right; all points or none.

    Attributes:
        code: the listing.
        fixes: replacements to choose from, for several of its lines.
        works: called with the names that the (mended) listing defines; says whether it does what
            the stem says it should.
    """

    code: str
    fixes: tuple[Fix, ...]
    works: Callable[[dict[str, Any]], bool]

    kind: ClassVar[str] = "bug"
    how: ClassVar[Words] = Words(
        'The number of the wrong line and the letter of what should stand there, like `(3, "b")`.',
        '写出错的行号，以及应当换成哪一行的字母，例如 `(3, "b")`。',
    )

    def code_for(self, student: str) -> str:
        """Return the listing with line numbers."""
        lines = self.code.strip("\n").split("\n")
        return "\n".join(f"{n:2}  {line}" for n, line in enumerate(lines, start=1))

    def lists(self) -> tuple[Lines, ...]:
        """Return the fixes."""
        items = ((m, same(f"`{fix.code}`")) for m, fix in zip(LETTERS, self.fixes, strict=False))
        return (Lines(Words("Instead:", "换成："), tuple(items)),)

    def mended(self, fix: Fix) -> str:
        """Return the listing with a fix in its place."""
        lines = self.code.strip("\n").split("\n")
        old = lines[fix.line - 1]
        lines[fix.line - 1] = old[: len(old) - len(old.lstrip())] + fix.code
        return "\n".join(lines)

    def cures(self) -> list[bool]:
        """Return, for each fix, whether the listing works with it."""
        return list(_cures(self))

    def is_broken(self) -> bool:
        """Return whether the listing as it stands fails."""
        return not _holds(self.works, self.code.strip("\n"))

    def right_answer(self, student: str = "") -> tuple[int, str]:
        """Return line and letter."""
        [number] = [n for n, cures in enumerate(self.cures()) if cures]
        return self.fixes[number].line, LETTERS[number]

    def judge(self, answer: Any, student: str = "") -> Verdict:
        """Return the verdict on a pair of line and letter."""
        letters = LETTERS[: len(self.fixes)]
        if not (
            type(answer) in (tuple, list)
            and [type(part) for part in answer] == [int, str]
            and len(answer[1]) == 1
            and answer[1] in letters
        ):
            wanted = Words(
                "A pair of line number and letter was expected.", "应填一对：行号和字母。"
            )
            return unreadable(answer, wanted)
        line, letter = self.right_answer()
        fix = self.fixes[letters.index(answer[1])]
        if answer[1] != letter:
            return Verdict(0.0, fix.why)
        if answer[0] != line:
            return Verdict(
                0.0,
                Words(
                    f"The fix is right, but line {shown_line(answer[0])} is not where it belongs.",
                    f"换上的代码是对的，但它不属于第 {shown_line(answer[0])} 行。",
                ),
            )
        return Verdict(1.0, fix.why)

    def guesses(self) -> Iterator[tuple[int, str]]:
        """Yield every letter with the first line."""
        yield from ((1, letter) for letter in LETTERS[: len(self.fixes)])

    def explanations(self) -> Iterator[tuple[str, Words]]:
        """Yield the explanation of every fix."""
        return ((f"fix {m}", fix.why) for m, fix in zip(LETTERS, self.fixes, strict=False))


def shown_line(number: int) -> str:
    """Return a line number, cut where nobody meant one."""
    return str(number) if abs(number) < 1000 else "..."


@functools.cache
def _cures(bug: Bug) -> tuple[bool, ...]:
    return tuple(_holds(bug.works, bug.mended(fix)) for fix in bug.fixes)


def _holds(works: Callable[[dict[str, Any]], bool], code: str) -> bool:
    """Return whether a listing has its property; one that raises has not."""
    try:
        return bool(works(namespace(code)))
    except Exception:  # noqa: BLE001 - a listing that does not run does not work
        return False
