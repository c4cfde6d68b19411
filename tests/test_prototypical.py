"""Prototypical networks against loops, the linear identity, symmetries and finite differences."""

import math

import pytest
import torch
import torch.nn.functional as F
from sklearn.neighbors import KNeighborsClassifier
from torch import nn

from medmeta_ref.episodes import Episode, each_episode
from medmeta_ref.params import initial_params
from medmeta_ref.prototypical import (
    as_linear,
    episode_logits,
    prototypes,
    prototypical_logits,
    prototypical_loss,
)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=seeded(seed), dtype=torch.float64)


# name -> (features, labels, n_way): sorted and not, equally many of each class and not
SUPPORTS = {
    "sorted, equal": (normal(6, 4), torch.tensor([0, 0, 1, 1, 2, 2]), 3),
    "mixed, equal": (normal(6, 4, seed=1), torch.tensor([2, 0, 1, 1, 2, 0]), 3),
    "ragged": (normal(7, 3, seed=2), torch.tensor([1, 0, 0, 2, 0, 0, 1]), 3),
    "one-shot": (normal(4, 5, seed=3), torch.tensor([3, 1, 0, 2]), 4),
    "one class": (normal(3, 2, seed=4), torch.tensor([0, 0, 0]), 1),
}


def assert_are_class_means(function):
    for features, labels, n_way in SUPPORTS.values():
        result = function(features, labels, n_way)
        assert result.shape == (n_way, features.shape[1])
        for c in range(n_way):
            rows = [r for r, y in zip(features.tolist(), labels.tolist(), strict=True) if y == c]
            for j in range(features.shape[1]):
                mean = math.fsum(row[j] for row in rows) / len(rows)
                assert result[c, j].item() == pytest.approx(mean, abs=1e-12)


def per_class(combine):
    """Return a wrong `prototypes` that combines the rows of a class otherwise."""

    def function(features, labels, n_way):
        return torch.stack([combine(features[labels == c]) for c in range(n_way)])

    return function


