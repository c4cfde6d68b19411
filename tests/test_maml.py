import pytest
import torch
from torch import nn

from medmeta_ref.episodes import Episode
from medmeta_ref.inner_loop import adapt, task_loss
from medmeta_ref.maml import maml_gradient, maml_loss
from tests.quadratics import Nothing, bowl, double, meta_gradient_by_hand, random_task


def batch_of(tasks):
    return Episode(*(torch.stack(field) for field in zip(*tasks, strict=True)))


def assert_meta_gradient(gradient_of):
    """Judge a meta-gradient by the closed form on bowls, for one task and for three.

    One inner step is not enough: a function that ignores `inner_steps` passes there.
    """
    generator = torch.Generator().manual_seed(0)
    for inner_steps in (1, 2, 3, 5):
        theta = torch.randn(3, generator=generator, dtype=torch.float64)
        tasks = [random_task(generator) for _ in range(3)]
        settings = {"inner_lr": 0.2, "inner_steps": inner_steps}
        by_hand = [meta_gradient_by_hand(theta, task, **settings) for task in tasks]
        for episodes, wanted in (
            (tasks[0], by_hand[0]),
            (batch_of(tasks), torch.stack(by_hand).mean(0)),
        ):
            got = gradient_of(Nothing(), {"theta": theta}, episodes, **settings, loss=bowl)
            torch.testing.assert_close(got["theta"], wanted, rtol=1e-9, atol=1e-12)


def right(*args, **settings):
    return maml_gradient(*args, **settings)[1]


def through_the_loss(model, params, episodes, **settings):
    leaf = {n: p.clone().requires_grad_() for n, p in params.items()}
    value = maml_loss(model, leaf, episodes, **settings)
    return dict(zip(leaf, torch.autograd.grad(value, list(leaf.values())), strict=True))


def first_order(*args, **settings):
    return right(*args, **settings, first_order=True)


def steps_ignored(model, params, episodes, *, inner_steps, **settings):
    return right(model, params, episodes, inner_steps=1, **settings)


def gradient_before_adaptation(model, params, episodes, *, inner_steps, **settings):
    return right(model, params, episodes, inner_steps=0, **settings)


def support_as_query(model, params, episodes, **settings):
    leaked = episodes._replace(query_x=episodes.support_x, query_y=episodes.support_y)
    return right(model, params, leaked, **settings)


def query_in_the_inner_loop(model, params, episodes, **settings):
    leaked = episodes._replace(support_x=episodes.query_x, support_y=episodes.query_y)
    return right(model, params, leaked, **settings)


def summed_over_tasks(model, params, episodes, **settings):
    n_tasks = 1 if episodes.support_y.ndim == 1 else len(episodes.support_y)
    return {n: n_tasks * g for n, g in right(model, params, episodes, **settings).items()}


def first_task_only(model, params, episodes, **settings):
    if episodes.support_y.ndim > 1:
        episodes = Episode(*(field[0] for field in episodes))
    return right(model, params, episodes, **settings)


@pytest.mark.parametrize("gradient_of", [right, through_the_loss])
def test_meta_gradient_follows_the_closed_form_on_bowls(gradient_of):
    assert_meta_gradient(gradient_of)


@pytest.mark.parametrize(
    "wrong",
    [
        first_order,
        steps_ignored,
        gradient_before_adaptation,
        support_as_query,
        query_in_the_inner_loop,
        summed_over_tasks,
        first_task_only,
    ],
)
def test_judge_of_the_meta_gradient_rejects(wrong):
    with pytest.raises(AssertionError):
        assert_meta_gradient(wrong)


@pytest.mark.parametrize("inner_steps", [1, 2, 5])
def test_first_order_is_the_query_gradient_at_the_adapted_parameters(inner_steps):
    generator = torch.Generator().manual_seed(3)
    task, theta = random_task(generator), torch.ones(3, dtype=torch.float64)
    settings = {"inner_lr": 0.2, "inner_steps": inner_steps}
    _, got = maml_gradient(
        Nothing(), {"theta": theta}, task, **settings, first_order=True, loss=bowl
    )
    wanted = meta_gradient_by_hand(theta, task, **settings, first_order=True)
    torch.testing.assert_close(got["theta"], wanted)


def network_problem():
    generator = torch.Generator().manual_seed(4)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 3))
    params = {
        n: torch.randn(p.shape, generator=generator, dtype=torch.float64)
        for n, p in model.named_parameters()
    }
    xs, xq = torch.randn(2, 6, 3, generator=generator, dtype=torch.float64)
    return model, params, Episode(xs, torch.arange(6) % 3, xq, torch.arange(6) % 3)


def test_meta_gradient_equals_finite_differences_through_a_network():
    model, params, episode = network_problem()
    settings = {"inner_lr": 0.3, "inner_steps": 3}
    _, got = maml_gradient(model, params, episode, **settings)
    step = 1e-5
    for name, p in params.items():
        for i in range(p.numel()):
            ends = []
            for sign in (1, -1):
                moved = p.clone()
                moved.view(-1)[i] += sign * step
                ends.append(maml_loss(model, {**params, name: moved}, episode, **settings).item())
            difference = (ends[0] - ends[1]) / (2 * step)
            assert got[name].view(-1)[i].item() == pytest.approx(difference, rel=1e-5, abs=1e-8)


def test_first_order_error_shrinks_in_proportion_to_the_inner_rate():
    model, params, episode = network_problem()

    def gap(inner_lr):
        exact, rough = (
            torch.cat(
                [
                    g.flatten()
                    for g in maml_gradient(
                        model,
                        params,
                        episode,
                        inner_lr=inner_lr,
                        inner_steps=1,
                        first_order=first_order,
                    )[1].values()
                ]
            )
            for first_order in (False, True)
        )
        return ((exact - rough).norm() / exact.norm()).item()

    assert gap(0.01) > 0
    assert gap(0.01) / gap(0.001) == pytest.approx(10, rel=0.1)


