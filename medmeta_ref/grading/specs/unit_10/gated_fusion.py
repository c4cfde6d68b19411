"""gated_fusion(features, mask, gate_logits)."""

import pytest
import torch

from medmeta_ref.grading.agreement import assert_agrees
from medmeta_ref.grading.sandbox.adapters import Fn
from medmeta_ref.grading.specs.unit_10 import _oracle

SHAPES = ((3, 4, 2), (2, 5, 3))


def _case(shape, generator):
    n_views, n_examples, _ = shape
    mask = _oracle.some_mask(n_views, n_examples, generator=generator)
    features = _oracle.draw(*shape, generator=generator)
    return features, mask, _oracle.draw(n_views, n_examples, generator=generator)


def _spoilt(features, mask, logits, value):
    """Return the three arguments with `value` where a view is missing."""
    return features.masked_fill(~mask[..., None], value), mask, logits.masked_fill(~mask, value)


@pytest.mark.points(5)
def test_is_the_gated_mean_of_what_is_there(yours, generator):
    """Some views missing, two shapes."""
    for shape in SHAPES:
        features, mask, logits = _case(shape, generator)
        gates, all_there = _oracle.gates(mask, logits), torch.ones_like(mask)
        plain = _oracle.gates(mask, torch.zeros_like(logits))
        assert_agrees(
            yours(features, mask, logits),
            _oracle.fused(features, mask, gates),
            mistakes={
                "The mask is ignored.": _oracle.fused(
                    features, all_there, _oracle.gates(all_there, logits)
                ),
                "Missing views still take their share of the gates: the rest does not sum to 1.": (
                    _oracle.fused(features, mask, _oracle.gates(all_there, logits))
                ),
                "Missing views are counted as zeros, with gate logit 0.": _oracle.fused(
                    features,
                    mask,
                    _oracle.gates(all_there, logits.masked_fill(~mask, 0.0)),
                ),
                "That is the plain mean of the present views: the gates are ignored.": (
                    _oracle.fused(features, mask, plain)
                ),
                "That is the plain mean over all views, missing ones as zeros.": _oracle.fused(
                    features, mask, torch.full_like(logits, 1 / shape[0])
                ),
                "That is the sum of the present views; the gates are ignored.": _oracle.fused(
                    features, mask, torch.ones_like(logits)
                ),
                "Divided by the number of views; the gates sum to 1 already.": (
                    _oracle.fused(features, mask, gates) / shape[0]
                ),
            },
            look_at="Sum over the views, axis 0: gates[..., None] * features.",
        )


@pytest.mark.points(4)
def test_missing_views_may_hold_anything(yours, generator):
    """Nan or infinity in features and gate logits of missing views changes nothing."""
    for shape, value in zip(SHAPES, (torch.nan, torch.inf), strict=True):
        features, mask, logits = _case(shape, generator)
        assert_agrees(
            yours(*_spoilt(features, mask, logits, value)),
            _oracle.fused(features, mask, _oracle.gates(mask, logits)),
            mistakes={},
            look_at=f"Missing views hold {value} here, and 0 times that is nan. Replace the "
            "features of missing views by masked_fill; a gate of 0 is not enough.",
        )


@pytest.mark.points(3)
def test_gradients_are_right_whatever_missing_views_hold(yours, generator):
    """Of the features and of the gate logits; 0 where a view is missing, which holds nan."""
    for shape in SHAPES:
        features, mask, logits = _case(shape, generator)
        weights = _oracle.draw(*shape[1:], generator=generator)
        gates = _oracle.gates(mask, logits)
        fused = _oracle.fused(features, mask, gates)
        want = {
            0: gates[..., None] * weights,
            2: gates * ((features - fused) * weights).sum(2),
        }
        for wrt, right in want.items():
            name = ("features", "", "gate logits")[wrt]
            got = yours.through(
                "gradient_of",
                *_spoilt(features, mask, logits, torch.nan),
                outer=Fn("weighted_sum", (weights,)),
                wrt=wrt,
            )
            assert got is not None, f"No gradient reaches the {name}: they could not be learned."
            assert_agrees(
                got,
                right,
                mistakes={},
                look_at=f"This is the gradient in the {name}. Backwards, 0 times nan is nan: what "
                "goes into the product has to be finite. And do not detach anything.",
            )
