"""Fusing predictions: several models answer, one answer comes out.

Opinion pools: Genest and Zidek 1986, "Combining Probability Distributions", Statistical Science 1.
Fitted weights: Cover 1984, "An Algorithm for Maximizing Expected Log Investment Return", IEEE
Trans. Inf. Theory 30. Ambiguity: Krogh and Vedelsby 1995, "Neural Network Ensembles, Cross
Validation, and Active Learning", NIPS 7. A learned combiner has a file of its own, `stacking`.

By Jensen, the mean of the members has at most the *mean* member's NLL or Brier score. Nothing of
the kind holds against the best member, or for accuracy.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from medmeta_ref.probabilities import require_finite, require_labels, require_probabilities
from medmeta_ref.stacking import Combiner, stacked_logits, stacking

__all__ = [
    "Ambiguity",
    "Combiner",
    "ambiguity",
    "average_probabilities",
    "fit_weights",
    "log_opinion_pool",
    "majority_vote",
    "stacked_logits",
    "stacking",
]

FITTED = 1e-8  # `fit_weights` stops when at most so many nats are missing,
FIT_STEPS = 20_000  # or after so many steps; then, as far as tried, less than 1e-6 were


class Ambiguity(NamedTuple):
    """Krogh and Vedelsby's equation 6: ensemble_error = mean_error - ambiguity."""

    ensemble_error: float
    mean_error: float
    ambiguity: float


def average_probabilities(probabilities: Tensor, weights: Tensor | None = None) -> Tensor:
    """Return the weighted arithmetic mean of the members, a "soft vote" or linear opinion pool.

    Args:
        probabilities: `[n_models, n_examples, n_classes]`, rows summing to 1.
        weights: `[n_models]`, at least 0. Only their ratios count; None is all the same.

    Returns:
        `[n_examples, n_classes]`, rows summing to 1.

    Raises:
        ValueError: if `probabilities` or `weights` are not as described, or not finite.

    Example:
        >>> average_probabilities(torch.tensor([[[0.9, 0.1]], [[0.3, 0.7]]]))
        tensor([[0.6000, 0.4000]])
    """
    require_probabilities(probabilities)
    mean: Tensor = torch.tensordot(_shares(weights, probabilities), probabilities, dims=1)
    return mean


def log_opinion_pool(probabilities: Tensor, weights: Tensor | None = None) -> Tensor:
    """Return the weighted geometric mean of the members, normalised: the mean of log-probabilities.

    A zero counts as the smallest positive normal number: still nearly a veto, but when the
    members veto every class the answer is finite, and with equal weights the fewest vetoes win.

    Args:
        probabilities: `[n_models, n_examples, n_classes]`, rows summing to 1.
        weights: `[n_models]`, as in `average_probabilities`. A member of weight 0 is not heard.

    Returns:
        `[n_examples, n_classes]`, rows summing to 1.

    Raises:
        ValueError: as `average_probabilities`.

    Example:
        >>> log_opinion_pool(torch.tensor([[[0.9, 0.1]], [[0.3, 0.7]]]))
        tensor([[0.6626, 0.3374]])
    """
    require_probabilities(probabilities)
    logs = probabilities.clamp_min(torch.finfo(probabilities.dtype).tiny).log()
    pooled: Tensor = torch.tensordot(_shares(weights, probabilities), logs, dims=1)
    return pooled.softmax(-1)


def majority_vote(probabilities: Tensor) -> Tensor:
    """Return the class that most members rank first.

    A tie goes to the tied class with the largest mean probability, and if that is tied as well to
    the lowest class. A member that is undecided itself votes for the lowest of its best classes.

    Args:
        probabilities: `[n_models, n_examples, n_classes]`, rows summing to 1.

    Returns:
        `[n_examples]`, int64.

    Raises:
        ValueError: as `average_probabilities`.

    Example:
        >>> majority_vote(torch.tensor([[[0.6, 0.4]], [[0.6, 0.4]], [[0.0, 1.0]]]))
        tensor([0])
    """
    require_probabilities(probabilities)
    n_classes = probabilities.shape[-1]
    votes = F.one_hot(probabilities.argmax(-1), n_classes).sum(0)  # [n_examples, n_classes]
    # Sorted, or the order of the members could decide a tie by its rounding.
    mean = probabilities.double().sort(0).values.mean(0)
    in_the_lead = votes == votes.amax(1, keepdim=True)
    return mean.masked_fill(~in_the_lead, -1.0).argmax(1)


