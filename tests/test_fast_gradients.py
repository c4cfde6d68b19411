"""The fast path against the readable functions, differentiated, in float64."""

import pytest
import torch

from medmeta_ref.anil import anil_gradient, anil_loss
from medmeta_ref.backbones import ConvNet, conv4
from medmeta_ref.episodes import Episode
from medmeta_ref.fast import gradients as fast
from medmeta_ref.inner_loop import adapt
from medmeta_ref.maml import maml_gradient, maml_loss
from medmeta_ref.prototypical import prototypical_gradient, prototypical_loss
from medmeta_ref.reptile import reptile_gradient, reptile_update

STEPS = {"inner_lr": 0.2, "inner_steps": 3}


def problem(*, n_tasks=3, size=20, n_outputs=3, norm="batch", seed=0):
    """A two-block network whose scales have both signs, and a batch of 3-way episodes."""
    generator = torch.Generator().manual_seed(seed)
    model = ConvNet(2, (4, 6), n_outputs=n_outputs, norm=norm)

    def randn(*shape):
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    params = {name: 0.5 * randn(*p.shape) for name, p in model.named_parameters()}
    support_y, query_y = torch.arange(3).repeat(2), torch.arange(3).repeat(3)
    episodes = Episode(
        randn(n_tasks, 6, 2, size, size),
        support_y.expand(n_tasks, -1),
        randn(n_tasks, 9, 2, size, size),
        query_y.expand(n_tasks, -1),
    )
    return model, params, episodes


def differentiated(loss, params):
    leaves = {name: p.clone().requires_grad_() for name, p in params.items()}
    value = loss(leaves)
    gradient = torch.autograd.grad(value, list(leaves.values()))
    return value.detach(), dict(zip(leaves, gradient, strict=True))


def assert_same(got, wanted):
    torch.testing.assert_close(got[0], wanted[0], rtol=1e-10, atol=1e-12)
    assert got[1].keys() == wanted[1].keys()
    for name, gradient in wanted[1].items():
        torch.testing.assert_close(got[1][name], gradient, rtol=1e-8, atol=1e-11)
        assert not got[1][name].requires_grad


# name -> (the fast function, the readable loss it has to be the gradient of)
METHODS = {
    "maml": (
        lambda *a, **k: maml_gradient(*a, **STEPS, **k),
        lambda m, p, e: maml_loss(m, p, e, **STEPS),
    ),
    "maml, low memory": (
        lambda *a, **k: maml_gradient(*a, **STEPS, memory="low", **k),
        lambda m, p, e: maml_loss(m, p, e, **STEPS),
    ),
    "fomaml": (
        lambda *a, **k: maml_gradient(*a, **STEPS, first_order=True, **k),
        lambda m, p, e: maml_loss(m, p, e, **STEPS, first_order=True),
    ),
    "anil": (
        lambda *a, **k: anil_gradient(*a, **STEPS, head="head", **k),
        lambda m, p, e: anil_loss(m, p, e, **STEPS, head="head"),
    ),
    "prototypical": (prototypical_gradient, prototypical_loss),
}


def method(name, **settings):
    """Return gradient function, loss, and the problem that the method can be asked."""
    gradient_of, loss = METHODS[name]
    outputs = None if name == "prototypical" else 3
    return gradient_of, loss, problem(n_outputs=outputs, **settings)


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize(("n_tasks", "threads"), [(1, 1), (3, 1), (6, 1), (5, 2)])
def test_gradient_is_that_of_the_readable_loss(name, n_tasks, threads):
    gradient_of, loss, (model, params, episodes) = method(name, n_tasks=n_tasks)
    assert fast.runs(model, params, episodes)
    before = {name: p.clone() for name, p in params.items()}
    got = gradient_of(model, params, episodes, threads=threads)
    assert_same(got, differentiated(lambda p: loss(model, p, episodes), params))
    assert all(torch.equal(params[name], p) for name, p in before.items())


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("size", [28, 21, 7, 4])
def test_gradient_holds_for_odd_sizes(name, size):
    gradient_of, loss, (model, params, episodes) = method(name, size=size, n_tasks=2)
    assert fast.runs(model, params, episodes)
    got = gradient_of(model, params, episodes)
    assert_same(got, differentiated(lambda p: loss(model, p, episodes), params))


@pytest.mark.parametrize("name", METHODS)
def test_one_episode_without_the_batch_axis_is_a_batch_of_one(name):
    gradient_of, _, (model, params, episodes) = method(name, n_tasks=1)
    single = Episode(*(field[0] for field in episodes))
    assert_same(gradient_of(model, params, single), gradient_of(model, params, episodes))


@pytest.mark.parametrize("name", METHODS)
def test_group_norm_goes_the_readable_way_to_the_same_end(name):
    gradient_of, loss, (model, params, episodes) = method(name, norm="group", n_tasks=2)
    assert not fast.runs(model, params, episodes)
    got = gradient_of(model, params, episodes)
    assert_same(got, differentiated(lambda p: loss(model, p, episodes), params))


def wrong_task_order(model, params, episodes):
    return maml_gradient(
        model, params, episodes._replace(query_x=episodes.query_x.roll(1, 0)), **STEPS
    )


