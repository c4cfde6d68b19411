"""Early stopping: when the validation score has not risen for a while, more steps only overfit.

Prechelt 1998, "Early Stopping, but When?", in Neural Networks: Tricks of the Trade.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple


class Score(NamedTuple):
    """What validation found.

    Attributes:
        step: how many steps had been taken.
        value: what `validate` returned; higher is better.
    """

    step: int
    value: float


def best_score(scores: Sequence[Score]) -> Score | None:
    """Return the highest score, the earliest of equals; None if there is none.

    Example:
        >>> best_score([Score(10, 0.5), Score(20, 0.7), Score(30, 0.7)])
        Score(step=20, value=0.7)
    """
    return max(scores, key=lambda score: score.value, default=None)


def out_of_patience(scores: Sequence[Score], patience: int | None) -> bool:
    """Return whether the last `patience` scores have all failed to exceed the best before them.

    Args:
        scores: so far, in order.
        patience: how many to bear; None bears all.

    Example:
        >>> out_of_patience([Score(10, 0.7), Score(20, 0.6), Score(30, 0.7)], 2)
        True
    """
    best = best_score(scores)
    return (
        best is not None
        and patience is not None
        and len(scores) - 1 - scores.index(best) >= patience
    )


def require_number(score: Score) -> Score:
    """Return the score as it is.

    Raises:
        FloatingPointError: if its value is nan, which is neither better nor worse than any other.
    """
    if math.isnan(score.value):
        raise FloatingPointError(
            f"validate returned nan after {score.step} steps; it has to return a number, and a "
            "higher one for better parameters"
        )
    return score
