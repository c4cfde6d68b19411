"""Shares of a batch: together they are the batch, and their weighted means are its mean."""

from fractions import Fraction

import pytest
import torch

from medmeta_ref.episodes import Episode, sample_episode, sample_episodes
from medmeta_ref.train.shares import share_of

SIZES = [(n, k) for k in (1, 2, 3, 4, 7) for n in (k, k + 1, 2 * k + 1, 16) if n >= k]


def assert_shares_make_the_batch(function):
    for n, k in SIZES:
        values = torch.arange(n) ** 2
        shares = [function(values, index=i, n_shares=k) for i in range(k)]
        assert torch.cat([share for share, _ in shares]).tolist() == values.tolist()
        lengths = [len(share) for share, _ in shares]
        assert max(lengths) - min(lengths) <= 1
        assert [fraction for _, fraction in shares] == [length / n for length in lengths]
        mean = sum(Fraction(fraction).limit_denominator(n) * Fraction(int(share.sum()), len(share))
                   for share, fraction in shares)  # fmt: skip
        assert mean == Fraction(int(values.sum()), n)


def cut(places, *, weight=lambda length, n, k: length / n):
    def function(batch, *, index, n_shares):
        part = places(batch, index, n_shares)
        return part, weight(len(part), len(batch), n_shares)

    return function


def right(batch, i, k):
    return torch.tensor_split(batch, k)[i]


WRONG = {
    "equal weights": cut(right, weight=lambda length, n, k: 1 / k),
    "no weights": cut(right, weight=lambda length, n, k: 1.0),
    "the remainder is dropped": cut(lambda b, i, k: b[i * (len(b) // k) : (i + 1) * (len(b) // k)]),
    "the last takes the remainder": cut(
        lambda b, i, k: b[i * (len(b) // k) : (i + 1) * (len(b) // k) if i < k - 1 else None]
    ),
    "torch.chunk, which may leave some empty": cut(lambda b, i, k: (*b.chunk(k), *[b[:0]] * k)[i]),
    "all episodes for everybody": cut(lambda b, i, k: b),
    "neighbours overlap": cut(
        lambda b, i, k: b[max(0, i * len(b) // k - 1) : (i + 1) * len(b) // k]
    ),
    "in turn": cut(lambda b, i, k: b[i::k]),
}


def test_shares_are_the_batch_and_their_weighted_means_its_mean():
    assert_shares_make_the_batch(share_of)
    assert_shares_make_the_batch(cut(right))


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_exact_fractions_tell_wrong_shares(wrong):
    with pytest.raises((AssertionError, ZeroDivisionError)):
        assert_shares_make_the_batch(wrong)


SIZE = {"n_way": 2, "k_shot": 1, "n_query": 1}
IMAGES, LABELS = torch.rand(12, 1, 2, 2, generator=torch.Generator()), torch.arange(4).repeat(3)


def test_an_episode_stays_an_episode_and_a_tuple_a_tuple():
    batch = sample_episodes(IMAGES, LABELS, n_episodes=3, generator=torch.Generator(), **SIZE)
    share, fraction = share_of(batch, index=1, n_shares=2)
    assert isinstance(share, Episode)
    assert fraction == 1 / 3
    assert all(torch.equal(s, b[2:]) for s, b in zip(share, batch, strict=True))
    pair, _ = share_of((LABELS, IMAGES), index=0, n_shares=2)
    assert type(pair) is tuple
    assert [len(part) for part in pair] == [6, 6]


def test_a_share_of_everything_is_everything():
    share, fraction = share_of(LABELS, index=0, n_shares=1)
    assert torch.equal(share, LABELS)
    assert fraction == 1.0


BAD = {
    "too few": (
        torch.arange(3),
        "batch of 3 episodes cannot be shared by 4 processes; draw at lea",
    ),
    "a single episode": (
        sample_episode(IMAGES, LABELS, generator=torch.Generator(), **SIZE),
        "a single episode cannot be shared by processes; draw a batch with sample_episodes",
    ),
    "a list": ([torch.arange(8)], "batch of type list cannot be shared"),
    "a number among tensors": ((torch.arange(8), 3), "batch of type tuple cannot be shared"),
    "no axis": (torch.tensor(1.0), "batch of type Tensor cannot be shared"),
    "unequal": ((torch.zeros(8), torch.zeros(4)), r"leading axes of \[4, 8\]; all of them must be"),
}


@pytest.mark.parametrize(("batch", "message"), BAD.values(), ids=BAD.keys())
def test_a_batch_that_cannot_be_shared_is_refused(batch, message):
    with pytest.raises(ValueError, match=message):
        share_of(batch, index=0, n_shares=4)
