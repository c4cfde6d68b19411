"""Knowledge distillation: a student learns from a teacher's probabilities, not only from labels.

Hinton, Vinyals and Dean 2015, "Distilling the Knowledge in a Neural Network", arXiv 1503.02531;
features: Romero et al. 2015, "FitNets", arXiv 1412.6550.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def soft_targets(logits: Tensor, *, temperature: float) -> Tensor:
    """Return softmax(logits / T), the probabilities at temperature T (Hinton 2015, eq. 1).

    Args:
        logits: `[n_examples, n_classes]`, finite.
        temperature: T > 0. Above 1 it shows how the small probabilities compare with each other.

    Returns:
        `[n_examples, n_classes]`; every row sums to 1.

    Raises:
        ValueError: if `temperature` is not positive and finite, or a logit is nan or infinite.

    Example:
        >>> soft_targets(torch.tensor([[0.0, 0.0]]), temperature=4.0)
        tensor([[0.5000, 0.5000]])
    """
    _require_logits("logits", logits)
    _require_temperature(temperature)
    return F.softmax(logits / temperature, dim=1)


def distillation_loss(
    student_logits: Tensor,
    teacher_logits: Tensor,
    labels: Tensor,
    *,
    temperature: float,
    alpha: float,
) -> Tensor:
    """Return alpha T² KL(teacher_T || student_T) + (1 - alpha) CE(student, labels), a batch mean.

    The gradient of the soft term shrinks as 1/T², so T² keeps the balance with the hard term the
    same at every temperature (Hinton 2015, section 2). The cross-entropy is taken at T = 1.

    Args:
        student_logits: `[n_examples, n_classes]`.
        teacher_logits: `[n_examples, n_classes]`. No gradient flows into them.
        labels: `[n_examples]`, int64 in `0..n_classes-1`.
        temperature: T > 0 of the soft term.
        alpha: weight of the soft term, in 0..1. 0 is plain cross-entropy.

    Returns:
        a 0-dim tensor, in nats.

    Raises:
        ValueError: if shapes, label range, `temperature` or `alpha` do not fit, or a logit is
            nan or infinite.

    Example:
        >>> logits, labels = torch.eye(3), torch.arange(3)
        >>> distillation_loss(logits, logits, labels, temperature=4.0, alpha=1.0)
        tensor(0.)
    """
    _require_logits("student_logits", student_logits)
    _require_logits("teacher_logits", teacher_logits)
    _require_same_shape(student_logits, teacher_logits)
    _require_labels(labels, student_logits)
    _require_temperature(temperature)
    if not 0 <= alpha <= 1:
        raise ValueError(f"alpha must be between 0 and 1, got {alpha}")
    # kl_div wants the student as log-probabilities, first; log_target spares a log of zero.
    soft = F.kl_div(
        F.log_softmax(student_logits / temperature, dim=1),
        F.log_softmax(teacher_logits.detach() / temperature, dim=1),
        reduction="batchmean",  # "mean" would divide by the number of classes as well
        log_target=True,
    )
    hard = F.cross_entropy(student_logits, labels)
    return alpha * temperature**2 * soft + (1 - alpha) * hard


def distillation_gradient(
    student_logits: Tensor, teacher_logits: Tensor, *, temperature: float
) -> Tensor:
    """Return the gradient of T² KL(teacher_T || student_T) in the student's logits, in closed form.

    It is T (q - p) / n_examples with q the student's and p the teacher's probabilities at T. For
    T → ∞ it becomes the difference of the centred logits over n_examples * n_classes: matching
    logits (Hinton 2015, section 2.1).

    Args:
        student_logits: `[n_examples, n_classes]`.
        teacher_logits: `[n_examples, n_classes]`.
        temperature: T > 0.

    Returns:
        `[n_examples, n_classes]`; every row sums to 0.

    Raises:
        ValueError: as `distillation_loss`.

    Example:
        >>> distillation_gradient(torch.zeros(1, 2), torch.zeros(1, 2), temperature=2.0)
        tensor([[0., 0.]])
    """
    _require_same_shape(student_logits, teacher_logits)
    student = soft_targets(student_logits, temperature=temperature)
    teacher = soft_targets(teacher_logits.detach(), temperature=temperature)
    return temperature * (student - teacher) / len(student_logits)


def feature_distillation_loss(
    student_features: Tensor, teacher_features: Tensor, projection: Tensor
) -> Tensor:
    """Return the mean squared error between projected student features and teacher features.

    The projection lets a narrow student be compared with a wide teacher (the regressor of FitNets,
    eq. 3). The mean runs over examples *and* features, where the paper has half the sum over
    features, so that its weight in a larger loss does not depend on the teacher's width.

    Args:
        student_features: `[n_examples, n_student_features]`.
        teacher_features: `[n_examples, n_teacher_features]`. No gradient flows into them.
        projection: `[n_student_features, n_teacher_features]`, learned together with the student.

    Returns:
        a 0-dim tensor.

    Raises:
        ValueError: if the three shapes do not fit together.

    Example:
        >>> feature_distillation_loss(torch.ones(4, 2), 2 * torch.ones(4, 3), torch.ones(2, 3))
        tensor(0.)
    """
    _require_features(student_features, teacher_features, projection)
    return F.mse_loss(student_features @ projection, teacher_features.detach())


def _require_logits(name: str, logits: Tensor) -> None:
    if logits.ndim != 2 or logits.numel() == 0:
        raise ValueError(f"{name} must be [n_examples, n_classes], got shape {tuple(logits.shape)}")
    if not torch.isfinite(logits).all():
        n_bad = int((~torch.isfinite(logits)).sum())
        raise ValueError(
            f"{name} holds {n_bad} values that are nan or infinite; a smaller learning rate "
            "usually prevents that"
        )


def _require_features(student: Tensor, teacher: Tensor, projection: Tensor) -> None:
    fits = student.ndim == teacher.ndim == 2 and len(student) == len(teacher)
    if not fits or projection.shape != (student.shape[1], teacher.shape[1]):
        raise ValueError(
            f"student features {tuple(student.shape)} and teacher features {tuple(teacher.shape)} "
            "must be [n_examples, n_features] with equally many rows, and the projection "
            f"[n_student_features, n_teacher_features]; it is {tuple(projection.shape)}"
        )


def _require_same_shape(student_logits: Tensor, teacher_logits: Tensor) -> None:
    if student_logits.shape != teacher_logits.shape:
        raise ValueError(
            f"student and teacher must have the same shape, got {tuple(student_logits.shape)} "
            f"and {tuple(teacher_logits.shape)}"
        )


def _require_labels(labels: Tensor, logits: Tensor) -> None:
    n_examples, n_classes = logits.shape
    if labels.shape != (n_examples,) or labels.dtype != torch.int64:
        raise ValueError(
            f"labels must be int64 with shape ({n_examples},), got {labels.dtype} with shape "
            f"{tuple(labels.shape)}"
        )
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= n_classes:
        raise ValueError(f"labels must be in 0..{n_classes - 1}, got {low}..{high}")


def _require_temperature(temperature: float) -> None:
    if not 0 < temperature < math.inf:
        raise ValueError(f"temperature must be above 0 and finite, got {temperature}")
