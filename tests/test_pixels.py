"""That bytes become numbers in -1..1, every pixel at its place."""

import pytest
import torch

from medmeta_ref.pixels import as_float

SHAPES = {
    "colour": ((2, 4, 5, 3), (2, 3, 4, 5)),
    "grey": ((2, 4, 5), (2, 1, 4, 5)),
    "volume": ((2, 6, 4, 5), (2, 1, 6, 4, 5)),
}


def bytes_of(shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(256, shape, generator=generator, dtype=torch.uint8)


def assert_scales_every_pixel(function):
    """Compare with a loop over every pixel, whose value v becomes (v / 255 - 0.5) / 0.5."""
    for stored, wanted in SHAPES.values():
        images = bytes_of(stored)
        result = function(images)
        assert result.shape == wanted
        assert result.dtype == torch.float32
        for index in torch.cartesian_prod(*map(torch.arange, stored)).tolist():
            place = (
                (index[0], index[3], *index[1:3]) if stored[-1] == 3 else (index[0], 0, *index[1:])
            )
            value = images[tuple(index)].item()
            assert abs(result[place].item() - (value / 255 - 0.5) / 0.5) < 1e-6


def moved(images):
    return images.movedim(-1, 1) if images.shape[-1] == 3 else images.unsqueeze(1)


WRONG = {
    "scaled to 0..1": lambda x: moved(x).float() / 255,
    "not scaled": lambda x: moved(x).float(),
    "divided by 128": lambda x: moved(x).float() / 128 - 1,
    "mean and spread of the batch": lambda x: (
        (moved(x).float() - moved(x).float().mean()) / moved(x).float().std()
    ),
    "reshaped bytes": lambda x: x.reshape(moved(x).shape).float() / 127.5 - 1,
    "channels last": lambda x: x.float() / 127.5 - 1,
    "height and width swapped": lambda x: as_float(x).transpose(-1, -2),
    "float64": lambda x: as_float(x).double(),
    "colours reversed": lambda x: as_float(x).flip(1),
}


def test_every_pixel_is_scaled_and_stays_at_its_place():
    assert_scales_every_pixel(as_float)


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_the_pixel_loop_tells_wrong_scalings(wrong):
    with pytest.raises(AssertionError):
        assert_scales_every_pixel(wrong)


def test_black_is_minus_one_white_is_one_and_order_is_kept():
    result = as_float(torch.arange(256, dtype=torch.uint8).reshape(1, 16, 16)).flatten()
    assert (result[0].item(), result[-1].item()) == (-1.0, 1.0)
    assert bool((result.diff() > 0).all())


def test_the_bytes_are_left_alone():
    images = bytes_of((2, 4, 5, 3))
    before = images.clone()
    as_float(images).zero_()
    assert torch.equal(images, before)


def test_colour_stays_channels_last_in_memory():
    result = as_float(bytes_of((2, 8, 8, 3)))
    assert result.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(
    ("images", "named"),
    [
        (
            torch.zeros(2, 28, 28),
            r"uint8 with 3 or 4 axes, got torch\.float32 with shape \(2, 28, 28\)",
        ),
        (
            torch.zeros(28, 28, dtype=torch.uint8),
            r"3 or 4 axes, got torch\.uint8 with shape \(28, 28\)",
        ),
        (torch.zeros(1, 2, 3, 4, 5, dtype=torch.uint8), r"3 or 4 axes, .* shape \(1, 2, 3, 4, 5\)"),
        (torch.zeros(2, 28, 28, dtype=torch.int64), r"got torch\.int64"),
    ],
    ids=["float", "one image", "five axes", "int64"],
)
def test_other_tensors_are_refused_by_type_and_shape(images, named):
    with pytest.raises(ValueError, match=named):
        as_float(images)
