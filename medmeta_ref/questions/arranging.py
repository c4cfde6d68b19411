"""Questions that arrange things: into an order (`Order`), or beside each other (`Match`)."""

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from medmeta_ref.questions.question import (
    LETTERS,
    Lines,
    Question,
    Verdict,
    shuffled,
    unreadable,
)
from medmeta_ref.questions.words import Words, same


class Step(NamedTuple):
    """One of the things to put in order.

    Attributes:
        text: what it is.
        why: why it stands where it stands.
    """

    text: Words
    why: Words


@dataclass(frozen=True, kw_only=True)
class Order(Question):
    """Steps to put in order; the author writes them in the right one, learners see them mixed.

    The share is Kendall's tau between given and right order: (pairs in order - pairs reversed) /
    pairs. A random order has 0 on average; below 0 counts as 0.
    """

    steps: tuple[Step, ...]

    kind: ClassVar[str] = "order"
    how: ClassVar[Words] = Words(
        'All letters in order, like `"bdac"`.', '按顺序写出全部字母，例如 `"bdac"`。'
    )

    def lists(self) -> tuple[Lines, ...]:
        """Return the steps, mixed."""
        items = zip(LETTERS, (self.steps[i].text for i in self._mixed()), strict=False)
        return (Lines(same(""), tuple(items)),)

    def right_answer(self, student: str = "") -> str:
        """Return the letters in the right order."""
        mixed = self._mixed()
        return "".join(LETTERS[mixed.index(i)] for i in range(len(self.steps)))

    def judge(self, answer: Any, student: str = "") -> Verdict:
        """Return the verdict on a text (or list) of letters."""
        right = self.right_answer()
        is_row = type(answer) in (str, list, tuple) and all(type(each) is str for each in answer)
        if not is_row or sorted(answer) != sorted(right):
            wanted = Words(
                f"Each of the letters {''.join(sorted(right))} was expected once.",
                f"{''.join(sorted(right))} 这几个字母应各出现一次。",
            )
            return unreadable(answer, wanted)
        tau = kendall_tau([right.index(letter) for letter in answer])
        if tau == 1:
            why = self.steps[0].why, self.steps[-1].why
            return Verdict(1.0, Words(" ".join(w.en for w in why), "".join(w.zh for w in why)))
        first = next(i for i, letter in enumerate(answer) if letter != right[i])
        # Of the first place that is wrong: what stands there comes later.
        step = self.steps[right.index(answer[first])]
        so_far = Words(f"The first {first} are right. ", f"前 {first} 位是对的。")
        en, zh = so_far if first else ("", "")
        return Verdict(
            max(0.0, tau),
            Words(
                f"{en}{answer[first]} comes later. {step.why.en}",
                f"{zh}{answer[first]} 应当更靠后。{step.why.zh}",
            ),
        )

    def guesses(self) -> Iterator[str]:
        """Yield the order shown and its reverse."""
        letters = LETTERS[: len(self.steps)]
        yield from (letters, letters[::-1])

    def explanations(self) -> Iterator[tuple[str, Words]]:
        """Yield the explanation of every step's place."""
        return ((f"step {n}", step.why) for n, step in enumerate(self.steps, start=1))

    def _mixed(self) -> list[int]:
        """Return which step each letter stands for: an order from which nothing can be guessed."""
        for attempt in itertools.count():
            mixed = shuffled(f"{self.id} {attempt}", len(self.steps))
            n_pairs = len(mixed) * (len(mixed) - 1) // 2
            # Neither the order shown nor its reverse is worth anything, or as little as can be.
            if abs(kendall_tau(mixed)) * n_pairs <= n_pairs % 2:
                return mixed
        raise AssertionError("there is always such an order")


@dataclass(frozen=True)
class Pair:
    """Two things that belong together.

    Attributes:
        left: numbered, shown in the author's order.
        right: lettered, shown mixed. Several pairs may share it.
        why: why they belong together.
    """

    left: Words
    right: Words
    why: Words


