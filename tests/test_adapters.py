"""Adapters give plain values of functions whose arguments or results do not cross by themselves."""

import math

import pytest
import torch

from medmeta_ref.grading.learner import Learner
from medmeta_ref.grading.sandbox.adapters import Fn

A = torch.diag(torch.tensor([1.0, 4.0], dtype=torch.float64))
C, START = torch.tensor([[0.0, 1.0], [2.0, -1.0]], dtype=torch.float64)
BOWL = Fn("bowl")


def one_step(loss, params, x, y, *, first_order=False):
    [slope] = torch.autograd.grad(
        loss(params, x, y), list(params.values()), create_graph=not first_order
    )
    return {"theta": params["theta"] - 0.1 * slope}


def in_place(loss, params, x, y):
    params["theta"].data -= 0.1 * torch.autograd.grad(loss(params, x, y), params["theta"])[0]
    return params


def test_registered_bowl_is_half_the_squared_distance_in_its_metric():
    [height] = Learner(lambda loss, params, x, y: loss(params, x, y)).through(
        "on_leaves", BOWL, {"theta": START}, A, C
    )
    assert height.item() == pytest.approx((1 * 2**2 + 4 * 2**2) / 2)


def test_registered_bowl_of_all_reads_the_parameters_in_the_order_of_their_names():
    params = {"head.b": START[1:], "body.a": START[:1, None]}
    for name, bound, data in (("bowl_of_all", (), (A, C)), ("quadratic_of_all", (A, C), ())):
        [height] = Learner(lambda loss, p, *data: loss(p, *data)).through(
            "on_leaves", Fn(name, bound), params, *data
        )
        assert height.item() == pytest.approx((1 * 2**2 + 4 * 2**2) / 2)


def test_registered_network_loss_is_log_of_the_classes_for_zero_weights():
    params = {"weight1": (3, 2), "bias1": (3,), "weight2": (4, 3), "bias2": (4,)}
    zeros = {name: torch.zeros(shape) for name, shape in params.items()}
    [value] = Learner(lambda loss, p, x, y: loss(p, x, y)).through(
        "on_leaves", Fn("network_loss"), zeros, torch.ones(5, 2), torch.arange(5) % 4
    )
    assert value.item() == pytest.approx(torch.tensor(4.0).log().item())


def test_second_call_on_the_same_leaves_shows_what_the_first_has_changed():
    for function, moved in ((one_step, False), (in_place, True)):
        first, second = Learner(function).through(
            "on_leaves", BOWL, {"theta": START}, A, C, times=2
        )
        after = START - 0.1 * A @ (START - C)
        again = after - 0.1 * A @ (after - C)
        torch.testing.assert_close(second["theta"].detach(), again if moved else after)
        assert first["theta"].requires_grad


def test_in_place_change_does_not_reach_the_checks_own_tensors():
    theta = START.clone()
    Learner(in_place).through("on_leaves", BOWL, {"theta": theta}, A, C)
    assert torch.equal(theta, START)
    assert not theta.requires_grad


@pytest.mark.parametrize("first_order", [False, True])
def test_meta_gradient_goes_through_a_function_that_takes_more_before_its_parameters(first_order):
    _, got = Learner(one_step).through(
        "meta_gradient",
        {"theta": START},
        A,
        C,
        before=(BOWL,),
        outer=Fn("quadratic", (A, C)),
        first_order=first_order,
    )
    factor = torch.eye(2).double() - 0.1 * A
    slope = A @ factor @ (START - C)
    torch.testing.assert_close(got["theta"], slope if first_order else factor @ slope)


def test_loss_gradient_is_that_of_the_value():
    value, got = Learner(lambda loss, params, x, y: 3 * loss(params, x, y)).through(
        "loss_gradient", BOWL, {"theta": START}, A, C
    )
    torch.testing.assert_close(got["theta"], 3 * A @ (START - C))
    assert not value.requires_grad


def test_loss_gradients_are_those_in_parameters_and_in_rates():
    def after_a_step(loss, params, rates, x, y):
        [slope] = torch.autograd.grad(loss(params, x, y), [params["theta"]], create_graph=True)
        return loss({"theta": params["theta"] - rates["theta"] * slope}, x, y)

    rates = {"theta": torch.tensor(0.1, dtype=torch.float64), "idle": torch.ones(2).double()}
    value, (in_params, in_rates) = Learner(after_a_step).through(
        "loss_gradients", BOWL, {"theta": START}, rates, A, C
    )
    factor = torch.eye(2).double() - 0.1 * A
    slope, there = A @ (START - C), A @ factor @ (START - C)
    torch.testing.assert_close(in_params["theta"], factor @ there)
    torch.testing.assert_close(in_rates["theta"], -slope @ there)
    assert in_rates["idle"] is None
    assert not value.requires_grad


def test_gradient_of_a_result_with_axes_is_taken_through_a_function_of_it():
    weights = torch.tensor([2.0, -1.0], dtype=torch.float64)
    outer = Fn("weighted_sum", (weights,))
    square = Learner(lambda x, *, times: times * x**2)
    got = square.through("gradient_of", START, outer=outer, wrt=0, times=3)
    torch.testing.assert_close(got, 6 * weights * START)


def test_neighbours_vote_with_the_exponential_of_minus_the_squared_distance():
    x, labels = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]]).double(), torch.tensor([2, 0, 2])
    got = Learner(lambda vote: vote(x, labels, x[:1]))(Fn("neighbour_vote", (3,)))
    loud = [1.0, math.exp(-1), math.exp(-4)]
    want = [loud[1] / sum(loud), 0.0, (loud[0] + loud[2]) / sum(loud)]
    torch.testing.assert_close(got, torch.tensor([want]).double())


def test_tanh_step_weighs_the_input_and_the_state():
    weight, recurrent = torch.tensor([[2.0, 0.0]]).double(), torch.tensor([[-1.0]]).double()
    x, state = torch.tensor([[0.5, 9.0]]).double(), torch.tensor([[0.75]]).double()
    got = Learner(lambda step: step(x, state))(Fn("tanh_step", (weight, recurrent)))
    torch.testing.assert_close(got, torch.tensor([[math.tanh(0.25)]]).double())


def test_present_views_add_their_logits_and_missing_ones_nothing():
    weights = torch.tensor([[[1.0, 2.0]], [[3.0, -1.0]]]).double()  # 2 views, 2 classes
    biases = torch.tensor([[0.5, 0.0], [0.0, 10.0]]).double()
    features = torch.tensor([[[2.0], [1.0]], [[1.0], [torch.nan]]]).double()
    mask = torch.tensor([[True, True], [True, False]])
    got = Learner(lambda predict: predict(features, mask))(Fn("sum_of_present", (weights, biases)))
    torch.testing.assert_close(got, torch.tensor([[5.5, 13.0], [1.5, 2.0]]).double())


@pytest.mark.parametrize("cut", [lambda t: t.detach(), lambda t: t.item()])
def test_loss_without_history_is_refused(cut):
    with pytest.raises(AssertionError, match=r"cut off|scalar loss"):
        Learner(lambda loss, params, x, y: cut(loss(params, x, y))).through(
            "loss_gradient", BOWL, {"theta": START}, A, C
        )
