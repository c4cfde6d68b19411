"""feature_distillation_loss(student_features, teacher_features, projection)."""

import pytest
import torch

from medmeta_ref.grading.agreement import assert_agrees
from medmeta_ref.grading.specs.unit_03 import _oracle


def _features(n_examples, n_student, n_teacher, generator):
    student = _oracle.logits(n_examples, n_student, generator=generator)
    teacher = _oracle.logits(n_examples, n_teacher, generator=generator)
    return student, teacher, _oracle.logits(n_student, n_teacher, generator=generator)


def _errors(student, teacher, projection):
    """Return projected student minus teacher, one product at a time."""
    rows = []
    for s, t in zip(student.tolist(), teacher.tolist(), strict=True):
        columns = zip(*projection.tolist(), strict=True)
        rows.append([sum(a * b for a, b in zip(s, c, strict=True)) for c in columns])
        rows[-1] = [mapped - target for mapped, target in zip(rows[-1], t, strict=True)]
    return torch.tensor(rows, dtype=torch.float64)


@pytest.mark.points(8)
def test_is_the_mean_squared_error_after_projection(yours, generator):
    """The loss is the mean over examples and features of (student @ projection - teacher)²."""
    for sizes in ((6, 3, 5), (4, 7, 2)):
        student, teacher, projection = _features(*sizes, generator=generator)
        squares = _errors(student, teacher, projection).square()
        assert_agrees(
            yours(student, teacher, projection),
            squares.mean(),
            mistakes={
                "Summed over everything; the mean was asked for.": squares.sum(),
                "Summed over the features; the mean over features and examples was asked for.": (
                    squares.sum(1).mean()
                ),
                "Halved: the paper's 1/2 is left out here.": squares.mean() / 2,
                "Absolute instead of squared differences.": squares.sqrt().mean(),
            },
            look_at="student_features @ projection fits the teacher; subtract, square, mean.",
        )


@pytest.mark.points(4)
def test_student_and_projection_learn_and_the_teacher_does_not(yours, generator):
    """Gradient reaches the student's features and the projection, and not the teacher's."""
    student, teacher, projection = _features(4, 3, 5, generator)
    # d/dA mean((A P - B)²) = 2 (A P - B) Pᵀ / count, and Aᵀ (A P - B) for the projection.
    errors = 2 * _errors(student, teacher, projection) / (4 * 5)
    for wrt, name, want in (
        (0, "student features", errors @ projection.T),
        (2, "projection", student.T @ errors),
    ):
        got = yours.gradient(student, teacher, projection, wrt=wrt)
        assert got is not None, f"No gradient reaches the {name}: they could not be learned."
        assert_agrees(got, want, mistakes={}, look_at=f"This is the gradient of the {name}.")
    to_teacher = yours.gradient(student, teacher, projection, wrt=1)
    assert to_teacher is None or not to_teacher.any(), (
        "Gradient flows into the teacher's features; detach them."
    )
