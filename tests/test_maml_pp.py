import pytest
import torch
from torch import nn

from medmeta_ref import maml_pp
from medmeta_ref.episodes import Episode, each_episode
from medmeta_ref.inner_loop import adapt, task_loss
from medmeta_ref.maml import maml_gradient, maml_loss
from medmeta_ref.maml_pp import (
    first_order_at,
    initial_rates,
    maml_pp_loss,
    multi_step_weights,
)
from medmeta_ref.train import fit
from tests.quadratics import Nothing, bowl, double, random_task

# The weights of the steps

TABLE = {  # worked out on paper for five steps and ten epochs
    0: [0.2] * 5,
    1: [0.18] * 4 + [0.28],
    5: [0.1] * 4 + [0.6],
    9: [0.02] * 4 + [0.92],
    10: [0.006] * 4 + [0.976],
    37: [0.006] * 4 + [0.976],
}


def assert_weights(weights_of):
    """Judge by the table, and by what has to hold for any number of steps and epochs."""
    for epoch, wanted in TABLE.items():
        got = weights_of(5, epoch, 10)
        assert got.shape == (5,)
        torch.testing.assert_close(got, torch.tensor(wanted))
    torch.testing.assert_close(weights_of(1, 3, 10), torch.ones(1))
    torch.testing.assert_close(weights_of(2, 2, 4), torch.tensor([0.25, 0.75]))
    for inner_steps in (1, 2, 3, 10):
        lasts = []
        for epoch in range(25):
            got = weights_of(inner_steps, epoch, 20)
            assert got.sum().item() == pytest.approx(1, abs=1e-6)
            assert (got >= 0.03 / inner_steps - 1e-7).all()
            assert got[:-1].unique().numel() <= 1
            lasts.append(got[-1].item())
        assert lasts == sorted(lasts)


def schedule(inner_steps, epoch, anneal_epochs, *, floor, rate, cap=True):
    """The schedule with its floor and its rate per epoch open, so as to get them wrong."""
    early = max(1 / inner_steps - epoch * rate, floor)
    last = 1 / inner_steps + epoch * (inner_steps - 1) * rate
    if cap:
        last = min(last, 1 - (inner_steps - 1) * floor)
    return torch.tensor([early] * (inner_steps - 1) + [last])


WRONG_WEIGHTS = {
    "no floor": lambda k, e, n: schedule(k, e, n, floor=0.0, rate=1 / (k * n)),
    "floor not divided by the steps": lambda k, e, n: schedule(k, e, n, floor=0.03, rate=1 / k / n),
    "rate not divided by the steps": lambda k, e, n: schedule(k, e, n, floor=0.03 / k, rate=1 / n),
    "last not capped": lambda k, e, n: schedule(k, e, n, floor=0.03 / k, rate=1 / k / n, cap=False),
    "never annealed": lambda k, e, n: torch.full((k,), 1 / k),
    "last step alone": lambda k, e, n: torch.eye(k)[-1],
    "annealed to the first step": lambda k, e, n: multi_step_weights(k, e, n).flip(0),
    "one epoch late": lambda k, e, n: multi_step_weights(k, max(e - 1, 0), n),
    "not normalised": lambda k, e, n: k * multi_step_weights(k, e, n),
    "last step alone at the end": lambda k, e, n: (
        multi_step_weights(k, e, n) if e < n else torch.eye(k)[-1]
    ),
}


def test_weights_follow_the_table():
    assert_weights(multi_step_weights)


