"""outlier_auroc(queries, prototypes, is_outlier) -> how well distance tells strangers."""

from typing import Any

import pytest
import torch

from medmeta_ref.grading.agreement import assert_agrees
from medmeta_ref.grading.specs.unit_12 import _oracle


def _judge(yours, queries, prototypes, is_outlier, look_at):
    far, odd = _oracle.nearest(queries, prototypes), is_outlier.tolist()
    score = [min(row) for row in far]
    right = _oracle.pair_share(score, odd)
    cut = sorted(score)[len(score) // 2]
    mistakes: dict[str, Any] = {
        "Reversed: what is *far* from all prototypes is the outlier.": 1 - right,
        "The distance to the furthest prototype was taken; the nearest one counts.": (
            _oracle.pair_share([max(row) for row in far], odd)
        ),
        "The mean distance to all prototypes was taken; the nearest one counts.": (
            _oracle.pair_share([sum(row) / len(row) for row in far], odd)
        ),
        "The distance to the first prototype was taken; the nearest one counts.": (
            _oracle.pair_share([row[0] for row in far], odd)
        ),
        "A tie counts one half; yours counts nothing.": _oracle.pair_share(score, odd, tie=0.0),
        "A tie counts one half; yours counts as won.": _oracle.pair_share(score, odd, tie=1.0),
        "That is an accuracy at one threshold; the share of pairs needs none.": (
            sum((s > cut) == o for s, o in zip(score, odd, strict=True)) / len(odd)
        ),
    }
    assert_agrees(yours(queries, prototypes, is_outlier), right, mistakes=mistakes, look_at=look_at)


@pytest.mark.points(4)
def test_is_the_share_of_pairs_in_the_right_order(yours, generator):
    """Every outlier against every other query, by loops: three shapes, labels in any order."""
    for n, n_features, n_way in ((34, 3, 4), (25, 2, 3), (30, 4, 5)):
        prototypes = 2 * _oracle.draw(n_way, n_features, generator=generator)
        queries = 1.5 * _oracle.draw(n, n_features, generator=generator)
        is_outlier = torch.arange(n) < 11
        is_outlier = is_outlier[torch.randperm(n, generator=generator)]
        look_at = (
            f"There were {n} queries and {n_way} prototypes, 11 outliers. The score of a query is "
            "the distance to its nearest prototype."
        )
        _judge(yours, queries, prototypes, is_outlier, look_at)


@pytest.mark.points(4)
def test_ties_count_one_half(yours, generator):
    """Queries at whole numbers on a line, so that many scores are exactly equal."""
    for n, n_way in ((16, 2), (21, 3)):
        prototypes = 5.0 * torch.arange(n_way, dtype=torch.float64)[:, None]
        queries = torch.randint(-2, 5 * n_way, (n, 1), generator=generator).double()
        is_outlier = torch.rand(n, generator=generator) < 0.4
        is_outlier[:2] = torch.tensor([True, False])
        look_at = "Many scores were equal here: a pair of equal scores is half won."
        _judge(yours, queries, prototypes, is_outlier, look_at)
