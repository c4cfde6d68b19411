"""What the predictions of several models have to look like before they are fused."""

import torch
from torch import Tensor


def require_probabilities(probabilities: Tensor) -> None:
    """Raise a ValueError unless these are `[n_models, n_examples, n_classes]` and sum to 1."""
    if not isinstance(probabilities, Tensor):  # a list is a likely mistake
        raise ValueError(
            "probabilities must be one tensor [n_models, n_examples, n_classes], got a "
            f"{type(probabilities).__name__} of {len(probabilities)}; torch.stack the members"
        )
    fits = probabilities.ndim == 3 and probabilities.is_floating_point()
    if not fits or probabilities.numel() == 0:
        raise ValueError(
            "probabilities must be floating [n_models, n_examples, n_classes], none of them 0, "
            f"got {probabilities.dtype} with shape {tuple(probabilities.shape)}"
        )
    require_finite("probabilities", probabilities)
    values = probabilities.detach()  # a number is wanted of them, not a gradient
    lowest = float(values.min())
    if lowest < 0:
        raise ValueError(f"probabilities must be at least 0, one is {lowest:.3g}; are they logits?")
    sums = values.sum(-1)
    worst = float(sums.flatten()[(sums - 1).abs().argmax()])
    if abs(worst - 1) > 1e-3:
        raise ValueError(f"rows must sum to 1, one sums to {worst:.4g}; pass probabilities")


def require_labels(labels: Tensor, probabilities: Tensor) -> None:
    """Raise a ValueError unless labels are one class per example."""
    _, n_examples, n_classes = probabilities.shape
    whole = not (labels.is_floating_point() or labels.is_complex() or labels.dtype == torch.bool)
    if labels.shape != (n_examples,) or not whole:
        raise ValueError(
            f"labels must be integers of shape ({n_examples},), got {labels.dtype} with shape "
            f"{tuple(labels.shape)}"
        )
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= n_classes:
        raise ValueError(f"labels must be in 0..{n_classes - 1}, got {low}..{high}")


def require_finite(name: str, values: Tensor) -> None:
    """Raise a ValueError that counts the values that are nan or infinite, if there are any."""
    n_bad = int((~torch.isfinite(values)).sum())
    if n_bad:
        raise ValueError(f"{name} holds {n_bad} values of {values.numel()} that are not finite")
