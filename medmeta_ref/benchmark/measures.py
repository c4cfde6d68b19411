"""What an answered test is worth: figures per episode, and calibration beside its own null."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from medmeta_ref.clinical import auroc
from medmeta_ref.metrics import accuracy, balanced_accuracy, expected_calibration_error
from medmeta_ref.resampling import calibration_null

SPECIFICITY = 0.9  # what a threshold is chosen for, on validation images


class Answer(NamedTuple):
    """What a method said of one task.

    Attributes:
        logits: `[n_queries, n_way]`, on the CPU.
        query_y: `[n_queries]`, slots.
        n_val: how many of the queries, at the end, only choose the threshold.
        ill_slot: the slot that means ill; None if the question is no clinical one.
    """

    logits: Tensor
    query_y: Tensor
    n_val: int
    ill_slot: int | None


def measured(
    answers: Sequence[Answer], *, n_null: int, generator: torch.Generator
) -> dict[str, Any]:
    """Return metric -> one value per episode, rounded; and the calibration error with its null.

    `ece` and its null stand for all queries of a balanced test together: one episode has too few.
    On a whole test set they are taken for each support set and averaged, since every support set
    answers the same images.

    Args:
        answers: one per test episode, all of the same K.
        n_null: resamples for the null.
        generator: draws them.
    """
    whole = answers[0].ill_slot is not None
    rows = [clinical_measures(a) if whole else episode_measures(a) for a in answers]
    found: dict[str, Any] = {
        name: [round(row[name], 4) for row in rows] for row in rows[:1] for name in row
    }
    tests = [_test_part(a) for a in answers]
    groups = tests if whole else [tuple(map(torch.cat, zip(*tests, strict=True)))]
    errors, nulls = [], []
    for logits, labels in groups:
        probabilities = logits.double().softmax(1)
        errors.append(expected_calibration_error(probabilities, labels))
        nulls.append(calibration_null(probabilities, n_resamples=n_null, generator=generator))
    found["ece"] = _mean(errors)
    found["ece_null"] = _mean([null.mean for null in nulls])
    found["ece_null_95"] = _mean([null.percentile_95 for null in nulls])
    return found


def episode_measures(answer: Answer) -> dict[str, float]:
    """Return the accuracy and the log loss (in nats) of one balanced episode."""
    logits, labels = _test_part(answer)
    return {
        "accuracy": accuracy(logits, labels),
        "nll": float(F.cross_entropy(logits.double(), labels)),
    }


def clinical_measures(answer: Answer) -> dict[str, float]:
    """Return what a medical reader asks of one support set's answers to the whole test set.

    Sensitivity and specificity are those of the lowest threshold that clears `SPECIFICITY` of the
    healthy in the validation split; on the test split the specificity may come out otherwise.

    Raises:
        ValueError: if the answer has no validation part or no ill slot.
    """
    if answer.ill_slot is None or not answer.n_val:
        raise ValueError("a clinical measure needs an ill slot and validation images")
    logits, labels = _test_part(answer)
    ill = (labels == answer.ill_slot).long()
    # The log odds of being ill: as good as the probability for ranking, and it cannot saturate.
    scores = _log_odds(answer.logits, answer.ill_slot)
    here, val = scores[: -answer.n_val], scores[-answer.n_val :]
    healthy = val[answer.query_y[-answer.n_val :] != answer.ill_slot].sort().values
    threshold = healthy[max(0, -int(-SPECIFICITY * len(healthy) // 1) - 1)]
    called_ill = here > threshold
    return {
        "auroc": auroc(here, ill),
        "balanced_accuracy": balanced_accuracy(logits, labels),
        "accuracy": accuracy(logits, labels),
        "nll": float(F.cross_entropy(logits.double(), labels)),
        "sensitivity": float(called_ill[ill == 1].double().mean()),
        "specificity": float((~called_ill)[ill == 0].double().mean()),
    }


def _log_odds(logits: Tensor, ill_slot: int) -> Tensor:
    logs = logits.double().log_softmax(1)
    return logs[:, ill_slot] - logs[:, 1 - ill_slot]


def _test_part(answer: Answer) -> tuple[Tensor, Tensor]:
    n_test = len(answer.query_y) - answer.n_val
    return answer.logits[:n_test], answer.query_y[:n_test]


def _mean(values: Sequence[float]) -> float:
    return round(sum(values) / len(values), 4)
