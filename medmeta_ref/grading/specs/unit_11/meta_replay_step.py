"""meta_replay_step(loss, params, examples, *, inner_lr, outer_lr) -> new parameters."""

import pytest

from medmeta_ref.grading.agreement import assert_agrees
from medmeta_ref.grading.specs.unit_06 import _oracle

LR = 0.2
WHAT = "meta_replay_step(...)"


def _bowls(size, n_examples, generator):
    """Return bowls as examples: curvature and centre."""
    tasks = [_oracle.bowl_task(size, generator=generator) for _ in range(n_examples)]
    return [(task.support_x, task.support_y) for task in tasks]


def _walked(theta, bowls, inner_lr=LR):
    """Return where one step down each bowl in turn leads."""
    for curvature, centre in bowls:
        theta = theta - inner_lr * curvature @ (theta - centre)
    return theta


def _on_bowls(yours, theta, bowls, *, outer_lr, times=1):
    results = yours.through(
        "on_leaves",
        _oracle.BOWL,
        {"theta": theta},
        bowls,
        inner_lr=LR,
        outer_lr=outer_lr,
        times=times,
    )
    return [_oracle.tensors_named(each, ["theta"], WHAT)["theta"] for each in results]


@pytest.mark.points(6)
def test_is_a_part_of_the_way_to_where_the_steps_end(yours, generator):
    """One step on each example in turn, then theta + outer_lr (end - theta), by matrix algebra."""
    for size, n_examples, outer_lr in ((2, 3, 0.4), (3, 2, 0.7), (2, 5, 0.25)):
        theta = _oracle.draw(size, generator=generator)
        bowls = _bowls(size, n_examples, generator)
        end = _walked(theta, bowls)
        at_start = sum(curvature @ (theta - centre) for curvature, centre in bowls)
        meta_each = theta
        for bowl in bowls:
            meta_each = meta_each + outer_lr * (_walked(meta_each, [bowl]) - meta_each)
        [got] = _on_bowls(yours, theta, bowls, outer_lr=outer_lr)
        assert_agrees(
            got,
            theta + outer_lr * (end - theta),
            mistakes={
                "That is where the steps end: plain replay. The outer step, a part of the way "
                "there, is missing.": end,
                "All gradients are taken at the start, as in one big batch. Take each where the "
                "step before ended: that order is what makes the method.": (
                    theta - outer_lr * LR * at_start
                ),
                "The same, averaged: one gradient of the whole batch.": (
                    theta - outer_lr * LR * at_start / n_examples
                ),
                "The sign of the outer step is reversed: it moves away from the end.": (
                    theta - outer_lr * (end - theta)
                ),
                "That is the end plus a part of the way back; start from `params`.": (
                    end + outer_lr * (theta - end)
                ),
                "An outer step after every example is gradient descent with a smaller rate. Walk "
                "through all examples first.": meta_each,
                "Only the last example was learned from. Does every step start where the one "
                "before ended?": theta + outer_lr * (_walked(theta, bowls[-1:]) - theta),
                "Only the first example was learned from: is the return inside the loop?": (
                    theta + outer_lr * (_walked(theta, bowls[:1]) - theta)
                ),
                "The examples were taken in the reverse order.": (
                    theta + outer_lr * (_walked(theta, bowls[::-1]) - theta)
                ),
            },
            look_at=f"This was with {n_examples} examples and outer_lr={outer_lr}.",
        )


@pytest.mark.points(4)
def test_all_parameters_of_a_network_take_part(yours, generator):
    """Single labelled examples and a tanh network, by backpropagation written out."""
    for n_in, n_classes in ((2, 3), (3, 2)):
        params = _oracle.network_params(n_in, n_classes, generator=generator)
        task = _oracle.network_task(n_in, n_classes, generator=generator)
        examples = [(task.query_x[i : i + 1], task.query_y[i : i + 1]) for i in range(4)]
        end = dict(params)
        for x, y in examples:
            slope = _oracle.network_slope(end, x, y)
            end = {name: p - LR * slope[name] for name, p in end.items()}
        how = {"inner_lr": LR, "outer_lr": 0.3}
        [got] = yours.through("on_leaves", _oracle.NETWORK, params, examples, **how)
        got = _oracle.tensors_named(got, params, WHAT)
        for name, p in params.items():
            assert_agrees(
                got[name],
                p + 0.3 * (end[name] - p),
                mistakes={
                    f"{name} did not move: every parameter takes part.": p,
                    "That is where the steps end; the outer step is missing.": end[name],
                },
                look_at=f"This is {name!r}. If bowls are right, look at how gradients and names "
                "are paired.",
            )


@pytest.mark.points(2)
def test_with_outer_lr_1_it_is_plain_sgd_and_with_0_nothing_moves(yours, generator):
    """The two ends of the scale between learning from each example at once and not at all."""
    for size, n_examples in ((2, 3), (4, 2)):
        theta = _oracle.draw(size, generator=generator)
        bowls = _bowls(size, n_examples, generator)
        for outer_lr, want in ((1.0, _walked(theta, bowls)), (0.0, theta)):
            [got] = _on_bowls(yours, theta, bowls, outer_lr=outer_lr)
            assert_agrees(
                got,
                want,
                mistakes={},
                look_at=f"This was outer_lr={outer_lr:g}: params + outer_lr * (end - params).",
            )


@pytest.mark.points(2)
def test_a_second_call_finds_everything_unchanged(yours, generator):
    """The same call twice, on the same objects, gives the right result twice."""
    for size in (2, 3):
        theta = _oracle.draw(size, generator=generator)
        bowls = _bowls(size, 3, generator)
        want = theta + 0.5 * (_walked(theta, bowls) - theta)
        for got in _on_bowls(yours, theta, bowls, outer_lr=0.5, times=2):
            assert_agrees(
                got,
                want,
                mistakes={},
                look_at="One of two equal calls is wrong. `params` are still needed after the "
                "steps: make new tensors, and change neither `params` nor `examples` in place.",
            )
