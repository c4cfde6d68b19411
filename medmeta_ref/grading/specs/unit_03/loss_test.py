"""loss_test(loss): the learner writes the test, and it is tested in turn."""

import pytest
import torch
import torch.nn.functional as F

from medmeta_ref.grading.trials import tried


def _mixed(soft, hard, temperature, alpha):
    return alpha * temperature**2 * soft + (1 - alpha) * hard


def _soft(student, teacher, temperature):
    p = (teacher / temperature).softmax(1)
    log_p, log_q = (teacher / temperature).log_softmax(1), (student / temperature).log_softmax(1)
    return (p * (log_p - log_q)).sum(1).mean()


def right(student, teacher, labels, *, temperature, alpha):
    """The loss, by its formula."""
    return _mixed(
        _soft(student, teacher, temperature), F.cross_entropy(student, labels), temperature, alpha
    )


def right_in_another_order(student, teacher, labels, *, temperature, alpha):
    """The same loss, summed in another order: it differs in the last digits."""
    log_q = F.log_softmax(student / temperature, dim=1)
    p = F.softmax(teacher / temperature, dim=1)
    soft = (F.kl_div(log_q, p, reduction="none") * temperature**2).sum() / len(student)
    nll = -F.log_softmax(student, dim=1)[torch.arange(len(student)), labels]
    return torch.lerp(nll.mean(), soft, alpha)


def no_t_squared(student, teacher, labels, *, temperature, alpha):
    """T² is missing."""
    hard = F.cross_entropy(student, labels)
    return alpha * _soft(student, teacher, temperature) + (1 - alpha) * hard


def mean_over_classes(student, teacher, labels, *, temperature, alpha):
    """Divided by the number of classes as well, as reduction="mean" does."""
    soft = _soft(student, teacher, temperature) / student.shape[1]
    return _mixed(soft, F.cross_entropy(student, labels), temperature, alpha)


def reversed_divergence(student, teacher, labels, *, temperature, alpha):
    """KL(student || teacher)."""
    soft = _soft(teacher, student, temperature)
    return _mixed(soft, F.cross_entropy(student, labels), temperature, alpha)


def swapped_alpha(student, teacher, labels, *, temperature, alpha):
    """The hard term gets alpha, the soft one 1 - alpha."""
    soft, hard = _soft(student, teacher, temperature), F.cross_entropy(student, labels)
    return _mixed(soft, hard, temperature, 1 - alpha)


def hard_term_at_t(student, teacher, labels, *, temperature, alpha):
    """The cross-entropy at temperature T."""
    hard = F.cross_entropy(student / temperature, labels)
    return _mixed(_soft(student, teacher, temperature), hard, temperature, alpha)


WRONG = {
    "T squared is missing": no_t_squared,
    "divided by the number of classes": mean_over_classes,
    "KL(student || teacher)": reversed_divergence,
    "alpha on the hard term": swapped_alpha,
    "cross-entropy at temperature T": hard_term_at_t,
}


@pytest.mark.points(2)
@pytest.mark.parametrize("mistake", WRONG)
def test_accepts_right_losses_and_rejects(yours, mistake, generator):
    """Your test accepts two right losses and rejects: {mistake}."""
    trial = tried(yours, [right, right_in_another_order], WRONG, generator)
    assert trial.accepts_the_right(), (
        "Your test rejects a right loss. Compare with torch.allclose or a tolerance, and check "
        "the value you compare with."
    )
    assert trial.rejects(mistake), (
        f"A loss with this mistake ({mistake}) passes your test. Find logits, labels, temperature "
        "and alpha for which it gives another number than the right one."
    )
