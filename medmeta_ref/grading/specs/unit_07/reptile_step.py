"""reptile_step(loss, params, tasks, *, inner_lr, outer_lr)."""

from typing import Any

import pytest
import torch

from medmeta_ref.grading.agreement import assert_agrees
from medmeta_ref.grading.specs.unit_07 import _oracle

LR = 0.2
LEAVES = "reptile_step(...)"


def _on_bowls(yours, theta, tasks, *, outer_lr, times=1):
    """Return the theta that each of `times` calls on the same objects arrives at."""
    ends = yours.through(
        "on_leaves",
        _oracle.BOWL,
        {"theta": theta},
        [[tuple(bowl) for bowl in task] for task in tasks],
        inner_lr=LR,
        outer_lr=outer_lr,
        times=times,
    )
    return [_oracle.tensors_named(end, ["theta"], LEAVES)["theta"] for end in ends]


def _mistakes(theta, tasks, outer_lr):
    """Return what well-known mistakes would give on bowls."""

    def update(ends, rate=outer_lr):
        return _oracle.moved(theta, ends, outer_lr=rate)

    ends = [_oracle.walked(theta, task, inner_lr=LR) for task in tasks]
    carried = [
        _oracle.walked(theta, [bowl for task in tasks[: i + 1] for bowl in task], inner_lr=LR)
        for i in range(len(tasks))
    ]
    in_turn = theta
    for task in tasks:
        end = _oracle.walked(in_turn, task, inner_lr=LR)
        in_turn = in_turn + outer_lr * (end - in_turn)
    first = [_oracle.walked(theta, task[:1], inner_lr=LR) for task in tasks]
    repeated = [_oracle.walked(theta, task[:1] * len(task), inner_lr=LR) for task in tasks]
    last = [_oracle.walked(theta, task[-1:] * len(task), inner_lr=LR) for task in tasks]
    straight = [_oracle.straight(theta, task, inner_lr=LR) for task in tasks]
    uphill = [_oracle.walked(theta, task, inner_lr=-LR) for task in tasks]
    return {
        "That walks *away* from where the tasks lead: is it params - adapted where adapted - "
        "params belongs?": update(ends, -outer_lr),
        "The inner steps climb the loss: check the sign of the gradient.": update(uphill),
        "Each task begins where the one before ended. Every task starts from params.": (
            update(carried)
        ),
        "The parameters move after every task, so the order of the tasks matters. Let all of them "
        "start from the same params, and move once.": in_turn,
        "The slopes are all taken at `params`, so no step knows of the one before. That is joint "
        "training, not Reptile.": update(straight),
        "One step per task was taken; there should be one for every minibatch.": update(first),
        "Every step sees the first minibatch. Step k takes minibatch k.": update(repeated),
        "Every step sees the last minibatch. Step k takes minibatch k.": update(last),
        "Summed over the tasks; the mean was asked for.": update(ends, len(tasks) * outer_lr),
        "outer_lr is ignored: that is the mean of where the tasks lead.": update(ends, 1.0),
        "Nothing has moved.": theta,
    }


def _assert_on_bowls(yours, theta, tasks, outer_lr, look_at):
    wanted = [_oracle.walked(theta, task, inner_lr=LR) for task in tasks]
    [got] = _on_bowls(yours, theta, tasks, outer_lr=outer_lr)
    assert_agrees(
        got,
        _oracle.moved(theta, wanted, outer_lr=outer_lr),
        mistakes=_mistakes(theta, tasks, outer_lr),
        look_at=look_at,
    )


@pytest.mark.points(5)
def test_steps_on_round_bowls_follow_the_closed_form(yours, generator):
    """1 and 3 steps, 2 and 3 tasks: each shrinks its distance by the factor (1 - inner_lr h)^K."""
    for size, n_tasks, k, outer_lr in ((2, 3, 1, 0.5), (3, 2, 3, 0.3)):
        bowls = [_oracle.round_bowl(size, generator=generator) for _ in range(n_tasks)]
        theta = _oracle.draw(size, generator=generator)
        look_at = f"This was {n_tasks} tasks with {k} equal minibatches each, outer_lr={outer_lr}."
        _assert_on_bowls(yours, theta, [[bowl] * k for bowl in bowls], outer_lr, look_at)


@pytest.mark.points(5)
def test_every_step_sees_its_own_minibatch_where_the_last_step_ended(yours, generator):
    """Minibatches that differ, steep in other directions: their order within a task matters."""
    for size, lengths, outer_lr in ((3, (2, 2), 0.4), (2, (4, 3, 2), 0.8)):
        tasks = [
            [_oracle.long_bowl(size, generator=generator) for _ in range(length)]
            for length in lengths
        ]
        theta = _oracle.draw(size, generator=generator)
        look_at = (
            f"The tasks had {' and '.join(map(str, lengths))} minibatches: one step for each, in "
            "order, from where the step before ended."
        )
        _assert_on_bowls(yours, theta, tasks, outer_lr, look_at)


@pytest.mark.points(3)
def test_one_step_per_task_is_joint_training(yours, generator):
    """One minibatch per task, on a network: a gradient step on the mean of the tasks' losses."""
    for n_in, n_classes, n_tasks in ((2, 3, 3), (3, 2, 1)):
        params = _oracle.network_params(n_in, n_classes, generator=generator)
        data = []
        for n in range(4, 4 + n_tasks):
            x = _oracle.draw(n, n_in, generator=generator)
            data.append((x, torch.randint(n_classes, (n,), generator=generator)))
        [got] = yours.through(
            "on_leaves",
            _oracle.NETWORK,
            params,
            [[minibatch] for minibatch in data],
            inner_lr=LR,
            outer_lr=0.5,
        )
        got = _oracle.tensors_named(got, params, LEAVES)
        slopes = [_oracle.network_slope(params, x, y) for x, y in data]
        for name, p in params.items():
            slope = torch.stack([each[name] for each in slopes]).mean(0)
            assert_agrees(
                got[name],
                p - 0.5 * LR * slope,
                mistakes={
                    "That climbs the loss. Look at the signs of both steps, inner and outer.": (
                        p + 0.5 * LR * slope
                    ),
                    "Summed over the tasks; the mean was asked for.": (
                        p - 0.5 * LR * n_tasks * slope
                    ),
                    "outer_lr is ignored.": p - LR * slope,
                    f"{name} did not move: every parameter takes part.": p,
                },
                look_at=f"This is {name!r} after one inner step: params minus inner_lr * outer_lr "
                "times the mean gradient.",
            )


@pytest.mark.points(2)
def test_a_second_call_finds_everything_unchanged(yours, generator):
    """The same call twice, on the same objects, gives the right result twice."""
    tasks = [[_oracle.long_bowl(3, generator=generator) for _ in range(2)] for _ in range(2)]
    theta = _oracle.draw(3, generator=generator)
    how: dict[str, Any] = {"outer_lr": 0.5}
    ends = [_oracle.walked(theta, task, inner_lr=LR) for task in tasks]
    for got in _on_bowls(yours, theta, tasks, **how, times=2):
        assert_agrees(
            got,
            _oracle.moved(theta, ends, **how),
            mistakes={},
            look_at="If the checks above are right, your function changes `params` in place: "
            "`p -= ...`, or a dict that is `params` itself and not dict(params).",
        )
