"""prototypical_logits(query_features, prototypes)."""

import pytest

from medmeta_ref.grading.agreement import assert_agrees
from medmeta_ref.grading.sandbox.adapters import Fn
from medmeta_ref.grading.specs.unit_04 import _oracle


@pytest.mark.points(8)
def test_is_minus_the_squared_distance(yours, generator):
    """Minus the squared Euclidean distance of every query to every prototype, for two shapes."""
    for n_queries, n_way, n_features in ((6, 3, 4), (2, 5, 7)):
        queries = _oracle.draw(n_queries, n_features, generator=generator)
        centres = _oracle.draw(n_way, n_features, generator=generator)
        squared = _oracle.squared_distances(queries, centres)
        lengths = queries.norm(dim=1, keepdim=True) * centres.norm(dim=1)
        assert_agrees(
            yours(queries, centres),
            -squared,
            mistakes={
                "The sign is reversed: the nearest prototype must get the *largest* logit.": (
                    squared
                ),
                "The distance is not squared. The prediction stays the same, the probabilities do "
                "not, and the classifier is no longer linear.": -squared.sqrt(),
                "Averaged over the features; the sum was asked for. That is a temperature that "
                "nobody chose.": -squared / n_features,
                "Halved.": -squared / 2,
                "That is the sum of absolute differences.": (
                    -(queries[:, None] - centres).abs().sum(2)
                ),
                "That is the scalar product: |q|² and |c|² are missing.": queries @ centres.T,
                "That is the cosine; the length of a vector counts here.": (
                    queries @ centres.T / lengths
                ),
                "These are probabilities already; logits were asked for.": (
                    _oracle.probabilities(-squared)
                ),
                "These are log-probabilities; logits were asked for, softmax comes later.": (
                    _oracle.probabilities(-squared).log()
                ),
            },
            look_at="Row q, column c: minus the sum over the features of (query - prototype)².",
        )


@pytest.mark.points(3)
def test_small_distances_survive_far_from_the_origin(yours, generator):
    """Moving queries and prototypes together, ten million units away, changes nothing."""
    for n_queries, n_way in ((4, 3), (30, 2)):
        queries = _oracle.draw(n_queries, 3, generator=generator)
        centres = _oracle.draw(n_way, 3, generator=generator)
        want = -_oracle.squared_distances(queries, centres)
        assert_agrees(
            yours(queries + 1e7, centres + 1e7),
            want,
            mistakes={},
            look_at="|q|² - 2 q·c + |c|² is right on paper, and torch.cdist computes it for more "
            "than 25 rows. But numbers of size 10^14 have no digits left for a small difference. "
            "Take the difference first, then square.",
        )


@pytest.mark.points(3)
def test_gradient_is_finite_where_a_query_sits_on_its_prototype(yours, generator):
    """A weighted sum of the logits has the right gradient, also for a query at distance 0."""
    for n_way, n_features in ((3, 4), (2, 2)):
        centres = _oracle.draw(n_way, n_features, generator=generator)
        queries = centres + _oracle.draw(n_way, n_features, generator=generator)
        queries[0] = centres[0]
        weights = _oracle.draw(n_way, n_way, generator=generator)
        got = yours.through(
            "gradient_of", queries, centres, outer=Fn("weighted_sum", (weights,)), wrt=0
        )
        assert got is not None, "No gradient reaches the queries: no embedding could be learned."
        # d/dq of -sum_c w_c |q - c|² is -2 sum_c w_c (q - c).
        assert_agrees(
            got,
            -2 * (weights[:, :, None] * (queries[:, None] - centres)).sum(1),
            mistakes={},
            look_at="The root of a square has no derivative at 0: infinite times 0 is nan. Do not "
            "take a root only to square it again.",
        )
