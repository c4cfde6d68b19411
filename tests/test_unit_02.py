"""The checks of unit 02 are fair: other right answers pass, and their oracles are what they say."""

import math

import pytest
import torch

from medmeta_ref.grading.spec_runner import max_points, run_spec
from medmeta_ref.grading.specs.unit_02 import _predictors
from medmeta_ref.grading.specs.unit_02._counting import METHODS, Counter, counted
from medmeta_ref.grading.specs.unit_02.task_test import RIGHT, WRONG, _anew

EXERCISES = (
    "gain_curve",
    "task_diversity",
    "step_cost",
    "support_dependence",
    "bug_lines",
    "task_test",
    "questions",
)


# ---- right answers written in another way ----


def gain_by_sums(ours, rival, shots, episodes):
    """Plain Python; the rival first; tensors as values."""
    curve = {}
    for k in reversed(shots):
        theirs = {e: rival(k, e) for e in episodes}
        gains = [ours(k, e) - theirs[e] for e in reversed(episodes)]
        mean = sum(gains) / len(gains)
        variance = sum((g - mean) ** 2 for g in gains) / (len(gains) - 1)
        curve[k] = [torch.tensor(mean), 1.96 * math.sqrt(variance / len(gains))]
    return curve


def diversity_by_loops(features):
    total, pairs = 0.0, 0
    for i in range(len(features)):
        for j in range(i):
            total += torch.dist(features[i].mean(0), features[j].mean(0)).item()
            pairs += 1
    return total / pairs


def cost_by_counting(method, *, inner_steps, n_tasks):
    """Walk through the steps and count."""
    losses = graphs = 0
    for _ in range(n_tasks):
        alive = 0
        for _ in range(0 if method == "prototypes" else inner_steps):
            losses += 1
            alive = alive + 1 if method == "maml" else 1
            graphs = max(graphs, alive)
        if method != "reptile":
            losses += 1
            graphs = max(graphs, alive + 1 if method == "maml" else 1)
    return {"graphs": graphs, "gradients": losses, "losses": losses}


def dependence_one_by_one(predict, support_x, support_y, query_x, *, n_way):
    """Labels renamed in a list; answers compared in a loop."""
    new = torch.tensor([0 if y == n_way - 1 else y + 1 for y in support_y.tolist()])
    after = predict(support_x.clone(), new, query_x.clone()).tolist()
    before = predict(support_x.clone(), support_y.clone(), query_x.clone()).tolist()
    pairs = list(zip(before, after, strict=True))
    follows = sum(b == (0 if a == n_way - 1 else a + 1) for a, b in pairs)
    return torch.tensor(follows / len(pairs)), sum(a == b for a, b in pairs) / len(pairs)


def test_by_many_tasks(predict):
    """Random far-away centres, random sizes, one query at a time."""
    generator = torch.Generator().manual_seed(0)
    for _ in range(20):
        centres = 100 * torch.eye(4)[torch.randperm(4, generator=generator)] + 50
        sizes = torch.randint(1, 7, (4,), generator=generator)
        labels = torch.arange(4).repeat_interleave(sizes)
        labels = labels[torch.randperm(len(labels), generator=generator)]
        support = centres[labels] + torch.rand(len(labels), 4, generator=generator)
        for slot in range(4):
            assert predict(support, labels, centres[slot, None]).tolist() == [slot]
    line = torch.tensor([[1.0], [1.0], [1.0], [1.0], [1.0], [2.0], [3.0]])
    assert predict(line, torch.tensor([0, 0, 0, 0, 0, 1, 2]), torch.tensor([[1.0]])).tolist() == [0]


test_by_many_tasks.__test__ = False  # an answer, not a test of ours

OTHERS = {
    "gain_curve": gain_by_sums,
    "task_diversity": diversity_by_loops,
    "step_cost": cost_by_counting,
    "support_dependence": dependence_one_by_one,
    "task_test": test_by_many_tasks,
}


@pytest.mark.parametrize("name", OTHERS)
def test_right_answer_written_in_another_way_gets_every_point(name):
    result = run_spec(f"02.{name}", OTHERS[name])
    assert result.points == result.max_points, result


def test_the_unit_has_a_hundred_points():
    assert sum(max_points(f"02.{name}") for name in EXERCISES) == 100


# ---- the counters ----


@pytest.mark.parametrize("method", METHODS)
def test_graphs_do_not_grow_with_tasks(method):
    few, many = (counted(method, inner_steps=3, n_tasks=n)["graphs"] for n in (1, 7))
    assert few == many


def test_counter_sees_that_a_kept_graph_is_kept_and_a_dropped_one_dropped():
    theta = torch.ones(2, requires_grad=True)
    count = Counter()
    first = count.loss({"theta": theta}, torch.zeros(2))
    second = count.loss({"theta": theta}, torch.zeros(2))
    assert count.graphs == 2
    del first, second
    third = count.loss({"theta": theta}, torch.zeros(2))
    assert count.graphs == 2, "what was freed still counts"
    assert third.requires_grad


# ---- the classifiers that learners' tests are tried on ----


@pytest.mark.parametrize("made", [*RIGHT, *WRONG.values()])
def test_every_classifier_is_right_on_a_familiar_task(made):
    # Sorted, balanced, with the largest feature at the slot: so accuracy alone tells nobody apart.
    support_y, query_y = torch.arange(3).repeat_interleave(4), torch.arange(3).repeat(5)
    noise = torch.Generator().manual_seed(1)
    support_x = 10 * torch.eye(3)[support_y] + torch.rand(12, 3, generator=noise)
    query_x = 10 * torch.eye(3)[query_y] + torch.rand(15, 3, generator=noise)
    assert torch.equal(_anew(made)(support_x, support_y, query_x), query_y)


def test_classifier_that_reads_labels_wrongly_neither_follows_nor_ignores():
    generator = torch.Generator().manual_seed(0)
    for n_way in (3, 4, 5, 6):
        x, y = torch.randn(2 * n_way, 8, generator=generator), torch.arange(n_way).repeat(2)
        queries = torch.randn(50, 8, generator=generator)
        before = _predictors.doubled(x, y, queries)
        after = _predictors.doubled(x, (y + 1) % n_way, queries)
        assert not (after == before).any()
        assert not (after == (before + 1) % n_way).any()
