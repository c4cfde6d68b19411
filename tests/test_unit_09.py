"""Unit 09 gives full points to right answers, however they are written."""

import math

import pytest
import torch

from medmeta_ref import fusion
from medmeta_ref.grading.spec_runner import run_spec


def arithmetic_by_einsum(probabilities, weights=None):
    if weights is None:
        weights = torch.full((len(probabilities),), 3.0, dtype=probabilities.dtype)
    return torch.einsum("mnc,m->nc", probabilities, weights) / weights.sum()


def geometric_by_scaled_roots(probabilities, weights=None):
    """Powers and products in place of logarithms, rescaled in every step."""
    n_models = len(probabilities)
    shares = [1 / n_models] * n_models
    if weights is not None:
        shares = [w / float(weights.sum()) for w in weights.tolist()]
    product = torch.ones_like(probabilities[0])
    for member, share in zip(probabilities, shares, strict=True):
        product = product * member.clamp_min(1e-300) ** share
        product = product / product.amax(1, keepdim=True)
    return product / product.sum(1, keepdim=True)


def geometric_by_log_sum_exp(probabilities, weights=None):
    weights = torch.ones(len(probabilities)).double() if weights is None else weights
    heard = weights > 0
    logs = torch.log(probabilities[heard] + 1e-20)
    mean = (weights[heard, None, None] * logs).sum(0) / weights.sum()
    return torch.exp(mean - torch.logsumexp(mean, dim=1, keepdim=True))


def ambiguity_by_numbers(predictions, targets, weights):
    """Plain floats; the ambiguity by the theorem."""
    columns = list(zip(*predictions.tolist(), strict=True))
    ensemble = mean = 0.0
    for column, target in zip(columns, targets.tolist(), strict=True):
        gaps = [p - target for p in column]
        ensemble += math.fsum(w * g for w, g in zip(weights.tolist(), gaps, strict=True)) ** 2
        mean += math.fsum(w * g * g for w, g in zip(weights.tolist(), gaps, strict=True))
    n = len(columns)
    return [ensemble / n, mean / n, mean / n - ensemble / n]


def folds_row_by_row(fit_predict, x, labels, folds, *, n_classes):
    rows = []
    for i, fold in enumerate(folds.tolist()):
        others = [j for j, other in enumerate(folds.tolist()) if other != fold]
        rows.append(fit_predict(x[others], labels[others], x[i : i + 1])[0])
    return torch.stack(rows)


def folds_by_index_copy(fit_predict, x, labels, folds, *, n_classes):
    found = torch.empty(len(x), n_classes, dtype=x.dtype)
    for name in sorted(set(folds.tolist())):
        (inside,) = torch.where(folds == name)
        (outside,) = torch.where(folds != name)
        found.index_copy_(0, inside, fit_predict(x[outside], labels[outside], x[inside]))
    return found


def slices_one_volume_at_a_time(step, start, features, lengths):
    states = []
    for i, length in enumerate(lengths.tolist()):
        state = start[i : i + 1]
        for t in range(length):
            state = step(features[i : i + 1, t], state)
        states.append(state)
    return torch.cat(states)


def slices_by_packing(step, start, features, lengths):
    """Longest first; the batch shrinks as examples end."""
    order = lengths.argsort(descending=True)
    state, ended = start[order], [None] * len(lengths)
    for t in range(int(lengths.max())):
        n_left = int((lengths > t).sum())
        state = step(features[order[:n_left], t], state[:n_left])
        for place, i in enumerate(order[:n_left].tolist()):
            ended[i] = state[place]
    return torch.stack(ended)


def reader_test_by_single_volumes(read):
    """Everything in company of another volume; changes where they must and must not show."""
    generator = torch.Generator().manual_seed(7)
    long, short, other = torch.randn(3, 5, 4, generator=generator).double()
    lengths = torch.tensor([5, 2])

    def answer(first, second):
        return read(torch.stack([first, second]), lengths)

    nobody = torch.full_like(long, 9.0)
    base = answer(long, short)
    assert torch.allclose(answer(long, other)[0], base[0])
    assert torch.allclose(answer(other, short)[1], base[1])
    assert torch.allclose(read(long[None], lengths[:1])[0], base[0])
    assert torch.allclose(answer(long, torch.cat([short[:2], nobody[2:]]))[1], base[1])
    reordered = long[torch.tensor([1, 0, 2, 3, 4])]
    assert not torch.allclose(answer(reordered, short)[0], base[0])


RIGHT = {
    "average_probabilities": (fusion.average_probabilities, arithmetic_by_einsum),
    "log_opinion_pool": (
        fusion.log_opinion_pool,
        geometric_by_scaled_roots,
        geometric_by_log_sum_exp,
    ),
    "ambiguity": (ambiguity_by_numbers,),
    "out_of_fold": (folds_row_by_row, folds_by_index_copy),
    "read_slices": (slices_one_volume_at_a_time, slices_by_packing),
    "reader_test": (reader_test_by_single_volumes,),
}


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize(
    ("name", "function"), [(name, f) for name, each in RIGHT.items() for f in each]
)
def test_right_answer_written_differently_gets_every_point(name, function, seed):
    result = run_spec(f"09.{name}", function, seed=seed)
    assert result.points == result.max_points, result
