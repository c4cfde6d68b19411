"""Questions with options: one right (`Single`), or several (`Multi`)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from medmeta_ref.questions.question import LETTERS, Lines, Question, Verdict, unreadable
from medmeta_ref.questions.words import Words, same


class Option(NamedTuple):
    """One thing to choose; write `Right(...)` or `Wrong(...)`.

    Attributes:
        text: what stands beside its letter.
        why: why it is right, or why it tempts and is wrong.
        is_right: which of the two.
    """

    text: Words
    why: Words
    is_right: bool


def Right(text: Words, why: Words) -> Option:
    """Return a right option and why it is right."""
    return Option(text, why, True)


def Wrong(text: Words, why: Words) -> Option:
    """Return a wrong option, why it tempts and why it is wrong."""
    return Option(text, why, False)


@dataclass(frozen=True, kw_only=True)
class _Choice(Question):
    options: tuple[Option, ...]

    @property
    def right(self) -> frozenset[str]:
        """The letters of the right options."""
        return frozenset(mark for mark, option in self.lettered() if option.is_right)

    def lettered(self) -> Iterator[tuple[str, Option]]:
        """Yield (letter, option)."""
        return iter(zip(LETTERS, self.options, strict=False))

    def lists(self) -> tuple[Lines, ...]:
        """Return the options."""
        return (Lines(same(""), tuple((mark, each.text) for mark, each in self.lettered())),)

    def explanations(self) -> Iterator[tuple[str, Words]]:
        """Yield the explanation of every option."""
        return ((f"option {mark}", option.why) for mark, option in self.lettered())

    def _why(self, letters: Any) -> Words:
        """Return the explanations of some options, one after the other."""
        found = [(mark, option.why) for mark, option in self.lettered() if mark in letters]
        return Words(
            " ".join(f"{mark}: {why.en}" for mark, why in found),
            "".join(f"{mark}：{why.zh}" for mark, why in found),
        )

    def _is_letter(self, answer: Any) -> bool:
        return type(answer) is str and any(answer == mark for mark, _ in self.lettered())


@dataclass(frozen=True, kw_only=True)
class Single(_Choice):
    """Exactly one option is right. All points or none."""

    kind: ClassVar[str] = "single"
    how: ClassVar[Words] = Words('One letter, like `"b"`.', '一个字母，例如 `"b"`。')

    def right_answer(self, student: str = "") -> str:
        """Return the letter."""
        [letter] = self.right
        return letter

    def judge(self, answer: Any, student: str = "") -> Verdict:
        """Return the verdict on a letter."""
        if not self._is_letter(answer):
            return unreadable(answer, Words("One of the letters was expected.", "应填一个字母。"))
        return Verdict(float(answer in self.right), self._why(answer))

    def guesses(self) -> Iterator[str]:
        """Yield nothing: whether "always b" pays is a matter of the bank; the linter looks."""
        return iter(())


@dataclass(frozen=True, kw_only=True)
class Multi(_Choice):
    """Several options are right.

    The share is the Jaccard similarity J between chosen and right options, less what choosing all
    of them would give: (J - J_all) / (1 - J_all), and 0 below that.
    """

    kind: ClassVar[str] = "multi"
    how: ClassVar[Words] = Words(
        'A set of letters, like `{"a", "d"}`; choosing all of them earns nothing.',
        '字母的集合，例如 `{"a", "d"}`；全选不得分。',
    )

    def right_answer(self, student: str = "") -> set[str]:
        """Return the letters."""
        return set(self.right)

    def judge(self, answer: Any, student: str = "") -> Verdict:
        """Return the verdict on a set (or list, or tuple) of letters."""
        if type(answer) not in (set, frozenset, list, tuple) or not all(
            map(self._is_letter, answer)
        ):
            wanted = Words("A set of the letters was expected.", "应填字母的集合。")
            return unreadable(answer, wanted)
        chosen = set(answer)
        overlap = len(chosen & self.right) / len(chosen | self.right)
        blind = len(self.right) / len(self.options)
        share = max(0.0, (overlap - blind) / (1 - blind))
        false, missed = chosen - self.right, self.right - chosen
        if not false | missed:
            return Verdict(1.0, self._why(self.right))
        # What was overlooked is not given away; how many, is.
        plural = "s" * (len(missed) > 1)
        more_en = f" You missed {len(missed)} right option{plural}." if missed else ""
        more_zh = f"还漏选了 {len(missed)} 项。" if missed else ""
        why = self._why(false)
        return Verdict(share, Words((why.en + more_en).strip(), why.zh + more_zh))

    def guesses(self) -> Iterator[set[str]]:
        """Yield all options, and each option alone."""
        letters = [mark for mark, _ in self.lettered()]
        yield set(letters)
        yield from ({letter} for letter in letters)
