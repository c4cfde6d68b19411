"""generalised_cross_entropy(logits, labels, *, q): bounded, so that no wrong label dominates."""

import pytest
import torch

from medmeta_ref.grading.agreement import assert_agrees
from medmeta_ref.grading.specs.unit_12 import _oracle


def _batch(n, n_classes, generator):
    logits = 2 * _oracle.draw(n, n_classes, generator=generator)
    labels = torch.randint(n_classes, (n,), generator=generator)
    return logits, labels


def _mistakes(logits, labels, q):
    right = _oracle.bounded_loss(logits, labels, q)
    rows = _oracle.probabilities(logits)
    p = _oracle.likely(logits, labels)
    n = len(labels)
    return {
        "Summed over the examples; the mean was asked for.": n * right,
        "The division by q is missing.": q * right,
        "That is the cross-entropy, whatever q is.": _oracle.cross_entropy(logits, labels),
        "That is 1 - p, whatever q is.": _oracle.bounded_loss(logits, labels, 1.0),
        "That is the probability of the likeliest class; take that of the label.": (
            sum((1 - max(row) ** q) / q for row in rows) / n
        ),
        "The power belongs to p, not to 1 - p.": sum((1 - each) ** q / q for each in p) / n,
        "The mean was taken first, of p: it belongs to the losses.": ((1 - (sum(p) / n) ** q) / q),
        "Averaged over classes as well: only the label's p counts.": (
            sum((1 - each**q) / q for row in rows for each in row) / n / logits.shape[1]
        ),
    }


@pytest.mark.points(5)
def test_is_the_mean_of_its_formula(yours, generator):
    """(1 - p^q) / q at the label, by loops, averaged over the batch: three values of q."""
    for (n, n_classes), q in (((6, 3), 0.7), ((4, 5), 0.3), ((7, 2), 0.5)):
        logits, labels = _batch(n, n_classes, generator)
        assert_agrees(
            yours(logits, labels, q=q),
            _oracle.bounded_loss(logits, labels, q),
            mistakes=_mistakes(logits, labels, q),
            look_at=f"This was q={q}, {n} examples, {n_classes} classes.",
        )


@pytest.mark.points(3)
def test_lies_between_cross_entropy_and_one_minus_p(yours, generator):
    """With q close to 0 it is the cross-entropy, with q = 1 it is 1 - p."""
    for n, n_classes in ((5, 4), (8, 2)):
        logits, labels = _batch(n, n_classes, generator)
        for q, want in (
            (1e-6, _oracle.cross_entropy(logits, labels)),
            (1.0, _oracle.bounded_loss(logits, labels, 1.0)),
        ):
            assert_agrees(
                yours(logits, labels, q=q),
                want,
                mistakes=_mistakes(logits, labels, q),
                look_at=f"This was q={q}. Near 0 the loss is -log p, at 1 it is 1 - p.",
                rtol=1e-4,
            )


@pytest.mark.points(3)
def test_hopeless_examples_cost_one_over_q_and_pull_with_no_force(yours, generator):
    """Where p is 0 in floating point, the loss is 1/q, and the gradient 0 rather than nan."""
    for (n, n_classes), q in (((4, 3), 0.7), ((5, 2), 0.25)):
        logits, labels = _batch(n, n_classes, generator)
        logits[torch.arange(n), labels] -= 3000.0
        assert_agrees(
            yours(logits, labels, q=q),
            1 / q,
            mistakes={"The division by q is missing.": 1.0},
            look_at=f"This was q={q}, and labels of probability 0. The loss has a bound, 1/q. "
            "With log p at hand, p^q is exp(q log p).",
        )
        got = yours.gradient(logits, labels, wrt=0, q=q)
        finite = type(got) is torch.Tensor and bool(torch.isfinite(got).all())
        assert finite, (
            "The loss is right, but its gradient is nan: a power of a p that has become 0 has an "
            "infinite slope. Work with F.log_softmax, and take exp(q * log p)."
        )
        assert_agrees(
            got,
            torch.zeros(n, n_classes),
            mistakes={},
            look_at="The gradient should vanish: an example that is given up pulls no more.",
        )


@pytest.mark.points(3)
def test_gradient_is_that_of_cross_entropy_weighed_by_p_to_the_q(yours, generator):
    """The slope in every logit is p^q (p_j - 1[j = y]) / n."""
    for (n, n_classes), q in (((5, 3), 0.7), ((4, 4), 0.4)):
        logits, labels = _batch(n, n_classes, generator)
        got = yours.gradient(logits, labels, wrt=0, q=q)
        assert got is not None, "The loss does not depend on the logits."
        plain = _oracle.bounded_loss_gradient(logits, labels, 0.0)
        assert_agrees(
            got,
            _oracle.bounded_loss_gradient(logits, labels, q),
            mistakes={
                "That is the gradient of cross-entropy: each example should weigh p^q.": plain,
                "That is the gradient of the sum, not of the mean.": (
                    n * _oracle.bounded_loss_gradient(logits, labels, q)
                ),
                "A division by q is missing.": (
                    q * _oracle.bounded_loss_gradient(logits, labels, q)
                ),
            },
            look_at=f"This was q={q}. Mend the value first, and detach nothing.",
        )
