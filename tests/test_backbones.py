"""What the networks promise: sizes, no state, gradients, and who sees whom."""

import pytest
import torch
from torch import nn
from torch.func import functional_call, grad, vmap

from medmeta_ref.backbones import ConvNet, conv4
from medmeta_ref.params import forward, initial_params


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def double(model, seed=0):
    """Return float64 parameters with random scales and biases, so that neither goes unnoticed."""
    params = initial_params(model, generator=seeded(seed))
    noise = {n: 0.3 * torch.randn(p.shape, generator=seeded(seed + 1)) for n, p in params.items()}
    return {n: (p + noise[n]).double() for n, p in params.items()}


def images(n=6, channels=3, size=28, seed=9):
    return torch.randn(n, channels, size, size, generator=seeded(seed), dtype=torch.float64)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("size", "n_features"), [(28, 32), (32, 32 * 2 * 2), (64, 32 * 4 * 4)])
def test_features_are_width_times_what_four_halvings_leave(channels, size, n_features):
    model = conv4(channels, width=32)
    assert model(torch.zeros(2, channels, size, size)).shape == (2, n_features)


@pytest.mark.parametrize("norm", ["batch", "group"])
def test_a_head_gives_one_logit_per_class_at_any_size(norm):
    model = conv4(3, width=8, n_outputs=7, norm=norm)
    for size in (28, 64):
        assert model(torch.zeros(2, 3, size, size)).shape == (2, 7)


def test_every_width_is_its_own():
    model = ConvNet(1, (4, 6, 8))
    assert [p.shape[0] for p in model.parameters() if p.ndim == 4] == [4, 6, 8]
    assert model(torch.zeros(2, 1, 28, 28)).shape == (2, 8 * 3 * 3)


def test_number_of_parameters_is_that_of_the_paper_without_convolution_biases():
    width, in_channels = 64, 3
    convolutions = 9 * width * (in_channels + 3 * width)
    scales_and_shifts = 4 * 2 * width
    count = sum(p.numel() for p in conv4(in_channels, width=width).parameters())
    assert count == convolutions + scales_and_shifts


@pytest.mark.parametrize("norm", ["batch", "group"])
def test_networks_keep_no_state(norm):
    model = conv4(3, width=8, n_outputs=2, norm=norm)
    assert list(model.buffers()) == []
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    first = model(torch.randn(4, 3, 28, 28, generator=seeded()))
    model(torch.randn(4, 3, 28, 28, generator=seeded(1)))
    assert torch.equal(model(torch.randn(4, 3, 28, 28, generator=seeded())), first)
    assert torch.equal(model.eval()(torch.randn(4, 3, 28, 28, generator=seeded())), first)
    assert all(torch.equal(p, before[name]) for name, p in model.named_parameters())


def of_the_paper(params, x):
    """Return conv4 as Vinyals et al. write it: convolution, batch norm, ReLU, then pooling."""
    for k in range(4):
        x = nn.functional.conv2d(x, params[f"blocks.{k}.0.weight"], padding=1)
        mean = x.mean((0, 2, 3), keepdim=True)
        variance = ((x - mean) ** 2).mean((0, 2, 3), keepdim=True)
        x = (x - mean) / (variance + 1e-5).sqrt()
        scale, shift = params[f"blocks.{k}.1.weight"], params[f"blocks.{k}.1.bias"]
        x = x * scale[:, None, None] + shift[:, None, None]
        x = nn.functional.max_pool2d(x.clamp(min=0), 2)
    return x.flatten(1)


def test_pooling_before_relu_changes_neither_value_nor_gradient():
    model = conv4(3, width=8)
    params, x = double(model), images()
    torch.testing.assert_close(forward(model, params, x), of_the_paper(params, x))
    mine = grad(lambda p: forward(model, p, x).square().sum())(params)
    papers = grad(lambda p: of_the_paper(p, x).square().sum())(params)
    for name in params:
        torch.testing.assert_close(mine[name], papers[name])


def test_the_head_reads_the_mean_over_all_places():
    model = conv4(1, width=4, n_outputs=3)
    params, x = double(model), images(channels=1, size=64)
    body = conv4(1, width=4)
    features = functional_call(
        body, {n: p for n, p in params.items() if n in dict(body.named_parameters())}, x
    )
    means = features.reshape(6, 4, 16).sum(2) / 16
    by_hand = means @ params["head.weight"].T + params["head.bias"]
    torch.testing.assert_close(forward(model, params, x), by_hand)


