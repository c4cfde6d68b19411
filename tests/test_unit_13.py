"""Unit 13 gives full points to right answers, however they are written."""

import pytest
import torch
from scipy.stats import mannwhitneyu
from sklearn.metrics import roc_auc_score, roc_curve

from medmeta_ref import clinical, metrics, resampling
from medmeta_ref.episodes import multilabel_episode
from medmeta_ref.grading.spec_runner import run_spec


def auroc_of_scikit_learn(scores, labels):
    return float(roc_auc_score(labels.numpy(), scores.numpy()))


def auroc_by_mann_whitney(scores, labels):
    ill, healthy = scores[labels == 1].numpy(), scores[labels == 0].numpy()
    return torch.tensor(mannwhitneyu(ill, healthy).statistic / (len(ill) * len(healthy)))


def sensitivity_on_the_curve(scores, labels, *, specificity):
    fpr, tpr, _ = roc_curve(labels.numpy(), scores.numpy(), drop_intermediate=False)
    return float(tpr[1 - fpr >= specificity - 1e-12].max())


def ppv_by_odds(sensitivity, specificity, prevalence):
    """Odds after = odds before times the likelihood ratio, where there are odds."""
    if prevalence * sensitivity == 0 and (1 - prevalence) * (1 - specificity) == 0:
        raise ValueError("nobody is called")
    if specificity == 1 or prevalence == 1:
        return 1.0
    odds = prevalence / (1 - prevalence) * sensitivity / (1 - specificity)
    return torch.tensor(odds / (1 + odds))


def bootstrap_by_counts(metric, scores, labels, groups, *, n_resamples, generator):
    """How often each patient is drawn, by one call for all resamples; numbers as tensors."""
    names, member = torch.unique(groups, return_inverse=True)
    drawn = torch.randint(len(names), (n_resamples, len(names)), generator=generator)
    values = []
    for row in drawn:
        times = torch.bincount(row, minlength=len(names))[member]
        rows = torch.repeat_interleave(torch.arange(len(scores)), times)
        values.append(metric(scores[rows], labels[rows]))
    ends = torch.stack(values).sort().values[[int(0.025 * n_resamples), int(0.975 * n_resamples)]]
    return metric(scores, labels), ends[0], ends[1]


def bootstrap_of_the_library(metric, scores, labels, groups, **how):
    return tuple(resampling.bootstrap_ci(metric, scores, labels, groups, **how))


def calibration_by_bucketize(probabilities, labels, *, n_bins):
    confidence, predicted = probabilities.max(1)
    edges = torch.arange(1, n_bins).to(confidence) / n_bins
    bins = torch.bucketize(confidence, edges)
    gap = (predicted == labels).to(confidence) - confidence
    return torch.zeros(n_bins).to(gap).index_add(0, bins, gap).abs().sum() / len(labels)


def rows_of_the_library(labels, *, finding, k_shot, n_query, generator):
    """The library draws images: let each image be its own number."""
    numbers = torch.arange(len(labels), dtype=torch.float64)
    how = {"label": finding, "k_shot": k_shot, "n_query": n_query, "generator": generator}
    episode = multilabel_episode(numbers, labels, **how)
    return episode.support_x.long(), episode.query_x.long()


def rows_by_scores(labels, *, finding, k_shot, n_query, generator):
    """The lowest of random numbers; lists."""
    luck = torch.rand(len(labels), generator=generator).tolist()
    support, query = [], []
    for side in (0, 1):
        rows = [i for i, row in enumerate(labels.tolist()) if row[finding] == side]
        rows.sort(key=luck.__getitem__)
        support += rows[:k_shot]
        query += rows[k_shot : k_shot + n_query]
    return [support, query]


def test_by_brute_force(auroc):
    """Another way to test: many small random cases against a double loop."""
    g = torch.Generator().manual_seed(0)
    for _ in range(20):
        scores = torch.randint(-4, 5, (9,), generator=g).double() / 2
        labels = torch.tensor([1, 0, 1, 0, 0, 1, 0, 1, 0])
        pairs = [
            (scores[i] > scores[j]).item() + 0.5 * (scores[i] == scores[j]).item()
            for i in range(9)
            for j in range(9)
            if labels[i] == 1 and labels[j] == 0
        ]
        torch.testing.assert_close(float(auroc(scores, labels)), sum(pairs) / len(pairs))


test_by_brute_force.__test__ = False

VARIANTS = {
    "auroc": (auroc_of_scikit_learn, auroc_by_mann_whitney, clinical.auroc),
    "sensitivity_at_specificity": (
        sensitivity_on_the_curve,
        clinical.sensitivity_at_specificity,
    ),
    "ppv": (ppv_by_odds, clinical.ppv),
    "bootstrap_ci": (bootstrap_by_counts, bootstrap_of_the_library),
    "calibration_error": (calibration_by_bucketize, metrics.expected_calibration_error),
    "finding_rows": (rows_of_the_library, rows_by_scores),
    "auroc_test": (test_by_brute_force,),
}


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize(
    ("name", "function"), [(name, f) for name, each in VARIANTS.items() for f in each]
)
def test_right_answer_written_differently_gets_every_point(name, function, seed):
    result = run_spec(f"13.{name}", function, seed=seed)
    assert result.points == result.max_points, result