def reshaped(features, labels, n_way):
    return features[: len(features) // n_way * n_way].reshape(n_way, -1, features.shape[1]).mean(1)


WRONG_PROTOTYPES = {
    "sum": per_class(lambda rows: rows.sum(0)),
    "divided by the number of classes (the paper's misprint)": lambda x, y, n: (
        F.one_hot(y, n).double().T @ x / n
    ),
    "divided by the number of examples": lambda x, y, n: F.one_hot(y, n).double().T @ x / len(x),
    "median": per_class(lambda rows: rows.median(0).values),
    "first example": per_class(lambda rows: rows[0]),
    "unit length": per_class(lambda rows: F.normalize(rows.mean(0), dim=0)),
    "mean of unit vectors": per_class(lambda rows: F.normalize(rows, dim=1).mean(0)),
    "sorted labels taken for granted": reshaped,
    "strided labels taken for granted": lambda x, y, n: torch.stack(
        [x[c::n].mean(0) for c in range(n)]
    ),
    "mean of everything": lambda x, y, n: x.mean(0).expand(n, -1),
    "classes in order of appearance": lambda x, y, n: torch.stack(
        [x[y == c].mean(0) for c in dict.fromkeys(y.tolist())]
    ),
}


def test_prototypes_are_the_class_means_done_by_hand():
    assert_are_class_means(prototypes)


@pytest.mark.parametrize("wrong", WRONG_PROTOTYPES.values(), ids=WRONG_PROTOTYPES.keys())
def test_the_loop_tells_wrong_prototypes(wrong):
    with pytest.raises(AssertionError):
        assert_are_class_means(wrong)


def assert_are_squared_distances(function):
    for n_queries, n_way, n_features in ((5, 3, 4), (3, 3, 3), (1, 2, 7)):
        queries = normal(n_queries, n_features, seed=5)
        means = 2 * normal(n_way, n_features, seed=6)
        result = function(queries, means)
        assert result.shape == (n_queries, n_way)
        for i, q in enumerate(queries.tolist()):
            for c, p in enumerate(means.tolist()):
                assert result[i, c].item() == pytest.approx(-(math.dist(q, p) ** 2), rel=1e-10)


def expanded_without(queries, means):
    return -(queries.square().sum(1, keepdim=True) - queries @ means.T + means.square().sum(1))


WRONG_LOGITS = {
    "distance, not squared": lambda q, p: -torch.cdist(q, p),
    "sign": lambda q, p: torch.cdist(q, p).square(),
    "cosine": lambda q, p: F.normalize(q, dim=1) @ F.normalize(p, dim=1).T,
    "dot product": lambda q, p: q @ p.T,
    "mean over features": lambda q, p: -(q[:, None] - p).square().mean(-1),
    "half": lambda q, p: -(q[:, None] - p).square().sum(-1) / 2,
    "city block": lambda q, p: -torch.cdist(q, p, p=1),
    "the 2 of 2 q c forgotten": expanded_without,
    "log-probabilities": lambda q, p: (-(q[:, None] - p).square().sum(-1)).log_softmax(1),
    "transposed": lambda q, p: -(p[:, None] - q).square().sum(-1),
    "without |q| squared": lambda q, p: 2 * q @ p.T - p.square().sum(1),
}


def test_logits_are_minus_the_squared_distances_done_by_hand():
    assert_are_squared_distances(prototypical_logits)


@pytest.mark.parametrize("wrong", WRONG_LOGITS.values(), ids=WRONG_LOGITS.keys())
def test_the_loop_tells_wrong_logits(wrong):
    with pytest.raises(AssertionError):
        assert_are_squared_distances(wrong)


def assert_is_the_same_classifier(function):
    """The linear layer gives the probabilities of the distances (section 2.4)."""
    for seed in range(3):
        queries, means = normal(6, 4, seed=seed), normal(3, 4, seed=seed + 10)
        weight, bias = function(means)
        assert (weight.shape, bias.shape) == ((3, 4), (3,))
        distances = [[-(math.dist(q, p) ** 2) for p in means.tolist()] for q in queries.tolist()]
        wanted = torch.tensor(distances, dtype=torch.float64).softmax(1)
        torch.testing.assert_close((queries @ weight.T + bias).softmax(1), wanted)


WRONG_LINEAR = {
    "w = c": lambda p: (p, -p.square().sum(1)),
    "bias of the wrong sign": lambda p: (2 * p, p.square().sum(1)),
    "no bias": lambda p: (2 * p, torch.zeros(len(p), dtype=p.dtype)),
    "norm not squared": lambda p: (2 * p, -p.norm(dim=1)),
    "half the bias": lambda p: (2 * p, -p.square().sum(1) / 2),
    "sum over classes": lambda p: (2 * p, -p.square().sum(1).sum().expand(len(p))),
    "w = -2c": lambda p: (-2 * p, -p.square().sum(1)),
}


def test_the_linear_layer_is_the_same_classifier():
    assert_is_the_same_classifier(as_linear)


@pytest.mark.parametrize("wrong", WRONG_LINEAR.values(), ids=WRONG_LINEAR.keys())
def test_the_distances_tell_wrong_linear_layers(wrong):
    with pytest.raises(AssertionError):
        assert_is_the_same_classifier(wrong)


def test_logits_and_linear_layer_differ_by_one_number_per_query():
    queries, means = normal(6, 4), normal(3, 4, seed=1)
    weight, bias = as_linear(means)
    difference = queries @ weight.T + bias - prototypical_logits(queries, means)
    torch.testing.assert_close(difference, queries.square().sum(1, keepdim=True).expand(6, 3))


# Symmetries

FEATURES, LABELS, N_WAY = SUPPORTS["ragged"]
QUERIES = normal(5, 3, seed=8)


def classify(features=FEATURES, labels=LABELS, queries=QUERIES):
    return prototypical_logits(queries, prototypes(features, labels, N_WAY))


def test_the_order_of_the_support_does_not_matter():
    order = torch.randperm(len(FEATURES), generator=seeded(1))
    torch.testing.assert_close(classify(FEATURES[order], LABELS[order]), classify())


def test_renaming_the_classes_renames_the_logits():
    new_name = torch.tensor([2, 0, 1])
    torch.testing.assert_close(classify(labels=new_name[LABELS])[:, new_name], classify())


def test_every_support_image_twice_changes_nothing():
    torch.testing.assert_close(classify(FEATURES.repeat(2, 1), LABELS.repeat(2)), classify())


def test_turning_and_moving_the_embedding_changes_nothing():
    turn, _ = torch.linalg.qr(normal(3, 3, seed=9))
    move = 10 * normal(3, seed=10)
    moved = classify(FEATURES @ turn + move, queries=QUERIES @ turn + move)
    torch.testing.assert_close(moved, classify())


def test_features_twice_as_large_give_logits_four_times_as_large():
    torch.testing.assert_close(classify(2 * FEATURES, queries=2 * QUERIES), 4 * classify())


def test_a_query_does_not_depend_on_the_others():
    for i in range(len(QUERIES)):
        torch.testing.assert_close(classify(queries=QUERIES[i : i + 1])[0], classify()[i])


def test_a_query_at_a_prototype_wins_with_logit_zero():
    means = prototypes(FEATURES, LABELS, N_WAY)
    logits = prototypical_logits(means, means)
    assert logits.argmax(1).tolist() == [0, 1, 2]
    assert logits.diagonal().tolist() == [0, 0, 0]
    assert bool((logits <= 0).all())


def test_a_small_distance_far_from_zero_is_not_lost_to_rounding():
    queries = torch.tensor([[1000.0, 1000.0]])
    means = torch.tensor([[1000.0, 1000.01], [1000.02, 1000.0]])
    exact = torch.tensor([[-(0.01**2), -(0.02**2)]])
    torch.testing.assert_close(prototypical_logits(queries, means), exact, rtol=0.02, atol=0)


def test_one_shot_is_the_nearest_neighbour():
    features, labels = normal(5, 4), torch.tensor([3, 1, 4, 0, 2])
    queries = normal(200, 4, seed=1)
    neighbour = KNeighborsClassifier(1).fit(features.numpy(), labels.numpy())
    logits = prototypical_logits(queries, prototypes(features, labels, 5))
    assert logits.argmax(1).tolist() == neighbour.predict(queries.numpy()).tolist()


def test_the_mean_minimises_the_sum_of_squared_distances():
    """The Bregman property (section 2.3): the gradient is 0 there, and every move costs more."""
    means = prototypes(FEATURES, LABELS, N_WAY).requires_grad_()

    def within_class(centres):
        return -prototypical_logits(FEATURES, centres).gather(1, LABELS[:, None]).sum()

    [slope] = torch.autograd.grad(within_class(means), [means])
    torch.testing.assert_close(slope, torch.zeros_like(slope), atol=1e-12, rtol=0)
    for seed in range(20):
        moved = means.detach() + 0.1 * normal(3, 3, seed=seed)
        assert within_class(moved) > within_class(means)


def test_gradient_reaches_support_and_queries():
    features, queries = FEATURES.clone().requires_grad_(), QUERIES.clone().requires_grad_()
    loss = F.cross_entropy(classify(features, queries=queries), torch.tensor([0, 1, 2, 0, 1]))
    for gradient in torch.autograd.grad(loss, [features, queries]):
        assert bool((gradient.abs().sum(1) > 0).all())


def test_means_and_logits_pass_gradcheck():
    features, queries = FEATURES.clone().requires_grad_(), QUERIES.clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda f, q: classify(f, queries=q), (features, queries))


