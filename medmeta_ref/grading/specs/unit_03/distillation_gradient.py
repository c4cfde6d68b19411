"""distillation_gradient(student_logits, teacher_logits, *, temperature), by formula."""

import pytest
import torch

from medmeta_ref.grading.agreement import assert_agrees
from medmeta_ref.grading.specs.unit_03 import _oracle


def _by_differences(student, teacher, temperature, step=1e-5):
    """Central differences of T² KL, one logit at a time."""
    gradient = torch.zeros_like(student)
    for i in range(student.shape[0]):
        for c in range(student.shape[1]):
            up, down = student.clone(), student.clone()
            up[i, c] += step
            down[i, c] -= step
            rise = _oracle.divergence(teacher, up, temperature)
            fall = _oracle.divergence(teacher, down, temperature)
            gradient[i, c] = temperature**2 * (rise - fall) / (2 * step)
    return gradient


@pytest.mark.points(10)
def test_equals_finite_differences_of_the_soft_term(yours, generator):
    """The formula gives what moving each logit a little gives, for two shapes."""
    for n_examples, n_classes, temperature in ((4, 3, 3.0), (2, 6, 5.0)):
        student = _oracle.logits(n_examples, n_classes, generator=generator)
        teacher = _oracle.logits(n_examples, n_classes, generator=generator)
        want = _by_differences(student, teacher, temperature)
        plain = _oracle.soft_targets(student, 1.0) - _oracle.soft_targets(teacher, 1.0)
        assert_agrees(
            yours(student, teacher, temperature=temperature),
            want,
            mistakes={
                "The sign is reversed: student minus teacher, so that descent moves towards it.": (
                    -want
                ),
                "Not divided by the number of examples.": n_examples * want,
                "Divided by the number of classes as well.": want / n_classes,
                "One factor T too many: T² from the loss, 1/T from the chain rule.": (
                    temperature * want
                ),
                "T² is missing: this is the gradient of the unscaled divergence.": (
                    want / temperature**2
                ),
                "The factor T is missing: T² from the loss times 1/T from the chain rule.": (
                    want / temperature
                ),
                "That is q - p alone: the factor T and the batch mean are missing.": (
                    n_examples / temperature * want
                ),
                "The probabilities are taken at temperature 1.": temperature * plain / n_examples,
            },
            look_at="d/dz of KL(p || softmax(z / T)) is (q - p) / T; then T² and the batch mean.",
            rtol=1e-4,
            atol=1e-7,
        )


@pytest.mark.points(6)
def test_high_temperature_matches_centred_logits(yours, generator):
    """At T = 100,000 it is the difference of the centred logits over (examples x classes)."""
    for n_examples, n_classes in ((5, 4), (3, 10)):
        student = _oracle.logits(n_examples, n_classes, generator=generator)
        teacher = _oracle.logits(n_examples, n_classes, generator=generator)
        z = student - student.mean(1, keepdim=True)
        v = teacher - teacher.mean(1, keepdim=True)
        assert_agrees(
            yours(student, teacher, temperature=1e5),
            (z - v) / (n_examples * n_classes),
            mistakes={
                "It vanishes at high temperature: T² is missing.": torch.zeros_like(z),
                "The sign is reversed.": (v - z) / (n_examples * n_classes),
            },
            look_at="Expand softmax(z / T) to first order in 1 / T.",
            rtol=1e-3,
            atol=1e-4,
        )
