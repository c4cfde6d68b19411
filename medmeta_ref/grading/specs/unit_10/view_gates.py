"""view_gates(mask, gate_logits)."""

import pytest
import torch

from medmeta_ref.grading.agreement import assert_agrees
from medmeta_ref.grading.specs.unit_10 import _oracle

SHAPES = ((3, 5), (4, 2), (2, 3))


@pytest.mark.points(6)
def test_gates_are_a_softmax_over_the_present_views(yours, generator):
    """Some views missing, three shapes: 0 for those, and every example's gates sum to 1."""
    for n_views, n_examples in SHAPES:
        mask = _oracle.some_mask(n_views, n_examples, generator=generator)
        logits = _oracle.draw(n_views, n_examples, generator=generator)
        all_there = torch.ones_like(mask)
        want = _oracle.gates(mask, logits)
        ghosts = _oracle.gates(all_there, logits.masked_fill(~mask, 0.0))
        in_batch = torch.zeros_like(want)
        in_batch[mask] = logits.exp()[mask]
        assert_agrees(
            yours(mask, logits),
            want,
            mistakes={
                "The mask is ignored.": _oracle.gates(all_there, logits),
                "Gate logits of missing views are set to 0, and e^0 = 1: they still get a share. "
                "Minus infinity is the logit of a gate 0.": ghosts,
                "So, too, if the share is struck off afterwards: the rest does not sum to 1.": (
                    ghosts * mask
                ),
                "The softmax is taken over all views and masked afterwards: the gates of those "
                "present do not sum to 1.": _oracle.gates(all_there, logits) * mask,
                "The softmax is taken over the examples; every column has to sum to 1.": (
                    in_batch / in_batch.sum(1, keepdim=True).clamp_min(1e-300)
                ),
                "All present views get the same share: the gate logits are ignored.": (
                    _oracle.gates(mask, torch.zeros_like(logits))
                ),
                "The mask is turned around: True means that the view is there.": (
                    logits.masked_fill(mask, -torch.inf).softmax(0).nan_to_num(0.0)
                ),
            },
            look_at="Mask first, then a softmax over axis 0, the views.",
        )


@pytest.mark.points(4)
def test_missing_views_may_hold_anything_and_logits_may_be_large(yours, generator):
    """Nan or infinity where a view is missing, and logits around 1000 where it is not."""
    for value, (n_views, n_examples) in zip((torch.nan, torch.inf), SHAPES[:2], strict=True):
        mask = _oracle.some_mask(n_views, n_examples, generator=generator)
        logits = 1000 + _oracle.draw(n_views, n_examples, generator=generator)
        assert_agrees(
            yours(mask, logits.masked_fill(~mask, value)),
            _oracle.gates(mask, logits),
            mistakes={},
            look_at=f"Missing views hold {value} here, the others logits around 1000. Replace with "
            "masked_fill, do not multiply; and let softmax do the exponential.",
        )
