"""Fused predictions against loops, Jensen, scipy, scikit-learn, symmetries and a planted leak."""

import math
from collections import Counter

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from medmeta_ref.fusion import (
    Ambiguity,
    Combiner,
    ambiguity,
    average_probabilities,
    fit_weights,
    log_opinion_pool,
    majority_vote,
    stacked_logits,
    stacking,
)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=seeded(seed), dtype=torch.float64)


def simplex(*shape, seed=0):
    return (1.5 * normal(*shape, seed=seed)).softmax(-1)


def drawn(n, n_classes, seed=0):
    return torch.randint(n_classes, (n,), generator=seeded(seed))


ZEROS = torch.tensor(
    [[[1.0, 0, 0], [0.5, 0.5, 0]], [[0, 0.2, 0.8], [0, 0.9, 0.1]]], dtype=torch.float64
)
# name -> (probabilities, weights)
POOLS = {
    "equal": (simplex(3, 5, 4), None),
    "weighted": (simplex(3, 5, 4, seed=1), torch.tensor([0.2, 0.5, 0.3]).double()),
    "weights that sum to 6": (simplex(3, 4, 2, seed=2), torch.tensor([3.0, 1.0, 2.0]).double()),
    "a weight of zero": (simplex(3, 3, 3, seed=3), torch.tensor([0.0, 1.0, 1.0]).double()),
    "as many models as examples and classes": (simplex(3, 3, 3, seed=4), None),
    "one model": (simplex(1, 5, 3, seed=5), None),
    "zeros": (ZEROS, None),
    "zeros, weighted": (ZEROS, torch.tensor([3.0, 1.0]).double()),
    "every class vetoed": (torch.eye(2).double()[:, None], torch.tensor([0.6, 0.4]).double()),
}


def pool_by_hand(probabilities, weights, combine):
    """Return nested lists: `combine` of the members' (share, probability) pairs, normalised."""
    members = probabilities.tolist()
    shares = [1.0] * len(members) if weights is None else weights.tolist()
    shares = [share / math.fsum(shares) for share in shares]
    rows = []
    for i in range(len(members[0])):
        raw = [
            combine([(s, member[i][c]) for s, member in zip(shares, members, strict=True)])
            for c in range(len(members[0][0]))
        ]
        rows.append([value / math.fsum(raw) for value in raw])
    return rows


def arithmetic(pairs):
    return math.fsum(share * p for share, p in pairs)


def geometric(pairs):
    return math.prod(max(p, 2.0**-1022) ** share for share, p in pairs)


def assert_pools(function, combine):
    for probabilities, weights in POOLS.values():
        result = function(probabilities, weights)
        wanted = pool_by_hand(probabilities, weights, combine)
        wanted = torch.tensor(wanted, dtype=torch.float64)
        torch.testing.assert_close(result, wanted, rtol=1e-9, atol=1e-12)
    first = POOLS["equal"][0]
    torch.testing.assert_close(function(first), function(first, torch.ones(3).double()))


def shares(weights, probabilities):
    weights = torch.ones(len(probabilities)).double() if weights is None else weights
    return (weights / weights.sum())[:, None, None]


WRONG_AVERAGES = {
    "weights ignored": lambda p, w=None: p.mean(0),
    "weights as they come": lambda p, w=None: (
        p.mean(0) if w is None else (w[:, None, None] * p).sum(0)
    ),
    "weighted, then divided by the models": lambda p, w=None: (shares(w, p) * p).mean(0),
    "sum": lambda p, w=None: p.sum(0),
    "softmax of the weights": lambda p, w=None: (
        p.mean(0) if w is None else (w.softmax(0)[:, None, None] * p).sum(0)
    ),
    "softmax of the average": lambda p, w=None: (shares(w, p) * p).sum(0).softmax(-1),
    "mean of log-probabilities": lambda p, w=None: (shares(w, p) * p.log()).sum(0).softmax(-1),
    "median": lambda p, w=None: F.normalize(p.median(0).values, p=1, dim=1),
    "largest": lambda p, w=None: F.normalize(p.amax(0), p=1, dim=1),
    "over the examples": lambda p, w=None: p.mean(1),
}
WRONG_POOLS = {
    "arithmetic": lambda p, w=None: (shares(w, p) * p).sum(0),
    "not normalised": lambda p, w=None: (shares(w, p) * p.clamp_min(2.0**-1022).log()).sum(0).exp(),
    "weights as they come: sharper": lambda p, w=None: (
        ((1 / len(p) if w is None else w[:, None, None]) * p.clamp_min(2.0**-1022).log())
        .sum(0)
        .softmax(-1)
    ),
    "product": lambda p, w=None: p.clamp_min(2.0**-1022).log().sum(0).softmax(-1),
    "weights ignored": lambda p, w=None: p.clamp_min(2.0**-1022).log().mean(0).softmax(-1),
    "no floor": lambda p, w=None: (shares(w, p) * p.log()).sum(0).softmax(-1),
    "a floor that can be seen": lambda p, w=None: (
        (shares(w, p) * p.clamp_min(1e-3).log()).sum(0).softmax(-1)
    ),
    "added to every probability": lambda p, w=None: (
        (shares(w, p) * (p + 1e-3).log()).sum(0).softmax(-1)
    ),
    "softmax twice": lambda p, w=None: log_opinion_pool(p, w).softmax(-1),
    "harmonic": lambda p, w=None: F.normalize(1 / (shares(w, p) / p).sum(0), p=1, dim=1),
}


