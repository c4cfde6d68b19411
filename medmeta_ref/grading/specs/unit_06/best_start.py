"""best_start(curvatures, centres, *, inner_lr, inner_steps), a formula on paper."""

import pytest
import torch

from medmeta_ref.grading.agreement import assert_agrees


def _tasks(n_tasks, generator):
    h = 0.5 + 3 * torch.rand(n_tasks, generator=generator, dtype=torch.float64)
    return h, 3 * torch.randn(n_tasks, generator=generator, dtype=torch.float64)


def _after(start, h, c, inner_lr, inner_steps):
    """Take the steps one after the other, and return the summed loss at their ends."""
    total = 0.0
    for curvature, centre in zip(h.tolist(), c.tolist(), strict=True):
        t = start
        for _ in range(inner_steps):
            t -= inner_lr * curvature * (t - centre)
        total += curvature * (t - centre) ** 2 / 2
    return total


def _lowest(h, c, inner_lr, inner_steps):
    """The summed loss is a parabola in the start: three values of it give its lowest point."""
    left, middle, right = (_after(t, h, c, inner_lr, inner_steps) for t in (-1.0, 0.0, 1.0))
    return (left - right) / (2 * (left - 2 * middle + right))


@pytest.mark.points(3)
def test_without_steps_it_is_where_joint_training_ends(yours, generator):
    """inner_steps=0: the lowest point of the summed losses themselves."""
    for n_tasks in (2, 5):
        h, c = _tasks(n_tasks, generator)
        assert_agrees(
            yours(h, c, inner_lr=0.2, inner_steps=0),
            _lowest(h, c, 0.2, 0),
            mistakes={
                "That is the plain mean of the centres; steep bowls count more.": c.mean(),
                "That is the start for one inner step; there are none here.": _lowest(h, c, 0.2, 1),
                "The sum is not divided by the sum of the weights.": (h * c).sum(),
            },
            look_at="Set the derivative of sum h (t - c)² / 2 in t to zero.",
        )


@pytest.mark.points(7)
def test_start_is_the_lowest_point_of_the_loss_after_the_steps(yours, generator):
    """1, 2 and 3 inner steps: no other start ends lower, by trying three."""
    for n_tasks, inner_lr, k in ((2, 0.1, 1), (4, 0.2, 3), (3, 0.15, 2)):
        h, c = _tasks(n_tasks, generator)
        shrink = 1 - inner_lr * h

        def weighted(weights, c=c):
            return (weights * c).sum() / weights.sum()

        assert_agrees(
            yours(h, c, inner_lr=inner_lr, inner_steps=k),
            _lowest(h, c, inner_lr, k),
            mistakes={
                "That is where joint training ends: the steps are not in the weights.": weighted(h),
                "That is where *FOMAML* comes to rest. One factor (1 - inner_lr h) is from the "
                "steps, a second one from the chain rule through them.": weighted(h * shrink**k),
                "That is right for one step; each further one shrinks the distance again.": (
                    weighted(h * shrink**2)
                ),
                "The curvature itself is missing from the weights.": weighted(shrink ** (2 * k)),
                "The plain mean of the centres.": c.mean(),
                "The sum is not divided by the sum of the weights.": (
                    h * shrink ** (2 * k) * c
                ).sum(),
            },
            look_at="After K steps t - c has become (1 - inner_lr h)^K (t - c). Put that into the "
            "loss, sum over the tasks, and set the derivative in t to zero.",
        )
