"""as_linear(prototypes) -> (weight, bias)."""

import pytest
import torch

from medmeta_ref.grading.agreement import assert_agrees
from medmeta_ref.grading.specs.unit_04 import _oracle


def _weight_and_bias(got, n_way, n_features):
    """Return the two tensors, or say what else came back."""
    is_pair = type(got) in (tuple, list) and len(got) == 2
    assert is_pair, (
        "A pair (weight, bias) was expected, your function returned "
        f"{type(got).__name__}." + (" Is the return statement missing?" if got is None else "")
    )
    for name, each, shape in (("weight", got[0], (n_way, n_features)), ("bias", got[1], (n_way,))):
        is_real = type(each) is torch.Tensor and each.is_floating_point()
        assert is_real, f"{name} should be a tensor of floating-point numbers."
        found = tuple(each.shape)
        assert found == shape, f"{name} should have shape {shape}, yours has {found}."
    return got[0].detach().double(), got[1].detach().double()


@pytest.mark.points(6)
def test_linear_layer_gives_the_same_probabilities(yours, generator):
    """softmax(query @ weight.T + bias) is the softmax of minus the squared distances."""
    for n_queries, n_way, n_features in ((5, 3, 4), (3, 6, 2)):
        centres = _oracle.draw(n_way, n_features, generator=generator)
        queries = _oracle.draw(n_queries, n_features, generator=generator)
        weight, bias = _weight_and_bias(yours(centres), n_way, n_features)
        squares = centres.square().sum(1)

        def by(weight, bias, queries=queries):
            return _oracle.probabilities(queries @ weight.T + bias)

        assert_agrees(
            by(weight, bias),
            _oracle.probabilities(-_oracle.squared_distances(queries, centres)),
            mistakes={
                "The factor 2 of the weight is missing.": by(centres, -squares),
                "The bias has the wrong sign: a long prototype must be held back by it.": (
                    by(2 * centres, squares)
                ),
                "The bias is missing: long prototypes win everywhere.": by(2 * centres, 0.0),
                "The bias is the length of the prototype; it must be the squared length.": (
                    by(2 * centres, -squares.sqrt())
                ),
                "The signs of both are reversed.": by(-2 * centres, squares),
            },
            look_at="Multiply out -(q - c)² and drop the term that is the same for every class.",
        )


@pytest.mark.points(2)
def test_halfway_between_two_prototypes_is_undecided(yours, generator):
    """At the middle of the line between two prototypes both get the same score."""
    for n_way, n_features in ((3, 4), (4, 2)):
        centres = _oracle.draw(n_way, n_features, generator=generator)
        weight, bias = _weight_and_bias(yours(centres), n_way, n_features)
        middle = (centres[0] + centres[1]) / 2
        scores = weight @ middle + bias
        assert_agrees(
            scores[0] - scores[1],
            0.0,
            mistakes={},
            look_at="The boundary between two classes is the plane halfway between their "
            "prototypes; your weight and bias put it elsewhere.",
        )
        inside = weight @ centres[0] + bias
        assert inside[0] > inside[1], (
            "At prototype 0 class 1 has the larger score: check the signs."
        )
