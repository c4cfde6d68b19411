"""reptile_update(params, adapted, *, outer_lr)."""

import pytest
import torch

from medmeta_ref.grading.agreement import assert_agrees
from medmeta_ref.grading.specs.unit_07 import _oracle

SHAPES = ({"weight": (2, 3), "bias": (2,)}, {"scale": (), "theta": (4,), "body": (1, 2, 2)})


def _clinics(shapes, n_tasks, generator):
    """Return parameters, and those that come back from n_tasks clinics."""
    params, *adapted = (
        {name: _oracle.draw(*shape, generator=generator) for name, shape in shapes.items()}
        for _ in range(n_tasks + 1)
    )
    return params, adapted


def _assert_update(yours, params, adapted, outer_lr):
    got = _oracle.tensors_named(
        yours(params, adapted, outer_lr=outer_lr), params, "reptile_update(...)"
    )
    for name, p in params.items():
        ends = [clinic[name] for clinic in adapted]
        mean = torch.stack(ends).mean(0)
        in_turn = p
        for end in ends:
            in_turn = in_turn + outer_lr * (end - in_turn)
        assert_agrees(
            got[name],
            p + outer_lr * (mean - p),
            mistakes={
                "That walks *away* from where the tasks lead. The way there is adapted - params.": (
                    p + outer_lr * (p - mean)
                ),
                "The ways of the tasks are summed; their mean was asked for.": (
                    p + outer_lr * (torch.stack(ends).sum(0) - len(ends) * p)
                ),
                "The adapted parameters are summed; take their mean.": (
                    p + outer_lr * (torch.stack(ends).sum(0) - p)
                ),
                "That is the mean of the adapted parameters: outer_lr is ignored.": mean,
                "outer_lr and 1 - outer_lr are swapped: 0 should stay, 1 should arrive.": (
                    mean + outer_lr * (p - mean)
                ),
                "Only the last task counts here.": p + outer_lr * (ends[-1] - p),
                "Only the first task counts here.": p + outer_lr * (ends[0] - p),
                "One task after the other moves the parameters, so their order matters. Take the "
                "mean first.": in_turn,
                "That is the way alone, without the parameters where it begins.": (
                    outer_lr * (mean - p)
                ),
            },
            look_at=f"This is {name!r} with outer_lr={outer_lr} and {len(ends)} tasks.",
        )


@pytest.mark.points(6)
def test_goes_a_part_of_the_way_to_the_mean(yours, generator):
    """Every parameter moves by outer_lr of the way to the mean of 1, 3 and 4 tasks."""
    small, large = SHAPES
    for shapes, n_tasks, outer_lr in ((small, 3, 0.3), (large, 1, 0.7), (large, 4, 0.1)):
        params, adapted = _clinics(shapes, n_tasks, generator)
        _assert_update(yours, params, adapted, outer_lr)


@pytest.mark.points(4)
def test_zero_stays_and_one_arrives(yours, generator):
    """With outer_lr=0 nothing moves; with 1 the result is the mean of the adapted parameters."""
    for shapes, n_tasks in zip(SHAPES, (2, 3), strict=True):
        params, adapted = _clinics(shapes, n_tasks, generator)
        for outer_lr in (0.0, 1.0):
            _assert_update(yours, params, adapted, outer_lr)
