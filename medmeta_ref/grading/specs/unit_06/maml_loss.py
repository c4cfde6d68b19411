"""maml_loss(loss, params, tasks, *, inner_lr, inner_steps, first_order=False)."""

from typing import Any

import pytest

from medmeta_ref.grading.agreement import assert_agrees
from medmeta_ref.grading.specs.unit_06 import _oracle

LR = 0.2


def _value(yours, theta, tasks, **how):
    [got] = yours.through(
        "on_leaves", _oracle.BOWL, {"theta": theta}, [tuple(task) for task in tasks], **how
    )
    return got


def _after(theta, task, k):
    """Return the query loss after k steps on the support bowl."""
    end = _oracle.adapted_bowl(theta, task, inner_lr=LR, inner_steps=k)
    return _oracle.bowl_loss(end, task.query_x, task.query_y)


@pytest.mark.points(5)
def test_is_the_query_loss_after_adaptation(yours, generator):
    """One task: steps on the support set, then the loss on the query set."""
    for size, k in ((2, 1), (3, 3)):
        task = _oracle.bowl_task(size, generator=generator)
        theta = _oracle.draw(size, generator=generator)
        end = _oracle.adapted_bowl(theta, task, inner_lr=LR, inner_steps=k)
        swapped = _oracle.Task(task.query_x, task.query_y, task.query_x, task.query_y)
        mistakes = {
            "That is the loss on the *support* set after adapting to it: it rewards learning by "
            "heart. Judge on the query set.": _oracle.bowl_loss(
                end, task.support_x, task.support_y
            ),
            "That is the query loss *before* adaptation: plain joint training.": _after(
                theta, task, 0
            ),
            "You adapt on the query set: the answers are known before the exam.": _after(
                theta, swapped, k
            ),
        }
        if k > 1:
            mistakes["That is the loss after one step: inner_steps is ignored."] = _after(
                theta, task, 1
            )
        assert_agrees(
            _value(yours, theta, [task], inner_lr=LR, inner_steps=k),
            _after(theta, task, k),
            mistakes=mistakes,
            look_at="Adapt on support_x, support_y; then take the loss on query_x, query_y.",
        )


@pytest.mark.points(4)
def test_is_a_mean_over_tasks_that_all_begin_at_params(yours, generator):
    """Several tasks: each starts from params anew, and their losses are averaged."""
    for n_tasks in (2, 3):
        tasks = [_oracle.bowl_task(2, generator=generator) for _ in range(n_tasks)]
        theta = _oracle.draw(2, generator=generator)
        losses = [_after(theta, task, 2) for task in tasks]
        start, carried = theta, 0.0
        for task in tasks:
            carried += _after(start, task, 2) / n_tasks
            start = _oracle.adapted_bowl(start, task, inner_lr=LR, inner_steps=2)
        assert_agrees(
            _value(yours, theta, tasks, inner_lr=LR, inner_steps=2),
            sum(losses) / n_tasks,
            mistakes={
                "Summed over the tasks; the mean was asked for, so that the outer learning rate "
                "need not change with their number.": sum(losses),
                "That is the last task's loss alone.": losses[-1],
                "That is the first task's loss alone: is the return inside the loop?": losses[0],
                "Each task begins where the one before ended. Every task starts from params.": (
                    carried
                ),
            },
            look_at="If one task is right, look at what happens from one task to the next.",
        )


@pytest.mark.points(3)
def test_can_be_differentiated_in_params(yours, generator):
    """Autograd through your loss gives the closed-form meta-gradient."""
    task = _oracle.bowl_task(3, generator=generator)
    theta = _oracle.draw(3, generator=generator)
    how: dict[str, Any] = {"inner_lr": LR, "inner_steps": 2}
    _, got = yours.through("loss_gradient", _oracle.BOWL, {"theta": theta}, [tuple(task)], **how)
    assert got["theta"] is not None, (
        "No gradient gets back to `params`: look for .detach(), .item() or torch.no_grad()."
    )
    assert_agrees(
        got["theta"],
        _oracle.bowl_meta_gradient(theta, task, **how),
        mistakes={
            "This is the first-order gradient. Do you pass first_order on as it comes, False "
            "unless asked for?": _oracle.bowl_meta_gradient(theta, task, **how, first_order=True)
        },
        look_at="If the values above are right, look at what connects the loss with params.",
    )
