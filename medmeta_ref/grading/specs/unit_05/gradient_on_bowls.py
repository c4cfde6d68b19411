"""gradient_on_bowls(theta, curvature, centre, query_curvature, query_centre, *, ...), on paper."""

import pytest
import torch

from medmeta_ref.grading.agreement import assert_agrees
from medmeta_ref.grading.specs.unit_05 import _oracle

LR = 0.2


def _height(theta, task, k):
    """Return the query loss after k steps."""
    end = _oracle.down_a_bowl(theta, task.support_x, task.support_y, lr=LR, k=k)
    return float((end - task.query_y) @ task.query_x @ (end - task.query_y)) / 2


def _slope(theta, task, k):
    """Return its slope; the height is a parabola in theta, so any step gives it exactly."""
    moves = torch.eye(len(theta), dtype=torch.float64)
    ends = [(_height(theta + m, task, k) - _height(theta - m, task, k)) / 2 for m in moves]
    return torch.tensor(ends, dtype=torch.float64)


def _assert_right(yours, size, k, generator):
    task = _oracle.bowl_task(size, generator=generator)
    theta = _oracle.draw(size, generator=generator)
    got = yours(theta, *task, inner_lr=LR, inner_steps=k)

    def through(steps, factors):
        return _oracle.through_bowl_steps(theta, task, lr=LR, k=steps, through=factors)

    swapped = task._replace(query_x=task.support_x, query_y=task.support_y)
    mistakes = {}
    if k:
        shrink = torch.eye(size, dtype=torch.float64) - LR * task.support_x
        factor = torch.linalg.matrix_power(shrink, k)
        end = _oracle.down_a_bowl(theta, task.support_x, task.support_y, lr=LR, k=k)
        mistakes = {
            "This is the query's slope where the steps end. Moving theta by a little moves the end "
            "by less: the factor (I - inner_lr A) of every step is missing in front.": (
                through(k, 0)
            ),
            "This is the query's slope before any step.": through(0, 0),
            "Matrices do not commute: first B acts on the distance, then the steps on that.": (
                task.query_x @ factor @ (end - task.query_y)
            ),
        }
    if k > 1:
        mistakes |= {
            "That is right for one step: inner_steps is ignored.": through(1, 1),
            "The end is right, but in front there is one factor for each of the steps.": (
                through(k, 1)
            ),
        }
    assert_agrees(
        got,
        _slope(theta, task, k),
        mistakes=mistakes
        | {
            "This is the slope of the *support* bowl after the steps; judge on the query bowl.": (
                _slope(theta, swapped, k)
            ),
            "The sign is reversed.": -_slope(theta, task, k),
        },
        look_at=f"This was inner_steps={k} in {size} dimensions. After them theta - c has become "
        "(I - inner_lr A)^K (theta - c).",
    )


@pytest.mark.points(3)
def test_one_step_brings_one_factor(yours, generator):
    """One step, in 2 and 3 dimensions: the slope of the query loss after it."""
    for size in (2, 3):
        _assert_right(yours, size, 1, generator)


@pytest.mark.points(5)
def test_every_step_brings_its_factor(yours, generator):
    """Two and three steps."""
    for size, k in ((3, 2), (2, 3)):
        _assert_right(yours, size, k, generator)


@pytest.mark.points(2)
def test_without_steps_it_is_the_slope_of_the_query_bowl(yours, generator):
    """inner_steps=0."""
    for size in (2, 3):
        _assert_right(yours, size, 0, generator)
