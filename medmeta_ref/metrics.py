"""Figures of merit, and how sure one may be of them."""

import math
from typing import NamedTuple

import torch
from torch import Tensor


class Interval(NamedTuple):
    """A mean and the half-width of its 95 % confidence interval."""

    mean: float
    half_width: float

    def __str__(self) -> str:
        return f"{self.mean:.3f} ± {self.half_width:.3f}"

    def holds(self, value: float) -> bool:
        """Return whether `value` lies in the interval, its ends included.

        Example:
            >>> Interval(0.7, 0.1).holds(0.65), Interval(0.7, 0.1).holds(0.5)
            (True, False)
        """
        return abs(self.mean - value) <= self.half_width


def accuracy(logits: Tensor, labels: Tensor) -> float:
    """Return the share of examples whose largest logit is at the label.

    Args:
        logits: `[n_examples, n_classes]`; probabilities do as well.
        labels: `[n_examples]`, integers.

    Example:
        >>> accuracy(torch.eye(4), torch.tensor([0, 1, 2, 0]))
        0.75
    """
    _require_pairs(logits, labels)
    return float((logits.argmax(1) == labels).double().mean())


def balanced_accuracy(logits: Tensor, labels: Tensor) -> float:
    """Return the mean over classes of the share recognised: chance is 1 / n_classes however rare.

    Args:
        logits: `[n_examples, n_classes]`; probabilities do as well.
        labels: `[n_examples]`, integers. Classes without an example are left out of the mean.

    Example:
        >>> always_zero = torch.tensor([[1.0, 0.0]]).expand(10, 2)
        >>> balanced_accuracy(always_zero, torch.tensor([0] * 9 + [1]))
        0.5
    """
    _require_pairs(logits, labels)
    hits = (logits.argmax(1) == labels).double()
    recalls = [hits[labels == c].mean() for c in torch.unique(labels)]
    return float(torch.stack(recalls).mean())


def expected_calibration_error(probabilities: Tensor, labels: Tensor, *, n_bins: int = 15) -> float:
    """Return the mean gap between confidence and accuracy over equal-width confidence bins.

    Guo et al. 2017, "On Calibration of Modern Neural Networks", arXiv 1706.04599, eq. 3. It is
    biased upwards: a perfectly calibrated model on 156 test images scores about 0.07 with 15 bins.

    Args:
        probabilities: `[n_examples, n_classes]`, rows summing to 1.
        labels: `[n_examples]`, integers.
        n_bins: number of bins over 0..1.

    Returns:
        between 0 and 1.

    Raises:
        ValueError: if rows do not sum to 1 or `n_bins` is below 1.

    Example:
        >>> expected_calibration_error(torch.tensor([[1.0, 0.0]] * 2), torch.tensor([0, 1]))
        0.5
    """
    _require_pairs(probabilities, labels)
    if n_bins < 1:
        raise ValueError(f"n_bins must be at least 1, got {n_bins}")
    worst = float((probabilities.sum(1) - 1).abs().max())
    if not worst <= 1e-3:  # this way round nan is refused as well
        raise ValueError(f"rows must sum to 1, one is off by {worst:.3g}; pass probabilities")
    confidence, predicted = probabilities.double().max(1)
    hits = (predicted == labels).double()
    # Bins are (low, high], as in the paper.
    bins = (confidence * n_bins).ceil().long().clamp(1, n_bins) - 1
    gaps = torch.zeros(n_bins, dtype=torch.double).index_add(0, bins, hits - confidence)
    return float(gaps.abs().sum() / len(labels))


def mean_and_ci95(values: Tensor) -> Interval:
    """Return the mean of many independent values and 1.96 s / √n, its 95 % half-width.

    For the accuracies of a few hundred episodes, as in the few-shot papers. Such an interval
    covers the drawing of episodes only: not the training seed, nor the choice of classes.

    Args:
        values: `[n]` with n at least 2; s is the standard deviation with n - 1.

    Raises:
        ValueError: if there are fewer than 2 values.

    Example:
        >>> print(mean_and_ci95(torch.tensor([0.0, 1.0] * 50)))
        0.500 ± 0.098
    """
    return _interval(values, 1.96)


def mean_and_ci95_of_few(values: Tensor) -> Interval:
    """Return the mean of a handful of values and its 95 % half-width by Student's t.

    For training seeds: with 5 of them 1.96 would be too small, t is 2.78.

    Args:
        values: `[n]` with n at least 2.

    Raises:
        ValueError: if there are fewer than 2 values.

    Example:
        >>> print(mean_and_ci95_of_few(torch.tensor([1.0, 2.0, 3.0])))
        2.000 ± 2.484
    """
    from scipy.stats import t  # imported here: it costs more time than the rest of this module

    return _interval(values, float(t.ppf(0.975, df=max(values.numel() - 1, 1))))


def _interval(values: Tensor, quantile: float) -> Interval:
    if values.ndim != 1 or len(values) < 2:
        raise ValueError(
            f"an interval needs at least 2 values in one row, got shape {tuple(values.shape)}"
        )
    values = values.double()
    return Interval(float(values.mean()), float(quantile * values.std() / math.sqrt(len(values))))


def _require_pairs(scores: Tensor, labels: Tensor) -> None:
    if scores.ndim != 2 or labels.shape != (len(scores),) or len(labels) == 0:
        raise ValueError(
            f"expected scores [n_examples, n_classes] and labels [n_examples], got "
            f"{tuple(scores.shape)} and {tuple(labels.shape)}"
        )
