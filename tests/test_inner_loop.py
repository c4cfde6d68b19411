import pytest
import torch
import torch.nn.functional as F
from torch import nn

from medmeta_ref.inner_loop import adapt, split_head, task_loss
from medmeta_ref.params import forward
from tests.quadratics import Nothing, adapted_by_hand, bowl, random_task


def assert_adapts(adapt):
    """Judge an `adapt` by the closed form on bowls, and by what it must leave alone."""
    generator = torch.Generator().manual_seed(0)
    for inner_steps in (0, 1, 2, 5):
        task = random_task(generator)
        theta = torch.randn(3, generator=generator, dtype=torch.float64)
        before = theta.clone()
        settings = {"inner_lr": 0.3, "inner_steps": inner_steps}
        got = adapt(
            Nothing(), {"theta": theta}, task.support_x, task.support_y, **settings, loss=bowl
        )
        torch.testing.assert_close(got["theta"], adapted_by_hand(theta, task, **settings))
        assert torch.equal(theta, before)


def one_step_only(model, params, x, y, *, inner_steps, **settings):
    return adapt(model, params, x, y, inner_steps=min(inner_steps, 1), **settings)


def gradients_at_the_start(model, params, x, y, *, inner_lr, inner_steps, loss):
    moved = adapt(model, params, x, y, inner_lr=inner_lr, inner_steps=1, loss=loss)
    return {n: p + inner_steps * (moved[n] - p) for n, p in params.items()}


def uphill(model, params, x, y, *, inner_lr, **settings):
    return adapt(model, params, x, y, inner_lr=-inner_lr, **settings)


def in_place(model, params, x, y, **settings):
    adapted = adapt(model, params, x, y, **settings)
    return {n: p.copy_(adapted[n]) for n, p in params.items()}


def rate_squared(model, params, x, y, *, inner_lr, **settings):
    return adapt(model, params, x, y, inner_lr=inner_lr**2, **settings)


def one_step_too_many(model, params, x, y, *, inner_steps, **settings):
    return adapt(model, params, x, y, inner_steps=inner_steps + 1, **settings)


WRONG = [
    one_step_only,
    gradients_at_the_start,
    uphill,
    in_place,
    rate_squared,
    one_step_too_many,
]


def test_adapt_follows_the_closed_form_on_bowls():
    assert_adapts(adapt)


@pytest.mark.parametrize("wrong", WRONG)
def test_judge_of_adapt_rejects(wrong):
    with pytest.raises(AssertionError):
        assert_adapts(wrong)


def small_problem():
    generator = torch.Generator().manual_seed(1)
    model = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3))
    params = {
        n: torch.randn(p.shape, generator=generator, dtype=torch.float64)
        for n, p in model.named_parameters()
    }
    x = torch.randn(6, 4, generator=generator, dtype=torch.float64)
    return model, params, x, torch.arange(6) % 3


def test_adapt_equals_torch_sgd_on_a_network():
    model, params, x, y = small_problem()
    adapted = adapt(model, params, x, y, inner_lr=0.2, inner_steps=4)
    model = model.double()
    model.load_state_dict(params)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.2)
    for _ in range(4):
        optimiser.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimiser.step()
    for name, p in model.named_parameters():
        torch.testing.assert_close(adapted[name], p.detach())


def test_task_loss_is_the_mean_over_a_loop_of_images():
    model, params, x, y = small_problem()
    logits = forward(model, params, x)
    by_hand = [-(z - z.exp().sum().log())[c] for z, c in zip(logits, y, strict=True)]
    torch.testing.assert_close(task_loss(model, params, x, y), sum(by_hand) / len(y))


def test_adapted_parameters_depend_on_the_start_differentiably():
    model, params, x, y = small_problem()
    leaf = {n: p.requires_grad_() for n, p in params.items()}
    adapted = adapt(model, leaf, x, y, inner_lr=0.2, inner_steps=2)
    total = sum(p.sum() for p in adapted.values())
    assert all(g is not None for g in torch.autograd.grad(total, list(leaf.values())))


def test_adaptation_under_no_grad_gives_the_same_numbers_and_no_graph():
    model, params, x, y = small_problem()
    wanted = adapt(model, params, x, y, inner_lr=0.2, inner_steps=2)
    with torch.no_grad():
        got = adapt(
            model,
            {n: p.requires_grad_() for n, p in params.items()},
            x,
            y,
            inner_lr=0.2,
            inner_steps=2,
        )
    for name in params:
        assert not got[name].requires_grad
        torch.testing.assert_close(got[name], wanted[name])


@pytest.mark.parametrize("shape", [(), (3,)])
def test_rates_given_per_parameter_reproduce_one_rate_for_all(shape):
    model, params, x, y = small_problem()
    rates = {n: torch.full(shape, 0.2, dtype=torch.float64) for n in params}
    plain = adapt(model, params, x, y, inner_lr=0.2, inner_steps=3)
    by_name = adapt(model, params, x, y, inner_lr=rates, inner_steps=3)
    for name in params:
        torch.testing.assert_close(by_name[name], plain[name], rtol=0, atol=0)


def test_rates_per_step_are_taken_in_order():
    task = random_task(torch.Generator().manual_seed(2))
    theta = torch.ones(3, dtype=torch.float64)
    got = adapt(
        Nothing(),
        {"theta": theta},
        task.support_x,
        task.support_y,
        inner_lr={"theta": torch.tensor([0.1, 0.4], dtype=torch.float64)},
        inner_steps=2,
        loss=bowl,
    )
    once = adapted_by_hand(theta, task, inner_lr=0.1, inner_steps=1)
    torch.testing.assert_close(
        got["theta"], adapted_by_hand(once, task, inner_lr=0.4, inner_steps=1)
    )


def test_only_the_head_moves_when_a_head_is_named():
    model, params, x, y = small_problem()
    adapted = adapt(model, params, x, y, inner_lr=0.2, inner_steps=3, head="2")
    assert adapted["0.weight"] is params["0.weight"]
    assert adapted["0.bias"] is params["0.bias"]
    assert not torch.equal(adapted["2.weight"], params["2.weight"])


def test_split_head_takes_every_parameter_once():
    _, params, _, _ = small_problem()
    fixed, adapting = split_head(params, "2")
    assert set(fixed) == {"0.weight", "0.bias"}
    assert set(adapting) == {"2.weight", "2.bias"}


def test_head_that_is_not_there_is_named_with_those_that_are():
    _, params, _, _ = small_problem()
    with pytest.raises(ValueError, match=r"head='classifier'; there are 0, 2"):
        split_head(params, "classifier")


def test_negative_number_of_steps_is_refused():
    model, params, x, y = small_problem()
    with pytest.raises(ValueError, match="inner_steps must be 0 or more, got -1"):
        adapt(model, params, x, y, inner_lr=0.1, inner_steps=-1)
