"""one_more_example(prototype, n_shots, features), the mean of one example more."""

import pytest
import torch

from medmeta_ref.grading.agreement import assert_agrees
from medmeta_ref.grading.specs.unit_04 import _oracle


@pytest.mark.points(3)
def test_is_the_mean_of_the_old_examples_and_the_new_one(yours, generator):
    """From the mean of n examples and one more, the mean of n + 1, for several n."""
    for n_shots, n_features in ((1, 3), (2, 4), (9, 2)):
        old = _oracle.draw(n_shots, n_features, generator=generator)
        new = _oracle.draw(n_features, generator=generator)
        mean = old.mean(0)
        assert_agrees(
            yours(mean, n_shots, new),
            torch.cat([old, new[None]]).mean(0),
            mistakes={
                "Old mean and new example count the same. The old one stands for n_shots "
                "examples.": (mean + new) / 2,
                "The weights are swapped: the new example is one of n_shots + 1.": (
                    mean + n_shots * new
                )
                / (n_shots + 1),
                "The old mean stands for n_shots examples: multiply it by n_shots first.": (
                    mean + new
                )
                / (n_shots + 1),
                "Divided by n_shots; there is one more now.": (n_shots * mean + new) / n_shots,
                "A step of size 1 / n_shots towards the new example; it must be "
                "1 / (n_shots + 1).": mean + (new - mean) / n_shots,
                "The prototype did not move.": mean,
            },
            look_at=f"n_shots was {n_shots}: n_shots * prototype is the sum of the old examples.",
        )


@pytest.mark.points(3)
def test_examples_that_come_one_by_one_end_at_their_mean(yours, generator):
    """Twenty examples, one after the other, give the mean of all twenty."""
    for n_features in (2, 5):
        examples = _oracle.draw(20, n_features, generator=generator)
        prototype = examples[0]
        for n_shots, features in enumerate(examples[1:], start=1):
            prototype = yours(prototype, n_shots, features)
            assert_agrees(
                prototype,
                examples[: n_shots + 1].mean(0),
                mistakes={},
                look_at=f"This is after {n_shots + 1} examples. Does your step shrink as examples "
                "come in?",
            )