@pytest.mark.parametrize("norm", ["batch", "group"])
def test_functional_gradient_equals_backward(norm):
    model = conv4(3, width=4, n_outputs=3, norm=norm)
    params, x, y = double(model), images(), torch.tensor([0, 1, 2, 0, 1, 2])

    def loss(p):
        return nn.functional.cross_entropy(forward(model, p, x), y)

    leaves = {name: p.clone().requires_grad_() for name, p in params.items()}
    loss(leaves).backward()
    for name, gradient in grad(loss)(params).items():
        torch.testing.assert_close(gradient, leaves[name].grad)


@pytest.mark.parametrize("norm", ["batch", "group"])
def test_vmap_over_episodes_equals_a_loop(norm):
    """Values and gradients: this is how several tasks are trained at once."""
    model = conv4(1, width=4, norm=norm)
    params, batches = double(model), torch.stack([images(channels=1, seed=s) for s in (1, 2, 3)])

    def loss(p, x):
        return forward(model, p, x).square().mean()

    together = vmap(grad(loss), in_dims=(None, 0))(params, batches)
    for k, x in enumerate(batches):
        for name, gradient in grad(loss)(params, x).items():
            torch.testing.assert_close(together[name][k], gradient)


def test_the_meta_gradient_can_be_taken_through_an_inner_step():
    """Finite differences through one inner gradient step, in float64."""
    model = ConvNet(1, (3, 3), n_outputs=2)
    params, x, y = double(model), images(4, 1, 8), torch.tensor([0, 1, 0, 1])

    def task_loss(p):
        return nn.functional.cross_entropy(forward(model, p, x), y)

    def outer(p):
        inner = grad(task_loss)(p)
        return task_loss({name: p[name] - 0.1 * inner[name] for name in p})

    meta = grad(outer)(params)
    along = {
        name: torch.randn(p.shape, generator=seeded(4), dtype=p.dtype) for name, p in params.items()
    }
    step = 1e-6

    def shifted(sign):
        return outer({name: p + sign * step * along[name] for name, p in params.items()}).item()

    slope = (shifted(1) - shifted(-1)) / (2 * step)
    assert sum((meta[n] * along[n]).sum().item() for n in params) == pytest.approx(slope, rel=1e-4)


def one_alone_and_in_company(norm, n_outputs):
    model = conv4(3, width=8, n_outputs=n_outputs, norm=norm)
    params, x = double(model), images(7)
    in_company = forward(model, params, x)[:2]
    other_company = forward(model, params, torch.cat([x[:2], images(5, seed=33) * 3 + 1]))[:2]
    return forward(model, params, x[:2]), in_company, other_company


@pytest.mark.parametrize("n_outputs", [None, 3])
def test_with_group_norm_a_prediction_does_not_depend_on_its_neighbours(n_outputs):
    alone, in_company, other_company = one_alone_and_in_company("group", n_outputs)
    torch.testing.assert_close(alone, in_company)
    torch.testing.assert_close(alone, other_company)


@pytest.mark.parametrize("n_outputs", [None, 3])
def test_with_batch_norm_it_does_which_is_transduction(n_outputs):
    alone, in_company, other_company = one_alone_and_in_company("batch", n_outputs)
    assert (alone - in_company).abs().max() > 0.1
    assert (in_company - other_company).abs().max() > 0.1


@pytest.mark.parametrize("norm", ["batch", "group"])
def test_reordering_a_batch_reorders_the_predictions(norm):
    model = conv4(3, width=8, norm=norm)
    params, x = double(model), images()
    order = torch.tensor([3, 1, 5, 0, 2, 4])
    torch.testing.assert_close(forward(model, params, x[order]), forward(model, params, x)[order])


def test_no_width_is_refused_with_an_example():
    with pytest.raises(
        ValueError, match=r"widths must name at least one block.*\(32, 32, 32, 32\)"
    ):
        ConvNet(3, ())


def test_an_unknown_norm_is_refused_by_name():
    with pytest.raises(ValueError, match='norm must be "batch" or "group", got \'layer\''):
        conv4(3, width=8, norm="layer")


@pytest.mark.parametrize("width", [1, 2, 3, 6])
def test_group_norm_takes_any_width(width):
    assert conv4(1, width=width, norm="group")(torch.zeros(1, 1, 28, 28)).shape == (1, width)
