"""gradient_test(meta_gradient): the learner writes the test, and it is tested in turn."""

import pytest
import torch

from medmeta_ref.grading.trials import tried


def _one(theta, task, inner_lr, inner_steps):
    """Return where the steps end and the product of their factors."""
    curvature, centre, _, _ = task
    shrink = torch.eye(len(theta), dtype=theta.dtype) - inner_lr * curvature
    factor = torch.linalg.matrix_power(shrink, inner_steps)
    return centre + factor @ (theta - centre), factor


def _mean(parts):
    return torch.stack(parts).mean(0)


def right(theta, tasks, *, inner_lr, inner_steps):
    """The closed form."""
    parts = []
    for task in tasks:
        end, factor = _one(theta, task, inner_lr, inner_steps)
        parts.append(factor.T @ task[2] @ (end - task[3]))
    return _mean(parts)


def right_step_by_step(theta, tasks, *, inner_lr, inner_steps):
    """The same by autograd: it differs in the last digits."""
    start = theta.detach().clone().requires_grad_()
    with torch.enable_grad():
        total = start.new_zeros(())
        for curvature, centre, query_curvature, query_centre in tasks:
            end = start
            for _ in range(inner_steps):
                end = end - inner_lr * (curvature @ (end - centre))
            away = end - query_centre
            total = total + away @ query_curvature @ away / 2 / len(tasks)
        return torch.autograd.grad(total, start)[0]


def first_order(theta, tasks, *, inner_lr, inner_steps):
    """FOMAML."""
    ends = [_one(theta, task, inner_lr, inner_steps)[0] for task in tasks]
    return _mean([t[2] @ (end - t[3]) for t, end in zip(tasks, ends, strict=True)])


def one_step_only(theta, tasks, *, inner_lr, inner_steps):
    """inner_steps is ignored."""
    return right(theta, tasks, inner_lr=inner_lr, inner_steps=min(inner_steps, 1))


def summed(theta, tasks, *, inner_lr, inner_steps):
    """A sum over the tasks."""
    return len(tasks) * right(theta, tasks, inner_lr=inner_lr, inner_steps=inner_steps)


def support_as_query(theta, tasks, *, inner_lr, inner_steps):
    """Judged on what it adapted to."""
    tasks = [(a, c, a, c) for a, c, _, _ in tasks]
    return right(theta, tasks, inner_lr=inner_lr, inner_steps=inner_steps)


def no_adaptation(theta, tasks, *, inner_lr, inner_steps):
    """Joint training."""
    return right(theta, tasks, inner_lr=inner_lr, inner_steps=0)


WRONG = {
    "first order only": first_order,
    "one step however many are asked for": one_step_only,
    "summed over the tasks": summed,
    "support used as query": support_as_query,
    "no adaptation at all": no_adaptation,
}


@pytest.mark.points(2)
@pytest.mark.parametrize("mistake", WRONG)
def test_accepts_right_gradients_and_rejects(yours, mistake, generator):
    """Your test accepts two right implementations and rejects: {mistake}."""
    trial = tried(yours, [right, right_step_by_step], WRONG, generator)
    assert trial.accepts_the_right(), (
        "Your test rejects a right implementation. Compare with torch.allclose, and work the "
        "value that you compare with out again."
    )
    assert trial.rejects(mistake), (
        f"An implementation with this mistake ({mistake}) passes your test. Find tasks, inner_lr "
        "and inner_steps for which it gives another vector than the right one."
    )
