"""maml_gradient(loss, params, tasks, *, inner_lr, inner_steps, first_order=False)."""

from typing import Any

import pytest
import torch

from medmeta_ref.grading.agreement import assert_agrees
from medmeta_ref.grading.specs.unit_06 import _oracle

LR = 0.2


def _pair(yours, loss, params, tasks, **how):
    """Return the loss and the gradients that the learner's function returns."""
    [got] = yours.through("on_leaves", loss, params, [tuple(task) for task in tasks], **how)
    kind = type(got).__name__
    assert type(got) is tuple, f"A pair was expected, (loss, gradients); yours is {kind}."
    assert len(got) == 2, f"A pair was expected, (loss, gradients); yours has {len(got)} items."
    value, gradients = got
    return value, _oracle.tensors_named(gradients, params, "The second of the pair")


def _mean(theta, tasks, k, *, first_order=False):
    each = [
        _oracle.bowl_meta_gradient(theta, task, inner_lr=LR, inner_steps=k, first_order=first_order)
        for task in tasks
    ]
    return torch.stack(each).mean(0)


def _one_factor(theta, task, k):
    """Return the gradient whose graph is cut before the last step."""
    start = _oracle.adapted_bowl(theta, task, inner_lr=LR, inner_steps=k - 1)
    return _oracle.bowl_meta_gradient(start, task, inner_lr=LR, inner_steps=1)


def _on_bowls(yours, n_tasks, k, generator, *, first_order):
    tasks = [_oracle.bowl_task(3, generator=generator) for _ in range(n_tasks)]
    theta = _oracle.draw(3, generator=generator)
    how = {"inner_lr": LR, "inner_steps": k, "first_order": first_order}
    value, gradients = _pair(yours, _oracle.BOWL, {"theta": theta}, tasks, **how)
    exact, rough = (_mean(theta, tasks, k, first_order=order) for order in (False, True))
    wanted = rough if first_order else exact
    mistakes = {}
    if k:
        mistakes = {
            "first_order=True makes no difference here: this is the exact gradient.": exact,
            "This is FOMAML: the factor (I - inner_lr H) of every inner step is missing. Is "
            "create_graph forgotten, or first_order not passed on?": rough,
            "This is the gradient before any adaptation: joint training.": _mean(theta, tasks, 0),
        }
    if k > 1:
        sentence = "This is the gradient for one inner step: inner_steps is ignored."
        mistakes[sentence] = _mean(theta, tasks, 1, first_order=first_order)
        sentence = "Only one of the inner steps has its factor (I - inner_lr H); each has one."
        mistakes[sentence] = torch.stack([_one_factor(theta, task, k) for task in tasks]).mean(0)
    if n_tasks > 1:
        mistakes["Summed over the tasks; the mean was asked for."] = n_tasks * wanted
        for which, task in (("first", tasks[0]), ("last", tasks[-1])):
            only = _mean(theta, [task], k, first_order=first_order)
            mistakes[f"That is the gradient of the {which} task alone."] = only
    support = [_oracle.Task(t.support_x, t.support_y, t.support_x, t.support_y) for t in tasks]
    sentence = "This is the gradient of the support loss after adaptation; judge on the query set."
    mistakes[sentence] = _mean(theta, support, k, first_order=first_order)
    query = [_oracle.Task(t.query_x, t.query_y, t.query_x, t.query_y) for t in tasks]
    sentence = "You adapt on the query set; only the support set may be seen before the query loss."
    mistakes[sentence] = _mean(theta, query, k, first_order=first_order)
    mistakes["The sign is reversed."] = -wanted
    assert_agrees(
        gradients["theta"],
        wanted,
        mistakes=mistakes,
        look_at=f"These were {n_tasks} bowls, inner_steps={k}, first_order={first_order}.",
    )
    ends = [_oracle.adapted_bowl(theta, task, inner_lr=LR, inner_steps=k) for task in tasks]
    losses = [
        _oracle.bowl_loss(end, task.query_x, task.query_y)
        for end, task in zip(ends, tasks, strict=True)
    ]
    assert_agrees(
        value,
        sum(losses) / n_tasks,
        mistakes={"The loss is summed over the tasks.": sum(losses)},
        look_at="The gradients are right; the loss beside them is not.",
    )


@pytest.mark.points(7)
def test_follows_the_closed_form_on_bowls(yours, generator):
    """1, 2 and 3 inner steps, one task and three: one step alone would hide most mistakes."""
    for n_tasks, k in ((1, 1), (3, 2), (2, 3)):
        _on_bowls(yours, n_tasks, k, generator, first_order=False)


@pytest.mark.points(4)
def test_first_order_is_the_query_gradient_at_the_end(yours, generator):
    """first_order=True: the gradient at the adapted parameters, unchanged, is the answer."""
    for n_tasks, k in ((1, 1), (3, 2)):
        _on_bowls(yours, n_tasks, k, generator, first_order=True)


@pytest.mark.points(2)
def test_without_inner_steps_it_is_the_plain_gradient(yours, generator):
    """inner_steps=0 is joint training, to first order or not."""
    for first_order in (False, True):
        _on_bowls(yours, 2, 0, generator, first_order=first_order)


@pytest.mark.points(5)
def test_equals_finite_differences_through_a_network(yours, generator):
    """A tanh network, two tasks, two steps: what moving each parameter a little gives."""
    params = _oracle.network_params(2, 3, generator=generator)
    tasks = [_oracle.network_task(2, 3, generator=generator) for _ in range(2)]
    how: dict[str, Any] = {"inner_lr": 0.3, "inner_steps": 2}
    _, gradients = _pair(yours, _oracle.NETWORK, params, tasks, **how)
    wanted = _oracle.network_meta_gradient(params, tasks, **how)
    ends = [_oracle.adapted_network(params, task, **how) for task in tasks]
    slopes = [
        _oracle.network_slope(end, task.query_x, task.query_y)
        for end, task in zip(ends, tasks, strict=True)
    ]
    for name in params:
        assert_agrees(
            gradients[name],
            wanted[name],
            mistakes={
                "This is FOMAML: the second-order part is missing.": (
                    slopes[0][name] + slopes[1][name]
                )
                / 2,
                "Summed over the tasks; the mean was asked for.": 2 * wanted[name],
            },
            look_at=f"This is {name!r}. If bowls are right, the Hessian of a network is not "
            "constant: the gradient has to be taken through every step.",
            rtol=1e-4,
            atol=1e-7,
        )
