"""hessian_product(loss, params, direction)."""

import pytest
import torch

from medmeta_ref.grading.agreement import assert_agrees
from medmeta_ref.grading.specs.unit_05 import _oracle

LEAVES = "hessian_product(...)"


def _product(yours, loss, params, direction):
    [got] = yours.through("on_leaves", loss, params, direction)
    return _oracle.tensors_named(got, params, LEAVES)


@pytest.mark.points(4)
def test_on_a_bowl_it_is_the_curvature_times_the_direction(yours, generator):
    """The Hessian of a bowl is its curvature matrix, wherever one stands."""
    for size in (2, 3):
        task = _oracle.bowl_task(size, generator=generator)
        theta, v = (_oracle.draw(size, generator=generator) for _ in range(2))
        got = _product(
            yours, _oracle.bowl(task.support_x, task.support_y), {"theta": theta}, {"theta": v}
        )
        slope = task.support_x @ (theta - task.support_y)
        assert_agrees(
            got["theta"],
            task.support_x @ v,
            mistakes={
                "This is the gradient: differentiate once more.": slope,
                "This is the gradient times its product with the direction; the *gradient of* that "
                "product was meant.": slope * (slope @ v),
                "This is the diagonal of the Hessian times the direction; the other entries count, "
                "too.": torch.diagonal(task.support_x) * v,
                "That is the sum of the Hessian's rows: the direction is ignored.": (
                    task.support_x.sum(1)
                ),
                "The length of the direction should matter.": task.support_x @ (v / v.norm()),
            },
            look_at="It is the gradient of (gradient · direction), with the direction held.",
        )


def _by_differences(params, task, direction):
    """Return how the written-out slope changes along the direction."""
    step = 1e-5
    ends = [
        _oracle.network_slope(
            {name: p + sign * step * direction[name] for name, p in params.items()},
            task.support_x,
            task.support_y,
        )
        for sign in (1, -1)
    ]
    return {name: (ends[0][name] - ends[1][name]) / (2 * step) for name in params}


@pytest.mark.points(5)
def test_on_a_network_it_is_the_change_of_the_slope(yours, generator):
    """A tanh network: central differences of its gradient along the direction."""
    for n_in, n_classes in ((2, 3), (3, 2)):
        params = _oracle.network_params(n_in, n_classes, generator=generator)
        task = _oracle.network_task(n_in, n_classes, generator=generator)
        direction = {
            name: _oracle.draw(*p.shape, generator=generator) for name, p in params.items()
        }
        got = _product(yours, _oracle.network(task.support_x, task.support_y), params, direction)
        wanted = _by_differences(params, task, direction)
        slope = _oracle.network_slope(params, task.support_x, task.support_y)
        for name in params:
            alone = {n: v if n == name else torch.zeros_like(v) for n, v in direction.items()}
            assert_agrees(
                got[name],
                wanted[name],
                mistakes={
                    "This is the gradient: differentiate once more.": slope[name],
                    "Only this parameter's own block of the Hessian takes part. Sum the products "
                    "of *all* parameters before you differentiate.": (
                        _by_differences(params, task, alone)[name]
                    ),
                },
                look_at=f"This is {name!r}. The slope of one parameter changes with all of them.",
                rtol=1e-4,
                atol=1e-7,
            )


@pytest.mark.points(3)
def test_parameter_that_the_loss_does_not_use_has_zeros(yours, generator):
    """A spare parameter beside a bowl: nothing changes with it, so its product is 0."""
    for size in (2, 3):
        task = _oracle.bowl_task(size, generator=generator)
        params = {name: _oracle.draw(size, generator=generator) for name in ("spare", "theta")}
        direction = {name: _oracle.draw(size, generator=generator) for name in params}
        got = _product(yours, _oracle.bowl(task.support_x, task.support_y), params, direction)
        wanted = {"theta": task.support_x @ direction["theta"], "spare": torch.zeros(size)}
        for name, value in wanted.items():
            assert_agrees(
                got[name],
                value,
                mistakes={"That is the direction itself.": direction[name]},
                look_at=f"This is {name!r}; the loss is a bowl in theta alone.",
            )