def test_the_average_is_the_mean_done_by_hand():
    assert_pools(average_probabilities, arithmetic)


def test_the_pool_is_the_geometric_mean_done_by_hand():
    assert_pools(log_opinion_pool, geometric)


@pytest.mark.parametrize("wrong", WRONG_AVERAGES.values(), ids=WRONG_AVERAGES.keys())
def test_the_loop_tells_wrong_averages(wrong):
    with pytest.raises(AssertionError):
        assert_pools(wrong, arithmetic)


@pytest.mark.parametrize("wrong", WRONG_POOLS.values(), ids=WRONG_POOLS.keys())
def test_the_loop_tells_wrong_pools(wrong):
    with pytest.raises(AssertionError):
        assert_pools(wrong, geometric)


def test_the_two_means_of_nine_to_one_and_three_to_seven():
    pair = torch.tensor([[[0.9, 0.1]], [[0.3, 0.7]]])
    assert average_probabilities(pair)[0, 0].item() == pytest.approx(0.60)
    odds = math.sqrt((0.9 / 0.1) * (0.3 / 0.7))  # 1.964: the geometric mean of the odds
    assert log_opinion_pool(pair)[0, 0].item() == pytest.approx(odds / (1 + odds))
    assert log_opinion_pool(pair)[0, 0].item() == pytest.approx(0.663, abs=5e-4)


def nll(probabilities, labels):
    return -probabilities.gather(1, labels[:, None]).log().mean()


def brier(probabilities, labels):
    return (probabilities - F.one_hot(labels, probabilities.shape[1])).square().sum(1).mean()


@pytest.mark.parametrize("score", [nll, brier])
def test_jensen_the_mean_is_never_worse_than_the_mean_member(score):
    for seed in range(100):
        probabilities, labels = simplex(4, 20, 3, seed=seed), drawn(20, 3, seed)
        weights = torch.rand(4, generator=seeded(seed), dtype=torch.float64)
        members = torch.stack([score(p, labels) for p in probabilities])
        assert score(average_probabilities(probabilities), labels) < members.mean()
        mean_member = (weights / weights.sum() * members).sum()
        assert score(average_probabilities(probabilities, weights), labels) < mean_member


def test_jensen_says_nothing_about_the_best_member_or_about_accuracy():
    labels = torch.zeros(2, dtype=torch.int64)
    good, bad = [0.6, 0.4], [0.1, 0.9]
    two = torch.tensor([[good, good], [bad, bad]])
    assert nll(average_probabilities(two), labels) > nll(two[0], labels)
    crossed = torch.tensor([[good, bad], [bad, good]])  # each is right once, the mean never
    assert average_probabilities(crossed).argmax(1).tolist() == [1, 1]


@pytest.mark.parametrize("pool", [average_probabilities, log_opinion_pool])
def test_weights_of_identical_members_do_not_matter(pool):
    one = simplex(6, 4)
    for seed in range(5):
        weights = torch.rand(3, generator=seeded(seed), dtype=torch.float64)
        torch.testing.assert_close(pool(one.expand(3, -1, -1), weights), one)


@pytest.mark.parametrize("pool", [average_probabilities, log_opinion_pool])
def test_members_may_come_in_any_order_with_their_weights(pool):
    probabilities, weights = simplex(4, 6, 3), torch.arange(1.0, 5.0).double()
    order = torch.tensor([2, 0, 3, 1])
    torch.testing.assert_close(pool(probabilities[order]), pool(probabilities))
    moved = pool(probabilities[order], weights[order])
    torch.testing.assert_close(moved, pool(probabilities, weights))


@pytest.mark.parametrize("pool", [average_probabilities, log_opinion_pool])
def test_only_the_ratio_of_weights_counts_and_a_zero_leaves_its_member_out(pool):
    weights = torch.tensor([0.0, 1.0, 3.0]).double()
    torch.testing.assert_close(pool(ZEROS[[0, 1, 0]], weights), pool(ZEROS[[1, 0]], weights[1:]))
    torch.testing.assert_close(pool(ZEROS, 7 * weights[1:]), pool(ZEROS, weights[1:]))