def one_step_less(model, params, episodes):
    return maml_gradient(model, params, episodes, inner_lr=0.2, inner_steps=2)


def hessian_left_out(model, params, episodes):
    return maml_gradient(model, params, episodes, **STEPS, first_order=True)


def summed_not_averaged(model, params, episodes):
    loss, gradient = maml_gradient(model, params, episodes, **STEPS)
    return 3 * loss, {name: 3 * g for name, g in gradient.items()}


def statistics_shared_by_tasks(model, params, episodes):
    joined = Episode(*(field.flatten(0, 1)[None] for field in episodes))
    return maml_gradient(model, params, joined, **STEPS)


@pytest.mark.parametrize(
    "wrong",
    [
        wrong_task_order,
        one_step_less,
        hessian_left_out,
        summed_not_averaged,
        statistics_shared_by_tasks,
    ],
)
def test_the_comparison_rejects(wrong):
    model, params, episodes = problem()
    wanted = differentiated(lambda p: maml_loss(model, p, episodes, **STEPS), params)
    with pytest.raises(AssertionError):
        assert_same(wrong(model, params, episodes), wanted)


@pytest.mark.parametrize("norm", ["batch", "group"])
@pytest.mark.parametrize("inner_steps", [1, 2, 4])
def test_reptile_walks_back_from_the_mean_of_the_adapted(norm, inner_steps):
    model, params, episodes = problem(norm=norm)
    settings = {"inner_lr": 0.2, "inner_steps": inner_steps}
    loss, way_back = reptile_gradient(model, params, episodes, **settings)
    adapted = [
        adapt(model, params, x, y, **settings)
        for x, y in zip(episodes.support_x, episodes.support_y, strict=True)
    ]
    wanted = reptile_update(params, adapted, outer_lr=0.3)
    for name, p in params.items():
        torch.testing.assert_close(p - 0.3 * way_back[name], wanted[name])
    # A gradient step from where the last step began lowers that loss by about inner_lr |g|².
    assert loss.ndim == 0
    assert loss.isfinite()


def test_reptile_reports_the_loss_before_its_last_step():
    model, params, episodes = problem(n_tasks=2)
    for norm in ("batch", "group"):
        model, params, episodes = problem(n_tasks=2, norm=norm)
        loss, _ = reptile_gradient(model, params, episodes, inner_lr=0.2, inner_steps=1)
        support_as_query = Episode(*episodes[:2], *episodes[:2])
        wanted = maml_loss(model, params, support_as_query, inner_lr=0.2, inner_steps=0)
        torch.testing.assert_close(loss, wanted)


def test_conv4_in_float32_is_close_too():
    generator = torch.Generator().manual_seed(0)
    model = conv4(1, width=8, n_outputs=3)
    params = {
        n: 0.3 * torch.randn(p.shape, generator=generator) for n, p in model.named_parameters()
    }
    x, y = torch.randn(2, 6, 1, 28, 28, generator=generator), torch.arange(3).repeat(2, 2)
    episodes = Episode(x, y, x.flip(0), y)
    # One short step: a longer way may cross a kink of ReLU or of the maximum in one of the two.
    settings = {"inner_lr": 0.01, "inner_steps": 1}
    _, got = maml_gradient(model, params, episodes, **settings)
    _, wanted = differentiated(lambda p: maml_loss(model, p, episodes, **settings), params)
    for name, gradient in wanted.items():
        torch.testing.assert_close(got[name], gradient, rtol=1e-3, atol=1e-4)
        assert got[name].dtype == torch.float32


@pytest.mark.parametrize(
    "change",
    [
        {"size": 3},  # nothing left after two poolings
        {"norm": "group"},
    ],
)
def test_what_the_fast_path_cannot_do_it_leaves_alone(change):
    assert not fast.runs(*problem(**change))


def test_mixed_precision_foreign_names_and_other_devices_are_left_alone():
    model, params, episodes = problem()
    assert not fast.runs(model, params, Episode(*(f.float() for f in episodes)))
    assert not fast.runs(model, {**params, "more": params["head.bias"]}, episodes)
    assert not fast.runs(torch.nn.Linear(2, 2), params, episodes)
    elsewhere = {name: p.to("meta") for name, p in params.items()}
    assert not fast.runs(model, elsewhere, episodes)


@pytest.mark.parametrize("name", METHODS)
def test_no_thread_at_all_is_refused(name):
    gradient_of, _, (model, params, episodes) = method(name)
    with pytest.raises(ValueError, match="threads must be at least 1, got 0"):
        gradient_of(model, params, episodes, threads=0)


def test_negative_steps_and_unknown_memory_are_refused():
    model, params, episodes = problem()
    with pytest.raises(ValueError, match="inner_steps must be 0 or more, got -1"):
        maml_gradient(model, params, episodes, inner_lr=0.1, inner_steps=-1)
    with pytest.raises(ValueError, match="inner_steps must be 1 or more, got 0"):
        reptile_gradient(model, params, episodes, inner_lr=0.1, inner_steps=0)
    with pytest.raises(ValueError, match='memory must be "fast" or "low", got'):
        maml_gradient(model, params, episodes, **STEPS, memory="flat")
