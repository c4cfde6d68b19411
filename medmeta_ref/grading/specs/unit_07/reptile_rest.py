"""reptile_rest(curvatures, centres, *, inner_lr, inner_steps), a formula on paper."""

import pytest
import torch

from medmeta_ref.grading.agreement import assert_agrees


def _tasks(n_tasks, generator):
    h = 0.5 + 3 * torch.rand(n_tasks, generator=generator, dtype=torch.float64)
    return h, 3 * torch.randn(n_tasks, generator=generator, dtype=torch.float64)


def _pull(start, h, c, inner_lr, inner_steps):
    """Walk down every bowl, and return the mean of the ways that were gone."""
    ways = 0.0
    for curvature, centre in zip(h.tolist(), c.tolist(), strict=True):
        t = start
        for _ in range(inner_steps):
            t -= inner_lr * curvature * (t - centre)
        ways += t - start
    return ways / len(h)


def _rest(h, c, inner_lr, inner_steps):
    """The pull is a straight line in the start: two values of it give where it is 0."""
    left, right = (_pull(t, h, c, inner_lr, inner_steps) for t in (0.0, 1.0))
    return left / (left - right)


def _assert_rest(yours, n_tasks, inner_lr, k, generator):
    h, c = _tasks(n_tasks, generator)
    shrink = 1 - inner_lr * h

    def weighted(weights):
        return (weights * c).sum() / weights.sum()

    assert_agrees(
        yours(h, c, inner_lr=inner_lr, inner_steps=k),
        _rest(h, c, inner_lr, k),
        mistakes={
            "That is where joint training ends. Later steps begin closer to the centre, so a steep "
            "bowl does not go K times as far.": weighted(h),
            "That is the start that *MAML* looks for: lowest loss after the steps.": weighted(
                h * shrink ** (2 * k)
            ),
            "That is where *FOMAML* comes to rest.": weighted(h * shrink**k),
            "(1 - inner_lr h)^K is the share of the distance that is *left*. The pull is the share "
            "that was gone.": weighted(shrink**k),
            "That is right for one step only.": weighted(1 - shrink),
            "The plain mean of the centres: where Reptile would rest after very many steps.": (
                c.mean()
            ),
            "The sum is not divided by the sum of the weights.": ((1 - shrink**k) * c).sum(),
        },
        look_at=f"This was inner_steps={k}. At rest the ways of all tasks add up to 0; the way of "
        "a task is a multiple of c - t. Which?",
    )


@pytest.mark.points(3)
def test_one_step_rests_where_joint_training_ends(yours, generator):
    """inner_steps=1: the lowest point of the mean loss itself."""
    for n_tasks, inner_lr in ((2, 0.1), (5, 0.2)):
        _assert_rest(yours, n_tasks, inner_lr, 1, generator)


@pytest.mark.points(7)
def test_at_rest_the_ways_of_the_tasks_add_up_to_nothing(yours, generator):
    """2, 4 and 7 inner steps: walking down every bowl and taking the mean leads nowhere."""
    for n_tasks, inner_lr, k in ((2, 0.1, 2), (4, 0.2, 4), (3, 0.15, 7)):
        _assert_rest(yours, n_tasks, inner_lr, k, generator)
