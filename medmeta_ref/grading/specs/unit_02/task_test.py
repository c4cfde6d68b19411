"""task_test(predict): the learner writes the test, and it is tested in turn."""

from collections.abc import Callable

import pytest
import torch

from medmeta_ref.grading.specs.unit_02._predictors import by_heart, nearest_example, nearest_mean
from medmeta_ref.grading.trials import tried


def _in_order(support_x, support_y, query_x):
    """Blocks of equal size, class 0 first: the labels themselves are never read."""
    n_way = len(set(support_y.tolist()))
    size = len(support_y) // n_way
    means = support_x[: n_way * size].reshape(n_way, size, -1).mean(1)
    return torch.cdist(query_x, means).argmin(1)


def _sums(support_x, support_y, query_x):
    """Sums over a class, divided by one and the same number for all classes."""
    slots = sorted(set(support_y.tolist()))
    size = len(support_y) / len(slots)
    means = torch.stack([support_x[support_y == slot].sum(0) / size for slot in slots])
    return torch.tensor(slots)[torch.cdist(query_x, means).argmin(1)]


def _centred(support_x, support_y, query_x):
    """Support and queries are centred by their own means, as batch statistics do."""
    return nearest_mean(support_x - support_x.mean(0), support_y, query_x - query_x.mean(0))


class _Remembers:
    """Keeps the first support set that it has seen, and answers from it ever after."""

    def __init__(self):
        self.first = []

    def __call__(self, support_x, support_y, query_x):
        self.first = self.first or [support_x.clone(), support_y.clone()]
        return nearest_mean(self.first[0], self.first[1], query_x)


RIGHT = (nearest_mean, nearest_example)
WRONG: dict[str, Callable[..., object]] = {
    "never looks at the support set": by_heart,
    "reads classes off the order of the support set": _in_order,
    "takes all classes to be equally large": _sums,
    "judges a query by the queries beside it": _centred,
    "goes on using the first support set it saw": _Remembers,
}


def _anew(predict):
    """Return a function without a past: one of the classifiers has a memory."""
    made = predict() if isinstance(predict, type) else predict
    return lambda *task: made(*task)


@pytest.mark.points(2)
@pytest.mark.parametrize("mistake", WRONG)
def test_accepts_right_classifiers_and_rejects_one_that(yours, mistake, generator):
    """Your test accepts two right classifiers and rejects one that {mistake}."""
    trial = tried(yours, RIGHT, WRONG, generator, begin=_anew)
    assert trial.accepts_the_right(), (
        "Your test rejects a right classifier. Take classes that lie far apart, with "
        "every query close to its own, so that there is only one right answer."
    )
    assert trial.rejects(mistake), (
        f"A classifier that {mistake} passes your test. Build a task on which it must answer "
        "otherwise than a right one."
    )
