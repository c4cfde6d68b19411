"""out_of_fold(fit_predict, x, labels, folds, *, n_classes)."""

import pytest
import torch

from medmeta_ref.grading.agreement import assert_agrees
from medmeta_ref.grading.specs.unit_09 import _oracle


def _rows(x, labels, n_classes, chosen):
    """Return row after row: the vote of the examples that `chosen(i)` allows."""
    each = []
    for i in range(len(x)):
        keep = [j for j in range(len(x)) if chosen(i, j)]
        each.append(_oracle.votes(x[keep], labels[keep], x[i : i + 1], n_classes))
    return torch.cat(each)


def _judge(yours, folds, n_classes, generator, look_at):
    folds = torch.tensor(folds)
    x = _oracle.draw(len(folds), 3, generator=generator)
    labels = torch.arange(len(folds)) % n_classes
    want = _rows(x, labels, n_classes, lambda i, j: folds[i] != folds[j])
    by_fold = torch.cat([want[folds == fold] for fold in folds.unique()])
    assert_agrees(
        yours(_oracle.vote_of(n_classes), x, labels, folds, n_classes=n_classes),
        want,
        mistakes={
            "Leak: the member answers about examples that it was fitted on. Fit it on the *other* "
            "folds.": _rows(x, labels, n_classes, lambda i, j: True),
            "The other way round: fitted on the fold, asked about the rest. Fit on all but one "
            "fold.": _rows(x, labels, n_classes, lambda i, j: folds[i] == folds[j]),
            "Only the example itself is left out. Its whole fold must be: the same patient may be "
            "in it twice.": _rows(x, labels, n_classes, lambda i, j: i != j),
            "The rows stand fold after fold. Row i has to be that of example i.": by_fold,
        },
        look_at=look_at,
    )


@pytest.mark.points(8)
def test_every_row_comes_from_a_fit_without_its_fold(yours, generator):
    """Each example is answered by a member that has seen nothing of its fold."""
    for folds, n_classes in (([0, 1, 2, 1, 0, 2, 2, 0, 1], 2), ([1, 0, 0, 1, 1, 0, 1, 0], 3)):
        _judge(
            yours,
            folds,
            n_classes,
            generator,
            "For each fold: fit on the examples outside it, predict those inside, and write the "
            "rows to where these examples stand.",
        )


@pytest.mark.points(7)
def test_folds_may_be_unequal_and_have_any_names(yours, generator):
    """Folds of whole patients: of other sizes, with numbers that leave gaps, in any order."""
    for folds, n_classes in (([7, 3, 7, 12, 7, 3, 7, 12], 3), ([5, -1, 5, 8, 8, 8, 5, 5, 20], 2)):
        _judge(
            yours,
            folds,
            n_classes,
            generator,
            f"The folds here are called {sorted(set(folds))}, and are not of one size. Take the "
            "names from `folds`, not from a count.",
        )
