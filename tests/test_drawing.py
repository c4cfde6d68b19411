"""That what is drawn is distinct and that every choice, in every order, is equally likely.

Two judges. Where a draw is a function of fractions, all cases can be gone through: a fraction for
each of the 5 first choices, each of the 4 second and each of the 3 third has to give each of the 60
ordered triples exactly once. Any other way of drawing is judged by a chi-square test over the 60.
"""

import itertools
import random

import pytest
import torch
from scipy import stats

from medmeta_ref.drawing import Pools, distinct, draw, make_pools, uniforms

SIZE, N = 5, 3
TRIPLES = list(itertools.permutations(range(SIZE), N))


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def assert_draws_uniformly(function):
    """Judge `function(size, n, fractions)` by 6,000 triples out of 5 numbers."""
    fractions = uniforms(20 * 6000 * N, generator=seeded(1))
    drawn = [tuple(function(SIZE, N, fractions)) for _ in range(6000)]
    assert set(drawn) <= set(TRIPLES), "a number twice, or one that is not there"
    assert stats.chisquare([drawn.count(t) for t in TRIPLES]).pvalue > 1e-3


def with_replacement(size, n, fractions):
    return [int(next(fractions) * size) for _ in range(n)]


def until_distinct(size, n, fractions):
    """Right, and slow where nearly all are wanted: draw again what was drawn before."""
    drawn = []
    while len(drawn) < n:
        j = int(next(fractions) * size)
        drawn += [j] if j not in drawn else []
    return drawn


def floyd(size, n, fractions):
    """The set is uniform (Bentley and Floyd 1987), its order is not."""
    drawn = []
    for m in range(size - n, size):
        j = int(next(fractions) * (m + 1))
        drawn.append(m if j in drawn else j)
    return drawn


def shuffle(pick, *, swap_back=True):
    def function(size, n, fractions):
        numbers = list(range(size))
        for i in range(n):
            j = pick(i, size, next(fractions))
            numbers[i], numbers[j] = numbers[j], numbers[i] if swap_back else numbers[j]
        return numbers[:n]

    return function


def one_fraction_for_all(size, n, fractions):
    u = next(fractions)
    return shuffle(lambda i, size, _: i + int(u * (size - i)))(size, n, fractions)


WRONG = {
    "with replacement": with_replacement,
    "Floyd's set in Floyd's order": floyd,
    "sorted": lambda size, n, f: sorted(distinct(size, n, f)),
    "always the first": lambda size, n, f: list(range(n)),
    "a block": lambda size, n, f: (lambda s: list(range(s, s + n)))(int(next(f) * (size - n + 1))),
    "swapped with any place": shuffle(lambda i, size, u: int(u * size)),
    "never at its own place": shuffle(lambda i, size, u: i + 1 + int(u * (size - i - 1))),
    "the last number never": shuffle(lambda i, size, u: i + int(u * (size - 1 - i))),
    "rounded to the nearest": shuffle(lambda i, size, u: i + round(u * (size - i - 1))),
    "nothing put back": shuffle(lambda i, size, u: i + int(u * (size - i)), swap_back=False),
    "small numbers preferred": shuffle(lambda i, size, u: i + int(u**1.2 * (size - i))),
    "one fraction for all": one_fraction_for_all,
}


def test_draws_are_uniform_over_ordered_choices():
    assert_draws_uniformly(distinct)


@pytest.mark.parametrize(
    "right",
    [until_distinct, shuffle(lambda i, size, u: i + int(u * (size - i)))],
    ids=["until distinct", "whole shuffle"],
)
def test_the_judge_accepts_other_right_ways(right):
    assert_draws_uniformly(right)


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_the_judge_rejects_wrong_ways(wrong):
    with pytest.raises(AssertionError):
        assert_draws_uniformly(wrong)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_every_ordered_choice_comes_from_exactly_one_case(n):
    """No statistics: every path through the choices leads to another result, and to all."""
    choices = [[(c + 0.5) / (SIZE - i) for c in range(SIZE - i)] for i in range(n)]
    drawn = [tuple(distinct(SIZE, n, iter(path))) for path in itertools.product(*choices)]
    assert sorted(drawn) == sorted(itertools.permutations(range(SIZE), n))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000, 2**20, 2**20 + 1, 10**9])
def test_the_largest_and_the_smallest_fraction_stay_inside(size):
    largest = 1 - 2**-53
    assert distinct(size, 1, iter([largest])) == [size - 1]
    assert distinct(size, 1, iter([0.0])) == [0]


def test_a_whole_pool_is_a_permutation():
    generator = random.Random(0)
    drawn = distinct(200, 200, iter([generator.random() for _ in range(200)]))
    assert sorted(drawn) == list(range(200))


def test_as_many_fractions_are_used_as_numbers_drawn():
    fractions = iter([0.1, 0.2, 0.3, 0.4])
    distinct(10, 3, fractions)
    assert list(fractions) == [0.4]


def test_uniforms_are_uniform_independent_of_the_call_and_of_the_global_generator():
    before, generator = torch.get_rng_state(), seeded()
    drawn = list(uniforms(20000, generator=generator))
    assert torch.equal(torch.get_rng_state(), before)
    assert stats.kstest(drawn, "uniform").pvalue > 1e-3
    # More digits than float32 has, or large pools would have images that never come.
    assert len({int(u * 2**40) for u in drawn}) == len(drawn)
    assert list(uniforms(3, generator=seeded())) == drawn[:3]
    assert list(uniforms(3, generator=generator)) != drawn[:3]


LABELS = torch.tensor([7, 9, 7, 4, 9, 7, 4, 7])


def test_pools_hold_each_image_of_their_class_once():
    pools = make_pools([(str(c), LABELS == c) for c in (9, 7)], k_shot=1, n_query=1)
    assert len(pools.members) == 6
    for start, size, label in zip(pools.starts, pools.sizes, (9, 7), strict=True):
        held = pools.members[start : start + size].tolist()
        assert sorted(held) == [i for i, c in enumerate(LABELS.tolist()) if c == label]


def test_a_pool_that_is_too_small_is_named():
    masks = [("class 7", LABELS == 7), ("class 4", LABELS == 4)]
    with pytest.raises(ValueError, match="class 4 has 2 images, but k_shot=1 and n_query=2 need 3"):
        make_pools(masks, k_shot=1, n_query=2)


def test_support_and_query_come_from_the_slots_pool_and_share_nothing():
    pools = Pools(torch.arange(30), starts=(0, 10, 16), sizes=(10, 6, 14))
    inside = [range(10), range(10, 16), range(16, 30)]
    firsts = []
    for seed in range(400):
        support, query = draw(
            pools, (2, 1), k_shot=2, n_query=4, fractions=uniforms(12, generator=seeded(seed))
        )
        assert len(support) == 4
        assert len(query) == 8
        assert len(set(support + query)) == 12
        for slot, pool in enumerate((2, 1)):
            taken = support[2 * slot : 2 * slot + 2] + query[4 * slot : 4 * slot + 4]
            assert all(i in inside[pool] for i in taken)
        firsts += support[:2]
    assert stats.chisquare([firsts.count(i) for i in inside[2]]).pvalue > 1e-3
