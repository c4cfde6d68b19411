"""Do all designs compute the same? Nothing is timed before they do.

Compared in float64: in float32 two correct meta-gradients can differ by several per cent, because
a rounding error flips a ReLU or the place of a maximum within the inner loop.
"""

import math
from collections.abc import Mapping

from medmeta_ref.bench.workload import Gradient

TOLERANCE = 1e-9


class DisagreementError(Exception):
    """Two designs that should compute the same do not; the message says which and how far."""


def relative_difference(a: Gradient, b: Gradient) -> float:
    """Return |a - b| / |b| of two gradients, each taken as one long vector.

    Raises:
        DisagreementError: if they do not have the same shapes.

    Example:
        >>> import torch
        >>> relative_difference([torch.tensor([3.0, 4.5])], [torch.tensor([3.0, 4.0])])
        0.1
    """
    if [x.shape for x in a] != [x.shape for x in b]:
        raise DisagreementError(
            f"shapes {[tuple(x.shape) for x in a]} and {[tuple(x.shape) for x in b]}"
        )
    apart = sum(float((x - y).square().sum()) for x, y in zip(a, b, strict=True))
    length = sum(float(y.square().sum()) for y in b)
    return math.sqrt(apart / length) if length else math.inf


def require_equal(
    gradients: Mapping[str, Gradient], reference: str, *, where: str, tolerance: float = TOLERANCE
) -> dict[str, float]:
    """Return how far each gradient is from the reference's, and stop if one is too far.

    Args:
        gradients: design -> float64 gradient.
        reference: the design that the others are held against.
        where: the configuration, for the message.
        tolerance: the largest relative difference.

    Raises:
        DisagreementError: if one is further away, or not finite.
    """
    apart = {}
    for name, gradient in gradients.items():
        try:
            apart[name] = relative_difference(gradient, gradients[reference])
        except DisagreementError as error:
            raise DisagreementError(f"{where}: {name} and {reference} differ: {error}") from error
        if not apart[name] <= tolerance:  # so that nan fails too
            raise DisagreementError(
                f"{where}: the gradients of {name} and {reference} differ by {apart[name]:.2g} "
                f"in float64, more than {tolerance:.0e}; nothing was timed"
            )
    return apart
