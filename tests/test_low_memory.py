"""Forward over reverse against bowls worked out on paper, and its memory against itself."""

import gc
import weakref

import pytest
import torch
from torch import nn

from medmeta_ref.backbones import ConvNet
from medmeta_ref.episode_gradients import all_at_once, one_by_one
from medmeta_ref.episodes import Episode
from medmeta_ref.fast.adaptation import maml_chunk
from medmeta_ref.low_memory import forward_over_reverse
from medmeta_ref.maml import maml_gradient, maml_loss
from tests.quadratics import Nothing, bowl, meta_gradient_by_hand, random_task


def assert_follows_the_closed_form(gradient_of):
    generator = torch.Generator().manual_seed(1)
    for inner_steps in (0, 1, 3):
        theta = torch.randn(3, generator=generator, dtype=torch.float64)
        tasks = [random_task(generator) for _ in range(2)]
        settings = {"inner_lr": 0.2, "inner_steps": inner_steps}
        by_hand = [meta_gradient_by_hand(theta, task, **settings) for task in tasks]
        batch = Episode(*(torch.stack(field) for field in zip(*tasks, strict=True)))
        for episodes, wanted in ((tasks[0], by_hand[0]), (batch, sum(by_hand) / 2)):
            _, got = gradient_of(Nothing(), {"theta": theta}, episodes, **settings, loss=bowl)
            torch.testing.assert_close(got["theta"], wanted)


def first_order(*args, **settings):
    return maml_gradient(*args, **settings, first_order=True)


def steps_in_the_wrong_direction(*args, inner_lr, **settings):
    return forward_over_reverse(*args, inner_lr=-inner_lr, **settings)


def one_step_more(*args, inner_steps, **settings):
    return forward_over_reverse(*args, inner_steps=inner_steps + 1, **settings)


def summed(model, params, episodes, **settings):
    n_tasks = 1 if episodes.support_y.ndim == 1 else len(episodes.support_y)
    loss, gradient = forward_over_reverse(model, params, episodes, **settings)
    return loss, {name: n_tasks * g for name, g in gradient.items()}


def hessian_of_the_query(model, params, episodes, **settings):
    swapped = episodes._replace(support_x=episodes.query_x, support_y=episodes.query_y)
    return forward_over_reverse(model, params, swapped, **settings)


def test_it_follows_the_closed_form_on_bowls():
    assert_follows_the_closed_form(forward_over_reverse)


@pytest.mark.parametrize(
    "wrong",
    [first_order, steps_in_the_wrong_direction, one_step_more, summed, hessian_of_the_query],
)
def test_judge_rejects(wrong):
    with pytest.raises(AssertionError):
        assert_follows_the_closed_form(wrong)


def small_network(norm):
    generator = torch.Generator().manual_seed(2)
    model = ConvNet(1, (3, 4), n_outputs=2, norm=norm)
    params = {
        n: 0.5 * torch.randn(p.shape, generator=generator, dtype=torch.float64)
        for n, p in model.named_parameters()
    }
    x = torch.randn(2, 4, 1, 8, 8, generator=generator, dtype=torch.float64)
    y = torch.tensor([[0, 1, 0, 1]] * 2)
    return model, params, Episode(x, y, x.flip(0), y)


@pytest.mark.parametrize("norm", ["batch", "group"])
def test_it_is_the_gradient_of_the_readable_loss_of_a_network(norm):
    model, params, episodes = small_network(norm)
    settings = {"inner_lr": 0.3, "inner_steps": 3}
    value, got = forward_over_reverse(model, params, episodes, **settings)
    loss, wanted = one_by_one(lambda p, e: maml_loss(model, p, e, **settings), params, episodes)
    torch.testing.assert_close(value, loss)
    torch.testing.assert_close(got, wanted)


@pytest.mark.parametrize("norm", ["batch", "group"])
@pytest.mark.parametrize("first_order", [False, True])
def test_all_at_once_is_one_by_one(norm, first_order):
    model, params, episodes = small_network(norm)

    def loss(params, episode):
        return maml_loss(
            model, params, episode, inner_lr=0.3, inner_steps=2, first_order=first_order
        )

    value, gradient = all_at_once(loss, params, episodes)
    wanted_value, wanted = one_by_one(loss, params, episodes)
    torch.testing.assert_close(value, wanted_value)
    torch.testing.assert_close(gradient, wanted)


def test_recomputing_never_holds_the_graphs_of_two_steps(monkeypatch):
    """Count the steps' gradients that are alive whenever a new one is made."""
    from medmeta_ref.fast import adaptation

    model, params, episodes = small_network("batch")
    inner_step, graphs, most = adaptation.inner_step, [], []

    def watched(*args, keep_graph):
        loss, step = inner_step(*args, keep_graph=keep_graph)
        if keep_graph:
            graphs.append(weakref.ref(step.gradient[0]))
        gc.collect()
        most.append(sum(ref() is not None for ref in graphs))
        return loss, step

    monkeypatch.setattr(adaptation, "inner_step", watched)
    settings = {"inner_lr": 0.3, "inner_steps": 6, "first_order": False}
    maml_chunk(model, params, episodes, **settings, recompute=False)
    assert max(most) == 6
    graphs.clear()
    most.clear()
    maml_chunk(model, params, episodes, **settings, recompute=True)
    assert 1 <= max(most) <= 2  # the old one is let go once the new one has its name


def test_a_sequential_network_takes_the_generic_way():
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 2))
    params = {n: p.detach().double() for n, p in model.named_parameters()}
    x = torch.randn(3, 4, 1, 4, 4, generator=torch.Generator().manual_seed(0)).double()
    y = torch.tensor([[0, 1, 0, 1]] * 3)
    settings = {"inner_lr": 0.3, "inner_steps": 2}
    low = maml_gradient(model, params, Episode(x, y, -x, y), **settings, memory="low")
    high = maml_gradient(model, params, Episode(x, y, -x, y), **settings)
    torch.testing.assert_close(low, high)