@pytest.mark.parametrize("pool", [average_probabilities, log_opinion_pool])
def test_weights_may_be_whole_numbers_or_more_precise_than_probabilities(pool):
    probabilities = simplex(2, 5, 3).float()
    wanted = pool(probabilities, torch.tensor([1.0, 3.0]))
    for weights in (torch.tensor([1, 3]), torch.tensor([0.25, 0.75]).double()):
        assert pool(probabilities, weights).dtype == torch.float32
        torch.testing.assert_close(pool(probabilities, weights), wanted)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_zero_is_nearly_a_veto_and_never_nan(dtype):
    fused = log_opinion_pool(ZEROS.to(dtype))
    assert fused.dtype == dtype
    assert bool(torch.isfinite(fused.log()).all())
    torch.testing.assert_close(fused.sum(1), torch.ones(2, dtype=dtype))
    assert fused[1].argmax() == 1
    assert fused[1, 1] > 1 - 1e-6
    everything = log_opinion_pool(torch.eye(3, dtype=dtype)[:, None])
    torch.testing.assert_close(everything, torch.full((1, 3), 1 / 3, dtype=dtype))


def test_gradients_pass_gradcheck_and_are_finite_at_zero():
    weights = torch.tensor([0.2, 0.3, 0.5]).double().requires_grad_()
    # Through a softmax, because the checks refuse rows that do not sum to 1.
    logits = normal(3, 2, 3, seed=1).requires_grad_()
    for pool in (average_probabilities, log_opinion_pool):
        assert torch.autograd.gradcheck(lambda z, w, f=pool: f(z.softmax(-1), w), (logits, weights))
        zeros = ZEROS.clone().requires_grad_()
        [slope] = torch.autograd.grad(pool(zeros)[:, 1].sum(), [zeros])
        assert bool(torch.isfinite(slope).all())


# Votes

VOTES = {
    "clear": simplex(5, 30, 3),
    "two models, so mostly ties": simplex(2, 40, 4, seed=1),
    "four models": simplex(4, 60, 3, seed=2),
    "soft vote says otherwise": torch.tensor(
        [[[0.6, 0.4]], [[0.6, 0.4]], [[0.0, 1.0]]], dtype=torch.float64
    ),
    "the mean breaks the tie": torch.tensor([[[0.6, 0.4]], [[0.1, 0.9]]], dtype=torch.float64),
    "the mean's favourite has no vote": torch.tensor(
        [[[0.55, 0.45, 0.0]], [[0.0, 0.45, 0.55]]]
    ).double(),
    "the mean is tied as well": torch.tensor([[[0.25, 0.75]], [[0.75, 0.25]]], dtype=torch.float64),
    "an undecided member": torch.tensor([[[0.25, 0.375, 0.375]]], dtype=torch.float64),
}


def vote_by_hand(probabilities):
    winners = []
    for i in range(probabilities.shape[1]):
        rows = probabilities[:, i].tolist()
        votes = Counter(row.index(max(row)) for row in rows)
        tied = [c for c, count in votes.items() if count == max(votes.values())]
        totals = {c: math.fsum(row[c] for row in rows) for c in tied}
        winners.append(min(c for c in tied if totals[c] == max(totals.values())))
    return winners


def assert_votes(function):
    for probabilities in VOTES.values():
        result = function(probabilities)
        assert result.dtype == torch.int64
        assert result.tolist() == vote_by_hand(probabilities)


def counts(p):
    return F.one_hot(p.argmax(-1), p.shape[-1]).sum(0)


def lowest_among_tied(score):
    """Return a wrong vote that breaks ties by `score`."""

    def function(p):
        tied = counts(p) == counts(p).amax(1, keepdim=True)
        return score(p).masked_fill(~tied, -9.0).argmax(1)

    return function


WRONG_VOTES = {
    "soft vote": lambda p: p.mean(0).argmax(1),
    "ties to the lowest class": lambda p: counts(p).argmax(1),
    "ties to the highest class": lambda p: p.shape[-1] - 1 - counts(p).flip(1).argmax(1),
    "ties to the first voter": lambda p: p.argmax(-1).T.gather(
        1, counts(p).gather(1, p.argmax(-1).T).argmax(1, keepdim=True)
    )[:, 0],
    "ties to the least probable": lowest_among_tied(lambda p: 1 - p.mean(0)),
    "ties to the surest member": lowest_among_tied(lambda p: p.amax(0)),
    "votes weighted with their probability": lambda p: (
        (F.one_hot(p.argmax(-1), p.shape[-1]) * p).sum(0).argmax(1)
    ),
    "the mean decides, ties or not": lambda p: (counts(p) / 9 + p.mean(0)).argmax(1),
    "as many votes as classes": lambda p: counts(p).float(),
    "the surest member decides": lambda p: p.amax(0).argmax(1),
}


def test_the_vote_is_the_count_done_by_hand():
    assert_votes(majority_vote)


@pytest.mark.parametrize("wrong", WRONG_VOTES.values(), ids=WRONG_VOTES.keys())
def test_the_count_tells_wrong_votes(wrong):
    with pytest.raises(AssertionError):
        assert_votes(wrong)