@pytest.mark.parametrize("wrong", WRONG_WEIGHTS.values(), ids=WRONG_WEIGHTS.keys())
def test_judge_of_the_weights_rejects(wrong):
    with pytest.raises(AssertionError):
        assert_weights(wrong)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 0, 10), "inner_steps must be at least 1, got 0"),
        ((5, 0, 0), "anneal_epochs must be at least 1, got 0"),
        ((5, -1, 10), "epoch must be 0 or more, got -1"),
    ],
)
def test_weights_refuse(arguments, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        multi_step_weights(*arguments)


# The order of the derivative


def assert_switch(order_of):
    assert [order_of(epoch, switch_epoch=3) for epoch in range(6)] == [True] * 3 + [False] * 3
    assert not any(order_of(epoch, switch_epoch=0) for epoch in range(3))
    assert order_of(0, switch_epoch=1) is True


WRONG_ORDERS = {
    "reversed": lambda e, *, switch_epoch: e >= switch_epoch,
    "one epoch too many": lambda e, *, switch_epoch: e <= switch_epoch,
    "one epoch too few": lambda e, *, switch_epoch: e + 1 < switch_epoch,
    "always": lambda e, *, switch_epoch: True,
    "never": lambda e, *, switch_epoch: False,
    "at the switch only": lambda e, *, switch_epoch: e == switch_epoch,
}


def test_first_order_lasts_as_many_epochs_as_asked():
    assert_switch(first_order_at)


@pytest.mark.parametrize("wrong", WRONG_ORDERS.values(), ids=WRONG_ORDERS.keys())
def test_judge_of_the_switch_rejects(wrong):
    with pytest.raises(AssertionError):
        assert_switch(wrong)


# The rates


def assert_rates(rates_of):
    params = {"a.weight": torch.zeros(4, 3), "a.bias": double(1.0, 2.0)}
    rates = rates_of(params, inner_lr=0.3, inner_steps=5)
    assert list(rates) == list(params)
    for name, rate in rates.items():
        assert rate.dtype == params[name].dtype
        torch.testing.assert_close(rate, torch.full((5,), 0.3, dtype=rate.dtype))
        assert not rate.requires_grad
    assert rates["a.weight"].data_ptr() != rates["a.bias"].data_ptr()
    shared = torch.zeros(2)
    pair = rates_of({"a": shared, "b": shared}, inner_lr=0.3, inner_steps=5)
    pair["a"][0] = 7.0  # a rate of one layer and one step
    torch.testing.assert_close(pair["a"][1:], torch.full((4,), 0.3))
    torch.testing.assert_close(pair["b"], torch.full((5,), 0.3))


WRONG_RATES = {
    "one for all steps": lambda p, *, inner_lr, inner_steps: {
        n: t.new_tensor(inner_lr) for n, t in p.items()
    },
    "one per weight": lambda p, *, inner_lr, inner_steps: {
        n: torch.full_like(t, inner_lr) for n, t in p.items()
    },
    "one for all layers": lambda p, *, inner_lr, inner_steps: dict.fromkeys(
        p, torch.full((inner_steps,), inner_lr)
    ),
    "one value in memory": lambda p, *, inner_lr, inner_steps: {
        n: t.new_tensor(inner_lr).expand(inner_steps) for n, t in p.items()
    },
    "dtype lost": lambda p, *, inner_lr, inner_steps: {
        n: torch.full((inner_steps,), inner_lr) for n in p
    },
    "divided among the steps": lambda p, *, inner_lr, inner_steps: initial_rates(
        p, inner_lr=inner_lr / inner_steps, inner_steps=inner_steps
    ),
    "one too many": lambda p, *, inner_lr, inner_steps: initial_rates(
        p, inner_lr=inner_lr, inner_steps=inner_steps + 1
    ),
}


def test_rates_are_one_per_layer_and_step():
    assert_rates(initial_rates)


@pytest.mark.parametrize("wrong", WRONG_RATES.values(), ids=WRONG_RATES.keys())
def test_judge_of_the_rates_rejects(wrong):
    with pytest.raises((AssertionError, RuntimeError)):
        assert_rates(wrong)


def test_rates_refuse_no_steps():
    with pytest.raises(ValueError, match=r"^inner_steps must be at least 1, got 0$"):
        initial_rates({}, inner_lr=0.1, inner_steps=0)


# The loss, by the closed form: with rates a_1 .. a_K, step k ends at
#     c + (I - a_k A) ... (I - a_1 A) (θ - c)

RATES, WEIGHTS = double(0.1, 0.3, 0.25), double(0.2, 0.1, 0.7)


def value_and_gradient_by_hand(theta, task, *, rates, weights):
    eye = torch.eye(len(theta), dtype=torch.float64)
    shrink, value, gradient = eye, 0.0, torch.zeros_like(theta)
    for rate, weight in zip(rates, weights, strict=True):
        shrink = (eye - rate * task.support_x) @ shrink
        away = task.support_y + shrink @ (theta - task.support_y) - task.query_y
        value = value + weight * 0.5 * away @ task.query_x @ away
        gradient = gradient + weight * shrink.T @ task.query_x @ away
    return value, gradient


def batch_of(tasks):
    return Episode(*(torch.stack(field) for field in zip(*tasks, strict=True)))


def three_tasks():
    generator = torch.Generator().manual_seed(0)
    theta = torch.randn(3, generator=generator, dtype=torch.float64)
    return theta, [random_task(generator) for _ in range(3)]


def assert_multi_step_loss(loss_of):
    """Judge value and gradient on bowls, for one task and for three, with unequal rates."""
    theta, tasks = three_tasks()
    by_hand = [value_and_gradient_by_hand(theta, t, rates=RATES, weights=WEIGHTS) for t in tasks]
    values, gradients = (torch.stack(part) for part in zip(*by_hand, strict=True))
    for episodes, value, gradient in (
        (tasks[0], values[0], gradients[0]),
        (batch_of(tasks), values.mean(), gradients.mean(0)),
    ):
        leaf = {"theta": theta.clone().requires_grad_()}
        settings = {"inner_rates": {"theta": RATES}, "step_weights": WEIGHTS, "loss": bowl}
        got = loss_of(Nothing(), leaf, episodes, **settings)
        assert got.ndim == 0
        torch.testing.assert_close(got, value, rtol=1e-10, atol=1e-12)
        torch.testing.assert_close(
            torch.autograd.grad(got, leaf["theta"])[0], gradient, rtol=1e-10, atol=1e-12
        )


def with_weights(change):
    def loss(model, params, episodes, *, step_weights, **settings):
        return maml_pp_loss(model, params, episodes, step_weights=change(step_weights), **settings)

    return loss


def with_rates(change):
    def loss(model, params, episodes, *, inner_rates, **settings):
        changed = {name: change(rate) for name, rate in inner_rates.items()}
        return maml_pp_loss(model, params, episodes, inner_rates=changed, **settings)

    return loss


def query_before_the_step(model, params, episodes, *, inner_rates, step_weights, loss):
    delayed = {n: torch.cat([torch.zeros_like(r[:1]), r[:-1]]) for n, r in inner_rates.items()}
    return maml_pp_loss(
        model, params, episodes, inner_rates=delayed, step_weights=step_weights, loss=loss
    )


def every_step_from_the_start(model, params, episodes, *, inner_rates, step_weights, loss):
    losses = []
    for episode in each_episode(episodes):
        for step, weight in enumerate(step_weights):
            once = {n: r[step : step + 1] for n, r in inner_rates.items()}
            one = maml_loss(model, params, episode, inner_lr=once, inner_steps=1, loss=loss)
            losses.append(weight * one)
    return torch.stack(losses).sum() / len(each_episode(episodes))


def support_counted(model, params, episodes, **settings):
    leaked = episodes._replace(query_x=episodes.support_x, query_y=episodes.support_y)
    return maml_pp_loss(model, params, leaked, **settings)


def first_order_throughout(model, params, episodes, **settings):
    return maml_pp_loss(model, params, episodes, first_order=True, **settings)


def summed_over_tasks(model, params, episodes, **settings):
    return len(each_episode(episodes)) * maml_pp_loss(model, params, episodes, **settings)


def first_task_only(model, params, episodes, **settings):
    return maml_pp_loss(model, params, each_episode(episodes)[0], **settings)


WRONG_LOSSES = {
    "last step only": with_weights(lambda w: torch.eye(len(w), dtype=w.dtype)[-1]),
    "weights ignored": with_weights(lambda w: torch.full_like(w, 1 / len(w))),
    "weights reversed": with_weights(lambda w: w.flip(0)),
    "weights missing": with_weights(torch.ones_like),
    "rates reversed": with_rates(lambda r: r.flip(0)),
    "first rate throughout": with_rates(lambda r: r[:1].expand(len(r))),
    "query before the step": query_before_the_step,
    "every step from the start": every_step_from_the_start,
    "support counted": support_counted,
    "first order throughout": first_order_throughout,
    "summed over tasks": summed_over_tasks,
    "first task only": first_task_only,
}


def test_loss_follows_the_closed_form_on_bowls():
    assert_multi_step_loss(maml_pp_loss)


@pytest.mark.parametrize("wrong", WRONG_LOSSES.values(), ids=WRONG_LOSSES.keys())
def test_judge_of_the_loss_rejects(wrong):
    with pytest.raises(AssertionError):
        assert_multi_step_loss(wrong)


def test_uniform_weights_are_the_mean_of_maml_with_one_to_all_steps():
    theta, tasks = three_tasks()
    params, batch = {"theta": theta}, batch_of(tasks)
    rates = initial_rates(params, inner_lr=0.2, inner_steps=4)
    weights = torch.full((4,), 0.25, dtype=torch.float64)
    got = maml_pp_loss(Nothing(), params, batch, inner_rates=rates, step_weights=weights, loss=bowl)
    each = [
        maml_loss(Nothing(), params, batch, inner_lr=0.2, inner_steps=k, loss=bowl)
        for k in (1, 2, 3, 4)
    ]
    torch.testing.assert_close(got, torch.stack(each).mean(), rtol=1e-12, atol=0)


def network_problem():
    generator = torch.Generator().manual_seed(4)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 3))
    params = {
        n: torch.randn(p.shape, generator=generator, dtype=torch.float64)
        for n, p in model.named_parameters()
    }
    xs, xq = torch.randn(2, 2, 6, 3, generator=generator, dtype=torch.float64)
    labels = (torch.arange(6) % 3).expand(2, 6)
    return model, params, Episode(xs, labels, xq, labels)


