"""The checks of unit 01 judge chance fairly: exact bounds, other right answers, the library."""

import pytest
import torch
from scipy import stats

from medmeta_ref import episodes, metrics
from medmeta_ref.grading.learner import Learner
from medmeta_ref.grading.spec_runner import run_spec
from medmeta_ref.grading.specs.unit_01._chance import FALSE_ALARM, assert_frequencies, bounds

# (draws, probability, number of outcomes): every count that a check of the unit bounds.
COUNTED = {
    "class in train": (400, 3 / 6, 6),
    "class in val": (400, 1 / 6, 6),
    "class in test": (400, 2 / 6, 6),
    "pair in test": (400, 1 / 15, 15),
    "class in a slot": (600, 1 / 6, 6),
    "first two classes": (600, 1 / 30, 30),
    "image as support": (600, 1 / 8, 24),
    "image as query": (600, 1 / 4, 24),
}


@pytest.mark.parametrize("counted", COUNTED.values(), ids=COUNTED)
def test_right_counts_leave_the_bounds_less_than_once_in_ten_million(counted):
    n, p, outcomes = counted
    tail = FALSE_ALARM / (2 * outcomes)
    low, high = bounds(n, p, tail)
    chance = stats.binom(n, p)
    assert chance.cdf(low - 1) + chance.sf(high) <= 2 * tail
    assert chance.cdf(low) > tail, "the lower bound could be higher"
    assert chance.sf(high - 1) > tail, "the upper bound could be lower"


@pytest.mark.parametrize("counted", COUNTED.values(), ids=COUNTED)
def test_what_never_comes_up_is_always_noticed(counted):
    n, p, outcomes = counted
    assert bounds(n, p, FALSE_ALARM / (2 * outcomes))[0] > 0


def test_sorted_slots_are_overlooked_less_than_once_in_ten_to_the_fifteen():
    # The lowest of six codes is in half of the episodes, and then always in slot 0.
    _, high = bounds(600, 1 / 6, FALSE_ALARM / 12)
    assert stats.binom(600, 1 / 2).cdf(high) < 1e-15


def test_a_certain_outcome_has_to_come_up_every_time():
    assert bounds(40, 1.0, 1e-9) == (40, 40)
    assert bounds(40, 0.0, 1e-9) == (0, 0)


def test_message_names_outcome_count_and_expectation():
    with pytest.raises(AssertionError, match=r"class 7 came up 0 times; about 50 .* Shuffle"):
        assert_frequencies({3: 50, 7: 0}, 300, 1 / 6, what="class {}", look_at="Shuffle.")


# ---- right answers written in another way ----


def split_by_sorting_noise(labels, *, n_train, n_val, n_test, generator):
    """Random keys, sorted; groups as tensors."""
    classes = torch.tensor(sorted(set(labels.tolist())))
    total = n_train + n_val + n_test
    if total > len(classes):
        raise ValueError(f"there are only {len(classes)} classes, {total} do not fit")
    keys = torch.rand(len(classes), generator=generator, dtype=torch.float64)
    parts = classes[keys.argsort()][:total].split([n_train, n_val, n_test])
    return dict(zip(("train", "val", "test"), parts, strict=True))


def episode_one_image_at_a_time(labels, *, n_way, k_shot, n_query, generator, classes=None):
    """Lists, each draw a single random number, images of an episode interleaved over slots."""

    def pop(left):
        return left.pop(int(torch.randint(len(left), (), generator=generator)))

    left = sorted(set(labels.tolist())) if classes is None else list(classes)
    if len(left) < n_way:
        raise ValueError(f"only {len(left)} classes for n_way = {n_way}")
    pools = []
    for _ in range(n_way):
        code = pop(left)
        pools.append([i for i, label in enumerate(labels.tolist()) if label == code])
        if len(pools[-1]) < k_shot + n_query:
            raise ValueError(f"class {code}: {len(pools[-1])} images are not enough")
    support = [pop(pool) for _ in range(k_shot) for pool in pools]
    query = [pop(pool) for _ in range(n_query) for pool in pools]
    return support, list(range(n_way)) * k_shot, query, list(range(n_way)) * n_query


