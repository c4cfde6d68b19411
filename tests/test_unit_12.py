"""Unit 12 gives full points to right answers, however they are written."""

import pytest
import torch
import torch.nn.functional as F
from scipy import optimize, stats

from medmeta_ref import robustness
from medmeta_ref.clinical import auroc
from medmeta_ref.grading.spec_runner import run_spec
from medmeta_ref.prototypical import robust_prototypes


def flip_by_loop(labels, *, rate, n_classes, generator):
    """From the list of the other classes, one label after the other."""
    flipped, n_wrong = labels.tolist(), round(rate * len(labels))
    order = torch.rand(len(labels), generator=generator).argsort()
    for position in order[:n_wrong].tolist():
        others = [c for c in range(n_classes) if c != flipped[position]]
        flipped[position] = others[int(torch.randint(len(others), (), generator=generator))]
    return torch.tensor(flipped)


def flip_by_scores(labels, *, rate, n_classes, generator):
    """The most likely class of random scores, the own one ruled out."""
    scores = torch.rand(len(labels), n_classes, generator=generator)
    scores[torch.arange(len(labels)), labels] = -1
    hit = torch.zeros(len(labels), dtype=torch.bool)
    hit[torch.randperm(len(labels), generator=generator)[: round(rate * len(labels))]] = True
    return torch.where(hit, scores.argmax(1), labels)


def corrupt_by_cases(images, kind, *, strength, generator):
    def contrast(image):
        return image * (1 - strength) + image.mean() * strength

    ways = {
        "brightness": lambda image: image + strength,
        "contrast": contrast,
        "noise": lambda image: torch.normal(image, strength, generator=generator),
    }
    return torch.stack([ways[kind](image) for image in images]).clip(0, 1)


def loss_by_expm1(logits, labels, *, q):
    log_p = -F.cross_entropy(logits, labels, reduction="none")
    return -torch.expm1(q * log_p).mean() / q


def loss_by_logsumexp(logits, labels, *, q):
    rows = torch.arange(len(labels))
    p_to_q = (q * (logits[rows, labels] - torch.logsumexp(logits, 1))).exp()
    return sum((1 - each) / q for each in p_to_q) / len(labels)


def trimmed_by_topk(examples, *, n_cut):
    total = examples.sum(0)
    if n_cut:
        lowest = examples.topk(n_cut, dim=0, largest=False).values
        total = total - lowest.sum(0) - examples.topk(n_cut, dim=0).values.sum(0)
    return total / (len(examples) - 2 * n_cut)


def trimmed_by_loop(examples, *, n_cut):
    columns = [sorted(column)[n_cut : len(column) - n_cut] for column in examples.T.tolist()]
    return torch.tensor([sum(column) / len(column) for column in columns])


def median_of_the_library(examples):
    labels = torch.zeros(len(examples), dtype=torch.int64)
    return robust_prototypes(examples, labels, 1, method="geometric_median")[0]


def median_by_a_simplex(examples):
    """Downhill, without a derivative, from every example and from the mean."""

    def total(point):
        return (examples - torch.as_tensor(point)).norm(dim=1).sum().item()

    starts = [examples.mean(0), *examples]
    how = {"xatol": 1e-7, "fatol": 1e-10, "maxiter": 20_000, "maxfev": 20_000}
    ends = [optimize.minimize(total, s, method="Nelder-Mead", options=how) for s in starts[:2]]
    best = min(
        [(e.fun, tuple(e.x)) for e in ends] + [(total(s), tuple(s.tolist())) for s in starts]
    )
    return torch.tensor(best[1])


def auroc_of_the_library(queries, prototypes, is_outlier):
    return auroc(robustness.outlier_scores(queries, prototypes), is_outlier)


def auroc_by_ranks(queries, prototypes, is_outlier):
    gaps = (queries[:, None] - prototypes).square().sum(2).amin(1)
    ranks = torch.tensor(stats.rankdata(gaps.round(decimals=9)))
    n_odd = int(is_outlier.sum())
    below = ranks[is_outlier].sum() - n_odd * (n_odd + 1) / 2
    return below / (n_odd * (len(queries) - n_odd))


def test_by_properties(flip):
    """Another way to test: every label at rate 1, and what many seeds have in common."""
    labels = torch.tensor([0, 0, 0, 1, 2, 2])
    results = [flip(labels, rate=0.5, n_classes=3, seed=seed) for seed in range(200)]
    assert {int((each != labels).sum()) for each in results} == {3}
    for position in range(6):
        assert {int(each[position]) for each in results} == {0, 1, 2}


test_by_properties.__test__ = False

VARIANTS = {
    "flip_labels": (flip_by_loop, flip_by_scores, robustness.flip_labels),
    "corrupt": (corrupt_by_cases,),
    "generalised_cross_entropy": (
        loss_by_expm1,
        loss_by_logsumexp,
        robustness.generalised_cross_entropy,
    ),
    "trimmed_centre": (trimmed_by_topk, trimmed_by_loop),
    "geometric_median": (median_of_the_library, median_by_a_simplex),
    "outlier_auroc": (auroc_of_the_library, auroc_by_ranks),
    "flip_test": (test_by_properties,),
}


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize(
    ("name", "function"), [(name, f) for name, each in VARIANTS.items() for f in each]
)
def test_right_answer_written_differently_gets_every_point(name, function, seed):
    result = run_spec(f"12.{name}", function, seed=seed)
    assert result.points == result.max_points, result
