"""product_test(product): the learner writes the test, and it is tested in turn.

The loss is L(theta) = sum theta_i^4 / 4 + (sum theta_i)^2 / 2: its slope is theta^3 + sum(theta),
its Hessian diag(3 theta^2) + 1.
"""

import pytest
import torch
from torch import Tensor

from medmeta_ref.grading.trials import tried


def _slope(theta: Tensor) -> Tensor:
    return theta**3 + theta.sum()


def right(theta, direction):
    """The Hessian of this loss, written down."""
    return 3 * theta**2 * direction + direction.sum()


def right_by_differences(theta, direction):
    """Central differences of the slope: they differ in the last digits."""
    step = 1e-5
    ahead, behind = _slope(theta + step * direction), _slope(theta - step * direction)
    return (ahead - behind) / (2 * step)


def at_the_origin(theta, direction):
    """The curvature of another place."""
    return right(torch.zeros_like(theta), direction)


def diagonal(theta, direction):
    """The diagonal of the Hessian alone."""
    return (3 * theta**2 + 1) * direction


def outer_product(theta, direction):
    """The gradient times its product with the direction."""
    return _slope(theta) * (_slope(theta) @ direction)


def unit_direction(theta, direction):
    """The direction is brought to length 1 first."""
    return right(theta, direction / direction.norm())


def whole_step(theta, direction):
    """Forward differences with a step of 1."""
    return _slope(theta + direction) - _slope(theta)


WRONG = {
    "curvature of the origin": at_the_origin,
    "diagonal only": diagonal,
    "gradient times gradient": outer_product,
    "length of the direction ignored": unit_direction,
    "differences over a whole step": whole_step,
}


@pytest.mark.points(2)
@pytest.mark.parametrize("mistake", WRONG)
def test_accepts_right_products_and_rejects(yours, mistake, generator):
    """Your test accepts two right implementations and rejects: {mistake}."""
    trial = tried(yours, [right, right_by_differences], WRONG, generator)
    assert trial.accepts_the_right(), (
        "Your test rejects a right implementation. Use float64, compare with torch.allclose, "
        "and work the value that you compare with out again."
    )
    assert trial.rejects(mistake), (
        f"An implementation with this mistake ({mistake}) passes your test. Find theta and "
        "direction for which it gives another vector than the right one."
    )
