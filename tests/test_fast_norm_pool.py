"""The block's closed forms against finite differences, and its values against PyTorch's layers."""

import pytest
import torch
import torch.nn.functional as F

from medmeta_ref.fast.norm_pool import norm_pool

EPS = 1e-3


def by_torch(x, weight, bias, *, eps):
    normal = F.batch_norm(x, None, None, weight, bias, training=True, eps=eps)
    return F.max_pool2d(F.relu(normal), 2)


def random_case(*, height, width, seed=0, n=3, channels=4):
    """Images with scales of both signs; all pixels different, so that no maximum is a tie."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, channels, height, width, generator=generator, dtype=torch.float64)
    weight = torch.tensor([1.0, -0.7, 0.4, -1.3], dtype=torch.float64)[:channels]
    bias = torch.tensor([0.2, 0.1, -0.3, 0.0], dtype=torch.float64)[:channels]
    leaf = x.contiguous(memory_format=torch.channels_last).requires_grad_()
    return leaf, weight.requires_grad_(), bias.requires_grad_()


SIZES = [(4, 4), (5, 4), (4, 7), (7, 5), (2, 2)]


def assert_values(block):
    for height, width in SIZES:
        x, weight, bias = random_case(height=height, width=width)
        got = block(x, weight, bias, eps=EPS)
        torch.testing.assert_close(got, by_torch(x, weight, bias, eps=EPS))


def sign_ignored(x, weight, bias, *, eps):
    return norm_pool(x, weight.abs(), bias, eps=eps)


def unbiased_variance(x, weight, bias, *, eps):
    n = x.numel() / x.shape[1]
    return norm_pool(x, weight * ((n - 1) / n) ** 0.5, bias, eps=eps)


def eps_forgotten(x, weight, bias, *, eps):
    return norm_pool(x, weight, bias, eps=0.0)


def odd_pixels_forgotten(x, weight, bias, *, eps):
    height, width = (size // 2 * 2 for size in x.shape[2:])
    return norm_pool(x[..., :height, :width], weight, bias, eps=eps)


def bias_after_relu(x, weight, bias, *, eps):
    return norm_pool(x, weight, torch.zeros_like(bias), eps=eps) + bias[:, None, None]


def averaged(x, weight, bias, *, eps):
    normal = F.batch_norm(x, None, None, weight, bias, training=True, eps=eps)
    return F.avg_pool2d(F.relu(normal), 2)


def each_image_alone(x, weight, bias, *, eps):
    return torch.cat([norm_pool(one[None], weight, bias, eps=eps) for one in x])


def test_values_are_those_of_the_three_layers():
    assert_values(norm_pool)


@pytest.mark.parametrize(
    "wrong",
    [
        sign_ignored,
        unbiased_variance,
        eps_forgotten,
        odd_pixels_forgotten,
        bias_after_relu,
        averaged,
        each_image_alone,
    ],
)
def test_judge_of_the_values_rejects(wrong):
    with pytest.raises(AssertionError):
        assert_values(wrong)


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_both_derivatives_are_finite_differences(height, width):
    case = random_case(height=height, width=width)

    def block(x, weight, bias):
        return norm_pool(x, weight, bias, eps=EPS)

    assert torch.autograd.gradcheck(block, case)
    assert torch.autograd.gradgradcheck(block, case)


def scaled(factors):
    """Return a block whose second derivatives are wrong: each multiplied by its factor."""

    class Scale(torch.autograd.Function):
        @staticmethod
        def forward(ctx, *tensors):
            return tuple(t.clone() for t in tensors)

        @staticmethod
        def backward(ctx, *gradients):
            return tuple(f * g for f, g in zip(factors, gradients, strict=True))

    def block(x, weight, bias):
        return norm_pool(*Scale.apply(x, weight, bias), eps=EPS)

    return block


@pytest.mark.parametrize("factors", [(1.01, 1, 1), (1, 1.01, 1), (1, 1, 1.01)])
def test_the_check_of_the_derivatives_can_fail(factors):
    case = random_case(height=4, width=4)
    with pytest.raises(RuntimeError, match="Jacobian mismatch"):
        torch.autograd.gradcheck(scaled(factors), case)


def test_equal_pixels_pass_the_gradient_to_the_first_as_torch_does():
    # A black background is one large tie; finite differences are of no use there.
    x = torch.zeros(2, 2, 6, 6, dtype=torch.float64)
    x[:, :, 3:] = torch.arange(18.0, dtype=torch.float64).view(3, 6)
    x = x.contiguous(memory_format=torch.channels_last).requires_grad_()
    weight = torch.tensor([1.0, 0.5], dtype=torch.float64, requires_grad=True)
    bias = torch.tensor([2.0, 2.0], dtype=torch.float64, requires_grad=True)
    inputs, results = (x, weight, bias), []
    for block in (norm_pool, by_torch):
        loss = block(x, weight, bias, eps=EPS).pow(3).sum()
        first = torch.autograd.grad(loss, inputs, create_graph=True)
        second = torch.autograd.grad(sum(g.pow(2).sum() for g in first), inputs)
        results.append([*first, *second])
    for got, wanted in zip(*results, strict=True):
        torch.testing.assert_close(got, wanted, rtol=1e-9, atol=1e-9)


def test_moments_of_nearly_constant_images_keep_their_digits():
    generator = torch.Generator().manual_seed(0)
    x = 1000 + torch.randn(8, 3, 28, 28, generator=generator)
    got = norm_pool(x, torch.ones(3), torch.zeros(3), eps=1e-5)
    wanted = by_torch(x.double(), torch.ones(3).double(), torch.zeros(3).double(), eps=1e-5)
    torch.testing.assert_close(got.double(), wanted, rtol=1e-3, atol=1e-3)


def test_images_in_any_memory_format_give_the_same():
    x, weight, bias = random_case(height=6, width=4)
    results = []
    for images in (x, x.detach().contiguous().requires_grad_()):
        out = norm_pool(images, weight, bias, eps=EPS)
        assert out.is_contiguous(memory_format=torch.channels_last)
        (first,) = torch.autograd.grad(out.pow(3).sum(), images, create_graph=True)
        (second,) = torch.autograd.grad(first.pow(2).sum(), images)
        results.append((out, first, second))
    for got, wanted in zip(*results, strict=True):
        torch.testing.assert_close(got, wanted)


def test_a_third_derivative_is_refused_rather_than_wrong():
    x, weight, bias = random_case(height=4, width=4)
    loss = norm_pool(x, weight, bias, eps=EPS).pow(3).sum()
    (first,) = torch.autograd.grad(loss, x, create_graph=True)
    with pytest.raises(RuntimeError, match="two derivatives in closed form, and a third"):
        torch.autograd.grad(first.pow(2).sum(), x, create_graph=True)


@pytest.mark.parametrize("shape", [(0, 1, 4, 4), (2, 1, 1, 4), (2, 4, 4)])
def test_images_without_a_window_are_refused(shape):
    with pytest.raises(ValueError, match=r"height and width of at least 2"):
        norm_pool(torch.zeros(shape), torch.ones(1), torch.zeros(1), eps=EPS)
