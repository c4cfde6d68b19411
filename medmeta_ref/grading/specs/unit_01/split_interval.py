"""split_interval(accuracies, *, quantile) -> (mean, half-width over class splits)."""

import math

import pytest
import torch

from medmeta_ref.grading.agreement import assert_agrees
from medmeta_ref.grading.specs.unit_01._intervals import by_hand, pair


def _table(n_splits, n_episodes, generator):
    """Return accuracies: every split has its own level, every episode its own luck."""
    level = torch.rand(n_splits, 1, generator=generator, dtype=torch.float64)
    luck = torch.rand(n_splits, n_episodes, generator=generator, dtype=torch.float64)
    return 0.3 + 0.4 * level + 0.2 * luck


@pytest.mark.points(6)
def test_splits_are_what_is_averaged(yours, generator):
    """Mean over splits, and quantile · s / √n_splits with s the spread of the splits' means."""
    for n_splits, n_episodes, quantile in ((5, 12, 2.776), (8, 6, 2.365)):
        table = _table(n_splits, n_episodes, generator)
        means = [sum(row) / n_episodes for row in table.tolist()]
        mean, squares, n = by_hand(means)
        s = math.sqrt(squares / (n - 1))
        _, pooled, n_all = by_hand(table.flatten().tolist())
        luck = [math.sqrt(by_hand(row)[1] / (n_episodes - 1)) for row in table.tolist()]
        by_column = [sum(column) / n_splits for column in table.T.tolist()]
        across = math.sqrt(by_hand(by_column)[1] / (n_episodes - 1))
        got = pair(yours(table, quantile=quantile))
        assert_agrees(got[0], mean, mistakes={}, look_at="The first of the two is the mean.")
        assert_agrees(
            got[1],
            quantile * s / math.sqrt(n),
            mistakes={
                "All episodes were pooled, as if they were independent. Those of one split share "
                "its classes: average them first.": (
                    quantile * math.sqrt(pooled / (n_all - 1) / n_all)
                ),
                "That is the spread over episodes within a split, on average: the usual interval, "
                "which knows nothing of other classes.": (
                    quantile * sum(luck) / n / math.sqrt(n_episodes)
                ),
                "You averaged over the splits first and then over episodes. Rows are splits: "
                "average each row.": quantile * across / math.sqrt(n_episodes),
                "The spread of the splits is right, but divided by the root of the number of "
                "episodes; it is splits that are counted.": quantile * s / math.sqrt(n_episodes),
                "The spread of the splits is right; divide it by √n_splits.": quantile * s,
                "n - 1 belongs in the standard deviation.": quantile * math.sqrt(squares / n / n),
                "You use 1.96 where the quantile is given.": 1.96 * s / math.sqrt(n),
            },
            look_at="First the mean of every row; then the interval of these few means.",
        )


@pytest.mark.points(2)
def test_more_episodes_of_the_same_splits_change_nothing(yours, generator):
    """Every episode counted ten times: the interval over splits stays as it is."""
    table = _table(6, 5, generator)
    once, often = (yours(each, quantile=2.571) for each in (table, table.repeat(1, 10)))
    means = [sum(row) / 5 for row in table.tolist()]
    _, squares, n = by_hand(means)
    want = 2.571 * math.sqrt(squares / (n - 1) / n)
    for which, got in (("5", once), ("50", often)):
        assert_agrees(
            pair(got)[1],
            want,
            mistakes={},
            look_at=f"This was with {which} episodes per split. More episodes make each split's "
            "mean more certain, but they are no further splits.",
        )
