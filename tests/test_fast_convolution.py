"""The convolution against PyTorch's, and its derivatives against finite differences."""

import pytest
import torch

from medmeta_ref.fast.convolution import convolution


def case(*, groups, seed=0):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(2, groups * 2, 5, 4, generator=generator, dtype=torch.float64)
    weight = torch.randn(groups * 3, 2, 3, 3, generator=generator, dtype=torch.float64)
    leaf = x.contiguous(memory_format=torch.channels_last).requires_grad_()
    return leaf, weight.requires_grad_()


def by_hand(x, weight, *, groups):
    """Sum over shifted images, task by task."""
    n, _, height, width = x.shape
    padded = torch.nn.functional.pad(x, (1, 1, 1, 1))
    out = []
    for images, kernels in zip(padded.chunk(groups, 1), weight.chunk(groups), strict=True):
        total = torch.zeros(n, len(kernels), height, width, dtype=x.dtype)
        for dy in range(3):
            for dx in range(3):
                shifted = images[:, :, dy : dy + height, dx : dx + width]
                total = total + torch.einsum("nihw,oi->nohw", shifted, kernels[:, :, dy, dx])
        out.append(total)
    return torch.cat(out, 1)


def assert_convolves(function):
    for groups in (1, 2, 3):
        x, weight = case(groups=groups)
        torch.testing.assert_close(
            function(x, weight, groups=groups), by_hand(x, weight, groups=groups)
        )


def mirrored(x, weight, *, groups):
    return convolution(x, weight.flip((2, 3)), groups=groups)


def transposed(x, weight, *, groups):
    return convolution(x, weight.transpose(2, 3), groups=groups)


def channels_mixed_up(x, weight, *, groups):
    return convolution(x.flip(1), weight, groups=groups)


def tasks_mixed_up(x, weight, *, groups):
    return convolution(x, weight.roll(3, 0), groups=groups)


def doubled(x, weight, *, groups):
    return 2 * convolution(x, weight, groups=groups)


def test_values_are_sums_over_shifted_images():
    assert_convolves(convolution)


@pytest.mark.parametrize(
    "wrong", [mirrored, transposed, channels_mixed_up, tasks_mixed_up, doubled]
)
def test_judge_of_the_values_rejects(wrong):
    with pytest.raises(AssertionError):
        assert_convolves(wrong)


@pytest.mark.parametrize("groups", [1, 2])
def test_derivatives_of_three_orders_are_finite_differences(groups):
    x, weight = case(groups=groups)

    def conv(x, weight):
        return convolution(x, weight, groups=groups)

    def gradient(x, weight):
        return torch.autograd.grad(conv(x, weight).pow(3).sum(), (x, weight), create_graph=True)

    assert torch.autograd.gradcheck(conv, (x, weight))
    assert torch.autograd.gradgradcheck(conv, (x, weight))
    assert torch.autograd.gradgradcheck(gradient, (x, weight))


def test_input_that_is_data_gets_no_gradient_and_weight_the_same():
    x, weight = case(groups=2)
    for images in (x, x.detach()):
        loss = convolution(images, weight, groups=2).pow(3).sum()
        (first,) = torch.autograd.grad(loss, weight, create_graph=True)
        (second,) = torch.autograd.grad(first.pow(2).sum(), weight)
        expected = by_hand(images, weight, groups=2).pow(3).sum()
        (wanted,) = torch.autograd.grad(expected, weight, create_graph=True)
        torch.testing.assert_close(first, wanted)
        torch.testing.assert_close(second, torch.autograd.grad(wanted.pow(2).sum(), weight)[0])


def test_other_kernels_are_refused():
    with pytest.raises(ValueError, match="has to be 3x3"):
        convolution(torch.zeros(1, 1, 8, 8), torch.zeros(1, 1, 5, 5), groups=1)
