"""multi_step_weights(inner_steps, epoch, anneal_epochs)."""

import pytest
import torch

from medmeta_ref.grading.agreement import assert_agrees
from medmeta_ref.grading.specs.unit_08 import _oracle


def _ramp(k, early, last):
    return torch.tensor([early] * (k - 1) + [last], dtype=torch.float64)


def _check(yours, k, epoch, anneal_epochs, generator):
    lost = epoch / (k * anneal_epochs)
    wanted = _oracle.weights_by_hand(k, epoch, anneal_epochs)
    floor, cap = 0.03 / k, 1 - (k - 1) * 0.03 / k
    mistakes = {
        "All weights are alike: epoch is not used.": torch.full((k,), 1 / k).double(),
        "The floor is missing: the early steps keep at least 0.03 / inner_steps.": _ramp(
            k, max(1 / k - lost, 0.0), min(1 / k + (k - 1) * lost, 1.0)
        ),
        "The last step counts alone. At first all count, and a floor stays to the end.": (
            torch.eye(k, dtype=torch.float64)[-1]
        ),
        "The floor of an early step is 0.03 / inner_steps: divide it.": _ramp(
            k, max(1 / k - lost, 0.03), min(1 / k + (k - 1) * lost, 1 - (k - 1) * 0.03)
        ),
        "The early steps are right, the last one goes on growing: the sum is no longer 1.": _ramp(
            k, max(1 / k - lost, floor), 1 / k + (k - 1) * lost
        ),
        "Nothing holds the early steps at their floor: they become negative.": _ramp(
            k, 1 / k - lost, 1 / k + (k - 1) * lost
        ),
        "Too fast by the factor inner_steps: per epoch a step loses 1 / (K E).": _ramp(
            k, max(1 / k - lost * k, floor), min(1 / k + (k - 1) * lost * k, cap)
        ),
        "The first step gets what the last one should get.": wanted.flip(0),
        "The weights are multiplied by inner_steps; they sum to 1.": k * wanted,
        "One epoch late: epochs count from 0.": _oracle.weights_by_hand(
            k, max(epoch - 1, 0), anneal_epochs
        ),
    }
    assert_agrees(
        yours(k, epoch, anneal_epochs),
        wanted,
        mistakes=mistakes,
        look_at=f"This was inner_steps={k}, epoch={epoch}, anneal_epochs={anneal_epochs}. Work out "
        "the early steps first; the last one gets what is left of 1.",
    )


@pytest.mark.points(2)
def test_all_steps_count_alike_in_the_first_epoch(yours, generator):
    """epoch=0: 1/K each; and a single step weighs 1."""
    for k, anneal_epochs in ((3, 10), (5, 4), (1, 7)):
        _check(yours, k, 0, anneal_epochs, generator)


@pytest.mark.points(5)
def test_weight_moves_to_the_last_step_epoch_by_epoch(yours, generator):
    """Before the floor: every early step gives 1/(K E) per epoch to the last."""
    anneal_epochs = int(torch.randint(9, 14, (), generator=generator))
    for k, epoch in ((5, 1), (4, anneal_epochs // 2), (2, anneal_epochs - 2)):
        _check(yours, k, epoch, anneal_epochs, generator)


@pytest.mark.points(5)
def test_a_floor_stays_under_the_early_steps(yours, generator):
    """From the last epochs on: 0.03/K for each early step, the rest for the last."""
    anneal_epochs = int(torch.randint(5, 9, (), generator=generator))
    for k, epoch in ((5, anneal_epochs + 1), (3, 3 * anneal_epochs), (2, anneal_epochs)):
        _check(yours, k, epoch, anneal_epochs, generator)
