"""support_dependence(predict, support_x, support_y, query_x, *, n_way) -> (follows, ignores)."""

import pytest
import torch

from medmeta_ref.grading.agreement import assert_agrees
from medmeta_ref.grading.specs.unit_02 import _predictors

KNOWN = {
    "the nearest class mean": (_predictors.nearest_mean, (1.0, 0.0)),
    "a rule learned by heart": (_predictors.by_heart, (0.0, 1.0)),
    "one that reads labels wrongly": (_predictors.doubled, (0.0, 0.0)),
}


def _task(n_way, k_shot, n_queries, generator):
    """Return a task of noise: what is asked is not whether the answers are right."""
    draw = {"generator": generator, "dtype": torch.float64}
    labels = torch.arange(n_way).repeat(k_shot)
    return torch.randn(n_way * k_shot, 8, **draw), labels, torch.randn(n_queries, 8, **draw)


def _pair(answer):
    """Return both numbers as a tensor, or say what is wrong with the answer."""
    ok = type(answer) in (tuple, list) and len(answer) == 2
    ok = ok and all(type(v) in (int, float, torch.Tensor) for v in answer)
    ok = ok and all(type(v) is not torch.Tensor or v.ndim == 0 for v in answer)
    assert ok, f"A pair (follows, ignores) was expected, got {answer!r:.60}."
    return torch.tensor([float(v) for v in answer], dtype=torch.float64)


@pytest.mark.points(3)
@pytest.mark.parametrize("kind", KNOWN)
def test_tells_what_kind_of_classifier_it_is(yours, generator, kind):
    """Two tasks with {kind}."""
    predict, want = KNOWN[kind]
    for n_way, k_shot, n_queries in ((5, 2, 12), (3, 4, 7)):
        support_x, support_y, query_x = _task(n_way, k_shot, n_queries, generator)
        got = _pair(yours(predict, support_x, support_y, query_x, n_way=n_way))
        follows, ignores = want
        assert_agrees(
            got,
            torch.tensor(want),
            mistakes={
                "Follows and ignores are swapped.": torch.tensor((ignores, follows)),
                "It changes its answers, but not in the way the labels were renamed. Follows means "
                "that the new answer is the old one renamed.": torch.tensor((1 - ignores, ignores)),
                "Ignores is not 1 - follows: an answer may change and still not follow.": (
                    torch.tensor((follows, 1 - follows))
                ),
                "Every answer changed and none follows. Labels go up by one, the last becomes 0: "
                "do you expect the answers to go the same way?": torch.zeros(2),
                "You saw no change. Did the second call get the renamed labels?": (
                    torch.tensor((0.0, 1.0))
                ),
            },
            look_at="Two calls: with the labels as they are, and with (label + 1) % n_way.",
        )


@pytest.mark.points(9)
def test_counts_the_shares_of_a_mixture(yours, generator):
    """A classifier that is of another kind for each query: both shares, for two tasks."""
    for n_way, k_shot, n_queries in ((5, 3, 20), (3, 5, 16)):
        support_x, support_y, query_x = _task(n_way, k_shot, n_queries, generator)
        # Each kind occurs, follows oftener than ignores; in an order that is drawn.
        rules = (2 * torch.randint(2, (n_queries - 6,), generator=generator)).tolist()
        rules += [0, 0, 0, 1, 1, 2]
        rules = [rules[i] for i in torch.randperm(n_queries, generator=generator).tolist()]
        follows, ignores = rules.count(0) / n_queries, rules.count(1) / n_queries
        got = _pair(yours(_predictors.mixture(rules), support_x, support_y, query_x, n_way=n_way))
        assert_agrees(
            got,
            torch.tensor([follows, ignores]).double(),
            mistakes={
                "Follows and ignores are swapped.": torch.tensor([ignores, follows]),
                "Ignores is not 1 - follows: an answer may change and still not follow.": (
                    torch.tensor([follows, 1 - follows])
                ),
                "A changed answer need not follow: it has to be the old one, renamed.": (
                    torch.tensor([1 - ignores, ignores])
                ),
                "These are counts; shares of the queries were asked for.": (
                    torch.tensor([float(rules.count(0)), float(rules.count(1))])
                ),
            },
            look_at="follows: share of queries with new == (old + 1) % n_way; ignores: share with "
            "new == old.",
        )
