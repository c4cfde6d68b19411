"""prototypical_loss(embed, params, support_x, support_y, query_x, query_y)."""

import pytest

from medmeta_ref.grading.agreement import assert_agrees
from medmeta_ref.grading.sandbox.adapters import Fn
from medmeta_ref.grading.specs.unit_04 import _oracle

EMBED = Fn("two_layers")
SIZES = (((3, 1, 2), 5, 2, 3), ((2, 4), 4, 3, 2))  # shots, queries, inputs, features


def _drawn(sizes, generator):
    counts, n_queries, n_in, n_features = sizes
    params = _oracle.embedding_params(n_in, n_features, generator=generator)
    return params, _oracle.scans(counts, n_queries, n_in, generator=generator)


@pytest.mark.points(8)
def test_is_the_cross_entropy_of_the_queries(yours, generator):
    """Embed, average, compare, cross-entropy: the value from loops, for two ragged episodes."""
    for sizes in SIZES:
        params, task = _drawn(sizes, generator)
        n_way, n_queries = len(sizes[0]), sizes[1]
        support, query = (_oracle.embedded(params, x) for x in (task.support_x, task.query_x))
        centres = _oracle.prototypes(support, task.support_y, n_way)
        scores = -_oracle.squared_distances(query, centres)
        want = _oracle.cross_entropy(scores, task.query_y)
        apart = _oracle.squared_distances(query - query.mean(0), centres - support.mean(0))
        raw = _oracle.prototypes(task.support_x, task.support_y, n_way)
        late = _oracle.embedded(params, raw)
        own = -_oracle.squared_distances(support, centres)
        mistakes = {
            "The cross-entropy is summed; the mean over the queries was asked for.": (
                n_queries * want
            ),
            "The distances are not squared.": _oracle.cross_entropy(
                -(-scores).sqrt(), task.query_y
            ),
            "The sign is reversed: the nearest prototype must get the largest logit.": (
                _oracle.cross_entropy(-scores, task.query_y)
            ),
            "F.cross_entropy takes logits; it got probabilities, so softmax is taken twice.": (
                _oracle.cross_entropy(_oracle.probabilities(scores), task.query_y)
            ),
            "That is the loss of the support examples, which made the prototypes themselves. The "
            "queries are to be judged.": _oracle.cross_entropy(own, task.support_y),
            "You averaged the inputs and embedded the average. The mean is taken in the "
            "embedding.": _oracle.cross_entropy(
                -_oracle.squared_distances(query, late), task.query_y
            ),
            "The network is not used: these are distances of the raw inputs.": (
                _oracle.cross_entropy(-_oracle.squared_distances(task.query_x, raw), task.query_y)
            ),
            "You took the support examples for sorted by class.": _oracle.cross_entropy(
                -_oracle.squared_distances(
                    query, _oracle.prototypes(support, task.support_y.sort().values, n_way)
                ),
                task.query_y,
            ),
            "The queries are centred by their own mean, so each answer depends on the other "
            "queries.": _oracle.cross_entropy(-apart, task.query_y),
        }
        value, _ = yours.through("loss_gradient", EMBED, params, *task)
        assert_agrees(
            value,
            want,
            mistakes=mistakes,
            look_at="embed(params, x) gives features. Prototypes from the support features, "
            "logits for the query features, F.cross_entropy with the query labels.",
        )


@pytest.mark.points(8)
def test_gradient_trains_the_embedding_by_support_and_queries(yours, generator):
    """The gradient in the network's parameters equals finite differences of the loss by loops."""
    for sizes in SIZES:
        params, task = _drawn(sizes, generator)
        support = _oracle.embedded(params, task.support_x)
        centres = _oracle.prototypes(support, task.support_y, len(sizes[0]))
        _, got = yours.through("loss_gradient", EMBED, params, *task)
        want = _oracle.loss_slopes(params, task)
        still = _oracle.loss_slopes(params, task, centres=centres)
        for name in ("weight1", "bias1", "weight2"):
            assert got[name] is not None, (
                f"No gradient reaches {name}. Look for .detach(), .item() or torch.no_grad()."
            )
            assert_agrees(
                got[name],
                want[name],
                mistakes={
                    "The prototypes are cut off: gradient comes from the queries alone. Both sides "
                    "of the distance have to learn.": still[name],
                    "The queries are cut off: gradient comes from the prototypes alone.": (
                        want[name] - still[name]
                    ),
                },
                look_at=f"This is the gradient in {name!r}. If the value is right, look at what "
                "cuts the graph, and at steps that have no derivative.",
                rtol=1e-4,
                atol=1e-7,
            )


@pytest.mark.points(2)
def test_every_query_is_judged_by_itself(yours, generator):
    """The loss of all queries is the mean of their losses alone: no statistics are shared."""
    for sizes in SIZES:
        params, task = _drawn(sizes, generator)
        want = []
        for i in range(len(task.query_y)):
            one = task._replace(query_x=task.query_x[i : i + 1], query_y=task.query_y[i : i + 1])
            want.append(_oracle.loss(params, one))
            value, _ = yours.through("loss_gradient", EMBED, params, *one)
            assert_agrees(
                value,
                want[-1],
                mistakes={},
                look_at="This is the loss of one query alone. It changed with its company, or the "
                "number of classes was read from the query labels: read it from the support's.",
            )
