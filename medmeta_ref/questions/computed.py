"""Questions whose key is computed when it is needed: `Numeric`, `Shape`, `Predict`.

Nobody types such a key in. A function, or the snippet itself, is run with the numbers of the
student's variant.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

from medmeta_ref.questions.question import Given, Question, Slip, Verdict, cut, draw, unreadable
from medmeta_ref.questions.snippets import outcome
from medmeta_ref.questions.words import Words, shown


@dataclass(frozen=True, kw_only=True)
class _Computed(Question):
    """Parameters drawn per student, and known wrong answers with their explanations.

    Attributes:
        given: parameter -> values to draw from; `{parameter}` in texts and listings.
        slips: wrong answers, with the reason why they tempt.
        why: why the right answer is right; `{key}` in it is that answer.
    """

    given: Given = field(default_factory=dict)
    slips: tuple[Slip, ...] = ()
    why: Words

    wanted: ClassVar[Words]

    def values(self, student: str) -> dict[str, Any]:
        """Return the parameters of a student's variant."""
        return draw(self.id, self.given, student)

    def judge(self, answer: Any, student: str = "") -> Verdict:
        """Return the verdict: all or nothing, with the slip that explains a wrong answer."""
        if not self._is_readable(answer):
            return unreadable(answer, self.wanted)
        values, key = self.values(student), self.right_answer(student)
        if self._agree(answer, key):
            return Verdict(1.0, self.why.filled(values | {"key": shown(key)}))
        for slip in self.slips:
            if self._agree(answer, slip.given(values)):
                return Verdict(0.0, slip.why.filled(values))
        given = cut(shown(answer))
        return Verdict(
            0.0,
            Words(
                f"{given} is not it, and no slip that we know. Work it out in small steps.",
                f"{given} 不对，也不是常见的失误。请一步一步地算。",
            ),
        )

    def explanations(self) -> Iterator[tuple[str, Words]]:
        """Yield the explanations of the right answer and of every slip."""
        yield "the right answer", self.why
        yield from ((f"slip {n}", slip.why) for n, slip in enumerate(self.slips, start=1))

    def _is_readable(self, answer: Any) -> bool:
        raise NotImplementedError

    def _agree(self, answer: Any, other: Any) -> bool:
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class Numeric(_Computed):
    """A number, with the tolerance of somebody who rounds to three digits.

    Attributes:
        key: called with the variant's values; returns the number.
        unit: what the number is counted in, if in anything.
        rtol: relative tolerance.
        atol: absolute tolerance.
    """

    key: Callable[..., float]
    unit: Words | None = None
    rtol: float = 0.005
    atol: float = 0.0

    kind: ClassVar[str] = "numeric"
    how: ClassVar[Words] = Words(
        "A number, to three digits or as an expression, like `0.125` or `2 / 3`.",
        "一个数，保留三位有效数字，或写成算式，例如 `0.125` 或 `2 / 3`。",
    )
    wanted: ClassVar[Words] = Words("A finite number was expected.", "应填一个有限的数。")

    def stem_for(self, student: str) -> Words:
        """Return the stem, with the unit of the answer."""
        stem = super().stem_for(student)
        if self.unit is None:
            return stem
        return Words(f"{stem.en} (Unit: {self.unit.en}.)", f"{stem.zh}（单位：{self.unit.zh}。）")

    def right_answer(self, student: str = "") -> float:
        """Return the number."""
        return self.key(**self.values(student))

    def guesses(self) -> Iterator[float]:
        """Yield the numbers that people write when they do not know."""
        yield from (0, 1, 0.5, 2, 10, 100)

    def _is_readable(self, answer: Any) -> bool:
        if type(answer) is int:  # integers of Python may be larger than any float
            return answer.bit_length() < 1000
        return type(answer) is float and math.isfinite(answer)

    def _agree(self, answer: Any, other: Any) -> bool:
        return math.isclose(answer, other, rel_tol=self.rtol, abs_tol=self.atol)


@dataclass(frozen=True, kw_only=True)
class Shape(_Computed):
    """The shape of a tensor.

    Attributes:
        key: called with the variant's values; makes the tensor and returns its shape.
    """

    key: Callable[..., tuple[int, ...]]

    kind: ClassVar[str] = "shape"
    how: ClassVar[Words] = Words(
        "A tuple of whole numbers, like `(25, 64)`; a tensor without axes has `()`, written "
        'as `"()"`.',
        '整数的元组，例如 `(25, 64)`；没有轴的张量形状是 `()`，请写成 `"()"`。',
    )
    wanted: ClassVar[Words] = Words("A tuple of whole numbers was expected.", "应填整数的元组。")

    def right_answer(self, student: str = "") -> tuple[int, ...] | str:
        """Return the shape."""
        return tuple(self.key(**self.values(student))) or "()"

    def guesses(self) -> Iterator[Any]:
        """Yield shapes that fit no particular tensor."""
        yield from ("()", (1,), (1, 1))

    def _is_readable(self, answer: Any) -> bool:
        if answer == "()" and type(answer) is str:
            return True
        return type(answer) in (tuple, list) and all(type(size) is int for size in answer)

    def _agree(self, answer: Any, other: Any) -> bool:
        plain = answer if type(answer) is str else tuple(answer)
        return bool(plain == (other if type(other) is str else tuple(other)))


@dataclass(frozen=True, kw_only=True)
class Predict(_Computed):
    """What a snippet gives: the value of its last line, or the name of the error it raises.

    Attributes:
        code: the snippet; its last line is an expression. `{parameter}` is filled in.
    """

    code: str

    kind: ClassVar[str] = "predict"
    how: ClassVar[Words] = Words(
        "The value of the last line, like `(True, 3)`; if it raises, the name of the error, like "
        '`"ValueError"`; `"None"` for None.',
        '最后一行的值，例如 `(True, 3)`；如果报错，写错误的名字，例如 `"ValueError"`；'
        '值是 None 就写 `"None"`。',
    )
    wanted: ClassVar[Words] = Words(
        "A number, a text, True or False, or a tuple of these was expected.",
        "应填数、字符串、True 或 False，或由它们组成的元组。",
    )

    def code_for(self, student: str) -> str:
        """Return the snippet with the variant's values."""
        return Words(self.code, "").filled(self.values(student)).en.strip("\n")

    def right_answer(self, student: str = "") -> Any:
        """Return what running the snippet gives."""
        value = outcome(self.code_for(student))
        return "None" if value is None else value

    def guesses(self) -> Iterator[Any]:
        """Yield what people write who have not read the snippet."""
        yield from (True, False, "None", 0, 1, "RuntimeError", "TypeError", "ValueError")

    def _is_readable(self, answer: Any) -> bool:
        if type(answer) in (tuple, list):
            return len(answer) < 100 and all(map(self._is_readable, answer))
        if type(answer) is int:
            return answer.bit_length() < 1000
        return type(answer) in (bool, str) or (type(answer) is float and math.isfinite(answer))

    def _agree(self, answer: Any, other: Any) -> bool:
        if type(answer) in (tuple, list) and type(other) in (tuple, list):
            same_length = len(answer) == len(other)
            return same_length and all(map(self._agree, answer, other))
        if {type(answer), type(other)} <= {int, float}:
            return math.isclose(answer, other, rel_tol=0.005, abs_tol=1e-9)
        return type(answer) is type(other) and bool(answer == other)
