"""ambiguity(predictions, targets, weights)."""

import math

import pytest
import torch

from medmeta_ref.grading.agreement import assert_agrees
from medmeta_ref.grading.specs.unit_09 import _oracle

NAMES = ("ensemble error", "mean error", "ambiguity")


def _three(yours, *arguments):
    """Return what the learner's function returns, if it is three things."""
    got = yours(*arguments)
    kind = type(got).__name__
    assert type(got) in (tuple, list), f"Three numbers were expected, in a tuple; yours is {kind}."
    assert len(got) == 3, f"Three numbers were expected, in a tuple; yours holds {len(got)}."
    return got


def _by_hand(predictions, targets, weights):
    """Return the three numbers, member by member and example by example."""
    loud, wanted = weights.tolist(), targets.tolist()
    columns = list(zip(*predictions.tolist(), strict=True))
    fused = [math.fsum(w * p for w, p in zip(loud, c, strict=True)) for c in columns]
    errors = [(f - y) ** 2 for f, y in zip(fused, wanted, strict=True)]

    def spread(around):
        return [
            math.fsum(w * (p - a) ** 2 for w, p in zip(loud, column, strict=True))
            for column, a in zip(columns, around, strict=True)
        ]

    return [math.fsum(each) / len(wanted) for each in (errors, spread(wanted), spread(fused))]


def _case(n_models, n_examples, generator, offset=0.0):
    weights = _oracle.some_weights(n_models, generator=generator)
    predictions = _oracle.draw(n_models, n_examples, generator=generator) + offset
    targets = _oracle.draw(n_examples, generator=generator) + offset
    return predictions, targets, weights / weights.sum()


@pytest.mark.points(7)
def test_three_errors_are_right(yours, generator):
    """Ensemble error, mean error and ambiguity, weighted, for two shapes."""
    for n_models, n_examples in ((3, 5), (4, 2)):
        predictions, targets, weights = _case(n_models, n_examples, generator)
        want = _by_hand(predictions, targets, weights)
        got = _three(yours, predictions, targets, weights)
        plain = _by_hand(predictions, targets, torch.full_like(weights, 1 / n_models))
        for k, name in enumerate(NAMES):
            ignored = "The weights are ignored" + (" in this spread." if k == 2 else ".")
            mistakes = {
                ignored: plain[k],
                "Summed over the examples; the mean was asked for.": n_examples * want[k],
                "The sign is reversed.": -want[k],
                "This is its root; errors are squared here.": want[k] ** 0.5,
            }
            for other, value in zip(NAMES, want, strict=True):
                if other != name:
                    mistakes[f"That is the {other}: is the order changed?"] = value
            if name == "ambiguity":
                sentence = "A variance with n - 1, which is torch.var's default."
                mistakes[sentence] = float(predictions.var(0).mean())
            assert_agrees(
                got[k],
                want[k],
                mistakes=mistakes,
                look_at=f"This is the {name}, number {k + 1} of the three.",
            )


@pytest.mark.points(3)
def test_digits_survive_for_large_volumes(yours, generator):
    """Predictions and targets around 100 million: the three numbers are as before."""
    for n_models, n_examples in ((3, 4), (2, 6)):
        predictions, targets, weights = _case(n_models, n_examples, generator, offset=1e8)
        want = _by_hand(predictions, targets, weights)
        got = _three(yours, predictions, targets, weights)
        for value, right, name in zip(got, want, NAMES, strict=True):
            assert_agrees(
                value,
                right,
                mistakes={},
                look_at=f"This is the {name}. A mean of squares minus a squared mean subtracts two "
                "numbers of size 10^16 and has no digits left: subtract first, then square.",
                rtol=1e-4,
            )
