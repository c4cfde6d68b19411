"""from_int8(values, scale) -> the floats that 8-bit values stand for."""

import pytest
import torch

from medmeta_ref.grading.agreement import assert_agrees
from medmeta_ref.grading.specs.unit_14._oracle import by_channel, draw


def _judge(yours, shape, generator):
    values = torch.randint(-127, 128, shape, generator=generator).to(torch.int8)
    scale = draw(shape[0], generator=generator).abs() + 0.01
    each = by_channel(scale, values.double())
    mistakes = {
        "Divided by the scale; a value is so many steps, so multiply.": values.double() / each,
        "One scale for all channels; each has its own.": values.double() * scale[0],
        "The steps were divided by 127 as well; the scale already is a step.": (
            values.double() * each / 127
        ),
        "The scale lost its digits on the way to int8.": (
            values.double() * by_channel(scale.trunc(), values.double())
        ),
    }
    if shape[-1] == shape[0] and len(shape) > 1:
        mistakes["The scales were lined up with the *last* axis; channels are the first."] = (
            values.double() * scale
        )
    assert_agrees(
        yours(values, scale),
        values.double() * each,
        mistakes=mistakes,
        look_at=f"This was values of shape {shape} and {shape[0]} scales: values[c] * scale[c].",
    )


@pytest.mark.points(3)
def test_each_row_has_its_own_step(yours, generator):
    """Matrices, a square one among them."""
    for shape in ((4, 4), (3, 5), (6, 2)):
        _judge(yours, shape, generator)


@pytest.mark.points(3)
def test_kernels_and_vectors_too(yours, generator):
    """As many axes as there are: kernels of convolutions in 2-D and 3-D, and a vector."""
    for shape in ((3, 2, 3, 3), (3, 2, 2, 2, 3), (5,)):
        _judge(yours, shape, generator)
