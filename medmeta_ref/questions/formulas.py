"""Questions that ask for a formula: the answer is a text, judged by its values."""

import math
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from medmeta_ref.questions.expressions import FUNCTIONS, BadFormula, evaluate, parse
from medmeta_ref.questions.question import Question, Slip, Verdict, digest, unreadable
from medmeta_ref.questions.words import Words

N_POINTS = 20
_RTOL = 1e-9


@dataclass(frozen=True, kw_only=True)
class Formula(Question):
    """A formula in some variables; right if it has the key's value at random points.

    Attributes:
        variables: name -> (lowest, highest) value that it is tried with.
        key: called with all variables; returns the value.
        example: the right formula as one would write it.
        slips: wrong formulas, as texts, with the reason why they tempt.
        why: how one gets the right one.
    """

    variables: Mapping[str, tuple[float, float]]
    key: Callable[..., float]
    example: str
    slips: tuple[Slip, ...] = ()
    why: Words

    kind: ClassVar[str] = "formula"
    how: ClassVar[Words] = Words(
        'A formula as text, like `"2 * a * (b - 1) ** 2"`; functions: '
        f"{', '.join(f'`{name}`' for name in FUNCTIONS)}.",
        '写成字符串的公式，例如 `"2 * a * (b - 1) ** 2"`；可用函数：'
        f"{'、'.join(f'`{name}`' for name in FUNCTIONS)}。",
    )

    def points_tried(self) -> list[dict[str, float]]:
        """Return the values of the variables that a formula is tried with: always the same."""
        generator = random.Random(digest(self.id, "points"))
        return [
            {name: generator.uniform(*limits) for name, limits in self.variables.items()}
            for _ in range(N_POINTS)
        ]

    def right_answer(self, student: str = "") -> str:
        """Return the right formula."""
        return self.example

    def is_right(self, formula: str) -> bool:
        """Return whether a formula has the key's value at all points.

        Raises:
            BadFormula: if the text is none.
        """
        points = self.points_tried()
        return _agree(self._values(formula, points), [self.key(**point) for point in points])

    def judge(self, answer: Any, student: str = "") -> Verdict:
        """Return the verdict on a text."""
        if type(answer) is not str:
            wanted = Words("A formula as text was expected.", "应填写成字符串的公式。")
            return unreadable(answer, wanted)
        try:
            if self.is_right(answer):
                return Verdict(1.0, self.why)
            points = self.points_tried()
            values = self._values(answer, points)
        except BadFormula as error:
            return Verdict(0.0, Words(str(error), error.zh))
        for slip in self.slips:
            if _agree(values, self._values(slip.answer, points)):
                return Verdict(0.0, slip.why)
        return Verdict(0.0, _difference(points[0], values[0], self.key(**points[0])))

    def guesses(self) -> Iterator[str]:
        """Yield each variable alone, and 0 and 1."""
        yield from (*self.variables, "0", "1")

    def explanations(self) -> Iterator[tuple[str, Words]]:
        """Yield the explanations of the right formula and of every slip."""
        yield "the right answer", self.why
        yield from ((f"slip {n}", slip.why) for n, slip in enumerate(self.slips, start=1))

    def _values(self, formula: str, points: list[dict[str, float]]) -> list[float]:
        tree = parse(formula, frozenset(self.variables))
        return [evaluate(tree, point) for point in points]


def _agree(values: list[float], others: list[float]) -> bool:
    pairs = zip(values, others, strict=True)
    return all(math.isclose(a, b, rel_tol=_RTOL, abs_tol=_RTOL) for a, b in pairs)


def _difference(point: Mapping[str, float], got: float, want: float) -> Words:
    """Return where a formula differs, so that the learner can put the numbers in."""
    at = ", ".join(f"{name} = {value:.4g}" for name, value in point.items())
    return Words(
        f"At {at} yours gives {got:.4g}, expected is {want:.4g}.",
        f"当 {at} 时，你的公式得 {got:.4g}，应为 {want:.4g}。",
    )
