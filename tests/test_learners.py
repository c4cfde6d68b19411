"""That every learner answers honestly, and is trained by what its paper says."""

import re
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch.func import functional_call

from medmeta_ref.episodes import Episode, sample_episode, sample_episodes
from medmeta_ref.learners import (
    BATCH_NORM,
    ROW_WORDS,
    maml_learner,
    maml_pp_learner,
    prototypical_learner,
    reptile_learner,
)
from medmeta_ref.learners.learner import PER_STEP, SUPPORT, TRANSDUCTIVE
from medmeta_ref.learners.maml_pp import RATES, per_step_gradient, split_rates
from medmeta_ref.learners.reptile import dealt_minibatches, reptile_pseudo_gradient
from medmeta_ref.params import forward
from medmeta_ref.per_step_norm import adapt_per_step, per_step_logits

INNER = {"width": 4, "inner_lr": 0.2, "inner_steps": 3}
LEARNERS = {
    "prototypical network": partial(prototypical_learner, width=4),
    "MAML": partial(maml_learner, **INNER),
    "FOMAML": partial(maml_learner, first_order=True, **INNER),
    "ANIL": partial(maml_learner, head_only=True, **INNER),
    "Reptile": partial(reptile_learner, **INNER),
    "MAML++": partial(maml_pp_learner, **INNER),
}
GRADIENT_BASED = [title for title in LEARNERS if title != "prototypical network"]
INDUCTIVE = (SUPPORT, PER_STEP)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


IMAGES = torch.randn(90, 1, 16, 16, generator=seeded(), dtype=torch.float64)
LABELS = torch.arange(90) % 3
EPISODE = sample_episode(IMAGES, LABELS, n_way=3, k_shot=4, n_query=5, generator=seeded())
BATCH = sample_episodes(
    IMAGES, LABELS, n_episodes=2, n_way=3, k_shot=4, n_query=5, generator=seeded(1)
)


def made(title):
    """Return a learner and float64 parameters none of which is at its first value."""
    learner, noise = LEARNERS[title](1, 3), seeded(9)
    params = {
        name: p.double() + 0.1 * torch.rand(p.shape, generator=noise, dtype=torch.float64)
        for name, p in learner.start(seeded()).items()
    }
    return learner, params


def outcome(learner, params, episodes, done):
    """Return the loss, and the gradient whether it came with it or not."""
    leaves = {name: p.clone().requires_grad_() for name, p in params.items()}
    found = learner.objective(done)(leaves, episodes)
    if isinstance(found, tuple):
        return found
    grads = torch.autograd.grad(found, list(leaves.values()))
    return found.detach(), dict(zip(leaves, grads, strict=True))


@pytest.mark.parametrize("title", LEARNERS)
def test_title_modes_and_settings_are_stated(title):
    learner, params = made(title)
    assert learner.title == title
    assert list(learner.answers(params, EPISODE)) == list(learner.modes)
    assert set(learner.modes) <= set(BATCH_NORM) == set(ROW_WORDS)
    assert (PER_STEP in learner.modes) == (title == "MAML++")
    assert learner.settings == (INNER if title in GRADIENT_BASED else {"width": 4})


@pytest.mark.parametrize("title", LEARNERS)
def test_answer_never_looks_at_the_query_labels(title):
    learner, params = made(title)
    blind = EPISODE._replace(query_y=torch.zeros_like(EPISODE.query_y))
    for mode, logits in learner.answers(params, EPISODE).items():
        assert logits.shape == (15, 3)
        assert torch.equal(logits, learner.answers(params, blind)[mode])


@pytest.mark.parametrize("title", LEARNERS)
def test_inductive_answers_do_not_depend_on_other_queries_and_transductive_ones_do(title):
    learner, params = made(title)
    together = learner.answers(params, EPISODE)
    assert set(INDUCTIVE) & set(together)
    strangers = 50 * torch.randn(4, 1, 16, 16, generator=seeded(5), dtype=torch.float64)
    for i in (0, 7):
        one = EPISODE.query_x[i : i + 1]
        alone = learner.answers(params, EPISODE._replace(query_x=one))
        mixed = learner.answers(params, EPISODE._replace(query_x=torch.cat([one, strangers])))
        for mode in learner.modes:
            wanted = together[mode][i : i + 1]
            if mode in INDUCTIVE:
                torch.testing.assert_close(alone[mode], wanted)
                torch.testing.assert_close(mixed[mode][:1], wanted)
            else:
                assert not torch.allclose(mixed[mode][:1], wanted, rtol=0.01)


@pytest.mark.parametrize("title", LEARNERS)
def test_the_modes_agree_where_support_and_query_are_the_same_images(title):
    learner, params = made(title)
    same = EPISODE._replace(query_x=EPISODE.support_x, query_y=EPISODE.support_y)
    answers = learner.answers(params, same)
    torch.testing.assert_close(answers[TRANSDUCTIVE], answers[SUPPORT])


