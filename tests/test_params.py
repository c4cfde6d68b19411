"""What fresh parameters are, and that a model computed with them is the model."""

import pytest
import torch
from torch import nn

from medmeta_ref.backbones import conv4
from medmeta_ref.params import forward, initial_params


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def model():
    return conv4(3, width=32, n_outputs=5)


def test_names_shapes_and_order_are_those_of_the_model(model):
    params = initial_params(model, generator=seeded())
    assert list(params) == [name for name, _ in model.named_parameters()]
    for name, p in model.named_parameters():
        assert params[name].shape == p.shape
        assert params[name].dtype == torch.float32
        assert not params[name].requires_grad


def assert_draws_he_normal(draw):
    """Hold the moments of many weights against He et al. 2015, eq. 10: mean 0, variance 2/n."""
    layers = {
        "linear": nn.Linear(50, 400),
        "convolution": nn.Conv2d(8, 200, 3, bias=True),
        "norm": nn.GroupNorm(4, 32),
    }
    for name, fan_in in (("linear", 50), ("convolution", 8 * 3 * 3)):
        params = draw(layers[name], generator=seeded())
        weights = params["weight"].double().flatten()
        n, std = len(weights), (2 / fan_in) ** 0.5
        # Four standard errors: of the mean, and of the standard deviation of a normal sample.
        assert abs(weights.mean()) < 4 * std / n**0.5
        assert abs(weights.std() - std) < 4 * std / (2 * n) ** 0.5
        fourth = ((weights / std) ** 4).mean()  # 3 for a normal, 1.8 for a uniform distribution
        assert abs(fourth - 3) < 4 * (96 / n) ** 0.5
        assert not params["bias"].any()
    norm = draw(layers["norm"], generator=seeded())
    assert bool((norm["weight"] == 1).all())
    assert not norm["bias"].any()


def with_weights(values):
    """Return a wrong `initial_params` whose weights of 2 and more axes come from `values`."""

    def draw(model, *, generator):
        params = initial_params(model, generator=generator)
        return {n: values(p, generator) if p.ndim >= 2 else p for n, p in params.items()}

    return draw


def with_vectors(value):
    def draw(model, *, generator):
        params = initial_params(model, generator=generator)
        return {n: torch.full_like(p, value) if p.ndim == 1 else p for n, p in params.items()}

    return draw


WRONG_DRAWS = {
    "unit variance": with_weights(lambda p, g: torch.randn(p.shape, generator=g)),
    "variance 1/n (Xavier's)": with_weights(
        lambda p, g: torch.randn(p.shape, generator=g) / p[0].numel() ** 0.5
    ),
    "fan out for fan in": with_weights(
        lambda p, g: torch.randn(p.shape, generator=g) * (2 / len(p)) ** 0.5
    ),
    "kernel size left out of fan in": with_weights(
        lambda p, g: torch.randn(p.shape, generator=g) * (2 / p.shape[1]) ** 0.5
    ),
    "uniform of the right variance": with_weights(
        lambda p, g: (torch.rand(p.shape, generator=g) * 2 - 1) * (6 / p[0].numel()) ** 0.5
    ),
    "not centred": with_weights(
        lambda p, g: torch.randn(p.shape, generator=g).abs() * (2 / p[0].numel()) ** 0.5
    ),
    "norm scales of zero": with_vectors(0.0),
    "biases of one": with_vectors(1.0),
}


def test_weights_are_he_normal_scales_one_and_biases_zero():
    assert_draws_he_normal(initial_params)


@pytest.mark.parametrize("wrong", WRONG_DRAWS.values(), ids=WRONG_DRAWS.keys())
def test_the_moments_tell_wrong_initialisations(wrong):
    with pytest.raises(AssertionError):
        assert_draws_he_normal(wrong)


def test_same_seed_gives_same_and_other_seed_other_parameters(model):
    first, again, other = (initial_params(model, generator=seeded(s)) for s in (1, 1, 2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["head.weight"], other["head.weight"])


def test_neither_the_model_nor_the_global_generator_is_touched(model):
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    state = torch.get_rng_state()
    initial_params(model, generator=seeded())
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(p, before[name]) for name, p in model.named_parameters())


def test_activations_keep_their_scale_through_many_rectified_layers():
    """The reason for the factor 2: the second moment survives the rectifier (He, section 2.2)."""
    deep = nn.Sequential(*(layer for _ in range(20) for layer in (nn.Linear(256, 256), nn.ReLU())))
    x = torch.randn(64, 256, generator=seeded(1))
    out = forward(deep, initial_params(deep, generator=seeded()), x)
    # A factor of 1 or 4 in place of 2 would leave 1e-6 or 1e6 times the second moment.
    assert 0.1 < out.square().mean() / x.square().mean() < 10


def test_forward_computes_with_the_given_parameters_only():
    linear = nn.Linear(2, 1)
    params = {"weight": torch.tensor([[3.0, 5.0]]), "bias": torch.tensor([7.0])}
    assert forward(linear, params, torch.tensor([[1.0, 10.0]])).item() == 3 + 50 + 7
    assert not torch.equal(linear.weight, params["weight"])


def test_forward_lets_gradient_into_the_given_parameters():
    linear = nn.Linear(2, 1)
    weight = torch.tensor([[3.0, 5.0]], requires_grad=True)
    out = forward(linear, {"weight": weight, "bias": torch.zeros(1)}, torch.tensor([[1.0, 10.0]]))
    [gradient] = torch.autograd.grad(out.sum(), [weight])
    assert gradient.tolist() == [[1.0, 10.0]]
    assert linear.weight.grad is None