@dataclass(frozen=True, kw_only=True)
class Match(Question):
    """Things to find partners for.

    The share is (right pairs - guessed) / (all pairs - guessed). `guessed` is how many pairs are
    right for somebody who gives the commonest letter throughout, or who draws at random.
    """

    pairs: tuple[Pair, ...]
    extra: tuple[Words, ...] = ()  # partners of nobody

    kind: ClassVar[str] = "match"
    how: ClassVar[Words] = Words(
        'A letter for every number, like `{1: "c", 2: "a"}`.',
        '给每个数字配一个字母，例如 `{1: "c", 2: "a"}`。',
    )

    def partners(self) -> list[Words]:
        """Return the right-hand side as shown: each text once, mixed."""
        rights = [pair.right for pair in self.pairs]
        distinct = list(dict.fromkeys([*rights, *self.extra]))
        for attempt in itertools.count():
            mixed = [distinct[i] for i in shuffled(f"{self.id} {attempt}", len(distinct))]
            in_place = sum(a == b for a, b in zip(rights, itertools.cycle(mixed), strict=False))
            if in_place <= self.guessed:  # so that 1-a, 2-b, 3-c, ... earns nothing
                return mixed
        raise AssertionError("there is always such an order")

    def lists(self) -> tuple[Lines, ...]:
        """Return both sides."""
        left = tuple((str(n), pair.left) for n, pair in enumerate(self.pairs, start=1))
        right = tuple(zip(LETTERS, self.partners(), strict=False))
        return (
            Lines(Words("Match:", "把左边的各项："), left),
            Lines(Words("with:", "与下列各项配对："), right),
        )

    def right_answer(self, student: str = "") -> dict[int, str]:
        """Return number -> letter."""
        partners = self.partners()
        pairs = enumerate(self.pairs, start=1)
        return {n: LETTERS[partners.index(pair.right)] for n, pair in pairs}

    @property
    def guessed(self) -> float:
        """How many pairs blind guessing gets right."""
        times = Counter(pair.right for pair in self.pairs)
        n_partners = len({*times, *self.extra})
        return max(len(self.pairs) / n_partners, *times.values())

    def judge(self, answer: Any, student: str = "") -> Verdict:
        """Return the verdict on a dict from number to letter; missing numbers are wrong."""
        letters = LETTERS[: len(self.partners())]
        if type(answer) is not dict or not all(map(self._is_pair, answer.items())):
            wanted = Words(
                f"A dict from 1 to {len(self.pairs)} to letters {letters[0]} to {letters[-1]} was "
                "expected.",
                f"应填字典：1 到 {len(self.pairs)} 各配 {letters[0]} 到 {letters[-1]} 中一个字母。",
            )
            return unreadable(answer, wanted)
        right = self.right_answer()
        wrong = [n for n in right if str(answer.get(n, "")).strip() != right[n]]
        n_right = len(right) - len(wrong)
        share = max(0.0, (n_right - self.guessed) / (len(right) - self.guessed))
        if not wrong:
            return Verdict(1.0, self.pairs[0].why)
        return Verdict(share, self._about(wrong, answer, n_right))

    def guesses(self) -> Iterator[dict[int, str]]:
        """Yield every letter throughout, and the order shown."""
        letters = LETTERS[: len(self.partners())]
        numbers = range(1, len(self.pairs) + 1)
        for letter in letters:
            yield dict.fromkeys(numbers, letter)
        yield dict(zip(numbers, itertools.cycle(letters), strict=False))

    def explanations(self) -> Iterator[tuple[str, Words]]:
        """Yield the explanation of every pair."""
        return ((f"pair {n}", pair.why) for n, pair in enumerate(self.pairs, start=1))

    def _is_pair(self, item: tuple[Any, Any]) -> bool:
        number, letter = item
        in_range = type(number) is int and 1 <= number <= len(self.pairs)
        letters = LETTERS[: len(self.partners())]
        return in_range and type(letter) is str and len(letter) == 1 and letter in letters

    def _about(self, wrong: Sequence[int], answer: Mapping[int, str], n_right: int) -> Words:
        """Return why the first wrong pair is wrong, and how many there are."""
        n = wrong[0]
        pair = self.pairs[n - 1]
        letter = answer.get(n)
        count = Words(
            f"{n_right} of {len(self.pairs)} pairs are right.",
            f"{len(self.pairs)} 对中对了 {n_right} 对。",
        )
        if letter is None:
            return Words(f"{count.en} Number {n} has no letter.", f"{count.zh}第 {n} 项没有填。")
        return Words(
            f"{count.en} {n} does not go with {letter}: {pair.why.en}",
            f"{count.zh}第 {n} 项不配 {letter}：{pair.why.zh}",
        )


def kendall_tau(order: Sequence[int]) -> float:
    """Return Kendall's tau between an order of 0..n-1 and the ascending one, -1 to 1.

    >>> kendall_tau([0, 1, 2]), kendall_tau([2, 1, 0]), round(kendall_tau([1, 0, 2]), 3)
    (1.0, -1.0, 0.333)
    """
    pairs = list(itertools.combinations(order, 2))
    return sum(1 if a < b else -1 for a, b in pairs) / len(pairs)