def test_per_step_statistics_are_those_before_the_last_step():
    """With an inner rate of 0 nothing changes in between, and they are the support set's."""
    learner = maml_pp_learner(1, 3, width=4, inner_lr=0.0, inner_steps=1)
    params = {name: p.double() for name, p in learner.start(seeded()).items()}
    answers = learner.answers(params, EPISODE)
    # The stored variance is over n - 1, the other over n: at least 12 positions a channel.
    torch.testing.assert_close(answers[PER_STEP], answers[SUPPORT], rtol=0.1, atol=0.1)
    assert not torch.allclose(answers[PER_STEP], answers[TRANSDUCTIVE], rtol=0.1, atol=0.1)


@pytest.mark.parametrize("title", LEARNERS)
def test_order_of_queries_and_of_support_does_not_matter(title):
    learner, params = made(title)
    wanted = learner.answers(params, EPISODE)
    turned = Episode(*(field.flip(0) for field in EPISODE))
    for mode, logits in learner.answers(params, turned).items():
        torch.testing.assert_close(logits, wanted[mode].flip(0))


@pytest.mark.parametrize("title", [t for t in LEARNERS if t != "Reptile"])
def test_outer_loss_at_the_end_is_the_cross_entropy_of_the_transductive_answer(title):
    learner, params = made(title)
    losses = []
    for k in range(2):
        episode = Episode(*(field[k] for field in BATCH))
        logits = learner.answers(params, episode)[TRANSDUCTIVE]
        losses.append(F.cross_entropy(logits, episode.query_y))
    loss, gradient = outcome(learner, params, BATCH, 0.99)
    torch.testing.assert_close(loss, torch.stack(losses).mean(), check_dtype=False)
    assert gradient.keys() == params.keys()


def slope(f, params, name, index, h=1e-6):
    """Return the derivative of f in one number of one parameter, by central differences."""
    around = []
    for sign in (1, -1):
        moved = params[name].clone(memory_format=torch.contiguous_format)
        moved.view(-1)[index] += sign * h
        around.append(f(params | {name: moved}))
    return (around[0] - around[1]) / (2 * h)


@pytest.mark.parametrize("title", ["prototypical network", "MAML", "ANIL"])
def test_gradient_is_that_of_the_loss_by_finite_differences(title):
    learner, params = made(title)
    _, gradient = outcome(learner, params, BATCH, 0.99)
    for name in list(params)[::4]:
        by_differences = slope(lambda p: outcome(learner, p, BATCH, 0.99)[0], params, name, 0)
        found = gradient[name].reshape(-1)[0]
        torch.testing.assert_close(
            found, by_differences.to(found.dtype), rtol=1e-3, atol=1e-6, msg=name
        )


# Reptile


def assert_deals(function):
    batches = function(EPISODE, inner_steps=6, batch_size=9)  # 27 images: two rounds
    place = {tuple(x.flatten().tolist()): y for x, y in everything(EPISODE)}
    assert len(batches) == 6
    dealt = []
    for x, y in batches:
        assert x.shape == (9, 1, 16, 16)
        assert y.bincount(minlength=3).tolist() == [3, 3, 3]
        keys = [tuple(one.flatten().tolist()) for one in x]
        assert [place[key] for key in keys] == y.tolist(), "an image has lost its label"
        dealt += keys
    assert set(dealt[:27]) == set(place), "an image is left out, or comes twice in a round"
    assert dealt[:27] == dealt[27:]


def everything(episode):
    x = torch.cat([episode.support_x, episode.query_x])
    return list(zip(x, torch.cat([episode.support_y, episode.query_y]).tolist(), strict=True))


def in_chunks(x, y, steps, size):
    at = [(torch.arange(size) + k * size) % len(y) for k in range(steps)]
    return [(x[i], y[i]) for i in at]


def joined(episode):
    return (
        torch.cat([episode.support_x, episode.query_x]),
        torch.cat([episode.support_y, episode.query_y]),
    )


def random_places(episode, *, inner_steps, batch_size):
    x, y = joined(episode)
    at = torch.randint(len(y), (inner_steps, batch_size), generator=seeded())
    return [(x[i], y[i]) for i in at]


def unlabelled(episode, *, inner_steps, batch_size):
    batches = dealt_minibatches(episode, inner_steps=inner_steps, batch_size=batch_size)
    return [(x.flip(0), y) for x, y in batches]