def test_the_vote_is_the_same_in_any_order_also_when_the_mean_is_tied():
    thirds = torch.tensor(
        [[0.1, 0.34, 0.56], [0.56, 0.1, 0.34], [0.34, 0.56, 0.1]], dtype=torch.float64
    )
    for order in ([0, 1, 2], [2, 1, 0], [1, 0, 2], [1, 2, 0], [0, 2, 1], [2, 0, 1]):
        assert majority_vote(thirds[order][:, None]).tolist() == [0]
    probabilities = simplex(4, 50, 3)
    assert torch.equal(majority_vote(probabilities.flip(0)), majority_vote(probabilities))


# Fitted weights


def noisy_members(n, noises, *, seed=0, n_classes=3):
    """Return members that see the true log-odds through noise, and labels drawn from the truth."""
    truth = 1.5 * normal(n, n_classes, seed=seed)
    members = [
        (truth + noise * normal(n, n_classes, seed=seed + 50 + k)).softmax(-1)
        for k, noise in enumerate(noises)
    ]
    labels = torch.multinomial(truth.softmax(-1), 1, generator=seeded(seed))[:, 0]
    return torch.stack(members), labels


FITS = {
    "two": noisy_members(60, (0.5, 2.0)),
    "one of five is useless": noisy_members(200, (0.5, 1.0, 0.7, 9.0, 1.5), seed=1),
    "equally good": noisy_members(300, (1.0, 1.0, 1.0), seed=2),
    "more members than examples": noisy_members(4, (1.0,) * 6, seed=3),
    "one model": noisy_members(20, (1.0,), seed=4),
}


def ratios(weights, probabilities, labels):
    at_label = probabilities[:, torch.arange(len(labels)), labels]
    return (at_label / (weights @ at_label)).mean(1)


def least_nll(probabilities, labels):
    at_label = probabilities[:, torch.arange(len(labels)), labels].numpy()
    n_models = len(at_label)
    found = minimize(
        lambda w: -np.log(w @ at_label).mean(),
        np.full(n_models, 1 / n_models),
        jac=lambda w: -(at_label / (w @ at_label)).mean(1),
        bounds=[(0, 1)] * n_models,
        constraints={
            "type": "eq",
            "fun": lambda w: w.sum() - 1,
            "jac": lambda w: np.ones(n_models),
        },
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 500},
    )
    return found.fun


def assert_fits(function):
    """The Karush-Kuhn-Tucker conditions of the convex problem, and scipy's minimum."""
    for probabilities, labels in FITS.values():
        weights = function(probabilities, labels)
        assert weights.shape == (len(probabilities),)
        assert bool((weights >= 0).all())
        assert weights.sum().item() == pytest.approx(1)
        slopes = ratios(weights, probabilities, labels)
        assert slopes.max() <= 1 + 1e-6
        assert (weights * (1 - slopes)).abs().max() <= 1e-6
        reached = nll((weights[:, None, None] * probabilities).sum(0), labels)
        assert reached.item() == pytest.approx(least_nll(probabilities, labels), abs=1e-6)


def member_nlls(p, y):
    return torch.stack([nll(member, y) for member in p])


def slsqp(objective):
    """Return a wrong `fit_weights` that minimises something else over the simplex."""

    def function(p, y):
        n_models = len(p)
        found = minimize(
            lambda w: float(objective(torch.from_numpy(w), p, y)),
            np.full(n_models, 1 / n_models),
            bounds=[(0, 1)] * n_models,
            constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
            method="SLSQP",
        )
        return torch.from_numpy(found.x).clamp_min(0) / found.x.sum()

    return function


def em_steps(n):
    def function(p, y):
        weights = torch.full((len(p),), 1 / len(p)).double()
        for _ in range(n):
            weights = weights * ratios(weights, p, y)
        return weights

    return function


WRONG_FITS = {
    "uniform": em_steps(0),
    "one step": em_steps(1),
    "ten steps": em_steps(10),
    "the best member": lambda p, y: F.one_hot(member_nlls(p, y).argmin(), len(p)).double(),
    "softmax of minus the NLL": lambda p, y: (-member_nlls(p, y)).softmax(0),
    "inverse NLL": lambda p, y: F.normalize(1 / member_nlls(p, y), p=1, dim=0),
    "accuracies": lambda p, y: F.normalize((p.argmax(-1) == y).double().mean(1), p=1, dim=0),
    "Brier score": slsqp(lambda w, p, y: brier((w[:, None, None] * p).sum(0), y)),
    "NLL of the geometric mean": slsqp(
        lambda w, p, y: nll((w[:, None, None] * p.log()).sum(0).softmax(-1), y)
    ),
    "mean NLL of the members": slsqp(lambda w, p, y: (w * member_nlls(p, y)).sum()),
    "labels shifted": lambda p, y: fit_weights(p, (y + 1) % 3),
    "not on the simplex": lambda p, y: 2 * fit_weights(p, y),
}


