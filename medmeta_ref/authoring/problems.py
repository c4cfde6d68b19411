"""What the builder says when it refuses: where, what, and the way out."""

from collections.abc import Iterable
from typing import NamedTuple


class Problem(NamedTuple):
    """One reason not to build.

    Attributes:
        where: the text file to edit, seen from the course folder: `solutions/03_distillation.py`.
        line: its line, from 1.
        what: what is wrong; after a semicolon, the way out.
    """

    where: str
    line: int
    what: str

    def __str__(self) -> str:
        """Return the form that editors turn into a link: `file:line: what`."""
        return f"{self.where}:{self.line}: {self.what}"


class BuildError(Exception):
    """The course cannot be built. The message lists every problem, one a line.

    Attributes:
        problems: the same problems, one string each.
    """

    def __init__(self, problems: Iterable[Problem | str]) -> None:
        self.problems = [str(problem) for problem in problems]
        super().__init__("\n".join(self.problems))
