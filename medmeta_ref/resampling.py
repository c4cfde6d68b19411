"""How sure one may be, found by resampling: of patients, of class splits, of labels.

Percentile interval: Efron and Tibshirani 1993, "An Introduction to the Bootstrap", chapter 13.
Groups: Field and Welsh 2007, "Bootstrapping clustered data", J. R. Stat. Soc. B 69:369. Null of the
calibration error: Bröcker and Smith 2007, "Increasing the reliability of reliability diagrams",
Weather and Forecasting 22:651.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from medmeta_ref.metrics import expected_calibration_error


class PercentileInterval(NamedTuple):
    """A value found on the data, and the 2.5th and 97.5th percentile of its resamples."""

    estimate: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.estimate:.3f} [{self.low:.3f}, {self.high:.3f}]"


class CalibrationNull(NamedTuple):
    """The calibration error that chance alone gives: its mean and its 95th percentile."""

    mean: float
    percentile_95: float


def bootstrap_ci(
    metric: Callable[[Tensor, Tensor], float],
    scores: Tensor,
    labels: Tensor,
    groups: Tensor,
    *,
    n_resamples: int,
    generator: torch.Generator,
) -> PercentileInterval:
    """Return `metric(scores, labels)` with its 95 % interval over patients.

    Whole groups are drawn with replacement, as many as there are: images of one patient resemble
    each other, so drawing single images would make the interval too narrow. A resample in which
    all labels are equal is drawn again unless those of the data are, since AUROC has no value
    there. With few groups (under about 20) percentile intervals are too narrow themselves.

    Args:
        metric: takes scores and labels, returns a number; `clinical.auroc`, `metrics.accuracy`.
        scores: `[n_examples, ...]`, what the metric takes.
        labels: `[n_examples]`.
        groups: `[n_examples]`, equal for rows that belong together: the patient.
        n_resamples: 1,000 is usual.
        generator: the only source of randomness.

    Raises:
        ValueError: if lengths differ, a score is nan, there are fewer than 2 groups,
            `n_resamples` is below 1, or the metric gives nan.

    Example:
        >>> share = lambda scores, labels: float(scores.mean())
        >>> g = torch.Generator().manual_seed(0)
        >>> print(bootstrap_ci(share, torch.tensor([0.0, 0.0, 1.0, 1.0]), torch.zeros(4),
        ...                    torch.tensor([7, 7, 8, 8]), n_resamples=100, generator=g))
        0.500 [0.000, 1.000]
    """
    _require_rows(scores, labels, groups)
    _require_resamples(n_resamples)
    names, member_of = torch.unique(groups, return_inverse=True)
    if len(names) < 2:
        raise ValueError(
            f"an interval over groups needs at least 2, got {len(names)}; pass one number per "
            "patient, or torch.arange(n_examples) if all images are independent"
        )
    one_label = bool((labels == labels[0]).all())
    values: list[float] = []
    while len(values) < n_resamples:
        drawn = torch.randint(len(names), (len(names),), generator=generator)
        times = torch.bincount(drawn, minlength=len(names))[member_of]  # [n_examples]
        rows = torch.repeat_interleave(torch.arange(len(labels)), times)
        if one_label or (labels[rows] != labels[rows[0]]).any():
            values.append(float(metric(scores[rows], labels[rows])))
    return _percentiles(float(metric(scores, labels)), values)


def hierarchical_bootstrap(
    values: Tensor, *, n_resamples: int, generator: torch.Generator
) -> PercentileInterval:
    """Return the mean of all values with its 95 % interval over splits, seeds and episodes.

    Class splits are drawn with replacement, within each of them training seeds, within each of
    those episodes. The episodes of one split say nothing about another choice of classes, which
    usually moves the mean far more. With S splits the interval is still too narrow by about
    √((S - 1) / S), 11 % for 5, and one seed hides what seeds do.

    Args:
        values: `[n_splits, n_seeds, n_episodes]`, accuracies say.
        n_resamples: 1,000 is usual.
        generator: the only source of randomness.

    Raises:
        ValueError: if `values` has other axes, holds nan or has fewer than 2 splits, or
            `n_resamples` is below 1.

    Example:
        >>> values = torch.tensor([0.6, 0.8])[:, None, None].expand(2, 3, 50)
        >>> g = torch.Generator().manual_seed(0)
        >>> print(hierarchical_bootstrap(values, n_resamples=100, generator=g))
        0.700 [0.600, 0.800]
    """
    if values.ndim != 3 or len(values) < 2 or values.numel() == 0:
        raise ValueError(
            "expected values [n_splits, n_seeds, n_episodes] with at least 2 splits, got shape "
            f"{tuple(values.shape)}; for the episodes of one split use metrics.mean_and_ci95"
        )
    _require_no_nan("values", values)
    _require_resamples(n_resamples)
    n_splits, n_seeds, n_episodes = values.shape
    values, means = values.double(), []
    for _ in range(n_resamples):
        splits = torch.randint(n_splits, (n_splits, 1, 1), generator=generator)
        seeds = torch.randint(n_seeds, (n_splits, n_seeds, 1), generator=generator)
        episodes = torch.randint(n_episodes, tuple(values.shape), generator=generator)
        means.append(float(values[splits, seeds, episodes].mean()))
    return _percentiles(float(values.mean()), means)


def calibration_null(
    probabilities: Tensor, *, n_bins: int = 15, n_resamples: int, generator: torch.Generator
) -> CalibrationNull:
    """Return the calibration error that a perfectly calibrated model with these outputs scores.

    Labels are drawn from the probabilities themselves, so what `expected_calibration_error` finds
    is its own bias. Only an error above the 95th percentile speaks against a model's calibration.

    Args:
        probabilities: `[n_examples, n_classes]`, rows summing to 1.
        n_bins: as for `expected_calibration_error`.
        n_resamples: 1,000 is usual.
        generator: the only source of randomness.

    Raises:
        ValueError: if the probabilities are not such rows, or `n_bins` or `n_resamples` is
            below 1.

    Example:
        >>> g = torch.Generator().manual_seed(0)
        >>> calibration_null(torch.eye(2), n_resamples=10, generator=g)  # always sure and right
        CalibrationNull(mean=0.0, percentile_95=0.0)
    """
    _require_resamples(n_resamples)
    if probabilities.ndim != 2 or probabilities.numel() == 0:
        raise ValueError(
            f"probabilities must be [n_examples, n_classes], got {tuple(probabilities.shape)}"
        )
    rows = probabilities.detach().double()
    worst = float((rows.sum(1) - 1).abs().max())
    if not worst <= 1e-3 or (rows < 0).any():
        raise ValueError(
            f"rows must be 0 or more and sum to 1, one sum is off by {worst:.3g} and the smallest "
            f"entry is {float(rows.min()):.3g}; pass softmax(logits)"
        )
    errors = []
    for _ in range(n_resamples):
        labels = torch.multinomial(rows, 1, generator=generator).flatten()
        errors.append(expected_calibration_error(rows, labels, n_bins=n_bins))
    found = torch.tensor(errors, dtype=torch.float64)
    return CalibrationNull(float(found.mean()), float(found.quantile(0.95)))


def _percentiles(estimate: float, values: list[float]) -> PercentileInterval:
    found = torch.tensor([estimate, *values], dtype=torch.float64)
    _require_no_nan("values of the metric", found)
    low, high = found[1:].quantile(torch.tensor([0.025, 0.975], dtype=torch.float64)).tolist()
    return PercentileInterval(estimate, low, high)


def _require_rows(scores: Tensor, labels: Tensor, groups: Tensor) -> None:
    n = len(labels) if labels.ndim == 1 else 0
    if n == 0 or scores.ndim == 0 or len(scores) != n or groups.shape != labels.shape:
        raise ValueError(
            "expected scores [n_examples, ...], labels [n_examples] and groups [n_examples], got "
            f"{tuple(scores.shape)}, {tuple(labels.shape)} and {tuple(groups.shape)}"
        )
    _require_no_nan("scores", scores)


def _require_no_nan(name: str, values: Tensor) -> None:
    if torch.isnan(values).any():
        raise ValueError(
            f"{int(torch.isnan(values).sum())} of {values.numel()} {name} are nan; leave these out"
        )


def _require_resamples(n_resamples: int) -> None:
    if n_resamples < 1:
        raise ValueError(f"n_resamples must be at least 1, got {n_resamples}; 1,000 is usual")