@pytest.mark.parametrize(("epoch", "first_order"), [(0, True), (2, True), (3, False), (9, False)])
def test_last_step_and_equal_rates_are_fomaml_before_the_switch_and_maml_after(epoch, first_order):
    model, params, episodes = network_problem()
    leaf = {n: p.clone().requires_grad_() for n, p in params.items()}
    got = maml_pp_loss(
        model,
        leaf,
        episodes,
        inner_rates=initial_rates(params, inner_lr=0.3, inner_steps=3),
        step_weights=double(0.0, 0.0, 1.0),
        first_order=first_order_at(epoch, switch_epoch=3),
    )
    got_gradient = torch.autograd.grad(got, list(leaf.values()))
    value, gradient = maml_gradient(
        model, params, episodes, inner_lr=0.3, inner_steps=3, first_order=first_order
    )
    _, other = maml_gradient(
        model, params, episodes, inner_lr=0.3, inner_steps=3, first_order=not first_order
    )
    torch.testing.assert_close(got, value, rtol=1e-14, atol=0, check_dtype=False)
    for (name, wanted), g in zip(gradient.items(), got_gradient, strict=True):
        torch.testing.assert_close(g, wanted, rtol=1e-12, atol=1e-14)
        assert not torch.allclose(g, other[name])