def interval_by_sums(accuracies):
    n = len(accuracies)
    if n <= 1:
        raise ValueError(f"{n} value has no spread")
    mean = sum(accuracies.tolist()) / n
    variance = sum((a - mean) ** 2 for a in accuracies.tolist()) / (n - 1)
    return [mean, 1.96 * (variance / n) ** 0.5]


def interval_of_rows(accuracies, *, quantile):
    means = torch.stack([row.sum() / len(row) for row in accuracies])
    squares = (means - means.mean()).square().sum() / (len(means) - 1)
    return float(means.mean()), float(quantile * (squares / len(means)).sqrt())


def leak_by_table(train_patients, test_patients):
    return (test_patients[:, None] == train_patients[None]).any(1).sum().item() / len(test_patients)


def test_by_sets(sample):
    highest_first = 0
    for seed in range(80):
        labels = torch.tensor([4, 7, 9]).repeat(5)
        support, support_y, query, query_y = sample(labels, n_way=3, k_shot=1, n_query=2, seed=seed)
        seen = {}
        for image, slot in [
            *zip(support.tolist(), support_y.tolist(), strict=True),
            *zip(query.tolist(), query_y.tolist(), strict=True),
        ]:
            assert image not in seen
            seen[image] = slot
        assert len({(slot, int(labels[i])) for i, slot in seen.items()}) == 3
        assert {int(labels[i]) for i in seen} == {4, 7, 9}
        assert set(seen.values()) == {0, 1, 2}
        highest_first += labels[support[support_y == 0]].item() == 9
    assert highest_first > 0


test_by_sets.__test__ = False  # an answer, not a test of ours

OTHERS = {
    "split_classes": split_by_sorting_noise,
    "sample_episode": episode_one_image_at_a_time,
    "episode_interval": interval_by_sums,
    "split_interval": interval_of_rows,
    "leaked_share": leak_by_table,
    "sampler_test": test_by_sets,
}


@pytest.mark.parametrize("name", OTHERS)
def test_right_answer_written_in_another_way_gets_every_point(name):
    result = run_spec(f"01.{name}", OTHERS[name])
    assert result.points == result.max_points, result


# ---- the library ----


def library_split(labels, **settings):
    return episodes.split_classes(labels, **settings)._asdict()


def library_episode(labels, **settings):
    """Images that are their own positions."""
    drawn = episodes.sample_episode(torch.arange(len(labels)), labels, **settings)
    return drawn.support_x, drawn.support_y, drawn.query_x, drawn.query_y


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("split_classes", library_split),
        ("sample_episode", library_episode),
        ("episode_interval", metrics.mean_and_ci95),
    ],
)
def test_reference_library_passes_the_checks_of_unit_01(name, function):
    result = run_spec(f"01.{name}", function)
    assert result.points == result.max_points, result


# ---- the adapter that draws ----


def drawn(function, *, seed=3, times=4, surroundings=5):
    return Learner(function).through("draws", seed=seed, times=times, surroundings=surroundings)


def test_draws_come_from_one_generator_that_goes_on():
    values, _ = drawn(lambda generator: torch.rand((), generator=generator).item())
    generator = torch.Generator().manual_seed(3)
    assert values == [torch.rand((), generator=generator).item() for _ in range(4)]


def test_draws_tell_whether_a_global_generator_has_moved():
    import random

    still = drawn(lambda generator: 0)[1]
    assert still == drawn(lambda generator: torch.rand((), generator=generator))[1]
    assert drawn(lambda generator: torch.rand(()))[1][0] != still[0]
    assert drawn(lambda generator: random.random())[1][1] != still[1]


def test_draws_leave_the_surroundings_as_they_were():
    import random

    before = torch.get_rng_state(), random.getstate()
    drawn(lambda generator: (torch.rand(()), random.random()))
    assert torch.equal(torch.get_rng_state(), before[0])
    assert random.getstate() == before[1]
