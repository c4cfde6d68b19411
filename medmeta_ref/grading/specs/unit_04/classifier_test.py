"""classifier_test(classify): the learner writes the test, and it is tested in turn."""

import pytest
import torch
import torch.nn.functional as F

from medmeta_ref.grading.trials import tried


def _means(features, labels, n_way):
    return torch.stack([features[labels == c].mean(0) for c in range(n_way)])


def right(features, labels, queries, n_way):
    """The softmax of minus the squared distances to the class means."""
    centres = _means(features, labels, n_way)
    return (-(queries[:, None] - centres).square().sum(2)).softmax(1)


def right_as_a_linear_layer(features, labels, queries, n_way):
    """The same classifier as a linear layer, in another order of operations."""
    members = F.one_hot(labels, n_way).to(features.dtype)
    centres = (members / members.sum(0)).T @ features
    return F.softmax(F.linear(queries, 2 * centres, -(centres**2).sum(1)), dim=1)


def unsquared(features, labels, queries, n_way):
    """Plain distances: the same winner, other probabilities."""
    centres = _means(features, labels, n_way)
    return (-(queries[:, None] - centres).norm(dim=2)).softmax(1)


def sorted_labels(features, labels, queries, n_way):
    """Takes the support examples for sorted by class."""
    return right(features, labels.sort().values, queries, n_way)


def divided_by_classes(features, labels, queries, n_way):
    """1/N_C in front of the sum over the support examples, as printed in Algorithm 1."""
    sums = torch.stack([features[labels == c].sum(0) for c in range(n_way)])
    return (-(queries[:, None] - sums / n_way).square().sum(2)).softmax(1)


def query_statistics(features, labels, queries, n_way):
    """Features are centred by what the queries show: support by theirs, queries by their own."""
    return right(features - features.mean(0), labels, queries - queries.mean(0), n_way)


def cosine(features, labels, queries, n_way):
    """The cosine in place of the distance."""
    centres = F.normalize(_means(features, labels, n_way), dim=1)
    return (F.normalize(queries, dim=1) @ centres.T).softmax(1)


WRONG = {
    "distances not squared": unsquared,
    "labels assumed sorted": sorted_labels,
    "sums divided by the number of classes": divided_by_classes,
    "queries centred by their own mean": query_statistics,
    "cosine in place of distance": cosine,
}


@pytest.mark.points(2)
@pytest.mark.parametrize("mistake", WRONG)
def test_accepts_right_classifiers_and_rejects(yours, mistake, generator):
    """Your test accepts two right classifiers and rejects: {mistake}."""
    trial = tried(yours, [right, right_as_a_linear_layer], WRONG, generator)
    assert trial.accepts_the_right(), (
        "Your test rejects a right classifier. Compare with torch.allclose or a tolerance, and "
        "work out again the probabilities that you compare with."
    )
    assert trial.rejects(mistake), (
        f"A classifier with this mistake ({mistake}) passes your test. Find support examples, "
        "their order, and queries for which it gives other probabilities than the right one."
    )
