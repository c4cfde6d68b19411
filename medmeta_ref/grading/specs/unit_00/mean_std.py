"""mean_std(images) -> mean and standard deviation over all pixels of all images."""

import math

import pytest
import torch

from medmeta_ref.grading.agreement import assert_agrees


def _images(n, height, width, generator):
    """Return images, each with a brightness and a contrast of its own."""
    shape = (n, height, width)
    brightness, contrast = torch.rand(2, n, 1, 1, generator=generator, dtype=torch.float64)
    noise = torch.randn(*shape, generator=generator, dtype=torch.float64)
    return brightness + (0.1 + 0.3 * contrast) * noise


def _by_hand(pixels):
    """Return mean and standard deviation, one pixel after the other."""
    mean = sum(pixels) / len(pixels)
    return mean, math.sqrt(sum((p - mean) ** 2 for p in pixels) / len(pixels))


def _pair(got):
    missing = " Is the return statement missing?" if got is None else ""
    what = f"{len(got)} things" if isinstance(got, tuple | list) else type(got).__name__
    assert what == "2 things", f"Two numbers were expected, you returned {what}.{missing}"
    return got


@pytest.mark.points(3)
def test_mean_is_over_all_pixels(yours, generator):
    """The first number is the mean of all pixels of all images, for two shapes."""
    for shape in ((4, 3, 5), (7, 2, 2)):
        images = _images(*shape, generator)
        mean, std = _by_hand(images.flatten().tolist())
        got, _ = _pair(yours(images))
        assert_agrees(
            got,
            mean,
            mistakes={
                "That is the standard deviation: the mean comes first.": std,
                "That is the sum; divide by the number of pixels.": mean * images.numel(),
                "That is the mean of the first image only.": images[0].mean(),
            },
            look_at="One number for the whole data set: images.mean() needs no dim.",
        )


@pytest.mark.points(3)
def test_standard_deviation_is_over_all_pixels(yours, generator):
    """The second number is the root of the mean squared deviation from *that* mean."""
    for shape in ((4, 3, 5), (7, 2, 2)):
        images = _images(*shape, generator)
        mean, std = _by_hand(images.flatten().tolist())
        of_images = [_by_hand(image.flatten().tolist())[1] for image in images]
        _, got = _pair(yours(images))
        assert_agrees(
            got,
            std,
            mistakes={
                "That is the mean of the images' own standard deviations. They do not know how "
                "much brighter one image is than another: take all pixels together.": (
                    sum(of_images) / len(of_images)
                ),
                "That divides by the number of pixels less one. Here all pixels there are count: "
                "correction=0.": std * math.sqrt(images.numel() / (images.numel() - 1)),
                "That is the variance; take its root.": std**2,
                "That is the mean: the standard deviation comes second.": mean,
            },
            look_at="If you passed the check above and not this one, you probably take the "
            "standard deviation image by image.",
        )