@pytest.mark.parametrize("first_order", [False, True])
def test_gradient_of_the_rates_equals_finite_differences(first_order):
    """First order cuts what a rate does to later inner gradients: only the last is exact then."""
    model, params, episodes = network_problem()
    rates = initial_rates(params, inner_lr=0.2, inner_steps=3)
    settings = {"step_weights": double(0.3, 0.2, 0.5)}
    leaf = {n: r.clone().requires_grad_() for n, r in rates.items()}
    value = maml_pp_loss(
        model, params, episodes, inner_rates=leaf, first_order=first_order, **settings
    )
    got = dict(zip(leaf, torch.autograd.grad(value, list(leaf.values())), strict=True))
    gaps = []
    for name, step in [(n, k) for n in rates for k in range(3)]:
        ends = []
        for sign in (1, -1):
            moved = {n: r.clone() for n, r in rates.items()}
            moved[name][step] += sign * 1e-5
            ends.append(maml_pp_loss(model, params, episodes, inner_rates=moved, **settings).item())
        gaps.append(abs(got[name][step].item() - (ends[0] - ends[1]) / 2e-5))
        assert got[name][step] != 0
        if step == 2:  # nothing comes after the last step, so its order makes no difference
            assert gaps[-1] < 1e-8
    assert (max(gaps) < 1e-8) is not first_order


def test_a_rate_moves_its_own_layer_at_its_own_step_only():
    model, params, episodes = network_problem()
    episode = each_episode(episodes)[0]
    support = (episode.support_x, episode.support_y)
    none = {n: torch.zeros(3, dtype=torch.float64) for n in params}
    some = {**none, "2.bias": double(0.0, 0.5, 0.0)}
    moved = adapt(model, params, *support, inner_lr=some, inner_steps=3)
    for name, p in params.items():
        assert torch.equal(moved[name], p) is (name != "2.bias")
    first_only = adapt(model, params, *support, inner_lr=some, inner_steps=1)
    assert torch.equal(first_only["2.bias"], params["2.bias"])
    for step_weights, depends in ((double(1.0), False), (double(0.0, 1.0), True)):
        losses = [
            maml_pp_loss(model, params, episode, inner_rates=r, step_weights=step_weights)
            for r in (none, some)
        ]
        assert torch.equal(*losses) is not depends


def test_a_weight_of_zero_saves_its_forward_pass():
    model, params, episodes = network_problem()
    episode = each_episode(episodes)[0]
    seen = []

    def counted(model, params, x, y):
        seen.append("support" if x is episode.support_x else "query")
        return task_loss(model, params, x, y)

    rates = initial_rates(params, inner_lr=0.1, inner_steps=3)
    for weights, queries in ((double(0.0, 0.0, 1.0), 1), (double(0.5, 0.0, 0.5), 2)):
        seen.clear()
        maml_pp_loss(model, params, episode, inner_rates=rates, step_weights=weights, loss=counted)
        assert (seen.count("support"), seen.count("query")) == (3, queries)


