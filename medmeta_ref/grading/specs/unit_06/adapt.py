"""adapt(loss, params, support_x, support_y, *, inner_lr, inner_steps, first_order=False)."""

from typing import Any

import pytest

from medmeta_ref.grading.agreement import assert_agrees
from medmeta_ref.grading.sandbox.adapters import Fn
from medmeta_ref.grading.specs.unit_06 import _oracle

LR = 0.2
LEAVES = "adapt(...)"


def _on_a_bowl(yours, theta, task, *, inner_steps, times=1):
    """Return the theta that each of `times` calls on the same objects arrives at."""
    ends = yours.through(
        "on_leaves",
        _oracle.BOWL,
        {"theta": theta},
        task.support_x,
        task.support_y,
        inner_lr=LR,
        inner_steps=inner_steps,
        times=times,
    )
    return [_oracle.tensors_named(end, ["theta"], LEAVES)["theta"] for end in ends]


@pytest.mark.points(6)
def test_steps_on_a_bowl_end_where_they_should(yours, generator):
    """0, 1, 2 and 3 steps of gradient descent, by the closed form, in 2 and 3 dimensions."""
    for size in (2, 3):
        task = _oracle.bowl_task(size, generator=generator)
        theta = _oracle.draw(size, generator=generator)
        ends = {k: _oracle.adapted_bowl(theta, task, inner_lr=LR, inner_steps=k) for k in range(5)}
        slope = task.support_x @ (theta - task.support_y)
        for k in range(4):
            mistakes = {
                "That is the right result of one step; inner_steps of them were asked for.": (
                    ends[1]
                ),
                "Every step uses the gradient at the *start*. Take it where the last step ended.": (
                    theta - k * LR * slope
                ),
                "The sign is reversed: that climbs the loss.": _oracle.adapted_bowl(
                    theta, task, inner_lr=-LR, inner_steps=k
                ),
                "One step too many: does your loop run inner_steps times?": ends[k + 1],
                "One step too few: does your loop run inner_steps times?": ends[max(k - 1, 0)],
                "The learning rate is missing.": _oracle.adapted_bowl(
                    theta, task, inner_lr=1.0, inner_steps=k
                ),
            }
            [got] = _on_a_bowl(yours, theta, task, inner_steps=k)
            assert_agrees(
                got,
                ends[k],
                mistakes=mistakes,
                look_at=f"This was inner_steps={k}. One step is theta - inner_lr * gradient.",
            )


@pytest.mark.points(4)
def test_steps_of_a_network_change_all_of_its_parameters(yours, generator):
    """Two steps on a small tanh network equal backpropagation written out by hand."""
    for n_in, n_classes in ((2, 3), (3, 2)):
        params = _oracle.network_params(n_in, n_classes, generator=generator)
        task = _oracle.network_task(n_in, n_classes, generator=generator)
        how: dict[str, Any] = {"inner_lr": LR, "inner_steps": 2}
        [got] = yours.through(
            "on_leaves", _oracle.NETWORK, params, task.support_x, task.support_y, **how
        )
        got = _oracle.tensors_named(got, params, LEAVES)
        wanted = _oracle.adapted_network(params, task, **how)
        slope = _oracle.network_slope(params, task.support_x, task.support_y)
        for name in params:
            assert_agrees(
                got[name],
                wanted[name],
                mistakes={
                    f"{name} did not move: every parameter takes part.": params[name],
                    "That is one step; two were asked for.": params[name] - LR * slope[name],
                    "Every step uses the gradient at the start.": (
                        params[name] - 2 * LR * slope[name]
                    ),
                },
                look_at=f"This is {name!r} after two steps. If bowls are right, look at how "
                "gradients and names are paired.",
            )


@pytest.mark.points(5)
def test_outer_gradient_passes_through_the_steps(yours, generator):
    """The gradient of a query bowl at the end, taken at the start, has a factor for every step."""
    for size, k in ((3, 1), (2, 2), (3, 3)):
        _assert_outer_gradient(yours, size, k, generator, first_order=False)


@pytest.mark.points(3)
def test_first_order_leaves_the_factors_out(yours, generator):
    """With first_order=True the outer gradient is the query gradient at the adapted parameters."""
    for size, k in ((3, 1), (2, 3)):
        _assert_outer_gradient(yours, size, k, generator, first_order=True)


@pytest.mark.points(2)
def test_a_second_call_finds_everything_unchanged(yours, generator):
    """The same call twice, on the same objects, gives the right result twice."""
    task = _oracle.bowl_task(3, generator=generator)
    theta = _oracle.draw(3, generator=generator)
    once, twice = (_oracle.adapted_bowl(theta, task, inner_lr=LR, inner_steps=k) for k in (2, 4))
    for got in _on_a_bowl(yours, theta, task, inner_steps=2, times=2):
        assert_agrees(
            got,
            once,
            mistakes={
                "Right steps, but your function moved `params` themselves, in place: the second "
                "call began where the first had ended. Make new tensors: p - inner_lr * g.": twice
            },
            look_at="Mend the checks above first.",
        )


def _assert_outer_gradient(yours, size, k, generator, *, first_order):
    task = _oracle.bowl_task(size, generator=generator)
    theta = _oracle.draw(size, generator=generator)
    by_hand = {
        (steps, order): _oracle.bowl_meta_gradient(
            theta, task, inner_lr=LR, inner_steps=steps, first_order=order
        )
        for steps in (0, 1, k)
        for order in (False, True)
    }
    _, got = yours.through(
        "meta_gradient",
        {"theta": theta},
        task.support_x,
        task.support_y,
        before=(_oracle.BOWL,),
        outer=Fn("quadratic", (task.query_x, task.query_y)),
        inner_lr=LR,
        inner_steps=k,
        first_order=first_order,
    )
    assert got["theta"] is not None, (
        "No gradient gets back to `params`: the steps are cut off from where they began. "
        "Look for .detach(), .data, .item() or torch.no_grad()."
    )
    if first_order:
        mistakes = {
            "first_order=True makes no difference: this still has the factor (I - inner_lr H) of "
            "every step.": by_hand[k, False],
        }
    else:
        mistakes = {
            "This is FOMAML, whatever was asked for: the factor (I - inner_lr H) of every step is "
            "missing. torch.autograd.grad forgets how it got its result unless create_graph=True, "
            "and says nothing.": by_hand[k, True],
        }
    assert_agrees(
        got["theta"],
        by_hand[k, first_order],
        mistakes=mistakes
        | {
            "This is the gradient for one step, not for inner_steps.": by_hand[1, first_order],
            "This is the query gradient before any step.": by_hand[0, False],
        },
        look_at=f"This was inner_steps={k}, first_order={first_order}. If the steps themselves are "
        "right, look at what connects them with `params`.",
    )
