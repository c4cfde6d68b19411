"""Unit 04 gives full points to right answers, however they are written."""

import pytest
import torch
import torch.nn.functional as F

from medmeta_ref import prototypical
from medmeta_ref.grading.spec_runner import run_spec


def means_by_matrix(features, labels, n_way):
    members = F.one_hot(labels, n_way).to(features.dtype)
    return torch.einsum("nc,nf->cf", members, features) / members.sum(0).unsqueeze(1)


def means_by_loop(features, labels, n_way):
    rows = []
    for c in range(n_way):
        own = [row for row, label in zip(features, labels, strict=True) if int(label) == c]
        rows.append(sum(own) / len(own))
    return torch.stack(rows)


def means_by_index_add(features, labels, n_way):
    sums = torch.zeros(n_way, features.shape[1], dtype=features.dtype)
    return sums.index_add(0, labels, features) / torch.bincount(labels).unsqueeze(1)


def logits_by_loop(query_features, prototypes):
    columns = [-((query_features - c) ** 2).sum(1) for c in prototypes]
    return torch.stack(columns, dim=1)


def logits_by_shifted_cdist(query_features, prototypes):
    distance = torch.cdist(query_features, prototypes, compute_mode="donot_use_mm_for_euclid_dist")
    return -(distance**2)


def loss_by_log_softmax(embed, params, support_x, support_y, query_x, query_y):
    both = embed(params, torch.cat([support_x, query_x]))
    support, queries = both.split([len(support_x), len(query_x)])
    means = means_by_matrix(support, support_y, len(support_y.unique()))
    log_p = F.log_softmax(logits_by_loop(queries, means), dim=1)
    return -log_p.gather(1, query_y[:, None]).mean()


def loss_of_the_linear_layer(embed, params, support_x, support_y, query_x, query_y):
    n_way = int(support_y.max()) + 1
    means = means_by_loop(embed(params, support_x), support_y, n_way)
    weight, bias = shifted_linear(means)
    return F.cross_entropy(F.linear(embed(params, query_x), weight, bias), query_y)


def shifted_linear(prototypes):
    # A constant added to all biases is no difference to a softmax.
    return prototypes + prototypes, 7 - torch.einsum("cf,cf->c", prototypes, prototypes)


def one_more_by_sums(prototype, n_shots, features):
    return (n_shots * prototype + features) / (n_shots + 1)


RIGHT = {
    "prototypes": (means_by_matrix, means_by_loop, means_by_index_add),
    "prototypical_logits": (logits_by_loop, logits_by_shifted_cdist),
    "prototypical_loss": (loss_by_log_softmax, loss_of_the_linear_layer),
    "as_linear": (shifted_linear,),
    "one_more_example": (one_more_by_sums,),
}


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize(
    ("name", "function"), [(name, f) for name, each in RIGHT.items() for f in each]
)
def test_right_answer_written_differently_gets_every_point(name, function, seed):
    result = run_spec(f"04.{name}", function, seed=seed)
    assert result.points == result.max_points, result


@pytest.mark.parametrize("name", ["prototypes", "prototypical_logits", "as_linear"])
def test_reference_library_passes_the_checks_of_its_own_course(name):
    result = run_spec(f"04.{name}", getattr(prototypical, name))
    assert result.points == result.max_points, result
