"""multi_step_loss(loss, params, rates, tasks, *, weights, first_order=False)."""

from typing import Any

import pytest
import torch

from medmeta_ref.grading.agreement import assert_agrees
from medmeta_ref.grading.specs.unit_06 import _oracle as maml
from medmeta_ref.grading.specs.unit_08 import _oracle

BOWL = maml.BOWL


def _value(yours, case, **how):
    [got] = yours.through(
        "on_leaves",
        BOWL,
        {"theta": case.theta},
        {"theta": case.rates},
        [tuple(task) for task in case.tasks],
        weights=case.weights,
        **how,
    )
    return got


def _mistakes(case):
    """Return what well-known mistakes give for one task."""
    theta, tasks, rates, weights = case
    k, last = len(rates), torch.zeros_like(weights)
    last[-1] = 1
    one_behind = [
        weight * maml.bowl_loss(place, task.query_x, task.query_y)
        for task in tasks
        for place, weight in zip(
            _oracle.path(theta, task, rates)[:-1], weights.tolist(), strict=True
        )
    ]
    on_support = [maml.Task(t.support_x, t.support_y, t.support_x, t.support_y) for t in tasks]
    return {
        "That is the loss after the last step alone: the weights of the others are not used.": (
            _oracle.value(theta, tasks, rates, last)
        ),
        "That is the last step's share alone: add the shares up.": (
            _oracle.value(theta, tasks, rates, last * weights)
        ),
        "All steps weigh the same: use `weights`.": _oracle.value(
            theta, tasks, rates, torch.full_like(weights, 1 / k)
        ),
        "The rate of the first step is used in all of them.": _oracle.value(
            theta, tasks, rates[:1].expand(k), weights
        ),
        "The query loss is taken *before* each step; take it after.": sum(one_behind) / len(tasks),
        "That is judged on the support set; the query set judges.": _oracle.value(
            theta, on_support, rates, weights
        ),
        "Divided by the number of steps; the weights sum to 1 already.": _oracle.value(
            theta, tasks, rates, weights / k
        ),
    }


@pytest.mark.points(6)
def test_is_the_weighted_sum_of_the_query_losses_after_each_step(yours, generator):
    """One task, a bowl: 1, 2 and 3 steps with a rate of their own."""
    for size, k in ((2, 1), (3, 2), (2, 3)):
        case = _oracle.problem(size, 1, k, generator=generator)
        assert_agrees(
            _value(yours, case),
            _oracle.value(*case),
            mistakes=_mistakes(case),
            look_at=f"This was one bowl and {k} steps. Step with rates[name][k] on the support "
            "set, add weights[k] times the query loss, go on from there.",
        )


@pytest.mark.points(3)
def test_weights_of_0_0_1_and_equal_rates_are_plain_maml(yours, generator):
    """One-hot weights: the query loss after the last step, as in unit 06."""
    for size, k in ((3, 2), (2, 3)):
        case = _oracle.problem(size, 1, k, generator=generator)
        weights = torch.zeros(k, dtype=torch.float64)
        weights[-1] = 1
        case = case._replace(rates=torch.full_like(case.rates, 0.2), weights=weights)
        [task] = case.tasks
        end = maml.adapted_bowl(case.theta, task, inner_lr=0.2, inner_steps=k)
        early = maml.adapted_bowl(case.theta, task, inner_lr=0.2, inner_steps=k - 1)
        assert_agrees(
            _value(yours, case),
            maml.bowl_loss(end, task.query_x, task.query_y),
            mistakes={
                "One step too few.": maml.bowl_loss(early, task.query_x, task.query_y),
            },
            look_at="A weight of 0 takes a step's loss out of the sum, and not the step itself.",
        )