def test_fewer_steps_than_rates_take_the_first_rates():
    theta, tasks = three_tasks()
    settings = {"step_weights": double(0.4, 0.6), "loss": bowl}
    long, short = (
        maml_pp_loss(Nothing(), {"theta": theta}, tasks[0], inner_rates={"theta": r}, **settings)
        for r in (RATES, RATES[:2])
    )
    assert torch.equal(long, short)


def test_more_steps_than_rates_are_refused_and_the_way_out_works():
    theta, tasks = three_tasks()
    settings = {"step_weights": double(0.0, 0.0, 0.0, 1.0), "loss": bowl}
    run = lambda rates: maml_pp_loss(  # noqa: E731
        Nothing(), {"theta": theta}, tasks[0], inner_rates={"theta": rates}, **settings
    )
    with pytest.raises(ValueError, match="inner steps") as caught:
        run(RATES)
    assert str(caught.value) == (
        "4 inner steps, but inner_rates['theta'] has shape (3,): nothing was learned for the steps "
        "beyond. Take at most as many steps as there are rates, or repeat the last: "
        "torch.cat([rates, rates[-1:]])"
    )
    assert torch.isfinite(run(torch.cat([RATES, RATES[-1:]])))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"inner_rates": {}},
            "inner_rates has no rate for ['theta']; see initial_rates",
        ),
        (
            {"step_weights": double(0.0, 0.0)},
            "step_weights must be one row, [inner_steps], with a weight other than 0; got shape "
            "(2,) and sum 0",
        ),
        (
            {"step_weights": torch.ones(1, 3)},
            "step_weights must be one row, [inner_steps], with a weight other than 0; got shape "
            "(1, 3) and sum 3",
        ),
        (
            {"step_weights": torch.ones(0)},
            "step_weights must be one row, [inner_steps], with a weight other than 0; got shape "
            "(0,) and sum 0",
        ),
        (
            {"inner_rates": {"theta": double(0.1).squeeze()}},
            "3 inner steps, but inner_rates['theta'] has shape (): nothing was learned for the "
            "steps beyond. Take at most as many steps as there are rates, or repeat the last: "
            "torch.cat([rates, rates[-1:]])",
        ),
    ],
)
def test_loss_refuses(settings, message):
    theta, tasks = three_tasks()
    right = {"inner_rates": {"theta": RATES}, "step_weights": WEIGHTS, "loss": bowl}
    with pytest.raises(ValueError, match=r"inner_rates|step_weights") as caught:
        maml_pp_loss(Nothing(), {"theta": theta}, tasks[0], **(right | settings))
    assert str(caught.value) == message


def test_arguments_are_left_as_they_were():
    model, params, episodes = network_problem()
    rates = initial_rates(params, inner_lr=0.1, inner_steps=2)
    values = [*params.values(), *rates.values()]
    before = [(v.clone(), v._version) for v in values]
    maml_pp_loss(
        model, params, episodes, inner_rates=rates, step_weights=multi_step_weights(2, 0, 5)
    )
    for value, (copy, version) in zip(values, before, strict=True):
        assert torch.equal(value, copy)
        assert value._version == version


def test_fit_learns_rates_and_parameters_from_one_dictionary():
    """On a round bowl one step of rate 1 / curvature lands on the centre: that rate is found."""
    eye = torch.eye(2, dtype=torch.float64)
    generator = torch.Generator().manual_seed(0)

    def sample(generator):
        centre = torch.randn(2, generator=generator, dtype=torch.float64)
        return Episode(2 * eye, centre, eye, centre)  # support and query: the same centre

    def loss(both, episode):
        params, rates = {"theta": both["theta"]}, {"theta": both["rate of theta"]}
        weights = torch.ones(1, dtype=torch.float64)
        return maml_pp_loss(
            Nothing(), params, episode, inner_rates=rates, step_weights=weights, loss=bowl
        )

    start = {"theta": double(1.0, 1.0)}
    rates = initial_rates(start, inner_lr=0.05, inner_steps=1)
    found = fit(
        loss,
        {**start, "rate of theta": rates["theta"]},
        sample,
        n_steps=300,
        outer_lr=0.05,
        generator=generator,
        progress=None,
    )
    assert found.params["rate of theta"].item() == pytest.approx(0.5, abs=0.01)


def test_the_module_says_where_the_rest_of_the_paper_is():
    for elsewhere in ("train.cosine", "per_step_norm", "1810.09502"):
        assert elsewhere in maml_pp.__doc__
