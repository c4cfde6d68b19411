"""read_slices(step, start, features, lengths)."""

import pytest
import torch

from medmeta_ref.grading.agreement import assert_agrees
from medmeta_ref.grading.sandbox.adapters import Fn
from medmeta_ref.grading.specs.unit_09 import _oracle

CASES = (([5, 2, 3], 5, 4, 3), ([1, 4], 4, 2, 2))  # lengths, depth, features, hidden


def _case(lengths, depth, n_features, n_hidden, generator):
    cell = _oracle.Cell(n_features, n_hidden, generator=generator)
    start = _oracle.draw(len(lengths), n_hidden, generator=generator)
    features = _oracle.draw(len(lengths), depth, n_features, generator=generator)
    return cell, start, features, torch.tensor(lengths)


def _with_padding(features, lengths, value):
    """Return the features with `value` behind the last slice of each example."""
    behind = torch.arange(features.shape[1]) >= lengths[:, None]
    return features.masked_fill(behind[..., None], value)


@pytest.mark.points(6)
def test_state_is_that_after_the_last_slice_of_each(yours, generator):
    """Unequal lengths: every example stops at its own, for two shapes."""
    for case in CASES:
        cell, start, features, lengths = _case(*case, generator)
        depth = features.shape[1]
        want = cell.read(start, features, lengths)
        full = torch.full_like(lengths, depth)
        each = list(zip(start, features, lengths.tolist(), strict=True))
        backwards = torch.stack([cell.states(s, f[:k].flip(0))[-1] for s, f, k in each])
        last_only = torch.stack([cell.states(s, f[k - 1 : k])[-1] for s, f, k in each])
        means = torch.stack([torch.stack(cell.states(s, f[:k])[1:]).mean(0) for s, f, k in each])
        assert_agrees(
            yours(cell.step, start, features, lengths),
            want,
            mistakes={
                "The padding is read, too: short examples have to keep the state that they had "
                "at their last slice.": cell.read(start, features, full),
                "All examples stop where the shortest ends.": cell.read(
                    start, features, lengths.min().expand_as(lengths)
                ),
                "One slice too few is read.": cell.read(start, features, lengths - 1),
                "One slice too many is read.": cell.read(
                    start, features, (lengths + 1).clamp(max=depth)
                ),
                "The state begins at 0; it has to begin at `start`.": cell.read(
                    torch.zeros_like(start), features, lengths
                ),
                "The slices are read from the last to the first.": backwards,
                "Only the last slice is read: hand the state on.": last_only,
                "That is the mean of all states; the last was asked for.": means,
            },
            look_at="For t = 0, 1, ...: examples with t < lengths[i] take the new state, the "
            "others keep theirs.",
        )


@pytest.mark.points(5)
def test_padding_may_hold_anything(yours, generator):
    """Infinite numbers or nan behind the last slice change nothing."""
    for case, value in zip(CASES, (torch.nan, torch.inf), strict=True):
        cell, start, features, lengths = _case(*case, generator)
        assert_agrees(
            yours(cell.step, start, _with_padding(features, lengths, value), lengths),
            cell.read(start, features, lengths),
            mistakes={},
            look_at=f"The padding holds {value} here. 0 times that is nan, so multiplying by a "
            "mask is not enough: replace, by masked_fill or torch.where.",
        )


@pytest.mark.points(4)
def test_gradient_is_right_whatever_the_padding_holds(yours, generator):
    """The gradient reaches the first slice, and is 0 in the padding, which holds nan."""
    for case in CASES:
        cell, start, features, lengths = _case(*case, generator)
        weights = _oracle.draw(*start.shape, generator=generator)
        got = yours.through(
            "gradient_of",
            cell.step,
            start,
            _with_padding(features, lengths, torch.nan),
            lengths,
            outer=Fn("weighted_sum", (weights,)),
            wrt=2,
        )
        assert got is not None, "No gradient reaches the slices: no CNN before it could learn."
        assert_agrees(
            got,
            cell.slopes(start, features, lengths, weights),
            mistakes={},
            look_at="Backwards, 0 times nan is nan: choosing the right state after the step is too "
            "late. Fill the padding with zeros before anything is computed from it. And do not "
            "detach the state between slices.",
        )
