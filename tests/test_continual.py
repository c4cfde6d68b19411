"""Measures of continual learning against matrices worked out on paper, and against each other."""

import math

import pytest
import torch

from medmeta_ref.continual import (
    average_accuracy,
    backward_transfer,
    forgetting,
    forward_transfer,
)

NAN = math.nan


def matrix(*rows):
    return torch.tensor(rows, dtype=torch.float64)


# All entries differ; task 0 is best after task 1, so forgetting is not minus the backward transfer.
PLAIN = matrix([0.90, 0.30, 0.20], [0.95, 0.80, 0.40], [0.60, 0.50, 0.85])
# Task 1 was best before it was trained, which counts for forgetting; not all transfer is negative.
EARLY = matrix([0.50, 0.75, 0.10], [0.25, 0.45, 0.15], [0.70, 0.35, 0.65])
PAIR = matrix([0.8, 0.3], [0.6, 0.9])
BASELINES = matrix([0.10, 0.20, 0.25], [0.33, 0.40, 0.30])
PAIR_BASELINE = torch.tensor([0.7, 0.5], dtype=torch.float64)

# Worked out by hand: matrix -> what every measure has to say
ACCURACY = [(PLAIN, 1.95 / 3), (EARLY, 1.7 / 3), (PAIR, 0.75)]
BACKWARD = [(PLAIN, (-0.3 - 0.3) / 2), (EARLY, (0.2 - 0.1) / 2), (PAIR, -0.2)]
FORWARD = [
    (PLAIN, BASELINES[0], (0.1 + 0.15) / 2),
    (EARLY, BASELINES[1], (0.35 - 0.15) / 2),
    (PAIR, PAIR_BASELINE, -0.2),
]
FORGETTING = [(PLAIN, (0.35 + 0.3) / 2), (EARLY, (-0.2 + 0.4) / 2), (PAIR, 0.2)]


def assert_gives(function, cases):
    for *arguments, wanted in cases:
        result = function(*arguments)
        assert isinstance(result, float)
        assert result == pytest.approx(wanted, abs=1e-12)


def best(R, rows):
    return R[rows].max(0).values


RIGHT = {
    "average accuracy": (average_accuracy, ACCURACY),
    "backward transfer": (backward_transfer, BACKWARD),
    "forward transfer": (forward_transfer, FORWARD),
    "forgetting": (forgetting, FORGETTING),
}
WRONG = {
    "accuracy: diagonal": (lambda R: R.diagonal().mean().item(), ACCURACY),
    "accuracy: whole matrix": (lambda R: R.mean().item(), ACCURACY),
    "accuracy: last column": (lambda R: R[:, -1].mean().item(), ACCURACY),
    "accuracy: without the last task": (lambda R: R[-1, :-1].mean().item(), ACCURACY),
    "accuracy: lower triangle": (
        lambda R: (R.tril().sum() / torch.ones_like(R).tril().sum()).item(),
        ACCURACY,
    ),
    "accuracy: sum": (lambda R: R[-1].sum().item(), ACCURACY),
    "backward: sign": (lambda R: (R.diagonal() - R[-1])[:-1].mean().item(), BACKWARD),
    "backward: divided by n_tasks": (lambda R: (R[-1] - R.diagonal()).mean().item(), BACKWARD),
    "backward: sum": (lambda R: (R[-1] - R.diagonal()).sum().item(), BACKWARD),
    "backward: against the best": (
        lambda R: (R[-1] - best(R, slice(0, -1)))[:-1].mean().item(),
        BACKWARD,
    ),
    "backward: transposed": (lambda R: (R[:, -1] - R.diagonal())[:-1].mean().item(), BACKWARD),
    "backward: against the first row": (lambda R: (R[-1] - R[0])[:-1].mean().item(), BACKWARD),
    "backward: one task later": (
        lambda R: (R.diagonal(-1) - R.diagonal()[:-1]).mean().item(),
        BACKWARD,
    ),
    "forward: no baseline": (lambda R, b: R.diagonal(1).mean().item(), FORWARD),
    "forward: baseline shifted": (lambda R, b: (R.diagonal(1) - b[:-1]).mean().item(), FORWARD),
    "forward: below the diagonal": (lambda R, b: (R.diagonal(-1) - b[1:]).mean().item(), FORWARD),
    "forward: on the diagonal": (lambda R, b: (R.diagonal() - b)[1:].mean().item(), FORWARD),
    "forward: sign": (lambda R, b: (b[1:] - R.diagonal(1)).mean().item(), FORWARD),
    "forward: divided by n_tasks": (
        lambda R, b: (R.diagonal(1) - b[1:]).sum().item() / len(R),
        FORWARD,
    ),
    "forward: from the first row": (lambda R, b: (R[0] - b)[1:].mean().item(), FORWARD),
    "forgetting: minus backward transfer": (
        lambda R: (R.diagonal() - R[-1])[:-1].mean().item(),
        FORGETTING,
    ),
    "forgetting: last row among the best": (
        lambda R: (best(R, slice(None)) - R[-1])[:-1].mean().item(),
        FORGETTING,
    ),
    "forgetting: only once trained": (
        lambda R: (best(R.tril(), slice(0, -1)) - R[-1])[:-1].mean().item(),
        FORGETTING,
    ),
    "forgetting: the last task too": (
        lambda R: (best(R, slice(0, -1)) - R[-1]).mean().item(),
        FORGETTING,
    ),
    "forgetting: sign": (
        lambda R: (R[-1] - best(R, slice(0, -1)))[:-1].mean().item(),
        FORGETTING,
    ),
    "forgetting: best along the row": (
        lambda R: (R[:-1].max(1).values - R[-1, :-1]).mean().item(),
        FORGETTING,
    ),
    "forgetting: worst task": (
        lambda R: (best(R, slice(0, -1)) - R[-1])[:-1].max().item(),
        FORGETTING,
    ),
}


