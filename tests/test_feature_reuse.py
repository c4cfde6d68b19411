"""Linear CKA, judged by all pairs of examples and by what must not change it."""

import pytest
import torch

from medmeta_ref.backbones import conv4
from medmeta_ref.feature_reuse import feature_reuse, layer_features, linear_cka
from medmeta_ref.params import forward, initial_params


def drawn(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def by_covariances(x, y):
    """The ratio of Frobenius norms, from the joint covariance matrix."""
    p, joint = x.shape[1], torch.cov(torch.cat([x, y], 1).T)
    own_x, own_y, cross = joint[:p, :p], joint[p:, p:], joint[:p, p:]
    return (cross**2).sum() / ((own_x**2).sum() * (own_y**2).sum()).sqrt()


@pytest.mark.parametrize(("n", "p", "q"), [(9, 3, 2), (4, 6, 5)])
def test_cka_is_the_ratio_of_covariances(n, p, q):
    x, y = drawn(n, p) + 5, drawn(n, q, seed=1) - 3
    torch.testing.assert_close(linear_cka(x, y), by_covariances(x, y))
    torch.testing.assert_close(linear_cka(x, y), linear_cka(y, x))


def test_turning_shifting_and_scaling_leaves_it_at_1_and_stretching_does_not():
    x = drawn(8, 4)
    turn = torch.linalg.qr(drawn(4, 4, seed=2)).Q
    torch.testing.assert_close(linear_cka(x, -3 * x @ turn + 7), torch.ones(()).double())
    assert linear_cka(x, x * torch.tensor([10.0, 1, 1, 1])) < 0.9


def test_uncorrelated_features_have_nothing_in_common():
    x = torch.tensor([[1.0], [-1.0], [1.0], [-1.0]])
    y = torch.tensor([[1.0], [1.0], [-1.0], [-1.0]])
    assert linear_cka(x, y) == 0


def test_more_features_than_examples_make_strangers_alike():
    assert linear_cka(drawn(10, 500), drawn(10, 500, seed=1)) > 0.8


@pytest.mark.parametrize(
    ("x", "y", "says"),
    [
        (torch.ones(3, 2), torch.ones(4, 2), r"got \(3, 2\) and \(4, 2\)"),
        (torch.ones(3), torch.ones(3), r"got \(3,\) and \(3,\)"),
        (torch.ones(3, 2), torch.eye(3), "is the same for all examples"),
    ],
)
def test_features_that_cannot_be_compared_are_refused(x, y, says):
    with pytest.raises(ValueError, match=says):
        linear_cka(x, y)


def network():
    model = conv4(1, width=4, n_outputs=3)
    params = initial_params(model, generator=torch.Generator().manual_seed(0))
    return model, params, drawn(6, 1, 28, 28).float()


def test_features_of_the_layers_end_in_the_networks_own_answer():
    model, params, x = network()
    features = layer_features(model, params, x)
    assert list(features) == ["block 1", "block 2", "block 3", "block 4", "head"]
    torch.testing.assert_close(features["head"], forward(model, params, x))
    body = conv4(1, width=4)
    own = {name: p for name, p in params.items() if not name.startswith("head.")}
    torch.testing.assert_close(features["block 4"], forward(body, own, x))
    assert "head" not in layer_features(body, own, x)


def test_only_layers_from_the_changed_one_on_differ():
    model, params, x = network()
    name = "blocks.2.0.weight"
    changed = params | {name: params[name] + drawn(*params[name].shape).float()}
    reuse = feature_reuse(model, params, changed, x)
    assert reuse["block 1"] == pytest.approx(1)
    assert reuse["block 2"] == pytest.approx(1)
    assert max(reuse[layer] for layer in ("block 3", "block 4")) < 0.999
