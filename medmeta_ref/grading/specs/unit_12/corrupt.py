"""corrupt(images, kind, *, strength, generator) -> damaged copies."""

import math

import pytest
import torch

from medmeta_ref.grading.agreement import assert_agrees
from medmeta_ref.grading.specs.unit_01 import _drawing

KINDS = ("noise", "brightness", "contrast")
N_PIXELS = 4 * 20 * 30


def _damaged(yours, images, kind, strength, generator, times=1):
    seeds = {name: _drawing.seed_from(generator) for name in ("seed", "surroundings")}
    drawn = yours.through("draws", images, kind, strength=strength, times=times, **seeds)[0]
    return list(drawn)


def _images(*shape, generator):
    return torch.rand(*shape, generator=generator, dtype=torch.float64)


def _clipped(images):
    return images.clamp(0, 1)


def _by_contrast(images, share):
    """Return every image with `share` of the distance to its own mean, by loops."""
    rows = []
    for image in images.tolist():
        pixels = [value for row in image for value in row]
        mean = sum(pixels) / len(pixels)
        rows.append([[mean + share * (value - mean) for value in row] for row in image])
    return torch.tensor(rows, dtype=torch.float64)


@pytest.mark.points(4)
def test_brightness_and_contrast_change_every_pixel_as_they_should(yours, generator):
    """Brightness adds; contrast shrinks the distance to each image's own mean; all within 0..1."""
    for shape, strength in (((3, 4, 5), 0.3), ((2, 6, 2), 0.7)):
        images = _images(*shape, generator=generator)
        images[0] *= 0.4  # a dark one among them
        [got] = _damaged(yours, images, "brightness", strength, generator)
        mistakes = {
            "That is above 1: clip to 0..1, as a camera does.": images + strength,
            "That is darker; brightness is added.": _clipped(images - strength),
            "That multiplies; brightness is added.": _clipped(images * (1 + strength)),
            "Nothing has changed.": images,
        }
        here = f"This was brightness, strength={strength}."
        assert_agrees(got, _clipped(images + strength), mistakes=mistakes, look_at=here)
        [got] = _damaged(yours, images, "contrast", strength, generator)
        mean = images.mean()
        mistakes = {
            "The mean is taken over all images; each has its own.": (
                mean + (1 - strength) * (images - mean)
            ),
            "The distance to grey (0.5) shrinks; it should be that to the image's mean.": (
                0.5 + (1 - strength) * (images - 0.5)
            ),
            "`strength` is what is taken away; you kept that share.": _by_contrast(
                images, strength
            ),
            "That makes the image darker, too: add the mean again.": (1 - strength) * images,
            "Nothing has changed.": images,
        }
        here = f"This was contrast, strength={strength}."
        want = _by_contrast(images, 1 - strength)
        assert_agrees(got, want, mistakes=mistakes, look_at=here)


@pytest.mark.points(4)
def test_noise_is_drawn_for_every_pixel_of_every_image(yours, generator):
    """Noise has mean 0 and the strength as its deviation, pixel by pixel, image by image."""
    for strength in (0.02, 0.05):
        grey = torch.full((4, 20, 30), 0.5, dtype=torch.float64)
        got = [
            _noise(each, grey) for each in _damaged(yours, grey, "noise", strength, generator, 2)
        ]
        noise = got[0]
        deviation = noise.square().mean().sqrt().item()
        # Five standard deviations of what N_PIXELS independent draws would show.
        slack = 5 / math.sqrt(2 * N_PIXELS)
        assert abs(deviation / strength - 1) < slack, (
            f"The noise should have deviation {strength}, yours has {deviation:.4f}. "
            + _on_deviation(deviation, strength)
        )
        assert abs(noise.mean().item()) < 5 * strength / math.sqrt(N_PIXELS), (
            f"The noise should have mean 0, yours has {noise.mean().item():.4f}. torch.rand is "
            "never negative; torch.randn is meant."
        )
        assert noise.abs().max() > 3 * strength, "No pixel is far out: take torch.randn."
        for a, b, what in (
            (noise[0], noise[1], "two images"),
            (noise[:, 0], noise[:, 1], "two rows"),
            (noise[..., 0], noise[..., 1], "two columns"),
            (got[0], got[1], "two calls with one generator (or is `images` changed in place?)"),
        ):
            alike = (a * b).mean().item() / strength**2
            assert abs(alike) < 6 / math.sqrt(a.numel()), (
                f"The noise of {what} is the same or nearly so (correlation {alike:.2f}). Draw a "
                "number for each pixel: torch.randn(images.shape, generator=generator)."
            )
    black = torch.zeros(4, 20, 30, dtype=torch.float64)
    [got] = _damaged(yours, black, "noise", 0.2, generator)
    low = (_noise(got, black)).min().item()
    assert low == 0, f"Black images with noise hold {low:.3f}: clip to 0..1."


def _noise(got, images):
    """Return what was added, once the answer is a tensor of the right kind."""
    # Compared with itself: here only type, shape and finiteness are looked at.
    is_tensor = type(got) is torch.Tensor and got.shape == images.shape
    assert_agrees(got, got if is_tensor else images, mistakes={}, look_at="This was noise.")
    return got.double() - images


def _on_deviation(deviation, strength):
    if deviation == 0:
        return "Nothing was added."
    if abs(deviation / strength**0.5 - 1) < 0.1 or abs(deviation / strength**2 - 1) < 0.1:
        return "`strength` is the deviation, not the variance."
    return "Multiply torch.randn by `strength`."


@pytest.mark.points(2)
def test_damage_grows_with_strength_from_nothing(yours, generator):
    """Strength 0 changes nothing, more strength more, and the images given stay as they are."""
    images = 0.2 + 0.6 * _images(5, 12, 10, generator=generator)
    for kind in KINDS:
        before = -1.0
        for strength in (0.0, 0.1, 0.3, 0.6, 1.0):
            once, again = _damaged(yours, images, kind, strength, generator, 2)
            damage, later = (_noise(each, images).square().mean().item() for each in (once, again))
            here = f"{kind}, strength={strength}"
            assert damage < 1e-9 if strength == 0 else damage > 1e-6, (
                f"{here}: mean squared damage {damage:.2g}. Strength 0 changes nothing, any other "
                "strength something."
            )
            assert damage > before, (
                f"{here}: mean squared damage {damage:.3g}, no more than {before:.3g} at the "
                "strength before."
            )
            assert abs(later - damage) <= 0.3 * damage + 1e-9, (
                f"{here}: the same call again does other damage ({damage:.3g}, then {later:.3g}). "
                "Did you change `images` in place? Make a new tensor."
            )
            before = damage
