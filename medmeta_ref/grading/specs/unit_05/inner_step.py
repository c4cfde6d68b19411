"""inner_step(loss, params, *, inner_lr, create_graph, frozen=())."""

from typing import Any

import pytest
import torch

from medmeta_ref.grading.agreement import assert_agrees
from medmeta_ref.grading.specs.unit_05 import _oracle

LR = 0.3
LEAVES = "inner_step(...)"
BODY = ("weight1", "bias1")


def _network(n_in, n_classes, generator):
    params = _oracle.network_params(n_in, n_classes, generator=generator)
    return params, _oracle.network_task(n_in, n_classes, generator=generator)


def _stepped(yours, loss, params, *, times=1, **how):
    """Return what each of `times` calls on the same objects returns."""
    how = {"inner_lr": LR, "create_graph": True} | how
    ends = yours.through("on_leaves", loss, params, times=times, **how)
    return [_oracle.tensors_named(end, params, LEAVES) for end in ends]


@pytest.mark.points(4)
def test_every_parameter_moves_down_its_slope(yours, generator):
    """One step of a small network, by a slope that is written out; with the graph and without."""
    for n_in, n_classes, create_graph in ((2, 3, True), (3, 2, False)):
        params, task = _network(n_in, n_classes, generator)
        loss = _oracle.network(task.support_x, task.support_y)
        [got] = _stepped(yours, loss, params, create_graph=create_graph)
        slope = _oracle.network_slope(params, task.support_x, task.support_y)
        for name, p in params.items():
            assert_agrees(
                got[name],
                p - LR * slope[name],
                mistakes={
                    f"{name} did not move: every parameter that is not frozen does.": p,
                    "The sign is reversed: that climbs the loss.": p + LR * slope[name],
                    "The learning rate is missing.": p - slope[name],
                    "That is the slope, not the parameter after the step.": slope[name],
                },
                look_at=f"This is {name!r}. A step is p - inner_lr * slope.",
            )


@pytest.mark.points(4)
def test_frozen_and_unused_parameters_stay(yours, generator):
    """Names in `frozen` keep their value, and so does what the loss does not use."""
    for n_in, n_classes in ((3, 2), (2, 3)):
        params, task = _network(n_in, n_classes, generator)
        params["spare"] = _oracle.draw(2, generator=generator)
        loss = _oracle.network(task.support_x, task.support_y)
        [got] = _stepped(yours, loss, params, frozen=BODY)
        slope = _oracle.network_slope(params, task.support_x, task.support_y)
        for name, p in params.items():
            stays = name in BODY or name == "spare"
            why = "is frozen" if name in BODY else "is not used by the loss: its slope is 0"
            assert_agrees(
                got[name],
                p if stays else p - LR * slope[name],
                mistakes={f"{name} did not move, but is not frozen.": p} if not stays else {},
                look_at=f"This is {name!r}, which {why}; it should be as it was."
                if stays
                else f"This is {name!r}, which is not frozen and should take the step.",
            )


def _outer(yours, params, task, *, create_graph, frozen=()):
    """Return the gradient of the query loss after the step, in the parameters before it."""
    _, got = yours.through(
        "meta_gradient",
        params,
        before=(_oracle.network(task.support_x, task.support_y),),
        outer=_oracle.network(task.query_x, task.query_y),
        inner_lr=LR,
        create_graph=create_graph,
        frozen=frozen,
    )
    missing = [name for name, slope in got.items() if slope is None]
    assert not missing, (
        f"No gradient gets back to {', '.join(missing)}: the step is cut off from where it began. "
        "Look for .detach(), .data, .item() or torch.no_grad()."
    )
    return got


def _assert_outer(yours, generator, *, create_graph, frozen):
    params, task = _network(2, 3, generator)

    def after(moved: dict[str, torch.Tensor]) -> float:
        end = _oracle.after_steps(moved, task, lr=LR, k=1, frozen=frozen)
        return _oracle.network_loss(end, task.query_x, task.query_y)

    exact = _oracle.by_differences(after, params)
    end = _oracle.after_steps(params, task, lr=LR, k=1, frozen=frozen)
    rough = _oracle.network_slope(end, task.query_x, task.query_y)
    got = _outer(yours, params, task, create_graph=create_graph, frozen=frozen)
    if create_graph:
        wanted, other = exact, rough
        sentence = (
            "The slope in your step counts as a constant, although create_graph is True: pass it "
            "on to torch.autograd.grad, which else forgets how the slope was made, silently. (You "
            "do? Then look back: is `params` still what it was?)"
        )
    else:
        wanted, other = rough, exact
        sentence = "create_graph=False makes no difference: the slope is still connected."
    for name in params:
        before = _oracle.network_slope(params, task.query_x, task.query_y)[name]
        assert_agrees(
            got[name],
            wanted[name],
            mistakes={sentence: other[name], "This is the slope before the step.": before},
            look_at=f"This is the gradient of a later loss in {name!r}, through your step with "
            f"create_graph={create_graph}, frozen={frozen}. If the step itself is right, look at "
            "what connects it with params.",
            rtol=1e-4,
            atol=1e-7,
        )


@pytest.mark.points(4)
def test_gradient_passes_through_the_step(yours, generator):
    """create_graph=True: finite differences of a later loss, in every parameter before the step.

    A frozen parameter takes no step, but the slopes of the others depend on it.
    """
    for frozen in ((), BODY):
        _assert_outer(yours, generator, create_graph=True, frozen=frozen)


@pytest.mark.points(2)
def test_without_the_graph_the_slope_is_a_constant(yours, generator):
    """create_graph=False: the later loss's slope where the step ended, unchanged."""
    for frozen in ((), BODY):
        _assert_outer(yours, generator, create_graph=False, frozen=frozen)


@pytest.mark.points(2)
def test_second_call_finds_everything_unchanged(yours, generator):
    """The same call twice, on the same objects, gives the right result twice."""
    for size in (2, 3):
        task = _oracle.bowl_task(size, generator=generator)
        theta = _oracle.draw(size, generator=generator)
        ends: dict[int, Any] = {
            k: _oracle.down_a_bowl(theta, task.support_x, task.support_y, lr=LR, k=k)
            for k in (1, 2)
        }
        loss = _oracle.bowl(task.support_x, task.support_y)
        for got in _stepped(yours, loss, {"theta": theta}, times=2):
            assert_agrees(
                got["theta"],
                ends[1],
                mistakes={
                    "The step moved `params` themselves: the second call began where the first "
                    "had ended. Make new tensors and a new dict.": ends[2]
                },
                look_at="Mend the checks above first.",
            )
