"""standardise(images, mean, std) -> images less mean, over std."""

import pytest
import torch

from medmeta_ref.grading.agreement import assert_agrees


@pytest.mark.points(4)
def test_is_the_images_less_mean_over_std(yours, generator):
    """Every pixel, less the mean, over the standard deviation given; for two shapes."""
    for shape, mean, std in (((3, 2, 4), 0.7, 0.2), ((5, 3, 3), -1.5, 4.0)):
        images = torch.rand(*shape, generator=generator, dtype=torch.float64)
        own = images.mean((1, 2), keepdim=True)
        own_std = images.std((1, 2), keepdim=True, correction=0)
        want = torch.tensor([(p - mean) / std for p in images.flatten().tolist()])
        assert_agrees(
            yours(images, mean, std),
            want.view(shape),
            mistakes={
                "You used each image's own mean and standard deviation. Then a dark image and a "
                "bright one look the same; use those given.": (images - own) / own_std,
                "You used the mean and standard deviation of these images. They were given: those "
                "of the *training* images.": (images - images.mean()) / images.std(correction=0),
                "The same with n - 1; and they were given.": (
                    (images - images.mean()) / images.std()
                ),
                "The mean is divided too early: brackets around images - mean.": (
                    images - mean / std
                ),
                "You multiply by the standard deviation; divide by it.": (images - mean) * std,
                "The mean is added; subtract it.": (images + mean) / std,
                "You divide by the variance.": (images - mean) / std**2,
            },
            look_at="First subtract, then divide.",
        )
