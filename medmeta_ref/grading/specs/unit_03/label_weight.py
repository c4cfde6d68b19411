"""label_weight(labels) -> the number that the listing's labels boil down to."""

import pytest
import torch

from medmeta_ref.grading.agreement import assert_agrees


@pytest.mark.points(5)
def test_equals_what_the_mean_leaves_of_the_labels(yours, generator):
    """mean((1 - labels) * d) over d, for 2 classes and for 8."""
    for n_examples, n_classes in ((30, 2), (50, 8)):
        labels = torch.randint(n_classes, (n_examples,), generator=generator)
        # By brute force: what the listing multiplies a divergence of 1 with, image by image.
        weights = [(1 - label) * 1.0 for label in labels.tolist()]
        mean = sum(weights) / n_examples
        assert_agrees(
            yours(labels),
            mean,
            mistakes={
                "That is the mean of the labels; the listing has 1 - labels.": 1 - mean,
                "That is the sum; the listing takes the mean.": sum(weights),
                "The sign is reversed.": -mean,
            },
            look_at="The divergence is one number, so it can be taken out of the mean.",
            rtol=1e-4,
        )