@pytest.mark.parametrize(("function", "cases"), RIGHT.values(), ids=RIGHT.keys())
def test_measures_are_those_worked_out_on_paper(function, cases):
    assert_gives(function, cases)


@pytest.mark.parametrize(("function", "cases"), WRONG.values(), ids=WRONG.keys())
def test_the_matrices_tell_wrong_measures(function, cases):
    with pytest.raises(AssertionError):
        assert_gives(function, cases)


# Relations


def random_matrices(n=20):
    generator = torch.Generator().manual_seed(0)
    return [torch.rand(4, 4, generator=generator, dtype=torch.float64) for _ in range(n)]


def test_forgetting_is_at_least_minus_the_backward_transfer():
    for R in random_matrices():
        assert forgetting(R) >= -backward_transfer(R) - 1e-12


def test_a_learner_that_never_changes_forgets_nothing():
    R = random_matrices(1)[0][:1].expand(4, 4)
    assert (forgetting(R), backward_transfer(R)) == (0, 0)
    assert forward_transfer(R, R[0]) == 0
    assert average_accuracy(R) == pytest.approx(R[0].mean().item())


def test_with_two_tasks_forgetting_is_minus_the_backward_transfer():
    for R in random_matrices():
        assert forgetting(R[:2, :2]) == pytest.approx(-backward_transfer(R[:2, :2]))


def test_average_accuracy_is_the_diagonal_plus_the_backward_transfer():
    """ACC = (sum of R[j, j] + (n_tasks - 1) BWT) / n_tasks."""
    for R in random_matrices():
        wanted = (R.diagonal().sum().item() + 3 * backward_transfer(R)) / 4
        assert average_accuracy(R) == pytest.approx(wanted)


def test_what_is_not_read_need_not_be_known():
    R = matrix([0.9, NAN, NAN], [NAN, 0.8, NAN], [0.6, 0.5, 0.85])
    assert average_accuracy(R) == pytest.approx(0.65)
    assert backward_transfer(R) == pytest.approx(-0.3)
    above = matrix([NAN, 0.3, NAN], [NAN, NAN, 0.4], [NAN, NAN, NAN])
    baseline = torch.tensor([NAN, 0.2, 0.25])
    assert forward_transfer(above, baseline) == pytest.approx(0.125)
    last_column = matrix([0.9, 0.3, NAN], [0.95, 0.8, NAN], [0.6, 0.5, NAN])
    assert forgetting(last_column) == pytest.approx(0.325)


def test_single_precision_and_whole_numbers_do_as_well():
    assert forgetting(PLAIN.float()) == pytest.approx(0.325)
    assert backward_transfer(torch.tensor([[1, 0], [0, 1]])) == -1


def test_one_task_has_an_average_accuracy():
    assert average_accuracy(torch.tensor([[0.5]])) == 0.5


# Messages

MEASURES = {
    "average_accuracy": average_accuracy,
    "backward_transfer": backward_transfer,
    "forward_transfer": lambda R: forward_transfer(R, torch.zeros(len(R))),
    "forgetting": forgetting,
}


@pytest.mark.parametrize("measure", MEASURES.values(), ids=MEASURES.keys())
@pytest.mark.parametrize("shape", [(2, 3), (3,), (3, 2), (2, 2, 2), (0, 0)])
def test_other_shapes_are_refused_by_shape(measure, shape):
    with pytest.raises(ValueError, match="n_tasks, n_tasks") as refusal:
        measure(torch.zeros(shape))
    assert f"got shape {shape}; one row after each task" in str(refusal.value)


@pytest.mark.parametrize("name", ["backward_transfer", "forward_transfer", "forgetting"])
def test_one_task_has_no_transfer(name):
    message = r"at least 2 tasks, got shape \(1, 1\)"
    with pytest.raises(ValueError, match=message):
        MEASURES[name](torch.zeros(1, 1))


@pytest.mark.parametrize("measure", MEASURES.values(), ids=MEASURES.keys())
@pytest.mark.parametrize(("value", "shown"), [(85.0, "85"), (-0.5, "-0.5"), (NAN, "nan")])
def test_what_is_no_accuracy_is_refused_by_value(measure, value, shown):
    with pytest.raises(ValueError, match=f"between 0 and 1, got {shown}; divide percentages by"):
        measure(torch.full((3, 3), value))


def test_baselines_are_one_per_task():
    message = r"baseline has shape \(2,\), the accuracies \(3, 3\); one baseline for each of the 3"
    with pytest.raises(ValueError, match=message):
        forward_transfer(PLAIN, torch.zeros(2))
    with pytest.raises(ValueError, match="got 10; divide percentages by 100"):
        forward_transfer(PLAIN, torch.full((3,), 10.0))
