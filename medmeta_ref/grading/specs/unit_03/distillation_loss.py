"""distillation_loss(student_logits, teacher_logits, labels, *, temperature, alpha)."""

import math

import pytest
import torch
import torch.nn.functional as F

from medmeta_ref.grading.agreement import assert_agrees
from medmeta_ref.grading.specs.unit_03 import _oracle


def _batch(n_examples, n_classes, generator):
    student = _oracle.logits(n_examples, n_classes, generator=generator)
    teacher = _oracle.logits(n_examples, n_classes, generator=generator)
    return student, teacher, torch.randint(n_classes, (n_examples,), generator=generator)


def _mixed_from_own_ends(yours, student, teacher, labels):
    """Mix the learner's own soft and hard terms, so that mixing is told apart from the terms."""
    soft, hard = (yours(student, teacher, labels, temperature=3.0, alpha=a) for a in (1.0, 0.0))
    both_scalars = all(type(term) is torch.Tensor and term.ndim == 0 for term in (soft, hard))
    return 0.3 * soft + 0.7 * hard if both_scalars else math.nan


@pytest.mark.points(4)
def test_alpha_0_is_the_cross_entropy(yours, generator):
    """With alpha = 0 only the labels count: plain cross-entropy at temperature 1."""
    for n_examples, n_classes in ((6, 7), (3, 4)):
        student, teacher, labels = _batch(n_examples, n_classes, generator)
        assert_agrees(
            yours(student, teacher, labels, temperature=4.0, alpha=0.0),
            _oracle.cross_entropy(student, labels),
            mistakes={
                "That is the soft term: alpha and 1 - alpha are swapped.": (
                    16 * _oracle.divergence(teacher, student, 4.0)
                ),
                "The cross-entropy is taken at temperature T; the labels are hard, so T = 1.": (
                    _oracle.cross_entropy(student, labels, 4.0)
                ),
                "The cross-entropy is multiplied by T² as well; only the soft term needs it.": (
                    16 * _oracle.cross_entropy(student, labels)
                ),
                "The cross-entropy is summed; the mean over the batch was asked for.": (
                    n_examples * _oracle.cross_entropy(student, labels)
                ),
            },
            look_at="Compare with F.cross_entropy(student_logits, labels).",
        )


@pytest.mark.points(8)
def test_soft_term_is_t_squared_times_the_divergence(yours, generator):
    """With alpha = 1 the loss is T² KL(teacher || student), a mean over the batch."""
    for n_examples, n_classes, temperature in ((6, 7, 4.0), (3, 4, 2.0)):
        student, teacher, labels = _batch(n_examples, n_classes, generator)
        kl = _oracle.divergence(teacher, student, temperature)
        t2 = temperature**2
        q = (student / temperature).softmax(1)
        assert_agrees(
            yours(student, teacher, labels, temperature=temperature, alpha=1.0),
            t2 * kl,
            mistakes={
                "T² is missing: at high temperature the teacher would hardly count.": kl,
                "The factor is T; the gradient shrinks as 1/T², so it must be T².": (
                    temperature * kl
                ),
                "Divided by the number of classes too: that is reduction='mean', which is no KL "
                "divergence; 'batchmean' is.": t2 * kl / n_classes,
                "Summed over the batch; the mean was asked for.": t2 * kl * n_examples,
                "This is KL(student || teacher): the arguments are swapped.": (
                    t2 * _oracle.divergence(student, teacher, temperature)
                ),
                "The first argument of F.kl_div must be log-probabilities; yours are "
                "probabilities.": t2
                * F.kl_div(q, (teacher / temperature).softmax(1), reduction="batchmean"),
                "That is the cross-entropy with the labels: alpha and 1 - alpha are swapped.": (
                    _oracle.cross_entropy(student, labels)
                ),
                "softmax runs over the examples; it should run over the classes (dim=1).": t2
                * _oracle.divergence(teacher.T, student.T, temperature)
                * n_classes
                / n_examples,
                "The temperature is applied to the student only.": t2
                * (
                    (teacher.softmax(1) * teacher.log_softmax(1)).sum(1)
                    - (teacher.softmax(1) * q.log()).sum(1)
                ).mean(),
            },
            look_at="Take one example with two classes and work sum p (log p - log q) out by hand.",
        )


