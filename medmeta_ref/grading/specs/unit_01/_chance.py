"""How often things should come up: bounds that a right answer leaves once in ten million checks.

Nothing here knows the numbers that a right function draws; there are many right ways to draw. What
is known is how often each outcome comes up in n independent draws: a binomial number, whose exact
tails are summed below.
"""

import math
from collections.abc import Mapping
from typing import Any

FALSE_ALARM = 1e-7  # of one call of `assert_frequencies`, all of its outcomes together


def bounds(n_draws: int, probability: float, tail: float) -> tuple[int, int]:
    """Return the (lowest, highest) count that is not in a tail of at most that probability."""

    def end(chance: float) -> int:
        """Return the largest k for which fewer than k successes are rarer than the tail."""
        below = 0.0
        for k in range(n_draws + 1):
            below += math.exp(
                math.lgamma(n_draws + 1)
                - math.lgamma(k + 1)
                - math.lgamma(n_draws - k + 1)
                + k * math.log(chance)
                + (n_draws - k) * math.log1p(-chance)
            )
            if below > tail:
                return k
        return n_draws

    if not 0 < probability < 1:
        certain = round(n_draws * probability)
        return certain, certain
    return end(probability), n_draws - end(1 - probability)


def assert_frequencies(
    counts: Mapping[Any, int], n_draws: int, probability: float, *, what: str, look_at: str
) -> None:
    """Raise an AssertionError if an outcome came up too rarely or too often for chance.

    Args:
        counts: outcome -> how often it came up; each at most once per draw.
        n_draws: the number of independent draws.
        probability: of every outcome, in a right function.
        what: an outcome in words, with a place for its name: "class {} in slot 0".
        look_at: advice.
    """
    low, high = bounds(n_draws, probability, FALSE_ALARM / (2 * len(counts)))
    for outcome, count in counts.items():
        assert low <= count <= high, (
            f"In {n_draws} draws {what.format(outcome)} came up {count} times; about "
            f"{n_draws * probability:.0f} were expected, {low} to {high} could be chance. {look_at}"
        )
