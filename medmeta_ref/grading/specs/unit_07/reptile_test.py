"""reptile_test(step): the learner writes the test, and it is tested in turn."""

import pytest
import torch

from medmeta_ref.grading.trials import tried


def _ends(theta, tasks, inner_lr, inner_steps):
    """Return where the steps on every bowl end, [n_tasks, size]."""
    ends = []
    for curvature, centre in tasks:
        shrink = torch.eye(len(theta), dtype=theta.dtype) - inner_lr * curvature
        ends.append(centre + torch.linalg.matrix_power(shrink, inner_steps) @ (theta - centre))
    return torch.stack(ends)


def right(theta, tasks, *, inner_lr, inner_steps, outer_lr):
    """The closed form."""
    return theta + outer_lr * (_ends(theta, tasks, inner_lr, inner_steps).mean(0) - theta)


def right_step_by_step(theta, tasks, *, inner_lr, inner_steps, outer_lr):
    """The same by steps, as the gradient form: it differs in the last digits."""
    way_back = torch.zeros_like(theta)
    for curvature, centre in tasks:
        fast = theta.clone()
        for _ in range(inner_steps):
            fast = fast - inner_lr * (curvature @ (fast - centre))
        way_back = way_back + (theta - fast) / len(tasks)
    return theta - outer_lr * way_back


def walks_away(theta, tasks, *, inner_lr, inner_steps, outer_lr):
    """The sign of the outer step is wrong."""
    return right(theta, tasks, inner_lr=inner_lr, inner_steps=inner_steps, outer_lr=-outer_lr)


def joint_training(theta, tasks, *, inner_lr, inner_steps, outer_lr):
    """All slopes are taken at theta."""
    slopes = torch.stack([curvature @ (theta - centre) for curvature, centre in tasks])
    return theta - outer_lr * inner_lr * inner_steps * slopes.mean(0)


def summed(theta, tasks, *, inner_lr, inner_steps, outer_lr):
    """A sum over the tasks."""
    how = {"inner_lr": inner_lr, "inner_steps": inner_steps}
    return right(theta, tasks, outer_lr=len(tasks) * outer_lr, **how)


def task_after_task(theta, tasks, *, inner_lr, inner_steps, outer_lr):
    """Each task begins where the one before ended."""
    ends, fast = [], theta
    for task in tasks:
        fast = _ends(fast, [task], inner_lr, inner_steps)[0]
        ends.append(fast)
    return theta + outer_lr * (torch.stack(ends).mean(0) - theta)


def arrives_at_once(theta, tasks, *, inner_lr, inner_steps, outer_lr):
    """outer_lr is ignored."""
    return right(theta, tasks, inner_lr=inner_lr, inner_steps=inner_steps, outer_lr=1.0)


WRONG = {
    "walks away": walks_away,
    "joint training in disguise": joint_training,
    "summed over the tasks": summed,
    "each task begins where the last one ended": task_after_task,
    "outer_lr ignored": arrives_at_once,
}


@pytest.mark.points(2)
@pytest.mark.parametrize("mistake", WRONG)
def test_accepts_right_steps_and_rejects(yours, mistake, generator):
    """Your test accepts two right implementations and rejects: {mistake}."""
    trial = tried(yours, [right, right_step_by_step], WRONG, generator)
    assert trial.accepts_the_right(), (
        "Your test rejects a right implementation. Compare with torch.allclose, and work the "
        "value that you compare with out again."
    )
    assert trial.rejects(mistake), (
        f"An implementation with this mistake ({mistake}) passes your test. Find tasks, rates and "
        "inner_steps for which it gives another vector than the right one."
    )
