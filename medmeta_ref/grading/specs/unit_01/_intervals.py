"""What the checks of the two intervals share."""

from typing import Any


def pair(got: Any) -> Any:
    """Return the learner's mean and half-width, if it is two things."""
    missing = " Is the return statement missing?" if got is None else ""
    what = f"{len(got)} things" if isinstance(got, tuple | list) else type(got).__name__
    assert what == "2 things", (
        f"A pair was expected, mean and half-width; you returned {what}.{missing}"
    )
    return got


def by_hand(values: list[float]) -> tuple[float, float, int]:
    """Return mean, sum of squared deviations and number, one value after the other."""
    n = len(values)
    mean = sum(values) / n
    return mean, sum((v - mean) ** 2 for v in values), n