def test_fitted_weights_meet_the_kkt_conditions_and_scipy():
    assert_fits(fit_weights)


@pytest.mark.parametrize("wrong", WRONG_FITS.values(), ids=WRONG_FITS.keys())
def test_the_conditions_tell_wrong_weights(wrong):
    with pytest.raises(AssertionError):
        assert_fits(wrong)


def test_fitted_weights_beat_uniform_ones_and_every_member_on_their_own_data():
    for probabilities, labels in FITS.values():
        fused = average_probabilities(probabilities, fit_weights(probabilities, labels))
        assert nll(fused, labels) <= nll(average_probabilities(probabilities), labels) + 1e-9
        assert nll(fused, labels) <= member_nlls(probabilities, labels).min() + 1e-7


def test_fitted_weights_may_lose_on_other_data():
    """The warning of the docstring: six equally good members, four examples to weigh them by."""
    lost = []
    for seed in range(20):
        members, labels = noisy_members(404, (1.0,) * 6, seed=1000 * seed)
        weights = fit_weights(members[:, :4], labels[:4])
        held_out, wanted = members[:, 4:], labels[4:]
        fused = nll(average_probabilities(held_out, weights), wanted)
        lost.append(float(fused - nll(average_probabilities(held_out), wanted)))
    assert math.fsum(lost) / len(lost) > 0.02


def test_two_members_by_calculus():
    """Maximise 3 log(.2 + .7 w) + log(.8 - .7 w): w = 11/14."""
    probabilities = torch.tensor([[[0.9, 0.1]] * 4, [[0.2, 0.8]] * 4]).double()
    weights = fit_weights(probabilities, torch.tensor([0, 0, 0, 1]))
    assert weights[0].item() == pytest.approx(11 / 14, abs=1e-4)


def test_members_that_are_alike_get_the_same_weight_and_order_does_not_matter():
    probabilities, labels = FITS["two"]
    torch.testing.assert_close(
        fit_weights(probabilities[:1].expand(4, -1, -1), labels), torch.full((4,), 0.25).double()
    )
    flipped = fit_weights(probabilities.flip(0), labels)
    torch.testing.assert_close(flipped.flip(0), fit_weights(probabilities, labels))
    twice = fit_weights(probabilities[[0, 0, 1]], labels)
    torch.testing.assert_close(twice[0], twice[1])


def test_a_zero_at_the_label_is_survived_and_an_example_that_all_miss_has_no_say():
    probabilities, labels = ZEROS, torch.tensor([0, 1])
    assert bool(torch.isfinite(fit_weights(probabilities, labels)).all())
    hopeless = torch.tensor([[[0.0, 1.0]], [[0.0, 1.0]]], dtype=torch.float64)
    other = FITS["two"][0][..., :2] / FITS["two"][0][..., :2].sum(-1, keepdim=True)
    labels = drawn(60, 2)
    more = torch.cat([other, hopeless], 1)
    weights = fit_weights(more, torch.cat([labels, torch.tensor([0])]))
    torch.testing.assert_close(weights, fit_weights(other, labels), rtol=0, atol=1e-3)


def test_fitted_weights_come_in_the_dtype_of_the_probabilities():
    probabilities, labels = FITS["two"]
    weights = fit_weights(probabilities.float(), labels.int())
    assert weights.dtype == torch.float32
    torch.testing.assert_close(
        weights.double(), fit_weights(probabilities, labels), atol=1e-4, rtol=0
    )


# Stacking

NEW = simplex(3, 30, 3, seed=77)


def assert_stacks(function):
    """scikit-learn's logistic regression, with a column of ones so that the bias pays as well."""
    for l2 in (0.3, 0.01):
        for members, labels in (
            noisy_members(80, (0.5, 2.0, 1.0), seed=5),
            noisy_members(9, (1.0, 1.0, 1.0), seed=6),
        ):
            combiner = function(members, labels, l2=l2)
            assert (combiner.weight.shape, combiner.bias.shape) == ((3, 9), (3,))
            result = stacked_logits(combiner, NEW).softmax(1)
            columns = [np.hstack([*m.numpy(), np.ones((m.shape[1], 1))]) for m in (members, NEW)]
            model = LogisticRegression(
                C=1 / (l2 * len(labels)), fit_intercept=False, tol=1e-10, max_iter=5000
            ).fit(columns[0], labels.numpy())
            wanted = torch.from_numpy(model.predict_proba(columns[1]))
            torch.testing.assert_close(result, wanted, atol=1e-5, rtol=0)


