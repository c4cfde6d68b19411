"""fold_batch_norm(weight, mean, variance, gamma, beta, *, eps) -> (weight, bias) of one layer."""

import pytest
import torch
import torch.nn.functional as F

from medmeta_ref.grading.agreement import assert_agrees
from medmeta_ref.grading.specs.unit_14._oracle import by_channel, draw, normalised, pair


def _case(shape, generator, *, variance=1.0):
    """Return a weight and [mean, variance, gamma, beta] of its batch norm."""
    n_out = shape[0]
    mean, gamma, beta = (draw(n_out, generator=generator) for _ in range(3))
    spread = variance * (0.2 + torch.rand(n_out, generator=generator, dtype=torch.float64))
    return draw(*shape, generator=generator), (mean, spread, gamma + gamma.sign(), beta)


def _folded(weight, factor, bias):
    return weight * by_channel(factor, weight), bias


def _mistakes(weight, statistics, eps):
    mean, variance, gamma, beta = statistics
    root = (variance + eps).sqrt()
    factor = gamma / root
    right = factor, beta - mean * factor
    each = {
        "eps is missing: variance + eps, under the root.": (
            gamma / variance.sqrt(),
            beta - mean * gamma / variance.sqrt(),
        ),
        "eps belongs under the root, beside the variance.": (
            gamma / (variance.sqrt() + eps),
            beta - mean * gamma / (variance.sqrt() + eps),
        ),
        "Divide by the root of the variance, not by the variance.": (
            gamma / (variance + eps),
            beta - mean * gamma / (variance + eps),
        ),
        "gamma is missing.": (1 / root, beta - mean / root),
        "The mean is scaled, too: beta - mean * factor.": (factor, beta - mean),
        "The mean is subtracted: beta - mean * factor.": (factor, beta + mean * factor),
        "The bias is missing what the mean leaves behind.": (factor, beta),
    }
    return right, each


def _judge(yours, weight, statistics, eps, compare, look_at):
    """Compare what `compare` makes of the answer and of the right one."""
    folded, bias = pair(yours(weight, *statistics, eps=eps), "(weight, bias)")
    (factor, right_bias), each = _mistakes(weight, statistics, eps)
    # First the form of both parts, so that they can be used.
    for got, want, what in ((folded, weight, "weight"), (bias, right_bias, "bias")):
        sound = type(got) is torch.Tensor and got.shape == want.shape
        assert_agrees(got, got if sound else want, mistakes={}, look_at=f"This is the {what}.")
    assert_agrees(
        compare(folded.double(), bias.double()),
        compare(*_folded(weight, factor, right_bias)),
        mistakes={
            sentence: compare(*_folded(weight, one, other))
            for sentence, (one, other) in each.items()
        },
        look_at=look_at,
    )


@pytest.mark.points(6)
def test_one_layer_answers_as_the_two_did(yours, generator):
    """A linear layer and its batch norm, by loops over examples and channels."""
    for n_out, n_in in ((3, 5), (4, 4)):
        weight, statistics = _case((n_out, n_in), generator)
        x = draw(6, n_in, generator=generator)
        want = torch.tensor(normalised(x, weight, statistics, 0.1), dtype=torch.float64)
        (factor, bias), _ = _mistakes(weight, statistics, 0.1)
        # The formulas above, held against the loops before they judge anybody.
        assert torch.allclose(x @ (weight * factor[:, None]).T + bias, want)
        _judge(
            yours,
            weight,
            statistics,
            0.1,
            lambda w, b, x=x: x @ w.T + b,
            f"This was a linear layer [{n_out}, {n_in}] with eps=0.1, its outputs for 6 inputs.",
        )


@pytest.mark.points(3)
def test_convolution_answers_as_the_two_did(yours, generator):
    """A convolution on whole images."""
    for shape in ((3, 2, 3, 3), (3, 3, 2, 3)):
        weight, statistics = _case(shape, generator)
        images = draw(2, shape[1], 6, 7, generator=generator)
        _judge(
            yours,
            weight,
            statistics,
            1e-3,
            lambda w, b, x=images: F.conv2d(x, w, b),
            f"This was a convolution {list(shape)}. One factor for each *output* channel.",
        )


@pytest.mark.points(3)
def test_channel_that_hardly_varies_is_held_by_eps(yours, generator):
    """A variance far below eps: only eps keeps the factor finite."""
    for n_out, n_in in ((2, 3), (5, 2)):
        weight, statistics = _case((n_out, n_in), generator, variance=1e-6)
        x = draw(4, n_in, generator=generator)
        _judge(
            yours,
            weight,
            statistics,
            1e-3,
            lambda w, b, x=x: x @ w.T + b,
            "The variances were about a thousandth of eps.",
        )
