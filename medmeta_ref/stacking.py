"""Stacking: a learned combiner on top of models, fitted on predictions they made out of fold.

Wolpert 1992, "Stacked Generalization", Neural Networks 5; on probabilities as in Ting and Witten
1999, "Issues in Stacked Generalization", JAIR 10.
"""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from medmeta_ref.probabilities import require_labels, require_probabilities


class Combiner(NamedTuple):
    """What `stacking` fitted: weight `[n_classes, n_models * n_classes]` and bias `[n_classes]`."""

    weight: Tensor
    bias: Tensor


def stacking(out_of_fold_probabilities: Tensor, labels: Tensor, *, l2: float) -> Combiner:
    """Return a logistic regression on the members' probabilities, for `stacked_logits`.

    Out of fold means: the row of an example comes from members trained without that example, as
    in cross-validation. A member that has seen it can answer by heart; the regression would trust
    that member, and be wrong on every new patient.

    Args:
        out_of_fold_probabilities: `[n_models, n_examples, n_classes]`, rows summing to 1.
        labels: `[n_examples]`, integers in `0..n_classes-1`.
        l2: λ > 0; λ/2 times the squared weights *and* biases is added to the mean cross-entropy.
            So the minimum exists and is unique, also where a class has no example.

    Raises:
        ValueError: if `l2` is not positive and finite; otherwise as `fit_weights`.

    Example:
        >>> labels = torch.tensor([0, 1, 0, 1])
        >>> swapped = F.one_hot(1 - labels, 2).float()[None]  # one member, always wrong
        >>> stacked_logits(stacking(swapped, labels, l2=0.01), swapped).argmax(1)
        tensor([0, 1, 0, 1])
    """
    require_probabilities(out_of_fold_probabilities)
    require_labels(labels, out_of_fold_probabilities)
    if not 0 < l2 < math.inf:
        raise ValueError(f"l2 must be above 0 and finite, got {l2}")
    inputs, classes = _side_by_side(out_of_fold_probabilities.detach().double()), labels.long()
    n_classes = out_of_fold_probabilities.shape[-1]
    weight = inputs.new_zeros(n_classes, inputs.shape[1]).requires_grad_()
    bias = inputs.new_zeros(n_classes).requires_grad_()
    optimizer = torch.optim.LBFGS(
        [weight, bias],
        max_iter=2000,
        tolerance_grad=1e-9,
        tolerance_change=1e-14,
        line_search_fn="strong_wolfe",
    )

    def objective() -> float:
        optimizer.zero_grad()
        penalty = weight.square().sum() + bias.square().sum()
        loss = F.cross_entropy(F.linear(inputs, weight, bias), classes) + l2 / 2 * penalty
        loss.backward()  # type: ignore[no-untyped-call]
        return float(loss.detach())

    optimizer.step(objective)  # type: ignore[no-untyped-call]
    dtype = out_of_fold_probabilities.dtype
    return Combiner(weight.detach().to(dtype), bias.detach().to(dtype))


def stacked_logits(combiner: Combiner, probabilities: Tensor) -> Tensor:
    """Return what a fitted `stacking` makes of the members' answers to new examples.

    Args:
        combiner: from `stacking`.
        probabilities: `[n_models, n_examples, n_classes]`, the models in the same order.

    Returns:
        logits `[n_examples, n_classes]`.

    Raises:
        ValueError: if models times classes differ from the combiner's; otherwise as
            `average_probabilities`.

    Example:
        >>> combiner = Combiner(weight=torch.eye(2), bias=torch.tensor([0.0, 1.0]))
        >>> stacked_logits(combiner, torch.tensor([[[0.5, 0.5]]]))
        tensor([[0.5000, 1.5000]])
    """
    require_probabilities(probabilities)
    inputs = _side_by_side(probabilities)
    if inputs.shape[1] != combiner.weight.shape[1]:
        raise ValueError(
            f"the combiner was fitted on {combiner.weight.shape[1]} probabilities per example, got "
            f"{inputs.shape[1]}; bring the same models with the same classes"
        )
    return F.linear(inputs, combiner.weight, combiner.bias)


def _side_by_side(probabilities: Tensor) -> Tensor:
    """Return `[n_examples, n_models * n_classes]`."""
    return probabilities.movedim(0, 1).flatten(1)
