"""log_opinion_pool(probabilities, weights=None)."""

import pytest
import torch

from medmeta_ref.grading.agreement import assert_agrees
from medmeta_ref.grading.specs.unit_09 import _oracle


@pytest.mark.points(6)
def test_is_the_geometric_mean_normalised(yours, generator):
    """With and without weights, for two shapes."""
    for n_models, n_examples, n_classes in ((3, 4, 2), (2, 5, 4)):
        members = _oracle.panel(n_models, n_examples, n_classes, generator=generator)
        given = _oracle.some_weights(n_models, generator=generator)
        for weights in (None, given):
            loud = torch.ones(n_models, dtype=torch.float64) if weights is None else given
            shares = loud / loud.sum()
            roots = _oracle.products(members, shares)
            mistakes = {
                "That is the arithmetic pool of exercise 1.": _oracle.arithmetic(members, loud),
                "Not normalised: the rows of a geometric mean do not sum to 1.": roots,
                "These are logarithms; a softmax of them is missing.": roots.log(),
                "These are log-probabilities; take their exponential.": (
                    _oracle.of_sum_one(roots).log()
                ),
                "Too sure: the logarithms are summed, not averaged. Two copies of a reader are "
                "not two readers; divide the weights by their sum.": (
                    _oracle.of_sum_one(_oracle.products(members, loud))
                ),
                "The softmax is taken twice: of the geometric mean once more.": (
                    _oracle.of_sum_one(roots).softmax(1)
                ),
                "You took a softmax of the probabilities' mean. Logarithms are averaged here.": (
                    _oracle.arithmetic(members, loud).softmax(1)
                ),
            }
            if weights is not None:
                plain = torch.full_like(shares, 1 / n_models)
                sentence = "The weights are ignored."
                mistakes[sentence] = _oracle.of_sum_one(_oracle.products(members, plain))
                sentence = "Divided by the number of models; divide by the sum of the weights."
                powers = loud / n_models
                mistakes[sentence] = _oracle.of_sum_one(_oracle.products(members, powers))
            assert_agrees(
                yours(members) if weights is None else yours(members, weights),
                _oracle.of_sum_one(roots),
                mistakes=mistakes,
                look_at="Average the logarithms over the models with shares that sum to 1, then "
                "one softmax over the classes.",
            )


@pytest.mark.points(3)
def test_a_zero_is_a_veto_and_never_nan(yours):
    """A probability of 0 rules a class out; where all is ruled out, the answer is still finite."""
    cases = (
        ("One member gives class 0 a zero.", [[0.0, 1.0], [0.5, 0.5]], None, [0.0, 1.0]),
        ("Each class is vetoed by one member.", [[1.0, 0.0], [0.0, 1.0]], None, [0.5, 0.5]),
        ("The member with the zero has weight 0.", [[0.0, 1.0], [0.7, 0.3]], [0, 2], [0.7, 0.3]),
    )
    for what, rows, given, want in cases:
        members = torch.tensor(rows, dtype=torch.float64)[:, None]
        weights = [] if given is None else [torch.tensor(given, dtype=torch.float64)]
        assert_agrees(
            yours(members, *weights),
            torch.tensor([want]),
            mistakes={},
            look_at=f"{what} If the check above is right: clamp the probabilities at something "
            "tiny, 1e-12 say, before the logarithm. Then nothing is infinite, and 0 times it is 0.",
            atol=1e-3,
        )


@pytest.mark.points(3)
def test_four_hundred_members_do_not_underflow(yours, generator):
    """The product of so many probabilities is 0 in any float; their mean logarithm is not."""
    for n_classes in (50, 80):
        members = _oracle.panel(400, 2, n_classes, generator=generator)
        # In blocks of 20, whose products are still numbers.
        roots = torch.ones(2, n_classes, dtype=torch.float64)
        for block in members.split(20):
            roots = roots * _oracle.products(block, torch.full((20,), 1 / 400))
        assert_agrees(
            yours(members),
            _oracle.of_sum_one(roots),
            mistakes={},
            look_at="If the first check is right: do not multiply the probabilities, add their "
            "logarithms.",
        )
