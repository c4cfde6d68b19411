"""linear_cka(x, y)."""

import pytest
import torch

from medmeta_ref.grading.agreement import assert_agrees
from medmeta_ref.grading.specs.unit_07 import _oracle

SIZES = ((6, 3, 2), (4, 5, 7))  # examples, features of x, features of y


def _features(n, p, q, generator):
    """Return features that are neither alike nor unrelated, and far from 0 on average."""
    x = _oracle.draw(n, p, generator=generator) + 2
    mix = _oracle.draw(p, q, generator=generator)
    return x, x @ mix + 2 * _oracle.draw(n, q, generator=generator) - 1


def _mistakes(x, y):
    """Return what well-known mistakes would give."""

    def ratio(a, b):
        cross, own = a.T @ b, ((a.T @ a).norm() * (b.T @ b).norm())
        return cross.square().sum() / own

    xc, yc = x - x.mean(0), y - y.mean(0)
    cross, across = xc.T @ yc, [z - z.mean(1, keepdim=True) for z in (x, y)]
    value = ratio(xc, yc)
    return {
        "The features are not centred: subtract each one's mean over the examples.": ratio(x, y),
        "Centred within each example. Subtract each feature's mean over the *examples*, axis 0.": (
            ratio(*across)
        ),
        "Centred by one mean over all numbers; each feature has its own.": ratio(
            x - x.mean(), y - y.mean()
        ),
        "The root of the right value: the upper norm is to be squared.": value.sqrt(),
        "The upper norm is not squared.": cross.norm() / ((xc.T @ xc).norm() * (yc.T @ yc).norm()),
        "Below belong the norms of X'X and Y'Y, not those of X and Y.": (
            cross.square().sum() / (xc.square().sum() * yc.square().sum())
        ),
        "Above stands the squared *Frobenius* norm: the sum of all squared entries.": (
            torch.linalg.matrix_norm(cross, 2) ** 2 / ((xc.T @ xc).norm() * (yc.T @ yc).norm())
        ),
        "The lower norms are squared as well; only the upper one is.": (
            cross.square().sum() / ((xc.T @ xc).norm() * (yc.T @ yc).norm()) ** 2
        ),
        "This is not divided by anything: it grows with the features.": cross.square().sum(),
    }


def _assert_cka(got, x, y, look_at):
    assert_agrees(got, _oracle.cka_by_pairs(x, y), mistakes=_mistakes(x, y), look_at=look_at)


@pytest.mark.points(6)
def test_equals_the_likeness_of_all_pairs_of_examples(yours, generator):
    """More examples than features, and fewer: the value from inner products of all pairs."""
    for n, p, q in SIZES:
        x, y = _features(n, p, q, generator)
        look_at = f"These were features of shapes {(n, p)} and {(n, q)}."
        _assert_cka(yours(x, y), x, y, look_at)


@pytest.mark.points(4)
def test_turning_shifting_and_scaling_changes_nothing(yours, generator):
    """Either side turned, shifted and scaled: the same value; and 1 against itself turned."""
    for n, p, q in SIZES:
        x, y = _features(n, p, q, generator)
        turn = torch.linalg.qr(_oracle.draw(p, p, generator=generator)).Q
        turned = 3 * x @ turn + _oracle.draw(p, generator=generator)
        look_at = "These features were turned by an orthogonal matrix, tripled, and shifted."
        _assert_cka(yours(turned, y), turned, y, look_at)
        _assert_cka(yours(y, turned), y, turned, look_at)
        _assert_cka(yours(x, turned), x, turned, f"{look_at} Against themselves they give 1.")