# Through a network


class Net(nn.Module):
    """A smooth embedding of 1x2x2 images in two dimensions."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(4, 3), nn.Linear(3, 2)

    def forward(self, x):
        return self.second(torch.tanh(self.first(x.flatten(1))))


def episodes(n_episodes=3, n_way=3, k_shot=2, n_query=2):
    def fields(seed):
        slots = torch.arange(n_way)
        order = torch.randperm(n_way * k_shot, generator=seeded(seed))
        return Episode(
            normal(n_way * k_shot, 1, 2, 2, seed=seed),
            slots.repeat_interleave(k_shot)[order],
            normal(n_way * n_query, 1, 2, 2, seed=seed + 100),
            slots.repeat_interleave(n_query),
        )

    return Episode(*(torch.stack(f) for f in zip(*map(fields, range(n_episodes)), strict=True)))


@pytest.fixture
def model():
    return Net()


@pytest.fixture
def params(model):
    found = initial_params(model, generator=seeded(1))
    return {name: p.double() + 0.1 for name, p in found.items()}


def embed(params, images):
    """Return the features of one image by plain Python."""
    pixels = images.flatten().tolist()
    hidden = [
        math.tanh(b + math.fsum(w * x for w, x in zip(row, pixels, strict=True)))
        for row, b in zip(
            params["first.weight"].tolist(), params["first.bias"].tolist(), strict=True
        )
    ]
    return [
        b + math.fsum(w * h for w, h in zip(row, hidden, strict=True))
        for row, b in zip(
            params["second.weight"].tolist(), params["second.bias"].tolist(), strict=True
        )
    ]


def loss_by_hand(params, episode):
    support = [embed(params, x) for x in episode.support_x]
    slots = episode.support_y.tolist()
    means = []
    for c in range(max(slots) + 1):
        members = [f for f, y in zip(support, slots, strict=True) if y == c]
        means.append([math.fsum(column) / len(members) for column in zip(*members, strict=True)])
    losses = []
    for x, y in zip(episode.query_x, episode.query_y.tolist(), strict=True):
        distances = [math.dist(embed(params, x), mean) ** 2 for mean in means]
        losses.append(distances[y] + math.log(math.fsum(math.exp(-d) for d in distances)))
    return math.fsum(losses) / len(losses)


def assert_is_prototypical_loss(function):
    model = Net()
    params = {n: p.double() + 0.1 for n, p in initial_params(model, generator=seeded(1)).items()}
    batch = episodes()
    for one in each_episode(batch):
        value = function(model, params, one)
        assert value.ndim == 0
        assert value.item() == pytest.approx(loss_by_hand(params, one), rel=1e-10)
    wanted = math.fsum(loss_by_hand(params, one) for one in each_episode(batch)) / 3
    assert function(model, params, batch).item() == pytest.approx(wanted, rel=1e-10)


def loss_variant(
    *,
    score=prototypical_logits,
    average=lambda losses: torch.stack(losses).mean(),
    support=lambda e: (e.support_x, e.support_y),
    queries=lambda e: (e.query_x, e.query_y),
    reduction="mean",
):
    def function(model, params, batch):
        losses = []
        for episode in each_episode(batch):
            (xs, ys), (xq, yq) = support(episode), queries(episode)
            fs, fq = (torch.func.functional_call(model, params, (x,)) for x in (xs, xq))
            logits = score(fq, prototypes(fs, ys, 3))
            losses.append(F.cross_entropy(logits, yq, reduction=reduction))
        return average(losses)

    return function


WRONG_LOSSES = {
    "distance, not squared": loss_variant(score=lambda q, p: -torch.cdist(q, p)),
    "farthest prototype": loss_variant(score=lambda q, p: torch.cdist(q, p).square()),
    "sum over episodes": loss_variant(average=sum),
    "first episode only": loss_variant(average=lambda losses: losses[0]),
    "sum over queries": loss_variant(reduction="sum"),
    "loss on the support": loss_variant(queries=lambda e: (e.support_x, e.support_y)),
    "prototypes of the queries": loss_variant(support=lambda e: (e.query_x, e.query_y)),
    "support labels sorted": loss_variant(
        support=lambda e: (e.support_x, e.support_y.sort().values)
    ),
    "the model's own parameters": lambda model, params, batch: loss_variant()(
        model, {n: p.detach().double() for n, p in model.named_parameters()}, batch
    ),
}


def test_the_loss_is_the_cross_entropy_done_by_hand_averaged_over_episodes():
    assert_is_prototypical_loss(prototypical_loss)


def test_the_plain_steps_behind_the_wrong_losses_are_right_themselves():
    assert_is_prototypical_loss(loss_variant())


@pytest.mark.parametrize("wrong", WRONG_LOSSES.values(), ids=WRONG_LOSSES.keys())
def test_the_sum_by_hand_tells_wrong_losses(wrong):
    with pytest.raises(AssertionError):
        assert_is_prototypical_loss(wrong)


def test_the_loss_of_a_batch_is_the_mean_of_the_single_ones(model, params):
    batch = episodes()
    single = [prototypical_loss(model, params, one) for one in each_episode(batch)]
    torch.testing.assert_close(prototypical_loss(model, params, batch), sum(single) / 3)


def test_gradients_in_the_parameters_are_finite_differences(model, params):
    batch, step = episodes(), 1e-6
    gradients = torch.func.grad(lambda p: prototypical_loss(model, p, batch))(params)
    for name, p in params.items():
        for k in range(p.numel()):
            sides = []
            for sign in (1, -1):
                moved = p.flatten().clone()
                moved[k] += sign * step
                changed = params | {name: moved.reshape(p.shape)}
                sides.append(prototypical_loss(model, changed, batch).item())
            slope = (sides[0] - sides[1]) / (2 * step)
            assert gradients[name].flatten()[k].item() == pytest.approx(slope, abs=1e-7)


def test_a_shift_of_the_embedding_gets_no_gradient(model, params):
    """Distances do not see it, so the last bias stays where it is."""
    gradients = torch.func.grad(lambda p: prototypical_loss(model, p, episodes()))(params)
    assert gradients["second.bias"].abs().max() < 1e-14
    assert gradients["second.weight"].abs().max() > 1e-3


def test_an_embedding_that_says_nothing_scores_chance(model, params):
    silent = {name: torch.zeros_like(p) for name, p in params.items()}
    loss = prototypical_loss(model, silent, episodes())
    assert loss.item() == pytest.approx(math.log(3))


def test_inference_draws_no_random_numbers(model, params):
    state = torch.get_rng_state()
    episode_logits(model, params, each_episode(episodes())[0])
    assert torch.equal(torch.get_rng_state(), state)


def test_feature_maps_are_flattened(params):
    maps = nn.Conv2d(1, 2, 1)
    kernel = {"weight": torch.ones(2, 1, 1, 1).double(), "bias": torch.zeros(2).double()}
    [episode] = each_episode(episodes(1))
    pixels = prototypes(episode.support_x.flatten(1), episode.support_y, 3)
    wanted = 2 * prototypical_logits(episode.query_x.flatten(1), pixels)
    torch.testing.assert_close(episode_logits(maps, kernel, episode), wanted)


# Messages


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 1, 7], r"labels must be in 0\.\.2 for n_way=3, got 0\.\.7; did you relabel"),
        ([-1, 1, 2], r"labels must be in 0\.\.2 for n_way=3, got -1\.\.2"),
        ([0, 0, 2], r"no support example of class \[1\], so it has no prototype"),
        ([1, 1, 1], r"no support example of class \[0, 2\]"),
        ([0, 1], "3 features but 2 labels; they must pair up"),
    ],
)
def test_labels_that_do_not_fit_are_refused_by_class(labels, message):
    with pytest.raises(ValueError, match=message):
        prototypes(torch.zeros(3, 2), torch.tensor(labels), 3)


def test_an_empty_support_has_no_prototypes():
    with pytest.raises(ValueError, match=r"no support example of class \[0, 1\]"):
        prototypes(torch.zeros(0, 2), torch.zeros(0, dtype=torch.int64), 2)


def test_embeddings_of_different_widths_are_refused_with_both():
    with pytest.raises(ValueError, match="queries have 4 features, prototypes 3; both must"):
        prototypical_logits(torch.zeros(2, 4), torch.zeros(2, 3))