def fit_weights(probabilities: Tensor, labels: Tensor) -> Tensor:
    """Return the weights with which `average_probabilities` has the least NLL on these labels.

    EM on mixture weights (Cover 1984): w_m ← w_m r_m with r_m = E[p_m(y) / p_w(y)]. At the optimum
    r_m <= 1, with equality where w_m > 0; before it, log max r_m bounds what is still missing.
    Fit on examples that no member was trained on: on others the one that overfits most wins. And
    with few examples, plain averages often predict better.

    Args:
        probabilities: `[n_models, n_examples, n_classes]`, rows summing to 1.
        labels: `[n_examples]`, integers in `0..n_classes-1`.

    Returns:
        `[n_models]`, at least 0, sum 1. Members that are all alike get the same weight.

    Raises:
        ValueError: if the arguments are not as described, or not finite.

    Example:
        >>> probabilities = torch.tensor([[[0.9, 0.1]] * 4, [[0.2, 0.8]] * 4])
        >>> fit_weights(probabilities, torch.tensor([0, 0, 0, 1])).round(decimals=3)
        tensor([0.7860, 0.2140])
    """
    require_probabilities(probabilities)
    require_labels(labels, probabilities)
    rows = torch.arange(len(labels), device=labels.device)
    at_label = probabilities.detach().double()[:, rows, labels.long()]  # [n_models, n_examples]
    # An example to which every member gives 0 then has ratio 1, and speaks for none of them.
    at_label = at_label.clamp_min(torch.finfo(torch.float64).tiny)
    weights = torch.full_like(at_label[:, 0], 1 / len(at_label))
    for _ in range(FIT_STEPS):
        ratios = (at_label / (weights @ at_label)).mean(1)
        if ratios.max() <= 1 + FITTED:
            break
        weights = weights * ratios
    return (weights / weights.sum()).to(probabilities.dtype)


def ambiguity(predictions: Tensor, targets: Tensor) -> Ambiguity:
    """Return the squared error of the mean prediction, and how disagreement lowered it (eq. 6).

    The error of the mean is the mean error minus the ambiguity, the members' spread around their
    mean. So members help by disagreeing, but only as long as that costs less mean error.

    Args:
        predictions: `[n_models, n_examples]` or `[n_models, n_examples, n_outputs]`.
        targets: `[n_examples]` or `[n_examples, n_outputs]`; one-hot rows for probabilities.

    Returns:
        three means over everything, computed in float64.

    Raises:
        ValueError: if the shapes do not fit, or a value is not finite.

    Example:
        >>> ambiguity(torch.tensor([[1.0], [3.0]]), torch.tensor([1.0]))
        Ambiguity(ensemble_error=1.0, mean_error=2.0, ambiguity=1.0)
    """
    fits = predictions.ndim in (2, 3) and predictions.shape[1:] == targets.shape
    if not fits or predictions.numel() == 0:
        raise ValueError(
            f"predictions must be [n_models, ...] and targets [...] of the same size, got "
            f"{tuple(predictions.shape)} and {tuple(targets.shape)}"
        )
    require_finite("predictions", predictions)
    require_finite("targets", targets)
    members, wanted = predictions.double(), targets.double()
    mean = members.mean(0)
    return Ambiguity(
        ensemble_error=float((mean - wanted).square().mean()),
        mean_error=float((members - wanted).square().mean()),
        ambiguity=float((members - mean).square().mean()),
    )


def _shares(weights: Tensor | None, probabilities: Tensor) -> Tensor:
    """Return checked weights that sum to 1, in the dtype of the probabilities."""
    n_models = len(probabilities)
    if weights is None:
        return probabilities.new_full((n_models,), 1 / n_models)
    if weights.shape != (n_models,):
        raise ValueError(
            f"weights must be one per model, shape ({n_models},), got {tuple(weights.shape)}"
        )
    require_finite("weights", weights)
    if (weights < 0).any() or not (weights > 0).any():
        raise ValueError(
            f"weights must be at least 0 with one above, got {float(weights.detach().min()):.3g}.."
            f"{float(weights.detach().max()):.3g}"
        )
    shares = weights.to(probabilities.dtype)
    return shares / shares.sum()
