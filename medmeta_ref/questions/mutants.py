"""Give a test case: inputs and result, such that the right function passes and wrong ones do not.

Mutation testing with plain values. The wrong functions are shown; all are ours and run here, while
of the learner only the case is taken: numbers, and few of them.
"""

import functools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from medmeta_ref.questions.question import LETTERS, Lines, Question, Verdict, unreadable
from medmeta_ref.questions.snippets import namespace
from medmeta_ref.questions.words import Words, same

MAX_LENGTH = 20  # numbers in one argument
MAX_SIZE = 1e6  # of a number
_TOLERANCE = 1e-6


class Mutant(NamedTuple):
    """A wrong function.

    Attributes:
        code: the line that stands where the right one belongs, without indentation.
        why: which inputs tell it from the right function.
    """

    code: str
    why: Words


@dataclass(frozen=True, kw_only=True)
class Mutants(Question):
    """A pair of arguments and result that no wrong function survives.

    The share is (caught - free) / (all - free), where `free` is how many wrong functions the most
    telling of the careless cases catches.

    Attributes:
        head: the function without its last line: the signature, a docstring if need be.
        right: that line.
        mutants: what may stand there instead; learners are shown these.
        example: arguments that catch all of them.
        careless: arguments that come to mind first.
        why: what makes a case catch all of them.
    """

    head: str
    right: str
    mutants: tuple[Mutant, ...]
    example: tuple[Any, ...]
    careless: tuple[tuple[Any, ...], ...]
    why: Words

    kind: ClassVar[str] = "mutant"
    how: ClassVar[Words] = Words(
        "A pair: the arguments as a tuple, and what has to come back. For a function that "
        "multiplies a list by a number: `(([1, 2], 3), [3, 6])`.",
        "写成一对：参数的元组，以及应当返回的值。"
        "例如对“列表乘以一个数”的函数：`(([1, 2], 3), [3, 6])`。",
    )
    wanted: ClassVar[Words] = Words(
        "A pair of arguments and result was expected: numbers up to a million, in lists of up to "
        f"{MAX_LENGTH}.",
        f"应填参数和结果组成的一对：数的绝对值不超过一百万，列表不超过 {MAX_LENGTH} 项。",
    )

    def code_for(self, student: str) -> str:
        """Return the listing with a gap for its last line."""
        return self._listing("...")

    def lists(self) -> tuple[Lines, ...]:
        """Return the wrong lines."""
        codes = (same(f"`{mutant.code}`") for mutant in self.mutants)
        title = Words("Wrong ones:", "错误的写法：")
        return (Lines(title, tuple(zip(LETTERS, codes, strict=False))),)

    def right_answer(self, student: str = "") -> tuple[Any, Any]:
        """Return the example and what the right function makes of it."""
        return self.case(self.example)

    def case(self, arguments: tuple[Any, ...]) -> tuple[Any, Any]:
        """Return a pair of arguments and the right result."""
        return arguments, self._call(self.right, arguments)

    @property
    def free(self) -> int:
        """How many wrong functions a careless case catches."""
        return max(len(self.mutants) - len(self.survivors(each)) for each in self.careless)

    def survivors(self, arguments: tuple[Any, ...]) -> list[int]:
        """Return which wrong functions do with these arguments what the right one does."""
        want = self._call(self.right, arguments)
        codes = enumerate(mutant.code for mutant in self.mutants)
        return [n for n, code in codes if _agree(self._tried(code, arguments), want)]

    def judge(self, answer: Any, student: str = "") -> Verdict:
        """Return the verdict on a pair of arguments and result."""
        if not self._is_case(answer):
            return unreadable(answer, self.wanted)
        arguments, result = answer
        want = self._tried(self.right, arguments)
        if want is None:
            return Verdict(
                0.0,
                Words(
                    "The right function cannot work with these arguments.",
                    "正确的函数处理不了这些参数。",
                ),
            )
        if not _agree(result, want):
            return Verdict(
                0.0,
                Words(
                    "The right function would fail your test: with these arguments it returns "
                    "something else. Work it out by hand.",
                    "正确的函数通不过你的测试：对这些参数，它返回的不是这个值。请动手算一算。",
                ),
            )
        alive = self.survivors(arguments)
        if not alive:
            return Verdict(1.0, self.why)
        n_all = len(self.mutants)
        caught = n_all - len(alive)
        why = self.mutants[alive[0]].why
        return Verdict(
            max(0.0, (caught - self.free) / (n_all - self.free)),
            Words(
                f"{caught} of {n_all} are caught. {LETTERS[alive[0]]} passes your test: {why.en}",
                f"{n_all} 个中抓住了 {caught} 个。{LETTERS[alive[0]]} 通过了你的测试：{why.zh}",
            ),
        )

    def guesses(self) -> Iterator[tuple[Any, Any]]:
        """Yield the careless cases, with the right result."""
        return map(self.case, self.careless)

    def explanations(self) -> Iterator[tuple[str, Words]]:
        """Yield what a good case is made of, and what catches each wrong function."""
        yield "the right answer", self.why
        yield from ((f"mutant {m}", x.why) for m, x in zip(LETTERS, self.mutants, strict=False))

    def _listing(self, line: str) -> str:
        return f"{self.head.strip(chr(10))}\n    {line}"

    def _call(self, line: str, arguments: tuple[Any, ...]) -> Any:
        """Return what the function with a certain last line returns."""
        return _function(self._listing(line))(*map(_copied, arguments))

    def _tried(self, line: str, arguments: tuple[Any, ...]) -> Any:
        """Return the same, or None if it raises."""
        try:
            return self._call(line, arguments)
        except Exception:  # noqa: BLE001 - whatever it raises, it returns nothing
            return None

    def _is_case(self, answer: Any) -> bool:
        if type(answer) not in (tuple, list) or len(answer) != 2:
            return False
        arguments, result = answer
        return (
            type(arguments) in (tuple, list)
            and len(arguments) == len(self.example)
            and all(map(_is_plain, (*arguments, result)))
        )


@functools.cache
def _function(listing: str) -> Callable[..., Any]:
    """Return the only function of a listing."""
    [function] = [each for each in namespace(listing).values() if callable(each)]
    return function  # type: ignore[no-any-return]


def _copied(argument: Any) -> Any:
    """Return an argument that a function may change without harm to the next."""
    return list(argument) if type(argument) in (tuple, list) else argument


def _is_plain(value: Any) -> bool:
    """Return whether a value is a number, or a short list of numbers."""
    if type(value) in (tuple, list):
        return len(value) <= MAX_LENGTH and all(type(x) in (int, float) and _fits(x) for x in value)
    return type(value) in (int, float) and _fits(value)


def _fits(number: float) -> bool:
    return -MAX_SIZE <= number <= MAX_SIZE  # false for nan


def _agree(got: Any, want: Any) -> bool:
    if type(got) in (tuple, list) and type(want) in (tuple, list):
        return len(got) == len(want) and all(map(_agree, got, want))
    if type(got) not in (int, float) or type(want) not in (int, float):
        return False
    return math.isclose(got, want, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)