def stack_variant(
    *, inputs=lambda p: p.movedim(0, 1).flatten(1), penalty=0.5, reduction="mean", steps=5000
):
    """Return `stacking` by Newton's method, right or wrong by one part."""

    def function(p, y, *, l2):
        x = inputs(p)
        x = torch.cat([x, torch.ones(len(x), 1).double()], 1)

        def loss(w):
            pays = w if penalty != "weights only" else w[:, :-1]
            factor = 0.5 if penalty == "weights only" else penalty
            return (
                F.cross_entropy(x @ w.T, y, reduction=reduction) + factor * l2 * pays.square().sum()
            )

        w = torch.zeros(3, x.shape[1]).double()
        for _ in range(min(steps, 12)):
            slope = torch.func.grad(loss)(w).flatten()
            curve = torch.autograd.functional.hessian(loss, w).reshape(w.numel(), w.numel())
            w = w - torch.linalg.lstsq(curve, slope).solution.reshape(w.shape)
        return Combiner(w[:, :-1], w[:, -1])

    return function


WRONG_STACKINGS = {
    "the bias pays nothing": stack_variant(penalty="weights only"),
    "penalty without the half": stack_variant(penalty=1.0),
    "no penalty to speak of": stack_variant(penalty=1e-4),
    "sum instead of mean": stack_variant(reduction="sum"),
    "log-probabilities": stack_variant(inputs=lambda p: p.log().movedim(0, 1).flatten(1)),
    "models and classes mixed up": stack_variant(inputs=lambda p: p.permute(1, 2, 0).flatten(1)),
    "models and examples mixed up": stack_variant(inputs=lambda p: p.reshape(p.shape[1], -1)),
    "one Newton step": stack_variant(steps=1),
    "first model only": stack_variant(
        inputs=lambda p: torch.cat([p[0], 0 * p[0], 0 * p[0]], 1),
    ),
}


def test_stacking_is_scikit_learns_logistic_regression():
    assert_stacks(stacking)


def test_the_newton_steps_behind_the_wrong_stackings_are_right_themselves():
    assert_stacks(stack_variant())


@pytest.mark.parametrize("wrong", WRONG_STACKINGS.values(), ids=WRONG_STACKINGS.keys())
def test_scikit_learn_tells_wrong_stackings(wrong):
    with pytest.raises(AssertionError):
        assert_stacks(wrong)


def by_heart(x, labels, new_x):
    """Return what a member says of `new_x` that has learned its examples by heart: 1-NN."""
    neighbour = KNeighborsClassifier(1).fit(x, labels)
    return F.one_hot(torch.from_numpy(neighbour.predict(new_x)), 3).double()


def out_of_fold(x, labels, n_folds=5):
    found, fold = torch.zeros(len(x), 3).double(), torch.arange(len(x)) % n_folds
    for k in range(n_folds):
        found[fold == k] = by_heart(x[fold != k], labels[fold != k], x[fold == k])
    return found


def test_random_labels_stay_at_chance_out_of_fold_and_leak_in_sample():
    x, labels = normal(600, 5, seed=1), drawn(600, 3, 1)
    new_x, new_labels = normal(600, 5, seed=2), drawn(600, 3, 2)
    new = by_heart(x, labels, new_x)[None]
    leaky = stacking(by_heart(x, labels, x)[None], labels, l2=1e-3)
    honest = stacking(out_of_fold(x, labels)[None], labels, l2=1e-3)
    # In sample it looks perfect, and it is worse than knowing nothing.
    seen = stacked_logits(leaky, by_heart(x, labels, x)[None])
    assert (seen.argmax(1) == labels).all()
    assert F.cross_entropy(stacked_logits(leaky, new), new_labels) > 2 * math.log(3)
    fused = stacked_logits(honest, new)
    assert F.cross_entropy(fused, new_labels).item() == pytest.approx(math.log(3), abs=0.03)
    hits = float((fused.argmax(1) == new_labels).double().mean())
    assert abs(hits - 1 / 3) < 4 * math.sqrt(2 / 9 / 600)


def test_the_leak_makes_stacking_trust_the_member_that_learned_by_heart():
    good, labels = noisy_members(1200, (0.3,), seed=8)
    x = normal(1200, 5, seed=9)
    train, new = slice(0, 600), slice(600, None)
    expert = good[0]
    heart_new = by_heart(x[train], labels[train], x[new])
    losses = []
    for heart in (
        by_heart(x[train], labels[train], x[train]),
        out_of_fold(x[train], labels[train]),
    ):
        combiner = stacking(torch.stack([expert[train], heart]), labels[train], l2=1e-3)
        fused = stacked_logits(combiner, torch.stack([expert[new], heart_new]))
        losses.append(float(F.cross_entropy(fused, labels[new])))
    leaky, honest = losses
    assert honest < math.log(3) < leaky


