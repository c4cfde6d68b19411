"""average_probabilities(probabilities, weights=None)."""

import pytest
import torch

from medmeta_ref.grading.agreement import assert_agrees
from medmeta_ref.grading.specs.unit_09 import _oracle

SHAPES = ((3, 4, 2), (2, 5, 4))


@pytest.mark.points(4)
def test_without_weights_it_is_the_mean_over_the_models(yours, generator):
    """All members count alike, for two shapes."""
    for n_models, n_examples, n_classes in SHAPES:
        members = _oracle.panel(n_models, n_examples, n_classes, generator=generator)
        mean = _oracle.arithmetic(members, torch.ones(n_models))
        assert_agrees(
            yours(members),
            mean,
            mistakes={
                "Summed over the models, not averaged: the rows sum to their number.": (
                    n_models * mean
                ),
                "The softmax is taken once more. These are probabilities already; a softmax of "
                "them is nearly uniform.": mean.softmax(1),
                "That is one member alone.": members[0],
                "That is the geometric mean, the subject of the next exercise.": (
                    _oracle.of_sum_one(
                        _oracle.products(members, torch.full((n_models,), 1 / n_models))
                    )
                ),
                "That is the largest probability that any member gives.": members.amax(0),
            },
            look_at="Axis 0 holds the models. Average over it, and over nothing else.",
        )


@pytest.mark.points(4)
def test_only_the_ratios_of_weights_count(yours, generator):
    """Weights that sum to anything: rows still sum to 1."""
    for n_models, n_examples, n_classes in SHAPES:
        members = _oracle.panel(n_models, n_examples, n_classes, generator=generator)
        weights = _oracle.some_weights(n_models, generator=generator)
        want = _oracle.arithmetic(members, weights)
        assert_agrees(
            yours(members, weights),
            want,
            mistakes={
                "The weights are ignored.": _oracle.arithmetic(members, torch.ones(n_models)),
                "The weights are not divided by their sum.": want * weights.sum(),
                "Divided by the number of models; divide by the sum of the weights.": (
                    want * weights.sum() / n_models
                ),
                "You took a softmax of the weights. They are weights already: 2 and 1 mean two "
                "thirds and one third.": _oracle.arithmetic(members, weights.softmax(0)),
                "The weights are in the wrong order.": _oracle.arithmetic(members, weights.flip(0)),
                "The softmax is taken once more, of what is a probability already.": (
                    want.softmax(1)
                ),
            },
            look_at="Share of model m: weights[m] / weights.sum().",
        )
