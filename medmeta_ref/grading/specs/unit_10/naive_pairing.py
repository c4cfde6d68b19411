"""naive_pairing(first_labels, second_labels) -> (agreement, chance)."""

import pytest
import torch

from medmeta_ref.grading.agreement import assert_agrees

CASES = ((40, 40, (2, 5, 9)), (60, 25, (0, 1)), (12, 30, (0, 1, 2, 7)))  # lengths, labels


def _both(yours, first, second):
    got = yours(first, second)
    kind = type(got).__name__
    assert type(got) in (tuple, list), f"Two numbers were expected, in a tuple; yours is {kind}."
    assert len(got) == 2, f"Two numbers were expected, in a tuple; yours holds {len(got)}."
    return got


def _labels(case, generator):
    """Return two lists of labels, of which the first classes are the commonest."""
    n_first, n_second, names = case
    chances = 1 / torch.arange(1, len(names) + 1, dtype=torch.float64)
    drawn = [
        torch.multinomial(chances, n, replacement=True, generator=generator).tolist()
        for n in (n_first, n_second)
    ]
    return [[names[i] for i in each] for each in drawn]


def _agreement(first, second):
    pairs = list(zip(first, second, strict=False))
    return sum(a == b for a, b in pairs) / len(pairs)


def _chance(first, second):
    """Return the share of equal labels among *all* pairs of one row and another."""
    return sum(a == b for a in first for b in second) / (len(first) * len(second))


@pytest.mark.points(4)
def test_agreement_is_the_share_of_rows_with_equal_labels(yours, generator):
    """Three pairs of sets; the shorter one ends the pairing."""
    for case in CASES:
        first, second = _labels(case, generator)
        n = min(len(first), len(second))
        right = _agreement(first, second)
        assert_agrees(
            _both(yours, torch.tensor(first), torch.tensor(second))[0],
            right,
            mistakes={
                "That is the chance; agreement comes first.": _chance(first[:n], second[:n]),
                "That is the share of rows that do not agree.": 1 - right,
                "A number of rows; the share was asked for.": right * n,
                "Divided by the length of the longer set; divide by the rows that are paired.": (
                    right * n / max(len(first), len(second))
                ),
            },
            look_at="This is the agreement. Of the first min(n_first, n_second) rows, how many "
            "have equal labels?",
        )


@pytest.mark.points(4)
def test_chance_is_what_shuffled_rows_would_agree(yours, generator):
    """By all pairs of rows: no formula, three pairs of sets."""
    for case in CASES:
        first, second = _labels(case, generator)
        n = min(len(first), len(second))
        a, b = first[:n], second[:n]
        right = _chance(a, b)
        n_classes = len({*a, *b})
        assert_agrees(
            _both(yours, torch.tensor(first), torch.tensor(second))[1],
            right,
            mistakes={
                "1 / number of classes would hold if all were equally frequent.": 1 / n_classes,
                "That is the agreement; chance comes second.": _agreement(a, b),
                "The shares are to be those among the paired rows, not in the whole sets.": (
                    _chance(first, second)
                ),
                "The shares of the first set are squared; the second has shares of its own.": (
                    _chance(a, a)
                ),
                "That is the share of the commonest class.": max(map(a.count, a)) / n,
            },
            look_at="This is the chance. For every class the share in the first set times the "
            "share in the second, summed.",
        )
