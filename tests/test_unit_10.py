"""Unit 10 gives full points to right answers, however they are written."""

import math

import pytest
import torch
import torch.nn.functional as F

from medmeta_ref import views
from medmeta_ref.grading.spec_runner import run_spec


def views_by_unbinding(volume):
    """Through lists of slices."""
    return [volume.unbind(axis)[volume.shape[axis] // 2] for axis in (1, 2, 3)]


def views_by_select(volume):
    _, depth, height, width = volume.shape
    return (
        torch.select(volume, 1, depth // 2),
        torch.select(volume, 2, height // 2),
        torch.select(volume, 3, width // 2),
    )


def gates_by_loops(mask, gate_logits):
    found = torch.zeros(mask.shape)
    for i in range(mask.shape[1]):
        here = mask[:, i].nonzero().flatten().tolist()
        top = max(float(gate_logits[v, i]) for v in here)
        total = sum(math.exp(float(gate_logits[v, i]) - top) for v in here)
        for v in here:
            found[v, i] = math.exp(float(gate_logits[v, i]) - top) / total
    return found


def gates_by_where(mask, gate_logits):
    return torch.softmax(torch.where(mask, gate_logits, torch.tensor(-1e300)), dim=0)


def fusion_patient_by_patient(features, mask, gate_logits):
    rows = []
    for i in range(mask.shape[1]):
        here = mask[:, i]
        rows.append(torch.softmax(gate_logits[here, i], 0) @ features[here, i])
    return torch.stack(rows)


def dropout_by_loops(mask, *, rate, generator):
    """Coins one by one, then a survivor from the list of those that were there."""
    coins = torch.rand(mask.T.shape, generator=generator).tolist()
    columns = []
    for here, luck in zip(mask.T.tolist(), coins, strict=True):
        kept = [there and coin >= rate for there, coin in zip(here, luck, strict=True)]
        if not any(kept):
            present = [v for v, there in enumerate(here) if there]
            kept[present[int(torch.randint(len(present), (), generator=generator))]] = True
        columns.append(kept)
    return torch.tensor(columns).T


def dropout_by_bernoulli(mask, *, rate, generator):
    kept = mask & torch.bernoulli(torch.full(mask.shape, 1 - rate), generator=generator).bool()
    survivor = torch.multinomial(mask.T.double(), 1, generator=generator).T
    rescued = F.one_hot(survivor[0], len(mask)).bool().T & ~kept.any(0)
    return kept | rescued


def reliance_example_by_example(predict, features, mask, labels):
    def loss(i, here):
        logits = predict(features[:, i : i + 1], here[:, None])[0]
        return float(torch.logsumexp(logits, 0) - logits[labels[i]])

    found = []
    for v in range(len(mask)):
        rises = []
        for i in range(len(labels)):
            without = mask[:, i].clone()
            without[v] = False
            if mask[v, i] and without.any():
                rises.append(loss(i, without) - loss(i, mask[:, i]))
        found.append(sum(rises) / len(rises))
    return torch.tensor(found)


def pairing_by_counts(first_labels, second_labels):
    n = min(len(first_labels), len(second_labels))
    first, second = first_labels[:n].tolist(), second_labels[:n].tolist()
    agreement = sum(a == b for a, b in zip(first, second, strict=True)) / n
    return [agreement, sum(first.count(c) * second.count(c) for c in set(first)) / n**2]


def fusion_test_patient_by_patient(fuse):
    """One patient with two views of three, in every disguise; then each view turned."""
    generator = torch.Generator().manual_seed(5)
    one, two, rest = torch.randn(3, 1, 4, generator=generator).double()
    crowd = torch.randn(3, 1, 4, generator=generator).double()
    mask = torch.tensor([[True], [True], [False]])
    base = fuse(torch.stack([one, two, rest]), mask)
    assert torch.allclose(fuse(torch.stack([one, two, 3 - rest]), mask), base)
    assert torch.allclose(fuse(torch.stack([one, two]), mask[:2]), base)
    assert torch.allclose(fuse(torch.stack([two, one]), mask[:2]), base)
    beside = torch.cat([torch.stack([one, two, rest]), crowd], 1)
    both = torch.cat([mask, torch.tensor([[True]] * 3)], 1)
    assert torch.allclose(fuse(beside, both)[:1], base)
    assert not torch.allclose(fuse(torch.stack([-one, two]), mask[:2]), base)
    assert not torch.allclose(fuse(torch.stack([one, -two]), mask[:2]), base)


RIGHT = {
    "orthogonal_views": (views.orthogonal_views, views_by_unbinding, views_by_select),
    "view_gates": (views.view_gates, gates_by_loops, gates_by_where),
    "gated_fusion": (views.gated_fusion, fusion_patient_by_patient),
    "modality_dropout": (views.modality_dropout, dropout_by_loops, dropout_by_bernoulli),
    "view_reliance": (reliance_example_by_example,),
    "naive_pairing": (pairing_by_counts,),
    "fusion_test": (fusion_test_patient_by_patient,),
}


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize(
    ("name", "function"), [(name, f) for name, each in RIGHT.items() for f in each]
)
def test_right_answer_written_differently_gets_every_point(name, function, seed):
    result = run_spec(f"10.{name}", function, seed=seed)
    assert result.points == result.max_points, result