@pytest.mark.points(4)
def test_every_parameter_has_rates_of_its_own(yours, generator):
    """A tanh network with four parameters, two steps, eight different rates."""
    for n_in, n_classes in ((2, 3), (3, 2)):
        params = maml.network_params(n_in, n_classes, generator=generator)
        task = maml.network_task(n_in, n_classes, generator=generator)
        drawn = 0.1 + torch.rand(len(params), 2, generator=generator, dtype=torch.float64)
        rates = dict(zip(params, drawn, strict=True))
        weights = torch.tensor([0.3, 0.7], dtype=torch.float64)
        [got] = yours.through(
            "on_leaves", maml.NETWORK, params, rates, [tuple(task)], weights=weights
        )
        for_all = dict.fromkeys(params, rates["weight1"])
        first = {name: rate[:1].expand(2) for name, rate in rates.items()}
        assert_agrees(
            got,
            _oracle.network_value(params, task, rates, weights),
            mistakes={
                "The rates of the first parameter are used for all.": _oracle.network_value(
                    params, task, for_all, weights
                ),
                "The rate of the first step is used in all of them.": _oracle.network_value(
                    params, task, first, weights
                ),
            },
            look_at="If bowls are right, look at how gradients, names and rates are paired.",
        )


@pytest.mark.points(3)
def test_is_a_mean_over_tasks_that_all_begin_at_params(yours, generator):
    """Several tasks: each starts from params anew."""
    for n_tasks in (2, 3):
        case = _oracle.problem(2, n_tasks, 2, generator=generator)
        wanted = _oracle.value(*case)
        alone = [_oracle.value(case.theta, [t], *case[2:]) for t in case.tasks]
        start, carried = case.theta, 0.0
        for task in case.tasks:
            carried += _oracle.value(start, [task], *case[2:]) / n_tasks
            start = _oracle.path(start, task, case.rates)[-1]
        assert_agrees(
            _value(yours, case),
            wanted,
            mistakes={
                "Summed over the tasks; the mean was asked for.": n_tasks * wanted,
                "That is the first task alone: is the return inside the loop?": alone[0],
                "That is the last task alone.": alone[-1],
                "Each task begins where the one before ended.": carried,
            },
            look_at="If one task is right, look at what happens from one task to the next.",
        )


def _gradients(yours, case, **how):
    _, (in_params, in_rates) = yours.through(
        "loss_gradients",
        BOWL,
        {"theta": case.theta},
        {"theta": case.rates},
        [tuple(task) for task in case.tasks],
        weights=case.weights,
        **how,
    )
    got = (in_params["theta"], in_rates["theta"])
    for name, each in zip(("params", "rates"), got, strict=True):
        assert each is not None, (
            f"No gradient gets back to `{name}`: look for .detach(), .item(), float(...) or "
            "torch.no_grad()."
        )
    return got


@pytest.mark.points(5)
def test_can_be_differentiated_in_parameters_and_in_rates(yours, generator):
    """Both gradients are those of finite differences, through all steps."""
    for size, n_tasks, k in ((3, 1, 2), (2, 2, 3)):
        case = _oracle.problem(size, n_tasks, k, generator=generator)
        rough = _oracle.first_order_slopes(case)
        exact = _oracle.slope_in_theta(case), _oracle.slope_in_rates(case)
        names = ("params", "rates")
        got = _gradients(yours, case)
        for name, mine, want, wrong in zip(names, got, exact, rough, strict=True):
            assert_agrees(
                mine,
                want,
                mistakes={
                    "This is the first-order gradient: without create_graph=True the support "
                    "slopes are constants, and nothing warns you.": wrong
                },
                look_at=f"This is the gradient in {name}. If the values above are right, look at "
                "what connects the loss with them.",
                rtol=1e-4,
                atol=1e-7,
            )


@pytest.mark.points(3)
def test_first_order_treats_support_slopes_as_constants(yours, generator):
    """first_order=True: the query slopes alone, in the parameters and in the rates."""
    for size, n_tasks, k in ((3, 1, 2), (2, 2, 3)):
        case: Any = _oracle.problem(size, n_tasks, k, generator=generator)
        exact = _oracle.slope_in_theta(case), _oracle.slope_in_rates(case)
        got = _gradients(yours, case, first_order=True)
        rough = _oracle.first_order_slopes(case)
        for name, mine, want, full in zip(("params", "rates"), got, rough, exact, strict=True):
            assert_agrees(
                mine,
                want,
                mistakes={
                    "first_order=True makes no difference: this is the exact gradient.": full
                },
                look_at=f"This is the gradient in {name} with first_order=True. Only the support "
                "slopes become constants; the rates that multiply them stay.",
                rtol=1e-4,
                atol=1e-7,
            )
