"""Objectives with and without a gradient of their own, judged by slopes known in advance."""

import pytest
import torch
from torch import nn

from medmeta_ref.backbones import ConvNet
from medmeta_ref.episodes import sample_episodes
from medmeta_ref.maml import maml_gradient, maml_loss
from medmeta_ref.params import initial_params
from medmeta_ref.train import fit
from medmeta_ref.train.gradients import loss_and_gradient, require_finite

PARAMS = {"a": torch.tensor([1.0, 2.0]), "b": torch.tensor([5.0, -1.0])}
BATCH = torch.tensor([3.0, 4.0])


def differentiable(params, batch):
    return (params["a"] * batch).sum() + (params["b"] ** 2).sum()  # slopes: batch and 2 b


def knowing(params, batch):
    """Claim slopes that differentiation would not find, in another order than the parameters."""
    loss = differentiable(params, batch)
    return loss, {"b": 7 * params["b"], "a": params["a"] * 0 - 2}


def assert_finds_the_slopes(function):
    loss, gradient = function(differentiable, PARAMS, BATCH)
    assert loss.item() == 1 * 3 + 2 * 4 + 25 + 1
    assert {n: g.tolist() for n, g in gradient.items()} == {"a": [3.0, 4.0], "b": [10.0, -2.0]}
    assert list(gradient) == ["a", "b"]
    claimed, taken = function(knowing, PARAMS, BATCH)
    assert claimed.item() == loss.item()
    assert {n: g.tolist() for n, g in taken.items()} == {"a": [-2.0, -2.0], "b": [35.0, -7.0]}
    for tensor in (loss, claimed, *gradient.values(), *taken.values()):
        assert not tensor.requires_grad
    assert not any(p.requires_grad or p.grad is not None for p in PARAMS.values())


def by_position(objective, params, batch):
    loss, gradient = loss_and_gradient(objective, params, batch)
    outcome = objective(params, batch)
    if isinstance(outcome, tuple):
        gradient = dict(zip(params, outcome[1].values(), strict=True))
    return loss, gradient


def always_differentiated(objective, params, batch):
    def loss_only(p, b):
        outcome = objective(p, b)
        return outcome[0] if isinstance(outcome, tuple) else outcome

    return loss_and_gradient(loss_only, params, batch)


def with_graph(objective, params, batch):
    leaves = {n: p.clone().requires_grad_() for n, p in params.items()}
    outcome = objective(leaves, batch)
    return outcome if isinstance(outcome, tuple) else loss_and_gradient(objective, params, batch)


def scaled(factor):
    def function(objective, params, batch):
        loss, gradient = loss_and_gradient(objective, params, batch)
        return loss, {n: factor * g for n, g in gradient.items()}

    return function


def asks_the_argument(objective, params, batch):
    found = loss_and_gradient(objective, params, batch)
    return found[0] + 0 * params["a"].requires_grad_().sum(), found[1]


WRONG = {
    "gradients by position": by_position,
    "the given gradient is ignored": always_differentiated,
    "the graph is kept": with_graph,
    "uphill": scaled(-1),
    "halved": scaled(0.5),
    "the parameters are asked for gradient": asks_the_argument,
}


def test_both_kinds_of_objective_give_their_slopes():
    assert_finds_the_slopes(loss_and_gradient)


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_known_slopes_tell_wrong_gradients(wrong):
    try:
        with pytest.raises((AssertionError, ValueError)):
            assert_finds_the_slopes(wrong)
    finally:
        for p in PARAMS.values():
            p.requires_grad_(False)


def test_a_method_that_knows_its_gradient_trains_to_the_same_parameters():
    """In float64, as the order of the sums differs."""
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(60, 1, 8, 8, generator=generator, dtype=torch.float64)
    labels = torch.arange(6).repeat(10)
    model = ConvNet(1, (3, 3), n_outputs=2)
    start = {n: p.double() for n, p in initial_params(model, generator=generator).items()}
    found = []
    for method in (maml_loss, maml_gradient):
        trained, history = fit(
            lambda p, episodes, method=method: method(
                model, p, episodes, inner_lr=0.1, inner_steps=2
            ),
            start,
            lambda g: sample_episodes(
                images, labels, n_episodes=3, n_way=2, k_shot=2, n_query=2, generator=g
            ),
            n_steps=4,
            outer_lr=0.01,
            generator=torch.Generator().manual_seed(1),
            progress=None,
        )
        found.append((trained, history))
    assert found[0][1] == pytest.approx(found[1][1], rel=1e-9)
    for name, p in found[0][0].items():
        torch.testing.assert_close(p, found[1][0][name], rtol=1e-6, atol=1e-9)


A, B = torch.zeros(2), torch.zeros(2)
LOSS = torch.tensor(1.0)
BAD_OUTCOMES = {
    "a missing name": ((LOSS, {"a": A}), "gives no gradient for 'b'"),
    "a name too many": ((LOSS, {"a": A, "b": B, "c": B}), "gives a gradient for 'c', which is no"),
    "another shape": (
        (LOSS, {"a": A, "b": torch.zeros(3)}),
        r"gradient of 'b' is \(3,\) .* \(2,\)",
    ),
    "another dtype": ((LOSS, {"a": A.double(), "b": B}), "gradient of 'a' is .*float64.*float32"),
    "one loss each": (torch.zeros(2), r"0-dim loss tensor, got \(2,\); take the mean"),
    "one loss each and a gradient": ((torch.zeros(2), {"a": A, "b": B}), r"0-dim .* got \(2,\)"),
    "a plain number": (0.5, "0-dim loss tensor, got float"),
    "no graph": (LOSS, "the loss does not depend on the parameters; was it detached"),
}


@pytest.mark.parametrize(("outcome", "message"), BAD_OUTCOMES.values(), ids=BAD_OUTCOMES.keys())
def test_an_objective_that_returns_something_else_is_told_what(outcome, message):
    with pytest.raises(ValueError, match=message):
        loss_and_gradient(lambda params, batch: outcome, PARAMS, BATCH)


def test_a_parameter_that_the_loss_does_not_see_is_named():
    with pytest.raises(ValueError, match="does not depend on b; leave out of params"):
        loss_and_gradient(lambda params, batch: params["a"].sum(), PARAMS, BATCH)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_a_gradient_that_is_no_number_stops_training_and_is_named(bad):
    gradient = {"fine": torch.zeros(2), "odd": torch.tensor([0.0, bad])}
    with pytest.raises(
        FloatingPointError, match=r"gradient of odd is nan or infinite at step 7; a"
    ):
        require_finite(torch.tensor(1.0), gradient, step=7, outer_lr=0.1)
    with pytest.raises(FloatingPointError, match=r"gradient of w is .* at step 0"):
        fit(
            lambda params, batch: params["w"].sqrt(),  # finite at 0, its slope is not
            {"w": torch.tensor(0.0)},
            lambda g: None,
            n_steps=2,
            outer_lr=0.1,
            generator=torch.Generator(),
            progress=None,
        )


def test_no_parameters_are_refused():
    with pytest.raises(ValueError, match="params is empty"):
        fit(
            lambda params, batch: nn.functional.mse_loss(batch, batch),
            {},
            lambda g: torch.zeros(1),
            n_steps=1,
            outer_lr=0.1,
            generator=torch.Generator(),
            progress=None,
        )
