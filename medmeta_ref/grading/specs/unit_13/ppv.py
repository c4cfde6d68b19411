"""ppv(sensitivity, specificity, prevalence) -> the share of ill among those called ill."""

from functools import partial

import pytest
import torch

from medmeta_ref.grading.agreement import assert_agrees
from medmeta_ref.grading.specs.unit_01 import _drawing


def _judge(yours, n_ill, n_healthy, n_found, n_alarmed, look_at):
    """Heads are counted: no formula."""
    sensitivity, specificity = n_found / n_ill, 1 - n_alarmed / n_healthy
    prevalence = n_ill / (n_ill + n_healthy)
    right = n_found / (n_found + n_alarmed)
    cleared, missed = n_healthy - n_alarmed, n_ill - n_found
    mistakes = {
        "That is the sensitivity: the called among the ill. The ill among the called count.": (
            sensitivity
        ),
        "That is right where half of all are ill; prevalence is not used.": (
            sensitivity / (sensitivity + 1 - specificity)
        ),
        "That is the share of *healthy* among those called healthy.": cleared / (cleared + missed),
        "The healthy were weighed by specificity; those called ill are 1 - specificity of them.": (
            sensitivity * prevalence / (sensitivity * prevalence + specificity * (1 - prevalence))
        ),
        "That is the share of all who are called ill.": (
            (n_found + n_alarmed) / (n_ill + n_healthy)
        ),
        "That is the share of all who are ill and found; divide by all who are called.": (
            n_found / (n_ill + n_healthy)
        ),
        "False alarms were not weighed by how many are healthy.": (
            sensitivity * prevalence / (sensitivity * prevalence + 1 - specificity)
        ),
    }
    assert_agrees(
        yours(sensitivity, specificity, prevalence),
        right,
        mistakes={what: value for what, value in mistakes.items() if value != right},
        look_at=look_at,
    )


@pytest.mark.points(4)
def test_agrees_with_heads_counted_in_a_town(yours, generator):
    """Ill and healthy, found and alarmed, in four towns from rare to frequent."""
    for n_ill, n_healthy in ((25, 975), (200, 1800), (60, 90), (3, 9000)):
        n_found = 1 + int(torch.randint(n_ill - 1, (), generator=generator))
        n_alarmed = int(n_healthy * (0.05 + 0.2 * float(torch.rand((), generator=generator))))
        look_at = (
            f"Of {n_ill} ill {n_found} are called, of {n_healthy} healthy {n_alarmed}. The value "
            f"is {n_found} of {n_found + n_alarmed}."
        )
        _judge(yours, n_ill, n_healthy, n_found, n_alarmed, look_at)


@pytest.mark.points(2)
def test_tests_that_know_all_or_nothing(yours, generator):
    """Without false alarms it is 1; a coin, as often up for ill as for healthy, the prevalence."""
    for n_ill in (20, 300):
        n_found = 1 + int(torch.randint(n_ill - 1, (), generator=generator))
        _judge(yours, n_ill, 1000, n_found, 0, "Nobody was alarmed for nothing: the value is 1.")
        n_alarmed = 4 * n_found
        look_at = "This test throws a coin: among those called as many are ill as among all."
        _judge(yours, n_ill, 4 * n_ill, n_found, n_alarmed, look_at)


@pytest.mark.points(2)
def test_nobody_called_is_refused(yours):
    """With nobody called ill there is no share to take: a ValueError, twice."""
    for given in ((0.0, 1.0, 0.3), (0.8, 1.0, 0.0)):
        _drawing.assert_refuses(
            partial(yours, *given),
            what=f"ppv{given}: nobody is called ill, there is no predictive value. That",
        )
    assert_agrees(yours(0.5, 1.0, 0.2), 1.0, mistakes={}, look_at="Here some are called ill.")