def test_a_class_without_examples_and_two_classes_have_a_minimum_too():
    members = simplex(2, 12, 3)
    combiner = stacking(members, torch.zeros(12).long(), l2=0.01)
    assert bool(torch.isfinite(combiner.weight).all())
    assert (stacked_logits(combiner, members).argmax(1) == 0).all()
    members, labels = simplex(2, 40, 2), drawn(40, 2)
    found = [p.requires_grad_() for p in stacking(members, labels, l2=0.01)]
    loss = F.cross_entropy(stacked_logits(Combiner(*found), members), labels)
    loss = loss + 0.005 * sum(p.square().sum() for p in found)
    for slope in torch.autograd.grad(loss, found):
        assert slope.abs().max() < 1e-7


def test_stacking_works_where_gradients_are_switched_off_and_gives_none_to_the_members():
    members, labels = FITS["two"]
    wanted = stacking(members, labels, l2=0.1)
    with torch.no_grad():
        torch.testing.assert_close(stacking(members, labels, l2=0.1), wanted)
    watched = members.clone().requires_grad_()
    assert not stacking(watched, labels, l2=0.1).weight.requires_grad
    assert not fit_weights(watched, labels).requires_grad
    assert watched.grad is None
    assert stacking(members.float(), labels, l2=0.1).weight.dtype == torch.float32


# Ambiguity

PREDICTIONS = {
    "numbers": (normal(4, 7), normal(7, seed=1)),
    "probabilities": (simplex(3, 6, 4), F.one_hot(drawn(6, 4), 4).double()),
    "two models": (normal(2, 5, seed=2), normal(5, seed=3)),
    "one model": (normal(1, 5, seed=4), normal(5, seed=5)),
}


def assert_is_the_decomposition(function):
    for predictions, targets in PREDICTIONS.values():
        rows, wanted = predictions.flatten(1).tolist(), targets.flatten().tolist()
        means = [math.fsum(column) / len(rows) for column in zip(*rows, strict=True)]
        pairs = list(zip(means, wanted, strict=True))
        ensemble = math.fsum((m - t) ** 2 for m, t in pairs) / len(pairs)
        single = [(p - t) ** 2 for row in rows for p, t in zip(row, wanted, strict=True)]
        spread = [(p - m) ** 2 for row in rows for p, m in zip(row, means, strict=True)]
        result = function(predictions, targets)
        assert result.ensemble_error == pytest.approx(ensemble, abs=1e-12)
        assert result.mean_error == pytest.approx(math.fsum(single) / len(single), abs=1e-12)
        assert result.ambiguity == pytest.approx(math.fsum(spread) / len(spread), abs=1e-12)
        assert abs(result.ensemble_error - (result.mean_error - result.ambiguity)) < 1e-12


def spread_variant(*, centre=lambda p: p.mean(0), power=2.0, total=torch.mean):
    def function(p, t):
        mean = p.mean(0)
        errors = [(mean - t), (p - t), (p - centre(p))]
        return Ambiguity(*(total(e.abs() ** power).item() for e in errors))

    return function


WRONG_DECOMPOSITIONS = {
    "absolute errors": spread_variant(power=1.0),
    "sums": spread_variant(total=torch.sum),
    "spread around the median": spread_variant(centre=lambda p: p.median(0).values),
    "spread around the first member": spread_variant(centre=lambda p: p[0]),
    "sample variance": lambda p, t: ambiguity(p, t)._replace(
        ambiguity=p.var(0).nan_to_num().mean().item() if len(p) > 1 else 0.0
    ),
    "spread over the examples": lambda p, t: ambiguity(p, t)._replace(
        ambiguity=(p - p.mean(1, keepdim=True)).square().mean().item()
    ),
    "sum and difference confused": lambda p, t: ambiguity(p, t)._replace(
        ambiguity=-ambiguity(p, t).ambiguity
    ),
    "errors exchanged": lambda p, t: Ambiguity(
        ambiguity(p, t).mean_error, ambiguity(p, t).ensemble_error, ambiguity(p, t).ambiguity
    ),
    "roots": lambda p, t: Ambiguity(*(math.sqrt(v) for v in ambiguity(p, t))),
}


def test_the_decomposition_is_the_one_done_by_hand():
    assert_is_the_decomposition(ambiguity)


def test_the_means_behind_the_wrong_decompositions_are_right_themselves():
    assert_is_the_decomposition(spread_variant())


@pytest.mark.parametrize("wrong", WRONG_DECOMPOSITIONS.values(), ids=WRONG_DECOMPOSITIONS.keys())
def test_the_loop_tells_wrong_decompositions(wrong):
    with pytest.raises(AssertionError):
        assert_is_the_decomposition(wrong)


def test_identical_members_have_no_ambiguity_and_more_never_raise_the_error_above_the_mean():
    one = normal(6)
    assert ambiguity(one.expand(2, -1), normal(6, seed=1)).ambiguity == 0
    for seed in range(20):
        found = ambiguity(normal(5, 8, seed=seed).float(), normal(8, seed=seed + 30).float())
        assert found.ensemble_error <= found.mean_error
        assert abs(found.ensemble_error - found.mean_error + found.ambiguity) < 1e-12


