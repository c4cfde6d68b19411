"""That with support statistics no query touches another, and the support set decides."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from medmeta_ref.backbones import ConvNet
from medmeta_ref.params import forward, initial_params
from medmeta_ref.support_statistics import (
    SupportBatchNorm2d,
    support_statistics_forward,
    with_support_statistics,
)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def images(n, seed=1):
    return torch.randn(n, 2, 8, 8, generator=seeded(seed), dtype=torch.float64)


def network(norm="batch"):
    """Return a network of two blocks and parameters none of which is at its first value."""
    model = ConvNet(2, (3, 4), n_outputs=3, norm=norm)
    params = initial_params(model, generator=seeded())
    noise = seeded(9)
    return model, {
        name: p.double() + 0.3 * torch.randn(p.shape, generator=noise, dtype=torch.float64)
        for name, p in params.items()
    }


MODEL, PARAMS = network()


def assert_is_inductive(function):
    support, query = images(6, 2), 2 + 3 * images(5, 3)
    found = function(MODEL, PARAMS, support, query)
    assert found.shape == (5, 3)
    # Where support and query are the same images, their statistics are the batch's.
    plain = forward(MODEL, PARAMS, support)
    torch.testing.assert_close(function(MODEL, PARAMS, support, support), plain)
    # Each query alone, in another order, or among strangers: the same answer.
    alone = torch.cat([function(MODEL, PARAMS, support, one[None]) for one in query])
    torch.testing.assert_close(alone, found)
    torch.testing.assert_close(function(MODEL, PARAMS, support, query.flip(0)), found.flip(0))
    strangers = torch.cat([query[:1], 100 * images(3, 4)])
    torch.testing.assert_close(function(MODEL, PARAMS, support, strangers)[:1], found[:1])
    # The support set is a set, and it matters.
    torch.testing.assert_close(function(MODEL, PARAMS, support.flip(0), query), found)
    assert not torch.allclose(function(MODEL, PARAMS, support + images(6, 5), query), found)


def test_no_query_touches_another():
    assert_is_inductive(support_statistics_forward)


def by_hand(model, params, support, query, *, correction=0, eps=1e-5, layers=2, seen_by=None):
    """Return the answer worked out layer by layer, with a loop over channels."""
    for k in range(2):
        name = f"blocks.{k}.0.weight"
        scale, shift = params[f"blocks.{k}.1.weight"], params[f"blocks.{k}.1.bias"]
        seen = F.conv2d(support, (seen_by or params)[name], padding=1)
        x = F.conv2d(query, params[name], padding=1)
        if k >= layers:
            support, query = (
                F.batch_norm(z, None, None, scale, shift, training=True) for z in (seen, x)
            )
        else:
            normalised = []
            for z in (seen, x):
                z = z.clone()
                for c in range(z.shape[1]):
                    channel = seen[:, c].flatten()
                    spread = (channel.var(correction=correction) + eps).sqrt()
                    z[:, c] = (z[:, c] - channel.mean()) / spread * scale[c] + shift[c]
                normalised.append(z)
            support, query = normalised
        support, query = (F.max_pool2d(z, 2).clamp(min=0) for z in (support, query))
    return query.mean((-2, -1)) @ params["head.weight"].T + params["head.bias"]


def test_statistics_are_those_that_the_support_set_shows_in_each_layer():
    support, query = images(6, 2), images(5, 3)
    torch.testing.assert_close(
        support_statistics_forward(MODEL, PARAMS, support, query),
        by_hand(MODEL, PARAMS, support, query),
    )


BEFORE = {name: p + 0.5 for name, p in PARAMS.items()}
WRONG = {
    "statistics of the queries": lambda m, p, s, q: forward(m, p, q),
    "statistics of support and queries": lambda m, p, s, q: forward(m, p, torch.cat([s, q]))[
        len(s) :
    ],
    "unbiased variance": lambda m, p, s, q: by_hand(m, p, s, q, correction=1),
    "first layer only": lambda m, p, s, q: by_hand(m, p, s, q, layers=1),
    "large eps": lambda m, p, s, q: by_hand(m, p, s, q, eps=1e-2),
    "the answer to the support set": lambda m, p, s, q: support_statistics_forward(m, p, s, s)[:5],
    "queries first": lambda m, p, s, q: support_statistics_forward(m, p, q, s)[:5],
    "statistics before adaptation": lambda m, p, s, q: by_hand(m, p, s, q, seen_by=BEFORE),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_wrong_statistics_are_told(wrong):
    with pytest.raises((AssertionError, ValueError)):
        assert_is_inductive(wrong)


def test_the_model_is_as_before():
    before = copy.deepcopy(MODEL.state_dict())
    kinds = [type(layer) for layer in MODEL.modules()]
    support_statistics_forward(MODEL, PARAMS, images(4), images(2))
    assert [type(layer) for layer in MODEL.modules()] == kinds
    assert SupportBatchNorm2d not in kinds
    assert all(torch.equal(before[name], value) for name, value in MODEL.state_dict().items())


def test_group_norm_needs_no_support():
    model, params = network("group")
    query = images(3)
    found = support_statistics_forward(model, params, images(4, 2), query)
    torch.testing.assert_close(found, forward(model, params, query))


def test_gradient_passes_through_the_statistics():
    support, query = images(4, 2), images(3, 3)
    weight = PARAMS["blocks.0.0.weight"][:1].clone().requires_grad_()

    def loss(part):
        first = torch.cat([part, PARAMS["blocks.0.0.weight"][1:]])
        params = PARAMS | {"blocks.0.0.weight": first}
        return support_statistics_forward(MODEL, params, support, query).square().sum()

    assert torch.autograd.gradcheck(loss, weight)


@pytest.mark.parametrize("n", [0, -1])
def test_an_empty_support_set_is_refused(n):
    with pytest.raises(ValueError, match=f"n_support must be at least 1, got {n}"):
        with_support_statistics(MODEL, n_support=n)


def test_running_statistics_are_refused_by_name():
    with pytest.raises(ValueError, match=r"batch norm '1' keeps running .*track_running_stats"):
        with_support_statistics(nn.Sequential(nn.ReLU(), nn.BatchNorm2d(2)), n_support=2)


def test_images_of_two_sizes_are_refused():
    with pytest.raises(ValueError, match=r"support images are \(2, 8, 8\), query images \(2, 4"):
        support_statistics_forward(MODEL, PARAMS, images(4), images(2)[..., :4, :])