@pytest.mark.points(4)
def test_both_terms_are_mixed_by_alpha(yours, generator):
    """With alpha = 0.3 the loss is 0.3 of the soft term plus 0.7 of the hard term."""
    for n_examples, n_classes in ((5, 3), (2, 9)):
        student, teacher, labels = _batch(n_examples, n_classes, generator)
        soft = 9 * _oracle.divergence(teacher, student, 3.0)
        hard = _oracle.cross_entropy(student, labels)
        assert_agrees(
            yours(student, teacher, labels, temperature=3.0, alpha=0.3),
            0.3 * soft + 0.7 * hard,
            mistakes={
                "alpha weighs the hard term; it should weigh the soft one.": (
                    0.7 * soft + 0.3 * hard
                ),
                "The hard term is not weighted by 1 - alpha.": 0.3 * soft + hard,
                "The soft term is not weighted by alpha.": soft + 0.7 * hard,
                "You mix the two terms rightly; it is their values that are wrong: mend the checks "
                "above first.": _mixed_from_own_ends(yours, student, teacher, labels),
            },
            look_at="If the two checks above are right, look at how the terms are added.",
        )


@pytest.mark.points(4)
def test_gradient_trains_the_student_and_spares_the_teacher(yours, generator):
    """The student gets alpha T (q - p)/N + (1 - alpha)(softmax - one-hot)/N; the teacher none."""
    student, teacher, labels = _batch(4, 5, generator)
    settings = {"temperature": 2.0, "alpha": 0.6}
    p, q = _oracle.soft_targets(teacher, 2.0), _oracle.soft_targets(student, 2.0)
    one_hot = torch.eye(5, dtype=torch.float64)[labels]
    soft, hard = 2.0 * (q - p) / 4, (_oracle.soft_targets(student, 1.0) - one_hot) / 4
    got = yours.gradient(student, teacher, labels, wrt=0, **settings)
    assert got is not None, "No gradient reaches the student: it could not be trained."
    assert_agrees(
        got,
        0.6 * soft + 0.4 * hard,
        mistakes={
            "Only the hard term has a gradient: the soft one is cut off.": 0.4 * hard,
            "Only the soft term has a gradient: the hard one is cut off.": 0.6 * soft,
            "T² is missing in the soft term.": 0.6 * soft / 4 + 0.4 * hard,
            "The soft term is divided by the number of classes as well.": 0.6 * soft / 5
            + 0.4 * hard,
            "alpha weighs the hard term; it should weigh the soft one.": 0.4 * soft + 0.6 * hard,
        },
        look_at="If the values above are right, look for .detach() or .item() on the student.",
    )
    to_teacher = yours.gradient(student, teacher, labels, wrt=1, **settings)
    assert to_teacher is None or not to_teacher.any(), (
        "Gradient flows into the teacher: training would change what should be imitated. "
        "Use teacher_logits.detach()."
    )


@pytest.mark.points(4)
def test_large_logits_stay_finite(yours, generator):
    """Logits of ten thousand give the right number, not nan."""
    student = _oracle.far_apart([[1e4, 0.0], [0.0, 1e4]], generator=generator)
    teacher = _oracle.far_apart([[0.0, 0.0], [0.0, 1e4]], generator=generator)
    labels = torch.tensor([0, 1])
    # First row: log q is about (0, -5000) at T = 2, where p is not 0; second row: KL = 0.
    divergence = _oracle.divergence(teacher, student, 2.0)
    finite = "Finite, as it should be, but "
    assert_agrees(
        yours(student, teacher, labels, temperature=2.0, alpha=1.0),
        4 * divergence,
        mistakes={
            finite + "T² is missing.": divergence,
            finite + "divided by the number of classes as well.": 4 * divergence / 2,
            finite + "KL(student || teacher) instead of KL(teacher || student).": (
                4 * _oracle.divergence(student, teacher, 2.0)
            ),
            finite + "alpha weighs the hard term; it should weigh the soft one.": 0.0,
        },
        look_at="log(softmax(x)) is log(0) here. Use log_softmax for the student, and let kl_div "
        "see the teacher's probabilities (it treats 0 log 0 as 0).",
    )