WRONG_DEALS = {
    "class after class": lambda e, *, inner_steps, batch_size: in_chunks(
        *joined(e), inner_steps, batch_size
    ),
    "support only": lambda e, *, inner_steps, batch_size: in_chunks(
        e.support_x, e.support_y, inner_steps, batch_size
    ),
    "the same batch every time": lambda e, *, inner_steps, batch_size: (
        dealt_minibatches(e, inner_steps=1, batch_size=batch_size) * inner_steps
    ),
    "with replacement": random_places,
    "labels in another order": unlabelled,
    "one batch too few": lambda e, *, inner_steps, batch_size: dealt_minibatches(
        e, inner_steps=inner_steps - 1, batch_size=batch_size
    ),
}


def test_minibatches_go_once_through_all_images_class_by_class():
    assert_deals(dealt_minibatches)


@pytest.mark.parametrize("wrong", WRONG_DEALS.values(), ids=WRONG_DEALS.keys())
def test_wrong_deals_are_told(wrong):
    with pytest.raises((AssertionError, KeyError)):
        assert_deals(wrong)


def test_a_batch_is_at_most_the_whole_episode():
    [(x, y)] = dealt_minibatches(EPISODE, inner_steps=1, batch_size=1000)
    assert len(x) == len(y) == 27


def assert_walks(function):
    """Compare with torch's own SGD on a module's own parameters."""
    learner, params = made("Reptile")
    model = learner.model.double()
    ends = []
    for k in range(2):
        episode = Episode(*(field[k] for field in BATCH))
        model.load_state_dict(params)
        optimiser = torch.optim.SGD(model.parameters(), lr=0.2)
        for x, y in dealt_minibatches(episode, inner_steps=3, batch_size=9):
            optimiser.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimiser.step()
        ends.append({name: p.detach().clone() for name, p in model.named_parameters()})
    _, way = function(learner.model, params, BATCH, inner_lr=0.2, inner_steps=3, batch_size=9)
    for name, p in params.items():
        torch.testing.assert_close(way[name], p - (ends[0][name] + ends[1][name]) / 2, msg=name)


def test_pseudo_gradient_is_the_way_back_from_the_mean_end_of_sgd():
    assert_walks(reptile_pseudo_gradient)


def changed(change, **settings):
    def function(*args, **kwargs):
        loss, way = reptile_pseudo_gradient(*args, **kwargs | settings)
        return loss, {name: change(way[name], args[1][name]) for name in way}

    return function


WRONG_WALKS = {
    "the other way": changed(lambda way, p: -way),
    "per inner step": changed(lambda way, p: way / 3),
    "divided by the rate": changed(lambda way, p: way / 0.2),
    "where it ended": changed(lambda way, p: p - way),
    "sum of tasks": changed(lambda way, p: 2 * way),
    "one step fewer": changed(lambda way, p: way, inner_steps=2),
    "whole batches": changed(lambda way, p: way, batch_size=27),
}


@pytest.mark.parametrize("wrong", WRONG_WALKS.values(), ids=WRONG_WALKS.keys())
def test_wrong_walks_are_told(wrong):
    with pytest.raises(AssertionError):
        assert_walks(wrong)


def test_one_step_on_everything_is_the_plain_gradient():
    learner, params = made("Reptile")
    x, y = joined(EPISODE)
    leaves = {name: p.clone().requires_grad_() for name, p in params.items()}
    loss = F.cross_entropy(forward(learner.model, leaves, x), y)
    grads = torch.autograd.grad(loss, list(leaves.values()))
    value, way = reptile_pseudo_gradient(
        learner.model, params, EPISODE, inner_lr=0.5, inner_steps=1, batch_size=27
    )
    torch.testing.assert_close(value, loss.detach())
    for g, found in zip(grads, way.values(), strict=True):
        torch.testing.assert_close(found, 0.5 * g)


@pytest.mark.parametrize("name", ["inner_steps", "batch_size"])
def test_reptile_without_steps_or_images_is_refused(name):
    learner, params = made("Reptile")
    settings = {"inner_lr": 0.1, "inner_steps": 1, "batch_size": 5} | {name: 0}
    with pytest.raises(ValueError, match=f"{name} must be at least 1, got 0"):
        reptile_pseudo_gradient(learner.model, params, EPISODE, **settings)


# MAML++


def query_losses(params, episode):
    """Return the query loss after 1, 2 and 3 inner steps."""
    learner = LEARNERS["MAML++"](1, 3)
    network, rates = split_rates(params)
    losses = []
    for k in (1, 2, 3):
        adapted, _ = adapt_per_step(
            learner.model,
            network,
            episode.support_x,
            episode.support_y,
            inner_rates=rates,
            inner_steps=k,
        )
        logits = per_step_logits(learner.model, adapted, episode.query_x, step=k - 1)
        losses.append(F.cross_entropy(logits, episode.query_y))
    return torch.stack(losses)


