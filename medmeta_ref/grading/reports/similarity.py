"""Answers that look alike, for a person to read. Not a verdict, and not a probability.

What everybody writes says nothing, so the rest of the class is the baseline. Every run of tokens
that two answers share is worth log2(1 / p) bits, where p is the share of *other* answers that have
it too, and runs overlap, so the sum is divided by their length. A pair is shown if its sum, the
`surprise`, is larger than what chance brings about among so many pairs, 2 log2(n), by 15 bits.
Long answers that are equal with their names and comments are shown whatever the class wrote.

Sources: Schleimer, Wilkerson and Aiken 2003 (MOSS) for normalised token n-grams and leaving out
what was handed out; Broder 1997 for containment. No answer is compared with every other: pairs are
found through an index of the runs that few have.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, KeysView, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

from medmeta_ref.grading.reports.fingerprints import RUN, Fingerprint, Run, fingerprint

SOLUTION = "the published solution"
MARGIN_BITS = 15.0
# The solution is one text, not n, and known to be at hand.
SOLUTION_BITS = 10.0
# Shared runs over the runs of the shorter answer.
MIN_CONTAINMENT = 0.7
# An honest answer may well look like the solution in parts; a copy is in it nearly as a whole.
MIN_IN_SOLUTION = 0.8
# Runs of a long answer: about five full lines. In those nobody chooses the same names by chance.
LONG = 40
# A run leads to pairs only if so many have it, or one answer in 20 does.
_FEW = 8
_FEW_SHARE = 20


class Finding(NamedTuple):
    """Answers that are alike.

    Attributes:
        exercise: the grade id.
        left: whose answer; several students if theirs are the same but for names and layout.
        right: whose answer it is like; `SOLUTION` if it is like that.
        surprise: bits; see the module.
        containment: shared runs over those of the shorter answer (of `left` for the solution).
        shared_lines: the lines of the left and of the right text that hold shared runs.
        texts: the left and the right answer.
    """

    exercise: str
    left: tuple[str, ...]
    right: tuple[str, ...]
    surprise: float
    containment: float
    shared_lines: tuple[frozenset[int], frozenset[int]]
    texts: tuple[str, str]

    @property
    def verbatim(self) -> bool:
        """Whether the texts are equal with names and comments, but for blanks and line ends."""
        return _bare(self.texts[0]) == _bare(self.texts[1])


class _Variant(NamedTuple):
    """Answers that are the same but for names, comments and layout."""

    students: tuple[str, ...]
    prints: tuple[Fingerprint, ...]

    @property
    def runs(self) -> KeysView[Run]:
        return self.prints[0].runs.keys()

    def equal_texts(self) -> Iterator["_Variant"]:
        """Yield those with the same names and comments as well."""
        groups: dict[str, list[tuple[str, Fingerprint]]] = defaultdict(list)
        for student, made in zip(self.students, self.prints, strict=True):
            groups[_bare(made.text)].append((student, made))
        for group in groups.values():
            yield _Variant(*zip(*group, strict=True))


def similar_answers(
    exercise: str,
    answers: Mapping[str, str],
    *,
    released: str,
    solution: str,
) -> list[Finding]:
    """Return the answers to one exercise that are alike, the most surprising first.

    Args:
        exercise: its grade id.
        answers: student -> text, of those who answered it.
        released: the cell as it was handed out.
        solution: the published answer.
    """
    variants = _variants(answers, released)
    published = fingerprint(solution, released)
    # How many have a run. The solution counts as one more answer, for it shows what is natural.
    having = Counter(run for v in variants for run in v.runs for _ in v.students)
    n = len(answers)
    copies = _like_the_solution(exercise, variants, published, having, n)
    copied = {student for finding in copies for student in finding.left}
    having.update(published.runs.keys())
    rest = [v for v in variants if not copied.issuperset(v.students)]
    found = [*copies, *_pairs(exercise, rest, having, n + 1)]
    return sorted(found, key=lambda f: (-f.surprise, f.left))


def _variants(answers: Mapping[str, str], released: str) -> list[_Variant]:
    groups: dict[frozenset[Run], list[tuple[str, Fingerprint]]] = defaultdict(list)
    for student, text in answers.items():
        made = fingerprint(text, released)
        groups[frozenset(made.runs)].append((student, made))
    groups.pop(frozenset(), None)
    return [_Variant(*zip(*group, strict=True)) for group in groups.values()]


def _like_the_solution(
    exercise: str,
    variants: Sequence[_Variant],
    published: Fingerprint,
    having: Counter[Run],
    n: int,
) -> list[Finding]:
    found = []
    for variant in variants:
        shared = variant.runs & published.runs.keys()
        containment = len(shared) / len(variant.runs)
        surprise = _bits(shared, having, n, apart=1)
        if containment < MIN_IN_SOLUTION:
            continue
        groups = [variant]
        if surprise < SOLUTION_BITS:
            long = len(shared) >= LONG
            groups = [
                group
                for group in variant.equal_texts()
                if long and _bare(group.prints[0].text) == _bare(published.text)
            ]
        for group in groups:
            texts = (group.prints[0], published)
            found.append(
                _finding(exercise, group.students, (SOLUTION,), texts, surprise, containment)
            )
    return found


def _pairs(
    exercise: str, variants: Sequence[_Variant], having: Counter[Run], n: int
) -> list[Finding]:
    needed = 2 * math.log2(n) + MARGIN_BITS
    found = []
    for variant in variants:
        surprise = _bits(variant.runs, having, n, apart=2)
        groups = [variant]
        if surprise < needed:
            groups = list(variant.equal_texts()) if len(variant.runs) >= LONG else []
        for (first, *others), prints in groups:
            if others:
                texts = (prints[0], prints[1])
                found.append(_finding(exercise, (first,), tuple(others), texts, surprise, 1.0))
    for a, b in _candidates(variants, having, n):
        shared = a.runs & b.runs
        containment = len(shared) / min(len(a.runs), len(b.runs))
        surprise = _bits(shared, having, n, apart=2)
        if containment >= MIN_CONTAINMENT and surprise >= needed:
            texts = (a.prints[0], b.prints[0])
            found.append(_finding(exercise, a.students, b.students, texts, surprise, containment))
    return found


def _candidates(
    variants: Sequence[_Variant], having: Counter[Run], n: int
) -> list[tuple[_Variant, _Variant]]:
    """Return the pairs that share runs which few have."""
    few = max(_FEW, n // _FEW_SHARE)
    index: dict[Run, list[int]] = defaultdict(list)
    for i, variant in enumerate(variants):
        for run in variant.runs:
            if having[run] <= few:
                index[run].append(i)
    together = Counter(pair for owners in index.values() for pair in combinations(owners, 2))
    return [(variants[i], variants[j]) for (i, j), times in together.items() if times >= RUN]


def _bits(shared: Collection[Run], having: Counter[Run], n: int, *, apart: int) -> float:
    """Return how surprising it is to share these runs.

    The share of the others is estimated with half an answer added, so that it is never 0.

    Args:
        shared: the runs.
        having: run -> how many of the `n` have it.
        n: answers.
        apart: how many of them are compared, and so are no part of the rest.
    """
    others = n - apart + 1
    # Of several students with the same answer only two are apart, so the runs of a large group
    # count as common.
    bits = (math.log2(others / max(having[run] - apart + 0.5, 0.5)) for run in shared)
    return max(0.0, math.fsum(bits) / RUN)


def _finding(
    exercise: str,
    left: tuple[str, ...],
    right: tuple[str, ...],
    prints: tuple[Fingerprint, Fingerprint],
    surprise: float,
    containment: float,
) -> Finding:
    one, other = prints
    shared = one.runs.keys() & other.runs.keys()
    lines = (frozenset(one.lines_of(shared)), frozenset(other.lines_of(shared)))
    return Finding(exercise, left, right, surprise, containment, lines, (one.text, other.text))


def _bare(text: str) -> str:
    return " ".join(text.split())
