"""How a learner fared over a sequence of tasks, read from its matrix of accuracies.

Lopez-Paz and Ranzato 2017, "Gradient Episodic Memory for Continual Learning", arXiv 1706.08840,
equations 2-4; forgetting: Chaudhry et al. 2018, "Riemannian Walk for Incremental Learning",
arXiv 1801.10112. In the matrix R of the papers, R[i, j] is the accuracy on the test set of task j
after training on tasks 0..i: rows are points in time, columns are tasks.
"""

import torch
from torch import Tensor


def average_accuracy(accuracies: Tensor) -> float:
    """Return the mean of the last row: the accuracy over all tasks at the end.

    Args:
        accuracies: (R) `[n_tasks, n_tasks]`, in 0..1. Rows before the last are not read.

    Raises:
        ValueError: if the matrix is not square, or an accuracy that is read is not in 0..1.

    Example:
        >>> average_accuracy(torch.tensor([[0.75, 0.25], [0.25, 1.0]]))
        0.625
    """
    _require_square(accuracies, at_least=1)
    return float(_checked(accuracies[-1]).mean())


def backward_transfer(accuracies: Tensor) -> float:
    """Return the mean over all tasks but the last of R[last, j] - R[j, j].

    Below 0 later tasks have hurt earlier ones, above 0 they have helped.

    Args:
        accuracies: (R) `[n_tasks, n_tasks]`, in 0..1. The last row and the diagonal are read.

    Raises:
        ValueError: as `average_accuracy`, and if there are fewer than 2 tasks.

    Example:
        >>> backward_transfer(torch.tensor([[0.75, 0.25], [0.25, 1.0]]))
        -0.5
    """
    _require_square(accuracies, at_least=2)
    return float((_checked(accuracies[-1]) - _checked(accuracies.diagonal()))[:-1].mean())


def forward_transfer(accuracies: Tensor, baseline: Tensor) -> float:
    """Return the mean over all tasks but the first of R[j - 1, j] - baseline[j].

    What earlier tasks give to a task before its own training begins.

    Args:
        accuracies: (R) `[n_tasks, n_tasks]`, in 0..1. What stands right above the diagonal is read.
        baseline: `[n_tasks]`, the accuracy on every task with fresh random parameters. The first
            is not used.

    Raises:
        ValueError: as `backward_transfer`, and if there is not one baseline per task.

    Example:
        >>> forward_transfer(torch.tensor([[0.75, 0.625], [0.25, 1.0]]), torch.tensor([0.5, 0.5]))
        0.125
    """
    _require_square(accuracies, at_least=2)
    if baseline.shape != accuracies.shape[:1]:
        raise ValueError(
            f"baseline has shape {tuple(baseline.shape)}, the accuracies {tuple(accuracies.shape)};"
            f" one baseline for each of the {len(accuracies)} tasks is needed"
        )
    return float((_checked(accuracies.diagonal(1)) - _checked(baseline[1:])).mean())


def forgetting(accuracies: Tensor) -> float:
    """Return the mean over all tasks but the last of max R[i, j] - R[last, j], i before the last.

    Against the best it ever was before, where the backward transfer compares with the accuracy
    right after the task's own training: so it is at least minus the backward transfer.

    Args:
        accuracies: (R) `[n_tasks, n_tasks]`, in 0..1. All columns but the last are read, also above
            the diagonal, where a task had not been trained yet, as in the paper.

    Raises:
        ValueError: as `backward_transfer`.

    Example:
        >>> forgetting(torch.tensor([[0.75, 0.25], [0.25, 1.0]]))
        0.5
    """
    _require_square(accuracies, at_least=2)
    *earlier, last = _checked(accuracies[:, :-1])
    return float((torch.stack(earlier).max(0).values - last).mean())


def _require_square(accuracies: Tensor, *, at_least: int) -> None:
    shape = tuple(accuracies.shape)
    if len(shape) != 2 or shape[0] != shape[1] or shape[0] < at_least:
        raise ValueError(
            f"accuracies must be [n_tasks, n_tasks] with at least {at_least} tasks, got shape "
            f"{shape}; one row after each task, one column for each task"
        )


def _checked(values: Tensor) -> Tensor:
    """Return the values in double precision, or refuse them."""
    values = values.detach().double()
    inside = torch.logical_and(values >= 0, values <= 1)  # this way round nan is refused as well
    wrong = values[~inside]
    if len(wrong):
        raise ValueError(
            f"accuracies must be between 0 and 1, got {wrong[0].item():g}; divide percentages by "
            "100, and test every task after each one"
        )
    return values
