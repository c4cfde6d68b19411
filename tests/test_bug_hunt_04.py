"""The key of the bug hunt of unit 04, proved by running the listing that learners read.

For each symptom: it is there in the listing, mending its line makes it vanish, and mending all the
other lines does not.
"""

import pytest
import torch
import torch.nn.functional as F

from medmeta_ref.grading.specs.unit_04.bug_lines import KEY
from tests.listings import function_of, listing

UNIT = "04_prototypes"
MENDED = {
    4: "    support, query = support - support.mean(0), query - support.mean(0)",
    6: "    prototypes = torch.stack([support[support_y == c].mean(0) for c in range(n_way)])",
    7: "    logits = -(torch.cdist(query, prototypes) ** 2)",
    8: "    loss = F.cross_entropy(logits, query_y)",
    9: "    accuracy = (logits.argmax(1) == query_y).double().mean()",
}
CENTRES = torch.tensor([[0.0, 0.0], [9.0, 1.0], [2.0, 9.0]], dtype=torch.float64)
LABELS = torch.tensor([0, 0, 1, 1, 2, 2])


def evaluate_with(*mended):
    return function_of(UNIT, MENDED, mended=mended, names={"torch": torch, "F": F})


def support_set():
    """Return two examples of each class, around its centre; sorted, as the listing likes it."""
    offsets = torch.tensor([[1.0, 0.0], [-1.0, 0.0]], dtype=torch.float64)
    return (CENTRES[:, None] + offsets).flatten(0, 1)


def run(evaluate, queries, labels, *, order=None):
    """Return logits, loss and accuracy, with the identity as the embedding."""
    order = torch.arange(6) if order is None else order
    return evaluate(lambda x: x, support_set()[order], LABELS[order], queries, labels)


def influenced(evaluate):
    queries, labels = CENTRES + 0.5, torch.arange(3)
    together = run(evaluate, queries, labels)[0][:1]
    alone = run(evaluate, queries[:1], labels[:1])[0]
    return not torch.allclose(together, alone)


def order_of_examples(evaluate):
    queries, labels = CENTRES + 0.5, torch.arange(3)
    order = torch.tensor([0, 2, 4, 1, 3, 5])
    here, there = (run(evaluate, queries, labels, order=o)[0] for o in (None, order))
    return not torch.allclose(here, there)


def bent_boundary(evaluate):
    start, step = CENTRES[0], torch.tensor([2.0, 1.0], dtype=torch.float64)
    queries = torch.stack([start, start + step, start + 2 * step])
    logits = run(evaluate, queries, torch.zeros(3, dtype=torch.int64))[0]
    lead = logits[:, 0] - logits[:, 1]
    return not torch.allclose(lead[1], (lead[0] + lead[2]) / 2)


def never_sure(evaluate):
    # The centres' mean is that of the support set, so that centring queries cannot matter.
    return bool(run(evaluate, CENTRES, torch.arange(3))[1] > 0.5)


def above_one(evaluate):
    queries, labels = CENTRES.repeat(3, 1), torch.arange(3).repeat(3)
    return bool(run(evaluate, queries, labels)[2] > 1)


SYMPTOMS = {
    "influenced": influenced,
    "order of examples": order_of_examples,
    "bent boundary": bent_boundary,
    "never sure": never_sure,
    "above one": above_one,
}


def test_every_repair_changes_its_line():
    lines = listing(UNIT)
    assert set(MENDED) == set(KEY.values())
    assert all(lines[number - 1] != line for number, line in MENDED.items())


@pytest.mark.parametrize("symptom", KEY)
def test_listing_shows_the_symptom(symptom):
    assert SYMPTOMS[symptom](evaluate_with())


@pytest.mark.parametrize("symptom", KEY)
def test_mending_the_keyed_line_cures_the_symptom(symptom):
    assert not SYMPTOMS[symptom](evaluate_with(KEY[symptom]))


@pytest.mark.parametrize("symptom", KEY)
def test_mending_all_other_lines_leaves_the_symptom(symptom):
    assert SYMPTOMS[symptom](evaluate_with(*(line for line in MENDED if line != KEY[symptom])))


def test_listing_reports_an_accuracy_of_three_as_the_table_says():
    queries, labels = CENTRES.repeat(3, 1), torch.arange(3).repeat(3)
    assert run(evaluate_with(), queries, labels)[2] == 3


@pytest.mark.parametrize("line", [6, 7, 8])
def test_three_of_the_bugs_leave_the_accuracy_of_a_balanced_sorted_episode_alone(line):
    queries, labels = CENTRES.repeat(4, 1) + 3 * torch.rand(12, 2).double(), torch.arange(12) % 3
    right = run(evaluate_with(*MENDED), queries, labels)[2]
    others = [number for number in MENDED if number != line]
    assert run(evaluate_with(*others), queries, labels)[2] == right


def test_with_every_line_mended_it_is_the_closed_form():
    queries, labels = CENTRES + torch.tensor([0.3, -0.7]).double(), torch.arange(3)
    logits, loss, accuracy = run(evaluate_with(*MENDED), queries, labels)
    squares = [[float(((q - c) ** 2).sum()) for c in CENTRES] for q in queries]
    want = -torch.tensor(squares, dtype=torch.float64)
    torch.testing.assert_close(logits, want)
    torch.testing.assert_close(loss, F.cross_entropy(want, labels))
    assert accuracy == 1