def test_the_brier_score_is_the_error_of_one_hot_targets_times_the_classes():
    probabilities, targets = PREDICTIONS["probabilities"]
    found = ambiguity(probabilities, targets)
    fused = brier(average_probabilities(probabilities), targets.argmax(1))
    assert 4 * found.ensemble_error == pytest.approx(fused.item())


# Messages

HALVES = torch.full((2, 3, 2), 0.5)


@pytest.mark.parametrize("function", [average_probabilities, log_opinion_pool, majority_vote])
@pytest.mark.parametrize(
    ("probabilities", "message"),
    [
        ([], r"got a list of 0; torch\.stack the members"),
        ([HALVES[0]] * 2, r"one tensor \[n_models, n_examples, n_classes\], got a list of 2"),
        (HALVES[0], r"must be floating \[n_models, .*got torch\.float32 with shape \(3, 2\)"),
        (HALVES[:0], r"none of them 0, got torch\.float32 with shape \(0, 3, 2\)"),
        (HALVES.long(), r"must be floating .* got torch\.int64 with shape \(2, 3, 2\)"),
        (HALVES * torch.nan, "probabilities holds 12 values of 12 that are not finite"),
        (torch.tensor([[[-0.5, 1.5]]]), r"must be at least 0, one is -0\.5; are they logits\?"),
        (0.6 * HALVES, r"rows must sum to 1, one sums to 0\.6; pass probabilities"),
        (HALVES.log().exp() * 1.2, r"rows must sum to 1, one sums to 1\.2"),
    ],
)
def test_probabilities_that_are_none_are_refused(function, probabilities, message):
    with pytest.raises(ValueError, match=message):
        function(probabilities)


@pytest.mark.parametrize("function", [average_probabilities, log_opinion_pool])
@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0, 1.0, 1.0], r"one per model, shape \(2,\), got \(3,\)"),
        ([[1.0, 1.0]], r"one per model, shape \(2,\), got \(1, 2\)"),
        ([1.5, -0.5], r"weights must be at least 0 with one above, got -0\.5\.\.1\.5"),
        ([0.0, 0.0], r"with one above, got 0\.\.0"),
        ([1.0, math.nan], "weights holds 1 values of 2 that are not finite"),
        ([1.0, math.inf], "weights holds 1 values of 2 that are not finite"),
    ],
)
def test_weights_that_do_not_fit_are_refused(function, weights, message):
    with pytest.raises(ValueError, match=message):
        function(HALVES, torch.tensor(weights))


@pytest.mark.parametrize(
    "function", [fit_weights, lambda p, y: stacking(p, y, l2=0.1)], ids=["weights", "stacking"]
)
@pytest.mark.parametrize(
    ("probabilities", "labels", "message"),
    [
        (HALVES, [0, 1], r"integers of shape \(3,\), got torch\.int64 with shape \(2,\)"),
        (HALVES, [0.0, 1.0, 1.0], r"integers of shape \(3,\), got torch\.float32 with"),
        (HALVES, [True, False, True], r"integers of shape \(3,\), got torch\.bool"),
        (HALVES, [0, 1, 2], r"labels must be in 0\.\.1, got 0\.\.2"),
        (HALVES, [-1, 1, 0], r"labels must be in 0\.\.1, got -1\.\.1"),
        (2 * HALVES, [0, 1, 0], "rows must sum to 1, one sums to 2"),
    ],
)
def test_labels_that_do_not_fit_are_refused(function, probabilities, labels, message):
    with pytest.raises(ValueError, match=message):
        function(probabilities, torch.tensor(labels))


@pytest.mark.parametrize("l2", [0.0, -1.0, math.inf, math.nan])
def test_a_penalty_that_leaves_no_minimum_is_refused(l2):
    with pytest.raises(ValueError, match=f"l2 must be above 0 and finite, got {l2}"):
        stacking(HALVES, torch.tensor([0, 1, 0]), l2=l2)


def test_a_combiner_refuses_other_models():
    combiner = stacking(HALVES, torch.tensor([0, 1, 0]), l2=1.0)
    with pytest.raises(ValueError, match="fitted on 4 probabilities per example, got 6; bring"):
        stacked_logits(combiner, torch.full((3, 1, 2), 0.5))


@pytest.mark.parametrize(
    ("predictions", "targets", "message"),
    [
        (normal(2, 3), normal(4), r"of the same size, got \(2, 3\) and \(4,\)"),
        (normal(3), normal(3), r"got \(3,\) and \(3,\)"),
        (normal(0, 3), normal(3), r"got \(0, 3\) and \(3,\)"),
        (normal(2, 3) / 0, normal(3), "predictions holds 6 values of 6 that are not finite"),
        (normal(2, 3), normal(3) / 0, "targets holds 3 values of 3 that are not finite"),
    ],
)
def test_predictions_that_do_not_fit_are_refused(predictions, targets, message):
    with pytest.raises(ValueError, match=message):
        ambiguity(predictions, targets)
