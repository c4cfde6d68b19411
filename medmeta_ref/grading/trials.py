"""Try a learner's own test on right and on wrong implementations.

All are tried once, twice each, in an order drawn at random, and every check reads its verdict off
that one trial. A test that counted its calls, instead of looking at what it is given, would have to
guess the order: with two right and five wrong implementations its best plan passes a check in 3 of
100 runs.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import torch

from medmeta_ref.grading.learner import Learner, LearnerError, NotAttempted

_TIMES = 2
_NAME = "trial"

Implementation = Callable[..., Any]
_Verdict = bool | LearnerError | NotAttempted


class Trial(NamedTuple):
    """What a learner's test said of every implementation, each time.

    Attributes:
        right: whether it failed by an assertion, or how else it ended, for each right one.
        wrong: the same, by the name of the mistake.
    """

    right: tuple[_Verdict, ...]
    wrong: dict[str, tuple[_Verdict, ...]]

    def accepts_the_right(self) -> bool:
        """Return whether it let every right implementation pass, every time.

        Raises:
            LearnerError, NotAttempted: if it ended in another way: that judges nothing.
        """
        return not any(_said(verdict) for verdict in self.right)

    def rejects(self, mistake: str) -> bool:
        """Return whether it failed, by an assertion, for this mistake every time.

        Raises:
            LearnerError, NotAttempted: as `accepts_the_right` does.
        """
        return all(_said(verdict) for verdict in self.wrong[mistake])


def tried(
    yours: Any,
    right: Iterable[Implementation],
    wrong: Mapping[str, Implementation],
    generator: torch.Generator,
    *,
    begin: Callable[[Implementation], Implementation] = lambda implementation: implementation,
) -> Trial:
    """Return the trial of a learner's test; a second call returns the first one's.

    Args:
        yours: the learner's test, which takes an implementation.
        right: implementations that it has to accept.
        wrong: mistake -> an implementation that it has to reject.
        generator: draws the order.
        begin: what to do with an implementation before each turn, where it keeps a state.

    Raises:
        TypeError: if `yours` is no function.
    """
    if not isinstance(yours, Learner):
        raise TypeError(f"{type(yours).__name__} is no function")
    if _NAME not in yours.kept:
        each = [("", one) for one in right] + list(wrong.items())
        turns = each * _TIMES
        verdicts: dict[str, list[_Verdict]] = {name: [] for name, _ in each}
        for i in torch.randperm(len(turns), generator=generator).tolist():
            name, implementation = turns[i]
            verdicts[name].append(_verdict(yours, begin(implementation)))
        found = {name: tuple(all_of_it) for name, all_of_it in verdicts.items()}
        yours.kept[_NAME] = Trial(found.pop(""), found)
    trial: Trial = yours.kept[_NAME]
    return trial


def _verdict(yours: Learner, implementation: Implementation) -> _Verdict:
    """Return whether the learner's test fails by an assertion, or how else it ends."""
    try:
        yours(implementation)
    except LearnerError as error:
        return True if isinstance(error.original, AssertionError) else error
    except NotAttempted as error:
        return error
    return False


def _said(verdict: _Verdict) -> bool:
    if isinstance(verdict, bool):
        return verdict
    raise verdict
