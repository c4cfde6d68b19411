"""to_int8(weight) -> (values, scale): 8-bit steps, a scale for each output channel."""

import pytest
import torch

from medmeta_ref.grading.agreement import assert_agrees
from medmeta_ref.grading.specs.unit_14._oracle import between, by_channel, known_weight, pair


def _mistakes(weight, steps, scale):
    each = by_channel(scale, weight)
    one = weight.abs().max() / 127
    signed = by_channel(weight.flatten(1).amax(1) / 127, weight)
    exact = weight / each
    return {
        "The digits were cut off: .round() before .to(torch.int8).": exact.trunc(),
        "They were rounded down: torch.round goes to the nearest step.": exact.floor(),
        "There is one scale for all; each output channel has its own.": (weight / one).round(),
        "The largest value was taken, not the largest in size.": _wrapped(weight / signed),
        "The scale is the largest size / 127; you divided by 128.": _wrapped(exact * 128 / 127),
    }


def _wrapped(exact):
    """Return what an int8 holds after rounding: 128 becomes -128."""
    return (exact.round() + 128) % 256 - 128


def _judge(yours, weight, steps, scale, look_at):
    values, got = pair(yours(weight), "(values, scale)")
    assert type(values) is torch.Tensor, (
        f"values should be a tensor of torch.int8, yours is {type(values).__name__}."
    )
    mistakes = _mistakes(weight, steps, scale)
    assert_agrees(values, steps, mistakes=mistakes, look_at=f"These are the values. {look_at}")
    assert values.dtype == torch.int8, (
        f"The values are right, but of {values.dtype}: 4 to 8 bytes each. Take .to(torch.int8)."
    )
    assert_agrees(
        got,
        scale,
        mistakes={
            "That is the largest size; a step is a 127th of it.": 127 * scale,
            "That is steps per unit; a step is largest size / 127.": 1 / scale,
        },
        look_at=f"These are the scales, [n_out]. {look_at}",
    )


@pytest.mark.points(6)
def test_every_weight_becomes_its_nearest_step(yours, generator):
    """Linear layers and kernels whose steps are known beforehand; square ones, too."""
    for shape in ((3, 5), (6, 6), (4, 2, 3, 3), (2, 2, 2, 2, 3)):
        weight, steps, scale = known_weight(*shape, generator=generator)
        _judge(yours, weight, steps, scale, f"This was a weight of shape {shape}.")


@pytest.mark.points(4)
def test_largest_weight_is_127_steps_on_either_side(yours, generator):
    """The largest in size is negative, or positive: -127 or 127, and never -128."""
    for shape in ((4, 7), (3, 2, 3, 3)):
        for extreme in (-127, 127):
            weight, steps, scale = known_weight(*shape, generator=generator, extreme=extreme)
            if extreme < 0:  # and nothing above zero in the first channel
                weight[0], steps[0] = -weight[0].abs(), -steps[0].abs()
            here = (
                f"The largest weight of each channel was {'below' if extreme < 0 else 'above'} 0."
            )
            _judge(yours, weight, steps, scale, here)


@pytest.mark.points(4)
def test_channel_of_zeros_has_scale_1_and_no_neighbour_minds(yours, generator):
    """One channel is all zeros, another a hundred thousand times as small as the rest."""
    for shape in ((4, 6), (5, 2, 3, 3)):
        weight, steps, scale = known_weight(*shape, generator=generator)
        zero, small = 0, between(1, shape[0] - 1, generator)
        weight[zero], steps[zero], scale[zero] = 0, 0, 1
        weight[small], scale[small] = weight[small] * 1e-5, scale[small] * 1e-5
        here = f"Channel {zero} was all zeros, channel {small} very small."
        _judge(yours, weight, steps, scale, here)
