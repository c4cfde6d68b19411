"""Does a teacher help its student? Both students see the same images in the same order.

Hinton, Vinyals and Dean 2015, arXiv 1503.02531. The teacher has seen all labels too, so where it
helps it may only be the way they reach the student; and one seed shows nothing, for seeds differ
by as much as many published gains: hence several, compared in pairs.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from medmeta_ref.classifier import (
    BatchLoss,
    group_norm_net,
    predict,
    require_classes,
    train_classifier,
)
from medmeta_ref.devices import count_parameters
from medmeta_ref.distillation import distillation_loss
from medmeta_ref.image_set import ImageSet
from medmeta_ref.metrics import accuracy, balanced_accuracy
from medmeta_ref.params import initial_params

TEACHER, ALONE, DISTILLED = "teacher", "student alone", "student distilled"


class DistillationStudy(NamedTuple):
    """What came out, on the official test split.

    Attributes:
        accuracies: teacher, student alone, student distilled -> `[n_seeds]`, the teacher `[1]`.
        balanced: the same, each class counting alike.
        histories: the same names -> the loss before every step, of the first seed.
        n_parameters: the same names -> size of the network.
        majority: the accuracy of always naming the commonest class of the test split.
        n_classes: the balanced accuracy of chance is one over it.
    """

    accuracies: dict[str, Tensor]
    balanced: dict[str, Tensor]
    histories: dict[str, list[float]]
    n_parameters: dict[str, int]
    majority: float
    n_classes: int


def distillation_study(
    name: str,
    train: ImageSet,
    test: ImageSet,
    *,
    width: int,
    temperature: float,
    alpha: float,
    n_steps: int,
    batch_size: int,
    n_seeds: int,
    outer_lr: float,
    generator: torch.Generator,
    progress: bool = True,
) -> DistillationStudy:
    """Train a teacher, then pairs of students with and without it, and test them all.

    Args:
        name: of the data set, for messages.
        train: the official training split.
        test: the official test split.
        width: of the teacher's middle block; its blocks have width / 2, width and 2 width
            channels, the student's a quarter of that but no less than one.
        temperature: (T) of the soft targets, see `distillation_loss`.
        alpha: weight of the soft targets in 0..1.
        n_steps: minibatches for each student; twice as many for the teacher.
        batch_size: images in each.
        n_seeds: pairs of students; both of a pair start alike and see the same images.
        outer_lr: Adam's first learning rate; it falls along a cosine.
        generator: the only source of randomness.
        progress: whether to show progress bars.

    Raises:
        ValueError: if the images do not fit, `n_seeds` is below 2 or `width` below 2, or as
            `distillation_loss` and `train.fit`.
    """
    n_classes = require_classes(name, train, at_least=2)
    if n_seeds < 2:
        raise ValueError(f"n_seeds must be at least 2 for an interval, got {n_seeds}")
    if width < 2:
        raise ValueError(f"width must be at least 2, got {width}; the first block has half of it")
    widths = (width // 2, width, 2 * width)
    teacher = group_norm_net(train, widths, n_outputs=n_classes)
    quarter = (max(width // 4, 1), max(width // 4, 1), max(width // 2, 1))
    student = group_norm_net(train, quarter, n_outputs=n_classes)
    sizes: dict[str, Any] = {"batch_size": batch_size, "outer_lr": outer_lr}

    taught = train_classifier(
        teacher,
        initial_params(teacher, generator=generator),
        train.images,
        train.labels,
        _from_labels,
        n_steps=2 * n_steps,
        generator=generator,
        progress="teacher" if progress else None,
        **sizes,
    )
    soft = predict(teacher, taught.params, train.images)
    losses: dict[str, BatchLoss] = {
        ALONE: _from_labels,
        DISTILLED: partial(_from_teacher, soft, temperature=temperature, alpha=alpha),
    }
    taught_logits = predict(teacher, taught.params, test.images)
    logits: dict[str, list[Tensor]] = {TEACHER: [taught_logits], ALONE: [], DISTILLED: []}
    histories = {TEACHER: taught.history}
    n_parameters = {TEACHER: count_parameters(taught.params)}
    for number, seed in enumerate(torch.randint(2**31, (n_seeds,), generator=generator).tolist()):
        for row, loss in losses.items():
            own = torch.Generator().manual_seed(seed)  # the same for both of a pair
            fitted = train_classifier(
                student,
                initial_params(student, generator=own),
                train.images,
                train.labels,
                loss,
                n_steps=n_steps,
                generator=own,
                progress=f"{row} {number + 1} of {n_seeds}" if progress else None,
                **sizes,
            )
            logits[row].append(predict(student, fitted.params, test.images))
            histories.setdefault(row, fitted.history)
            n_parameters[row] = count_parameters(fitted.params)
    return DistillationStudy(
        _scores(accuracy, logits, test.labels),
        _scores(balanced_accuracy, logits, test.labels),
        histories,
        n_parameters,
        float(test.labels.bincount().max() / len(test.labels)),
        n_classes,
    )


def _from_labels(logits: Tensor, labels: Tensor, positions: Tensor) -> Tensor:
    return F.cross_entropy(logits, labels)


def _from_teacher(
    soft: Tensor,
    logits: Tensor,
    labels: Tensor,
    positions: Tensor,
    *,
    temperature: float,
    alpha: float,
) -> Tensor:
    """Return the loss of a minibatch given the teacher's logits of all training images."""
    return distillation_loss(logits, soft[positions], labels, temperature=temperature, alpha=alpha)


def _scores(
    metric: Callable[[Tensor, Tensor], float], logits: dict[str, list[Tensor]], labels: Tensor
) -> dict[str, Tensor]:
    return {
        row: torch.tensor([metric(one, labels) for one in several], dtype=torch.float64)
        for row, several in logits.items()
    }