def test_at_the_start_every_step_counts_alike_and_at_the_end_the_last_alone():
    learner, params = made("MAML++")
    after = query_losses(params, EPISODE)
    first, _ = outcome(learner, params, EPISODE, 0.0)
    last, _ = outcome(learner, params, EPISODE, 0.15)
    torch.testing.assert_close(first, after.mean(), check_dtype=False)
    torch.testing.assert_close(last, after[-1], check_dtype=False)
    between, _ = outcome(learner, params, EPISODE, 0.07)
    # e = 7 of E = 15 epochs: 1/3 - 7/45 each for the early steps.
    weights = torch.tensor([8 / 45, 8 / 45, 29 / 45], dtype=torch.float64)
    torch.testing.assert_close(between, (weights * after).sum(), check_dtype=False)


def test_the_first_half_is_first_order_and_the_second_is_not():
    learner, params = made("MAML++")
    network, rates = split_rates(params)
    adapted, _ = adapt_per_step(
        learner.model,
        network,
        EPISODE.support_x,
        EPISODE.support_y,
        inner_rates=rates,
        inner_steps=3,
    )
    ends = {name: p.detach().requires_grad_() for name, p in adapted.items()}
    logits, _ = functional_call(learner.model, ends, (EPISODE.query_x, 2, None))
    body = list(rates)
    at_the_end = torch.autograd.grad(
        F.cross_entropy(logits, EPISODE.query_y), [ends[name] for name in body]
    )
    _, early = outcome(learner, params, EPISODE, 0.49)
    _, late = outcome(learner, params, EPISODE, 0.5)
    for name, g in zip(body, at_the_end, strict=True):  # FOMAML: the gradient where it ended
        torch.testing.assert_close(early[name], g, msg=name)
    assert not torch.allclose(late["convs.0.weight"], early["convs.0.weight"], rtol=1e-3)


def assert_learns_rates_by_differences(function):
    learner, params = made("MAML++")
    weights = torch.tensor([0.0, 0.3, 0.7], dtype=torch.float64)
    settings = {"step_weights": weights, "first_order": False}
    value, gradient = function(learner.model, params, BATCH, **settings)
    losses = torch.stack(
        [query_losses(params, Episode(*(field[k] for field in BATCH))) for k in range(2)]
    )
    torch.testing.assert_close(
        value.double(), (losses * weights).sum(1).mean(), rtol=1e-5, atol=1e-6
    )

    def loss(p):
        return torch.stack(
            [
                (query_losses(p, Episode(*(field[k] for field in BATCH))) * weights).sum()
                for k in range(2)
            ]
        ).mean()

    for name in ("convs.1.weight", "head.bias", "norms.2.steps.1.weight", f"{RATES}head.weight"):
        torch.testing.assert_close(
            gradient[name].reshape(-1)[1],
            slope(loss, params, name, 1),
            rtol=1e-4,
            atol=1e-8,
            msg=name,
        )


def with_settings(**other):
    return lambda *args, **settings: per_step_gradient(*args, **settings | other)


def scaled(factor, part=""):
    def function(*args, **settings):
        value, gradient = per_step_gradient(*args, **settings)
        return value, {n: factor * g if n.startswith(part) else g for n, g in gradient.items()}

    return function


def first_episode(model, params, episodes, **settings):
    return per_step_gradient(model, params, Episode(*(f[:1] for f in episodes)), **settings)


WRONG_GRADIENTS = {
    "first order": with_settings(first_order=True),
    "last step only": with_settings(step_weights=torch.tensor([0.0, 0.0, 1.0])),
    "all steps alike": with_settings(step_weights=torch.ones(3) / 3),
    "sum of episodes": scaled(2),
    "rates stand still": scaled(0, RATES),
    "norms stand still": scaled(0, "norms."),
    "one episode of two": first_episode,
}


def test_weights_norms_and_rates_learn_what_finite_differences_say():
    assert_learns_rates_by_differences(per_step_gradient)


@pytest.mark.parametrize("wrong", WRONG_GRADIENTS.values(), ids=WRONG_GRADIENTS.keys())
def test_wrong_gradients_are_told(wrong):
    with pytest.raises(AssertionError):
        assert_learns_rates_by_differences(wrong)


def test_the_norms_stay_in_the_inner_loop():
    _, params = made("MAML++")
    assert not any("norms" in name for name in split_rates(params)[1])
    assert {name for name in params if name.startswith(RATES)} == {
        RATES + name for name in params if re.match(r"convs|head", name)
    }


def test_maml_pp_without_steps_is_refused():
    with pytest.raises(ValueError, match="inner_steps must be at least 1, got 0"):
        maml_pp_learner(1, 3, width=4, inner_lr=0.1, inner_steps=0)
