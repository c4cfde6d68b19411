"""Adam as a function against `torch.optim.Adam`, bit by bit."""

import math

import pytest
import torch

from medmeta_ref.train.adam import AdamMoments, adam_step, no_moments

RATES = (0.1, 0.03, 0.5, 0.001, 0.2, 0.0, 0.1)


def gradients(dtype):
    generator = torch.Generator().manual_seed(4)
    for scale in (1.0, 1e-9, 0.0, 1e6, 1.0, 1.0, 1e-3):
        yield {
            "w": scale * torch.randn(3, 2, 3, 3, generator=generator, dtype=dtype),
            "b": scale * torch.randn((), generator=generator, dtype=dtype),
        }


def first_params(dtype):
    w = torch.linspace(-1, 1, 54, dtype=dtype).reshape(3, 2, 3, 3)
    return {"w": w.contiguous(memory_format=torch.channels_last), "b": torch.ones((), dtype=dtype)}


def assert_is_torchs_adam(function):
    for dtype in (torch.float32, torch.float64):
        leaves = {n: p.clone().requires_grad_() for n, p in first_params(dtype).items()}
        optimiser = torch.optim.Adam(leaves.values(), lr=1.0)
        params = first_params(dtype)
        moments = no_moments(params)
        for step, (gradient, rate) in enumerate(zip(gradients(dtype), RATES, strict=True)):
            optimiser.param_groups[0]["lr"] = rate
            for name, leaf in leaves.items():
                leaf.grad = gradient[name].clone()
            optimiser.step()
            before = {n: p.clone() for n, p in params.items()}, gradient["w"].clone()
            after, moments = function(params, gradient, moments, step=step, outer_lr=rate)
            assert all(torch.equal(params[n], before[0][n]) for n in params), "params changed"
            assert torch.equal(gradient["w"], before[1]), "the gradient changed"
            params = after
            for name, leaf in leaves.items():
                assert torch.equal(params[name], leaf), (step, name)
                assert params[name].stride() == leaf.stride()
                assert torch.equal(moments.mean[name], optimiser.state[leaf]["exp_avg"])
                assert torch.equal(moments.square[name], optimiser.state[leaf]["exp_avg_sq"])


def variant(*, betas=(0.9, 0.999), off=0, corrected=True, inside=False, decay=0.0, in_place=False):
    def function(params, gradient, moments, *, step, outer_lr):
        mean, square, after, t = {}, {}, {}, step + 1 + off
        for n, p in params.items():
            g = gradient[n] + decay * p
            mean[n] = moments.mean[n].lerp(g, 1 - betas[0])
            square[n] = (moments.square[n] * betas[1]).addcmul(g, g, value=1 - betas[1])
            c1, c2 = (1 - betas[0] ** t, 1 - betas[1] ** t) if corrected and t else (1.0, 1.0)
            root = square[n].sqrt() / math.sqrt(c2) + 1e-8
            if inside:
                root = (square[n] / c2 + 1e-8).sqrt()
            update = p.addcdiv_ if in_place else p.addcdiv
            after[n] = update(mean[n], root, value=-outer_lr / c1)
        return after, AdamMoments(mean, square)

    return function


WRONG_STEPS = {
    "moments not corrected": variant(corrected=False),
    "correction one step late": variant(off=-1),
    "correction one step early": variant(off=1),
    "epsilon under the root": variant(inside=True),
    "the other decay for the square": variant(betas=(0.9, 0.99)),
    "decays swapped": variant(betas=(0.999, 0.9)),
    "weight decay": variant(decay=1e-2),
    "changes its argument": variant(in_place=True),
}


def test_a_step_is_torchs_adam_to_the_bit():
    assert_is_torchs_adam(adam_step)


def test_the_steps_behind_the_wrong_ones_are_right_themselves():
    assert_is_torchs_adam(variant())


@pytest.mark.parametrize("wrong", WRONG_STEPS.values(), ids=WRONG_STEPS.keys())
def test_torchs_adam_tells_wrong_steps(wrong):
    with pytest.raises(AssertionError):
        assert_is_torchs_adam(wrong)


def test_the_moments_of_nothing_are_zeros_of_the_same_layout():
    params = first_params(torch.float64)
    for moments in no_moments(params):
        assert list(moments) == ["w", "b"]
        for name, zeros in moments.items():
            assert not zeros.any()
            assert (zeros.stride(), zeros.dtype) == (params[name].stride(), torch.float64)
