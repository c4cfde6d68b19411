import pytest
import torch
from torch import nn

from medmeta_ref.anil import anil_loss
from medmeta_ref.backbones import conv4
from medmeta_ref.episodes import Episode
from medmeta_ref.inner_loop import adapt, task_loss
from medmeta_ref.maml import maml_loss
from medmeta_ref.params import initial_params


class BodyAndHead(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(3, 4), nn.Tanh())
        self.head = nn.Linear(4, 3)

    def forward(self, x):
        return self.head(self.body(x))


def problem():
    generator = torch.Generator().manual_seed(0)
    model = BodyAndHead()
    params = {
        n: torch.randn(p.shape, generator=generator, dtype=torch.float64)
        for n, p in model.named_parameters()
    }
    xs, xq = torch.randn(2, 6, 3, generator=generator, dtype=torch.float64)
    return model, params, Episode(xs, torch.arange(6) % 3, xq, torch.arange(6) % 3)


def by_hand(params, episode, *, inner_lr, inner_steps):
    """ANIL for this network written out: the body's features once, then softmax regression."""
    body = lambda x: torch.tanh(x @ params["body.0.weight"].T + params["body.0.bias"])  # noqa: E731
    w, b = params["head.weight"], params["head.bias"]
    features, one_hot = (
        body(episode.support_x),
        torch.eye(3, dtype=torch.float64)[episode.support_y],
    )
    for _ in range(inner_steps):
        error = ((features @ w.T + b).softmax(1) - one_hot) / len(features)
        w, b = w - inner_lr * error.T @ features, b - inner_lr * error.sum(0)
    logits = body(episode.query_x) @ w.T + b
    return -logits.log_softmax(1)[torch.arange(6), episode.query_y].mean()


def assert_anil(loss_of):
    """Judge an ANIL loss by value and gradient of the network written out."""
    model, params, episode = problem()
    settings = {"inner_lr": 0.4, "inner_steps": 3}
    leaf = {n: p.clone().requires_grad_() for n, p in params.items()}
    wanted = by_hand(leaf, episode, **settings)
    got = loss_of(model, leaf, episode, **settings, head="head")
    torch.testing.assert_close(got, wanted)
    for n, p in leaf.items():
        wanted_g, got_g = (
            torch.autograd.grad(v, p, retain_graph=True, allow_unused=True)[0]
            for v in (wanted, got)
        )
        assert got_g is not None, n
        torch.testing.assert_close(got_g, wanted_g)


def everything_adapts(model, params, episode, *, head, **settings):
    return maml_loss(model, params, episode, **settings)


def body_adapts(model, params, episode, *, head, **settings):
    return maml_loss(model, params, episode, head="body", **settings)


def body_frozen_outside_too(model, params, episode, *, head, **settings):
    frozen = {n: p if n.startswith(head) else p.detach() for n, p in params.items()}
    return anil_loss(model, frozen, episode, head=head, **settings)


def head_detached(model, params, episode, *, head, **settings):
    return maml_loss(model, params, episode, head=head, first_order=True, **settings)


def nothing_adapts(model, params, episode, *, head, inner_steps, inner_lr):
    return task_loss(model, params, episode.query_x, episode.query_y)


def one_step(model, params, episode, *, inner_steps, **settings):
    return anil_loss(model, params, episode, inner_steps=1, **settings)


def test_anil_equals_softmax_regression_on_the_body_features():
    assert_anil(anil_loss)


@pytest.mark.parametrize(
    "wrong",
    [
        everything_adapts,
        body_adapts,
        body_frozen_outside_too,
        head_detached,
        nothing_adapts,
        one_step,
    ],
)
def test_judge_of_anil_rejects(wrong):
    with pytest.raises(AssertionError):
        assert_anil(wrong)


def test_anil_is_maml_where_the_head_is_the_whole_network():
    generator = torch.Generator().manual_seed(1)
    model = nn.Sequential()
    model.add_module("head", nn.Linear(3, 3))
    params = initial_params(model, generator=generator)
    xs, xq = torch.randn(2, 6, 3, generator=generator)
    episode = Episode(xs, torch.arange(6) % 3, xq, torch.arange(6) % 3)
    settings = {"inner_lr": 0.4, "inner_steps": 3}
    torch.testing.assert_close(
        anil_loss(model, params, episode, **settings, head="head"),
        maml_loss(model, params, episode, **settings),
    )


def test_body_of_a_conv_net_is_the_very_same_after_adaptation():
    generator = torch.Generator().manual_seed(2)
    model = conv4(1, width=8, n_outputs=3)
    params = initial_params(model, generator=generator)
    x, y = torch.randn(6, 1, 28, 28, generator=generator), torch.arange(6) % 3
    adapted = adapt(model, params, x, y, inner_lr=0.1, inner_steps=2, head="head")
    for name, p in params.items():
        assert (adapted[name] is p) == name.startswith("blocks."), name


def test_head_that_is_not_there_is_named():
    model, params, episode = problem()
    with pytest.raises(ValueError, match=r"head='classifier'; there are body\.0, head"):
        anil_loss(model, params, episode, inner_lr=0.1, inner_steps=1, head="classifier")
