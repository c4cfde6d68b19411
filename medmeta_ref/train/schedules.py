"""How the outer learning rate changes from step to step."""

import math
from collections.abc import Callable


def cosine(outer_lr: float, n_steps: int) -> Callable[[int], float]:
    """Return a learning rate that falls from `outer_lr` to 0 along half a cosine.

    Loshchilov and Hutter 2017, "SGDR", arXiv 1608.03983, equation 5 without restarts.

    Example:
        >>> [round(cosine(1.0, 4)(step), 2) for step in range(5)]
        [1.0, 0.85, 0.5, 0.15, 0.0]
    """
    return lambda step: outer_lr * 0.5 * (1 + math.cos(math.pi * min(step, n_steps) / n_steps))