def test_both_orders_agree_where_the_support_loss_has_no_curvature():
    def tilted_then_bowl(model, params, x, y):
        flat = x.ndim == 1  # the support set: a plane, Hessian 0
        return params["theta"] @ x if flat else bowl(model, params, x, y)

    theta, task = double(1.0, 2.0, 3.0), random_task(torch.Generator().manual_seed(5))
    episode = task._replace(support_x=double(0.3, -0.1, 0.2))
    settings = {"inner_lr": 0.5, "inner_steps": 3, "loss": tilted_then_bowl}
    exact, rough = (
        maml_gradient(Nothing(), {"theta": theta}, episode, **settings, first_order=order)[1]
        for order in (False, True)
    )
    torch.testing.assert_close(exact["theta"], rough["theta"], rtol=0, atol=0)


def test_zero_steps_and_zero_rate_give_the_plain_query_gradient():
    model, params, episode = network_problem()
    leaf = {n: p.clone().requires_grad_() for n, p in params.items()}
    plain = torch.autograd.grad(
        task_loss(model, leaf, episode.query_x, episode.query_y), list(leaf.values())
    )
    for settings in ({"inner_lr": 0.3, "inner_steps": 0}, {"inner_lr": 0.0, "inner_steps": 3}):
        _, got = maml_gradient(model, params, episode, **settings)
        for g, wanted in zip(got.values(), plain, strict=True):
            torch.testing.assert_close(g, wanted)


def test_repeating_every_task_changes_nothing():
    generator = torch.Generator().manual_seed(6)
    tasks = [random_task(generator) for _ in range(2)]
    args = (Nothing(), {"theta": torch.ones(3, dtype=torch.float64)})
    settings = {"inner_lr": 0.2, "inner_steps": 2, "loss": bowl}
    once, twice = (maml_gradient(*args, batch_of(t), **settings) for t in (tasks, tasks * 2))
    torch.testing.assert_close(once[0], twice[0])
    torch.testing.assert_close(once[1]["theta"], twice[1]["theta"])


def test_query_set_never_reaches_the_inner_loop():
    model, params, episode = network_problem()
    poisoned = episode._replace(query_x=torch.full_like(episode.query_x, torch.nan))
    adapted = adapt(
        model, params, poisoned.support_x, poisoned.support_y, inner_lr=0.3, inner_steps=2
    )
    assert all(torch.isfinite(p).all() for p in adapted.values())
    assert torch.isnan(maml_loss(model, params, poisoned, inner_lr=0.3, inner_steps=2))


def test_support_labels_matter_to_the_meta_gradient():
    model, params, episode = network_problem()
    shuffled = episode._replace(support_y=episode.support_y.roll(1))
    settings = {"inner_lr": 0.3, "inner_steps": 2}
    one, other = (maml_gradient(model, params, e, **settings)[1] for e in (episode, shuffled))
    assert not torch.allclose(one["0.weight"], other["0.weight"])


def test_parameters_are_left_as_they_were():
    model, params, episode = network_problem()
    before = {n: (p.clone(), p._version) for n, p in params.items()}
    maml_gradient(model, params, episode, inner_lr=0.3, inner_steps=2)
    for n, p in params.items():
        assert torch.equal(p, before[n][0])
        assert p._version == before[n][1]
        assert not p.requires_grad


def test_learned_rates_get_the_gradient_of_finite_differences():
    model, params, episode = network_problem()
    rates = {n: torch.full((2,), 0.2, dtype=torch.float64).requires_grad_() for n in params}
    value = maml_loss(model, params, episode, inner_lr=rates, inner_steps=2)
    got = torch.autograd.grad(value, rates["2.weight"])[0]
    for i in range(2):
        ends = []
        for sign in (1, -1):
            moved = {n: r.detach().clone() for n, r in rates.items()}
            moved["2.weight"][i] += sign * 1e-5
            ends.append(maml_loss(model, params, episode, inner_lr=moved, inner_steps=2).item())
        assert got[i].item() == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-6)


def test_maml_finds_what_joint_training_misses():
    """Two tasks h (t - c)² / 2 with h = 1, 9 and c = 0, 1, and one inner step of 0.1.

    Joint training ends at sum(h c) / sum(h) = 0.9 with loss 0.164 after adaptation. MAML weighs
    the tasks by h (1 - 0.1 h)², ends at 0.1, and has 0.020.
    """
    tasks = [Episode(double([h]), double(c), double([h]), double(c)) for h, c in ((1, 0), (9, 1))]
    settings = {"inner_lr": 0.1, "inner_steps": 1, "loss": bowl}

    def descend(inner_steps):
        theta = {"theta": double(0.5)}
        for _ in range(400):
            _, g = maml_gradient(
                Nothing(), theta, batch_of(tasks), **{**settings, "inner_steps": inner_steps}
            )
            theta = {"theta": theta["theta"] - 0.15 * g["theta"]}
        after = maml_loss(Nothing(), theta, batch_of(tasks), **settings).item()
        return theta["theta"].item(), after

    joint, joint_after = descend(0)
    meta, meta_after = descend(1)
    assert joint == pytest.approx(0.9, abs=1e-6)
    assert meta == pytest.approx(0.1, abs=1e-6)
    assert joint_after == pytest.approx(0.16425, abs=1e-5)
    assert meta_after == pytest.approx(0.02025, abs=1e-5)
