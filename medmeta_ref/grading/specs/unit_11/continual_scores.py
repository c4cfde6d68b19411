"""continual_scores(accuracies, baseline) -> dict of four numbers."""

import pytest
import torch

from medmeta_ref.grading.agreement import assert_agrees

NAMES = ("accuracy", "backward_transfer", "forward_transfer", "forgetting")


def _drawn(generator):
    """Yield matrices of 2, 3 and 5 tasks with their baselines, as tensors and as lists.

    Task 1 is best before its own training, and task 0 at the end: there measures part that agree on
    matrices without surprises.
    """
    for n_tasks in (2, 3, 5):
        drawn = 0.9 * torch.rand(n_tasks + 1, n_tasks, generator=generator, dtype=torch.float64)
        drawn[0, 1], drawn[-2, 0] = 0.95, 0.97
        yield drawn[:-1], drawn[-1], drawn[:-1].tolist(), drawn[-1].tolist()


def _number(yours, accuracies, baseline, name):
    scores = yours(accuracies, baseline)
    missing = " Is the return statement missing?" if scores is None else ""
    assert type(scores) is dict, (
        f"A dict was expected, yours is {type(scores).__name__}.{missing} Its keys are {NAMES}."
    )
    assert name in scores, f"The key {name!r} is missing; yours are {sorted(map(str, scores))}."
    return scores[name]


def _mean(values):
    return sum(values) / len(values)


@pytest.mark.points(2)
def test_accuracy_is_the_mean_of_the_last_row(yours, generator):
    """How good the learner is in the end, on all tasks."""
    for tensor, baseline, r, _ in _drawn(generator):
        n = len(r)
        assert_agrees(
            _number(yours, tensor, baseline, "accuracy"),
            _mean(r[-1]),
            mistakes={
                "That is the mean of the diagonal: each task right after its own training, before "
                "anything was forgotten.": _mean([r[j][j] for j in range(n)]),
                "That is the mean of the whole matrix.": _mean([_mean(row) for row in r]),
                "That is the last column: one task, over time.": _mean([row[-1] for row in r]),
                "That is the last task alone.": r[-1][-1],
                "That is a sum.": sum(r[-1]),
            },
            look_at="accuracies[i, j]: after task i, tested on task j. The last row is the end.",
        )


@pytest.mark.points(2)
def test_backward_transfer_compares_the_end_with_just_trained(yours, generator):
    """Mean over all tasks but the last of R[last, j] - R[j, j]: below 0 is forgetting."""
    for tensor, baseline, r, _ in _drawn(generator):
        n = len(r)
        gaps = [r[-1][j] - r[j][j] for j in range(n - 1)]
        assert_agrees(
            _number(yours, tensor, baseline, "backward_transfer"),
            _mean(gaps),
            mistakes={
                "The sign is reversed: it is the end minus just trained, so forgetting is "
                "negative.": -_mean(gaps),
                "Divided by the number of tasks. The last task has no later one: there are n - 1 "
                "differences.": sum(gaps) / n,
                "Not divided.": sum(gaps),
                "That compares with the very first row; each task has a row of its own.": _mean(
                    [r[-1][j] - r[0][j] for j in range(n - 1)]
                ),
                "Rows and columns are swapped.": _mean([r[j][-1] - r[j][j] for j in range(n - 1)]),
            },
            look_at="For each task but the last: accuracy at the end minus that on the diagonal.",
        )


@pytest.mark.points(3)
def test_forward_transfer_looks_right_above_the_diagonal(yours, generator):
    """Mean over all tasks but the first of R[j - 1, j] - baseline[j]."""
    for tensor, baseline, r, b in _drawn(generator):
        n = len(r)
        gaps = [r[j - 1][j] - b[j] for j in range(1, n)]
        assert_agrees(
            _number(yours, tensor, baseline, "forward_transfer"),
            _mean(gaps),
            mistakes={
                "The baseline is missing: what would an untrained network get on that task?": _mean(
                    [r[j - 1][j] for j in range(1, n)]
                ),
                "The baseline is that of the task before.": _mean(
                    [r[j - 1][j] - b[j - 1] for j in range(1, n)]
                ),
                "That is *below* the diagonal: the task before, one task later.": _mean(
                    [r[j][j - 1] - b[j] for j in range(1, n)]
                ),
                "That is on the diagonal: the task has been trained on by then.": _mean(
                    [r[j][j] - b[j] for j in range(1, n)]
                ),
                "The sign is reversed.": -_mean(gaps),
                "Divided by the number of tasks; the first has none before it.": sum(gaps) / n,
            },
            look_at="For each task but the first: its accuracy right before its own training, "
            "minus its baseline.",
        )


@pytest.mark.points(3)
def test_forgetting_compares_the_end_with_the_best_before(yours, generator):
    """Mean over all tasks but the last of the best earlier accuracy minus that at the end."""
    for tensor, baseline, r, _ in _drawn(generator):
        n = len(r)
        gaps = [max(r[i][j] for i in range(n - 1)) - r[-1][j] for j in range(n - 1)]
        assert_agrees(
            _number(yours, tensor, baseline, "forgetting"),
            _mean(gaps),
            mistakes={
                "That is minus the backward transfer. Forgetting compares with the *best* accuracy "
                "before the end, whenever that was.": _mean(
                    [r[j][j] - r[-1][j] for j in range(n - 1)]
                ),
                "The end itself is among the rows for the best, so nothing can be below 0. Gaining "
                "from later tasks is negative forgetting.": _mean(
                    [max(row[j] for row in r) - r[-1][j] for j in range(n - 1)]
                ),
                "The last task counts, too; it has had no time to be forgotten.": _mean(
                    [max(r[i][j] for i in range(n - 1)) - r[-1][j] for j in range(n)]
                ),
                "The sign is reversed.": -_mean(gaps),
                "The best is taken along the row (over tasks); take it along the column (over "
                "time).": _mean([max(r[j]) - r[-1][j] for j in range(n - 1)]),
                "Only rows from the task's own training on were looked at. Here all rows before "
                "the last count, as in the paper.": _mean(
                    [max(r[i][j] for i in range(j, n - 1)) - r[-1][j] for j in range(n - 1)]
                ),
            },
            look_at="For each task but the last: the largest number of its column above the last "
            "row, minus that in the last row.",
        )
