"""A learner's test is tried on everything, in an order that it cannot guess."""

import itertools
from collections import Counter

import pytest
import torch

from medmeta_ref.grading.learner import Learner, LearnerError, NotAttempted
from medmeta_ref.grading.trials import tried

RIGHT = [lambda x: x * x, lambda x: x**2]
WRONG = {"doubled": lambda x: 2 * x, "cubed": lambda x: x**3, "no minus": lambda x: x * abs(x)}


def trial_of(test, seed=0, **settings):
    return tried(Learner(test), RIGHT, WRONG, torch.Generator().manual_seed(seed), **settings)


def passed(trial):
    return [trial.accepts_the_right() and trial.rejects(mistake) for mistake in WRONG]


def test_good_test_passes_and_a_lax_one_fails_for_what_it_lets_through():
    def good(square):
        assert [square(x) for x in (-1, 2, 3)] == [1, 4, 9]

    def positive_only(square):
        assert [square(x) for x in (2, 3)] == [4, 9]

    assert passed(trial_of(good)) == [True, True, True]
    assert passed(trial_of(positive_only)) == [True, True, False]


def test_strict_test_rejects_what_is_right():
    def too_strict(square):
        assert square is RIGHT[0]

    assert passed(trial_of(too_strict)) == [False, False, False]


def test_everything_is_tried_twice_and_only_once_per_answer():
    seen = Counter()
    learner = Learner(lambda square: seen.update([square]))
    first = tried(learner, RIGHT, WRONG, torch.Generator().manual_seed(0))
    assert tried(learner, RIGHT, WRONG, torch.Generator().manual_seed(1)) is first
    assert seen == dict.fromkeys([*RIGHT, *WRONG.values()], 2)


def test_order_is_drawn_and_every_place_may_hold_anything():
    orders = []
    for seed in range(200):
        order = []
        trial_of(order.append, seed)
        orders.append(tuple(order))
    assert len(set(orders)) > 190
    assert all(len(set(place)) == 5 for place in zip(*orders, strict=True))


def test_counting_calls_pays_next_to_nothing():
    n_turns = 2 * (len(RIGHT) + len(WRONG))
    share, plans = 0.0, list(itertools.combinations(range(n_turns), n_turns // 2))[::7]
    for seed, plan in enumerate(plans):
        turn = itertools.count()

        def rejects_by_plan(square, turn=turn, plan=plan):
            assert next(turn) not in plan

        share += sum(passed(trial_of(rejects_by_plan, seed))) / len(WRONG)
    assert share / len(plans) < 0.1


def test_other_ends_judge_nothing_and_cost_only_what_they_touch():
    def crashes_on_doubled(square):
        if square(3) == 6:
            raise RuntimeError("no idea")
        assert [square(x) for x in (-1, 2, 3)] == [1, 4, 9]

    trial = trial_of(crashes_on_doubled)
    assert trial.accepts_the_right()
    assert trial.rejects("cubed")
    with pytest.raises(LearnerError, match="no idea"):
        trial.rejects("doubled")

    def untouched(square):
        raise NotImplementedError

    with pytest.raises(NotAttempted):
        trial_of(untouched).accepts_the_right()


def test_implementation_with_a_memory_begins_each_turn_without_one():
    begun = []

    def fresh(square):
        begun.append(square)
        return lambda x: square(x)

    trial_of(lambda square: None, begin=fresh)
    assert Counter(begun) == dict.fromkeys([*RIGHT, *WRONG.values()], 2)


def test_value_is_no_test():
    with pytest.raises(TypeError, match="list is no function"):
        tried([1], RIGHT, WRONG, torch.Generator())
