"""stable_rate(loss, params, direction, *, n_iterations)."""

import pytest
import torch

from medmeta_ref.grading.agreement import assert_agrees
from medmeta_ref.grading.sandbox.adapters import Fn
from medmeta_ref.grading.specs.unit_05 import _oracle


def _turned(heights, generator):
    """Return a curvature with these eigenvalues, in directions of its own."""
    size = len(heights)
    axes = torch.linalg.qr(_oracle.draw(size, size, generator=generator)).Q
    return axes @ torch.diag(torch.tensor(heights, dtype=torch.float64)) @ axes.T


def _assert_right(yours, heights, generator, *, scale=1.0, n_iterations=60):
    curvature = _turned(heights, generator)
    theta, centre, away = (_oracle.draw(len(heights), generator=generator) for _ in range(3))
    [got] = yours.through(
        "on_leaves",
        _oracle.bowl(curvature, centre),
        {"theta": theta},
        {"theta": scale * away},
        n_iterations=n_iterations,
    )
    most, least = max(heights), min(heights)
    assert_agrees(
        got,
        2 / most,
        mistakes={
            "That is the largest curvature itself; the rate is 2 divided by it.": most,
            "At 1 / curvature one step lands at the bottom; steps converge up to twice that.": (
                1 / most
            ),
            "That is 2 / the *smallest* curvature: the steepest direction has diverged by then.": (
                2 / least
            ),
            "That is 2 / the sum of all curvatures: too careful.": 2 / sum(heights),
            "That is 2 * curvature.": 2 * most,
        },
        look_at=f"The curvatures were {', '.join(f'{h:g}' for h in heights)}. Multiply a direction "
        "by the Hessian, divide by its length, again and again: it turns into the steepest one.",
        rtol=1e-4,
    )


@pytest.mark.points(4)
def test_on_bowls_it_is_two_over_the_largest_curvature(yours, generator):
    """Bowls in 2 and 3 dimensions, turned."""
    for heights in ((1.0, 3.0), (0.5, 1.0, 2.5)):
        _assert_right(yours, heights, generator)


@pytest.mark.points(3)
def test_numbers_neither_overflow_nor_vanish(yours, generator):
    """Steep and flat bowls, long and short directions, 300 iterations: divide by the length."""
    for heights, scale in (((20.0, 5.0, 40.0), 50.0), ((0.05, 0.02), 0.01)):
        _assert_right(yours, heights, generator, scale=scale, n_iterations=300)


def _logistic(n_in, n_classes, generator):
    """Return examples, parameters and curvatures of a linear classifier, the two largest apart.

    The Hessian of its cross-entropy is the mean of (diag(p) - p p') ⊗ (x, 1)(x, 1)'.
    """
    while True:
        x = 2 * _oracle.draw(8, n_in, generator=generator)
        y = torch.randint(n_classes, (8,), generator=generator)
        params = {
            "weight": _oracle.draw(n_classes, n_in, generator=generator),
            "bias": _oracle.draw(n_classes, generator=generator),
        }
        p = torch.softmax(x @ params["weight"].T + params["bias"], dim=1)
        extended = torch.cat([x, torch.ones(8, 1, dtype=torch.float64)], dim=1)
        hessian = sum(
            torch.kron(torch.diag(q) - torch.outer(q, q), torch.outer(e, e))
            for q, e in zip(p, extended, strict=True)
        )
        curvatures = torch.linalg.eigvalsh(hessian / 8)
        if curvatures[-2] < 0.85 * curvatures[-1]:
            return x, y, params, curvatures


@pytest.mark.points(3)
def test_on_a_linear_classifier_it_is_two_over_the_largest_eigenvalue(yours, generator):
    """Cross-entropy, two parameters: all of them together have one largest curvature."""
    for n_in, n_classes in ((2, 3), (3, 2)):
        x, y, params, curvatures = _logistic(n_in, n_classes, generator)
        direction = {
            name: _oracle.draw(*p.shape, generator=generator) for name, p in params.items()
        }
        loss = Fn("linear_cross_entropy", (x, y))
        [got] = yours.through("on_leaves", loss, params, direction, n_iterations=80)
        most = float(curvatures[-1])
        assert_agrees(
            got,
            2 / most,
            mistakes={
                "That is the largest curvature itself; the rate is 2 divided by it.": most,
                "At 1 / curvature one step lands at the bottom; steps converge up to twice that.": (
                    1 / most
                ),
            },
            look_at="If bowls are right, look at the length: it is one number for all parameters "
            "together, the root of the sum of all squares.",
            rtol=1e-4,
        )
