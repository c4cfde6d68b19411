"""What a medical reader asks of a classifier of two classes, ill (1) and not (0).

AUROC: Hanley and McNeil 1982, "The meaning and use of the area under a receiver operating
characteristic (ROC) curve", Radiology 143:29. Predictive values: Altman and Bland 1994,
"Diagnostic tests 2: predictive values", BMJ 309:102.
"""

import math

import torch
from torch import Tensor


def auroc(scores: Tensor, labels: Tensor) -> float:
    """Return the chance that an ill case scores above a healthy one, a tie counting one half.

    This is the Mann-Whitney statistic over n_ill * n_healthy, and the area under the ROC curve.
    Only the order of the scores counts: neither calibration nor the threshold does.

    Args:
        scores: `[n_examples]`, higher means more likely ill; logits or probabilities, infinite
            ones too.
        labels: `[n_examples]`, 0 or 1 (or bool).

    Returns:
        between 0 and 1; 0.5 is chance.

    Raises:
        ValueError: if shapes differ, a score is nan, or the labels are not 0 and 1, both present.

    Example:
        >>> auroc(torch.tensor([0.1, 0.4, 0.4, 0.9]), torch.tensor([0, 0, 1, 1]))
        0.875
    """
    ill, healthy = _by_class(scores, labels)
    # For every ill case: how many healthy ones lie below it, and how many not above it.
    below = torch.searchsorted(healthy, ill, right=False)
    not_above = torch.searchsorted(healthy, ill, right=True)
    return float((below + not_above).sum()) / (2 * len(ill) * len(healthy))


def sensitivity_at_specificity(scores: Tensor, labels: Tensor, *, specificity: float) -> float:
    """Return the largest share of ill cases found while `specificity` of the healthy are cleared.

    A case is called ill if its score reaches a threshold. Of all thresholds whose specificity is
    at least the wanted one, the lowest is taken; nothing is interpolated between thresholds. That
    threshold is picked on the very cases it is judged on, so the value is a little optimistic: for
    a report, pick it on the validation split.

    Args:
        scores: `[n_examples]`, higher means more likely ill.
        labels: `[n_examples]`, 0 or 1 (or bool).
        specificity: share of the healthy to be called healthy, at least; in 0..1.

    Returns:
        between 0 and 1.

    Raises:
        ValueError: if `specificity` is outside 0..1, or as `auroc`.

    Example:
        >>> scores, labels = torch.tensor([0.1, 0.2, 0.7, 0.6, 0.8]), torch.tensor([0, 0, 0, 1, 1])
        >>> [sensitivity_at_specificity(scores, labels, specificity=s) for s in (0.6, 1.0)]
        [1.0, 0.5]
    """
    _require_share("specificity", specificity)
    ill, healthy = _by_class(scores, labels)
    # 0.55 * 100 is 55.00000000000001 in floats, which must not ask for 56.
    n_cleared = math.ceil(specificity * len(healthy) - 1e-9)
    if n_cleared == 0:
        return 1.0
    return float((ill > healthy[n_cleared - 1]).double().mean())


def ppv(sensitivity: float, specificity: float, prevalence: float) -> float:
    """Return the share of truly ill among those called ill, by Bayes' rule.

    Take the prevalence from where the test will be used: in a balanced episode it is one half,
    and the predictive value is far too good.

    Args:
        sensitivity: P(called ill | ill), in 0..1.
        specificity: P(called healthy | healthy), in 0..1.
        prevalence: P(ill), in 0..1.

    Returns:
        P(ill | called ill), between 0 and 1.

    Raises:
        ValueError: if an argument is outside 0..1, or nobody is called ill, so that there is
            nothing to take a share of.

    Example:
        >>> [round(ppv(0.9, 0.9, prevalence), 4) for prevalence in (0.5, 0.025)]
        [0.9, 0.1875]
    """
    _require_share("sensitivity", sensitivity)
    _require_share("specificity", specificity)
    _require_share("prevalence", prevalence)
    rightly = sensitivity * prevalence
    wrongly = (1 - specificity) * (1 - prevalence)
    if rightly + wrongly == 0:
        raise ValueError(
            f"with sensitivity={sensitivity}, specificity={specificity} and "
            f"prevalence={prevalence} nobody is called ill, so there is no predictive value; "
            "lower the threshold or choose another prevalence"
        )
    return rightly / (rightly + wrongly)


def _by_class(scores: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return the sorted scores of the ill and of the healthy, once all is checked."""
    if scores.ndim != 1 or scores.shape != labels.shape:
        raise ValueError(
            f"expected scores [n_examples] and labels [n_examples], got {tuple(scores.shape)} and "
            f"{tuple(labels.shape)}; of two columns of probabilities pass probabilities[:, 1]"
        )
    if torch.isnan(scores).any():
        raise ValueError(
            f"{int(torch.isnan(scores).sum())} of {len(scores)} scores are nan, which has no "
            "place in the order; look for a diverged model or leave these examples out"
        )
    other = labels[(labels != 0) & (labels != 1)]
    if len(other):
        raise ValueError(
            f"labels must be 0 or 1, got {other[0].item()}; pass `(labels == disease).long()`"
        )
    ill, healthy = scores.detach()[labels == 1], scores.detach()[labels == 0]
    if len(ill) == 0 or len(healthy) == 0:
        raise ValueError(
            f"both classes must be present, got {len(ill)} labels of 1 and {len(healthy)} of 0; "
            "pool more examples"
        )
    return ill.sort().values, healthy.sort().values


def _require_share(name: str, value: float) -> None:
    if not 0 <= value <= 1:  # this way round nan is refused as well
        raise ValueError(f"{name} must be between 0 and 1, got {value}; divide percent by 100")
