"""unrolled(loss, params, *, inner_lr, inner_steps, through)."""

import pytest

from medmeta_ref.grading.agreement import assert_agrees
from medmeta_ref.grading.specs.unit_05 import _oracle

LR = 0.2
LEAVES = "unrolled(...)"
CUT_OFF = (
    "No gradient gets back to `params`. Steps that are not differentiated through still pass it "
    "on: p - inner_lr * constant."
)


@pytest.mark.points(4)
def test_steps_end_where_they_should_whatever_is_remembered(yours, generator):
    """0 to 3 steps on bowls, for every `through`: it decides the gradient, never the values."""
    for size in (2, 3):
        task = _oracle.bowl_task(size, generator=generator)
        theta = _oracle.draw(size, generator=generator)
        ends = [
            _oracle.down_a_bowl(theta, task.support_x, task.support_y, lr=LR, k=k) for k in range(5)
        ]
        for k in range(4):
            for through in range(k + 1):
                [got] = yours.through(
                    "on_leaves",
                    _oracle.bowl(task.support_x, task.support_y),
                    {"theta": theta},
                    inner_lr=LR,
                    inner_steps=k,
                    through=through,
                )
                mistakes = {
                    "That is the right result of one step; inner_steps of them were asked for.": (
                        ends[1]
                    ),
                    "One step too many: does your loop run inner_steps times?": ends[k + 1],
                }
                if through < k:
                    mistakes["Only the last `through` steps were taken; all of them are."] = ends[
                        through
                    ]
                assert_agrees(
                    _oracle.tensors_named(got, ["theta"], LEAVES)["theta"],
                    ends[k],
                    mistakes=mistakes,
                    look_at=f"This was inner_steps={k}, through={through}. Each step begins where "
                    "the one before ended.",
                )


def _on_a_bowl(yours, size, k, through, generator):
    task = _oracle.bowl_task(size, generator=generator)
    theta = _oracle.draw(size, generator=generator)
    _, got = yours.through(
        "meta_gradient",
        {"theta": theta},
        before=(_oracle.bowl(task.support_x, task.support_y),),
        outer=_oracle.bowl(task.query_x, task.query_y),
        inner_lr=LR,
        inner_steps=k,
        through=through,
    )
    assert got["theta"] is not None, CUT_OFF

    def with_factors(n):
        return _oracle.through_bowl_steps(theta, task, lr=LR, k=k, through=n)

    mistakes = {}
    if through:
        mistakes["No step is differentiated through, though `through` is not 0."] = with_factors(0)
    if through < k:
        mistakes["All steps are differentiated through; `through` is ignored."] = with_factors(k)
        if k - through != through:
            mistakes["Count from the end: the *last* `through` steps are remembered."] = (
                with_factors(k - through)
            )
    assert_agrees(
        got["theta"],
        with_factors(through),
        mistakes=mistakes
        | {
            "One step too many is differentiated through.": with_factors(through + 1),
            "One step too few is differentiated through.": with_factors(max(through - 1, 0)),
        },
        look_at=f"This was inner_steps={k}, through={through}: {through} factors I - inner_lr A "
        "were expected.",
    )


@pytest.mark.points(3)
def test_all_steps_remembered_give_the_exact_gradient(yours, generator):
    """through=inner_steps: a factor (I - inner_lr A) for each step."""
    for size, k in ((3, 1), (2, 3)):
        _on_a_bowl(yours, size, k, k, generator)


@pytest.mark.points(3)
def test_only_as_many_factors_as_steps_are_remembered(yours, generator):
    """through=0, 1, 2 of three or four steps."""
    for size, k, through in ((2, 3, 0), (3, 3, 1), (2, 4, 2)):
        _on_a_bowl(yours, size, k, through, generator)


@pytest.mark.points(2)
def test_the_last_steps_are_those_that_are_remembered(yours, generator):
    """On a network each step has a Hessian of its own: which ones take part?"""
    for n_in, n_classes in ((2, 3), (3, 2)):
        params = _oracle.network_params(n_in, n_classes, generator=generator)
        task = _oracle.network_task(n_in, n_classes, generator=generator)
        _, got = yours.through(
            "meta_gradient",
            params,
            before=(_oracle.network(task.support_x, task.support_y),),
            outer=_oracle.network(task.query_x, task.query_y),
            inner_lr=LR,
            inner_steps=3,
            through=1,
        )
        assert None not in got.values(), CUT_OFF
        wanted, reversed_ = (_truncated(params, task, which=which) for which in ("last", "first"))
        for name in params:
            assert_agrees(
                got[name],
                wanted[name],
                mistakes={
                    "You remember the *first* step; the last one was meant.": reversed_[name]
                },
                look_at=f"This is {name!r}, three steps of which the last is remembered. Mend the "
                "checks above first.",
                rtol=1e-4,
                atol=1e-7,
            )


def _truncated(params, task, *, which):
    """Return the query's slope after three steps, taken back through one of them."""
    end = _oracle.after_steps(params, task, lr=LR, k=3)
    slope = _oracle.network_slope(end, task.query_x, task.query_y)
    begins = _oracle.after_steps(params, task, lr=LR, k=2) if which == "last" else params

    def along(moved):
        # The slope at the end is held; only the one step depends on where it begins.
        ends = _oracle.after_steps(moved, task, lr=LR, k=1)
        return sum((slope[name] * ends[name]).sum() for name in slope)

    return _oracle.by_differences(along, begins)
