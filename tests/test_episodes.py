"""What an episode is: distinct classes in random slots, and no image in it twice.

Images here are numbers: image i is a 1x1 "picture" with the value i, so every image of an episode
can be told from every other one.
"""

import itertools

import pytest
import torch
from scipy import stats

from medmeta_ref.episodes import (
    ClassSplit,
    Episode,
    EpisodeSampler,
    each_episode,
    multilabel_episode,
    sample_episode,
    sample_episodes,
    split_classes,
)

CLASSES = (2, 3, 5, 7, 11, 13)  # no label is also a slot number by habit
PER_CLASS = 10
LABELS = torch.tensor([CLASSES[i % len(CLASSES)] for i in range(len(CLASSES) * PER_CLASS)])
IMAGES = torch.arange(len(LABELS), dtype=torch.float64).reshape(-1, 1, 1, 1)
SIZES = {"n_way": 3, "k_shot": 2, "n_query": 4}


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def uniform(counts):
    """Return whether a chi-square test finds counts like these at least once in a thousand."""
    return stats.chisquare(counts).pvalue > 1e-3


def assert_is_an_episode(episode, *, n_way, k_shot, n_query, classes=CLASSES):
    """Follow every image of an episode back to its class."""
    parts = ((episode.support_x, episode.support_y), (episode.query_x, episode.query_y))
    for (x, y), n_each in zip(parts, (k_shot, n_query), strict=True):
        assert x.shape == (n_way * n_each, 1, 1, 1)
        assert y.dtype == torch.int64
        assert sorted(y.tolist()) == sorted(list(range(n_way)) * n_each)
    ids = [int(i) for x, _ in parts for i in x.flatten()]
    assert len(set(ids)) == len(ids), "an image appears twice"
    class_of_slot = {}
    for x, y in parts:
        for i, slot in zip(x.flatten().tolist(), y.tolist(), strict=True):
            label = LABELS[int(i)].item()
            assert class_of_slot.setdefault(slot, label) == label, "one slot, two classes"
            assert label in classes
    assert len(set(class_of_slot.values())) == n_way, "one class, two slots"
    return class_of_slot


def assert_samples_episodes(function):
    """Judge a sampler by 600 episodes: each sound, all together uniform, and reproducible."""
    generator, before = seeded(5), torch.get_rng_state()
    episodes = [function(IMAGES, LABELS, **SIZES, generator=generator) for _ in range(600)]
    assert torch.equal(torch.get_rng_state(), before), "the global generator moved"
    repeated = seeded(5)
    for episode in episodes[:5]:
        again = function(IMAGES, LABELS, **SIZES, generator=repeated)
        assert all(torch.equal(a, b) for a, b in zip(episode, again, strict=True))

    slots = [assert_is_an_episode(episode, **SIZES) for episode in episodes]
    for slot in range(SIZES["n_way"]):
        assert uniform([sum(s[slot] == c for s in slots) for c in CLASSES]), "slots follow classes"
    # Which class comes with which: every ordered pair equally often, so all sets of classes too.
    pairs = [(s[0], s[1]) for s in slots]
    assert uniform([pairs.count(pair) for pair in itertools.permutations(CLASSES, 2)])
    for part in ("support_x", "query_x"):
        drawn = torch.cat([getattr(episode, part).flatten() for episode in episodes]).long()
        assert uniform(torch.bincount(drawn, minlength=len(IMAGES)).numpy()), "images are preferred"

    few = function(IMAGES, LABELS, **SIZES, generator=seeded(), classes=(3, 7, 13))
    assert_is_an_episode(few, **SIZES, classes=(3, 7, 13))
    assert len({tuple(e.support_x.flatten().tolist()) for e in episodes}) == len(episodes)


def variant(
    *,
    classes_of=lambda present, n, g: present[torch.randperm(len(present), generator=g)[:n]],
    members_of=lambda pool, n, g: pool[torch.randperm(len(pool), generator=g)[:n]],
    query_of=lambda chosen, pool, k, n, g: chosen[k:],
    slots=lambda classes: torch.arange(len(classes)),
    query_slots=None,
    seed=None,
    heeds_classes=True,
):
    """Return a sampler of plain steps, right by default; each keyword makes one step wrong."""

    def function(images, labels, *, n_way, k_shot, n_query, generator, classes=None):
        if seed is not None:
            generator = seed(generator)
        here = torch.unique(labels)
        if classes is not None and heeds_classes:
            here = torch.tensor(classes)
        chosen = classes_of(here, n_way, generator)
        support, query = [], []
        for c in chosen:
            pool = torch.nonzero(labels == c).flatten()
            members = members_of(pool, k_shot + n_query, generator)
            support.append(members[:k_shot])
            query.append(query_of(members, pool, k_shot, n_query, generator))
        named, asked = slots(chosen), (query_slots or slots)(chosen)
        return Episode(
            images[torch.cat(support)],
            named.repeat_interleave(k_shot),
            images[torch.cat(query)],
            asked.repeat_interleave(n_query),
        )

    return function


def front_first(n, generator):
    """Return a permutation in which small numbers tend to come early."""
    weights = torch.linspace(2, 1, n)
    return torch.multinomial(weights, n, generator=generator)


WRONG_SAMPLERS = {
    "a class drawn twice": variant(
        classes_of=lambda p, n, g: p[torch.randint(len(p), (n,), generator=g)]
    ),
    "slots in the order of the labels": variant(
        classes_of=lambda p, n, g: p[torch.randperm(len(p), generator=g)[:n]].sort().values
    ),
    "always the first classes": variant(
        classes_of=lambda p, n, g: p[:n][torch.randperm(n, generator=g)]
    ),
    "the last class never drawn": variant(
        classes_of=lambda p, n, g: p[torch.randperm(max(n, len(p) - 1), generator=g)[:n]]
    ),
    "neighbouring classes": variant(
        classes_of=lambda p, n, g: p.roll(int(torch.randint(len(p), (1,), generator=g)))[:n]
    ),
    "labels not renamed": variant(slots=lambda c: c),
    "query slots reversed": variant(query_slots=lambda c: torch.arange(len(c)).flip(0)),
    "query drawn from the whole class": variant(
        query_of=lambda m, pool, k, n, g: pool[torch.randperm(len(pool), generator=g)[:n]]
    ),
    "images drawn with replacement": variant(
        members_of=lambda pool, n, g: pool[torch.randint(len(pool), (n,), generator=g)]
    ),
    "support is always the first images": variant(members_of=lambda pool, n, g: pool[:n]),
    "images at the front preferred": variant(
        members_of=lambda pool, n, g: pool[front_first(len(pool), g)[:n]]
    ),
    "the same classes always": variant(classes_of=lambda p, n, g: p[[4, 1, 3]]),
    "half of the query is support": variant(
        query_of=lambda m, pool, k, n, g: torch.cat([m[: n // 2], m[k : k + n - n // 2]])
    ),
    "a block of neighbouring images": variant(
        members_of=lambda pool, n, g: pool.roll(int(torch.randint(2, (1,), generator=g)))[:n]
    ),
    "the global generator": variant(seed=lambda g: torch.default_generator),
    "a fixed seed inside": variant(seed=lambda g: seeded(3)),
    "classes= ignored": variant(heeds_classes=False),
}


def test_600_episodes_are_sound_uniform_and_reproducible():
    assert_samples_episodes(sample_episode)


def test_the_plain_steps_behind_the_wrong_samplers_are_right_themselves():
    assert_samples_episodes(variant())


@pytest.mark.parametrize("wrong", WRONG_SAMPLERS.values(), ids=WRONG_SAMPLERS.keys())
def test_the_judge_rejects_wrong_samplers(wrong):
    with pytest.raises(AssertionError):
        assert_samples_episodes(wrong)


def by_sampler(images, labels, *, generator, classes=None, **sizes):
    """Draw from a sampler that is built once and kept for the next call."""
    key = (id(images), id(labels), classes, *sizes.values())
    if key not in SAMPLERS:
        SAMPLERS[key] = EpisodeSampler(images, labels, **sizes, classes=classes)
    return SAMPLERS[key].episode(generator)


SAMPLERS = {}


def test_a_sampler_kept_for_600_episodes_is_sound_uniform_and_reproducible():
    assert_samples_episodes(by_sampler)
    assert len(SAMPLERS) == 2


def test_episodes_of_a_sampler_follow_one_another_in_batches_of_any_size():
    sampler, generator = EpisodeSampler(IMAGES, LABELS, **SIZES), seeded(5)
    batches = [sampler.episodes(n, generator) for n in (1, 150, 3, 446)]
    again = seeded(5)
    for episode in (e for batch in batches for e in each_episode(batch)):
        alone = sample_episode(IMAGES, LABELS, **SIZES, generator=again)
        assert all(torch.equal(a, b) for a, b in zip(episode, alone, strict=True))
    assert torch.equal(generator.get_state(), again.get_state())


@pytest.mark.parametrize("classes", [None, (11, 3, 2, 7)], ids=["all classes", "four classes"])
def test_a_sampler_and_the_functions_draw_the_same(classes):
    sampler = EpisodeSampler(IMAGES, LABELS, **SIZES, classes=classes)
    calls = {"images": IMAGES, "labels": LABELS, **SIZES, "classes": classes}
    pairs = [
        (sampler.episode(seeded(3)), sample_episode(**calls, generator=seeded(3))),
        (
            sampler.episodes(4, seeded(3)),
            sample_episodes(**calls, n_episodes=4, generator=seeded(3)),
        ),
    ]
    for ours, known in pairs:
        assert isinstance(ours, Episode)
        for a, b in zip(ours, known, strict=True):
            assert torch.equal(a, b)
            assert a.dtype == b.dtype
            assert a.stride() == b.stride()


def test_a_sampler_of_other_sizes_is_not_confused_with_the_first():
    small = EpisodeSampler(IMAGES, LABELS, **SIZES)
    sizes = {"n_way": 5, "k_shot": 1, "n_query": 7}
    large, generator = EpisodeSampler(IMAGES, LABELS, **sizes), seeded()
    for _ in range(5):
        assert_is_an_episode(small.episode(generator), **SIZES)
        assert_is_an_episode(large.episode(generator), **sizes)


def test_editing_an_episode_changes_no_later_one():
    sampler = EpisodeSampler(IMAGES, LABELS, **SIZES)
    for draw in (sampler.episode, lambda g: sampler.episodes(2, g)):
        kept = [t.clone() for t in draw(seeded())]
        for t in draw(seeded()):
            t.fill_(-7)
        assert all(torch.equal(a, b) for a, b in zip(kept, draw(seeded()), strict=True))
        episode = draw(seeded())
        episode.support_x.fill_(-7)
        assert torch.equal(episode.query_x, kept[2])


def test_a_sampler_keeps_no_copy_of_the_images():
    images = IMAGES.clone()
    sampler = EpisodeSampler(images, LABELS, **SIZES)
    images.neg_()
    known = sample_episode(IMAGES, LABELS, **SIZES, generator=seeded())
    assert torch.equal(sampler.episode(seeded()).support_x, -known.support_x)


def test_colour_images_come_out_channels_last_in_memory_and_pixel_for_pixel():
    images = torch.randint(256, (60, 6, 5, 3), generator=seeded(), dtype=torch.uint8)
    sampler = EpisodeSampler(images, LABELS, **SIZES)
    ids = EpisodeSampler(IMAGES, LABELS, **SIZES).episodes(3, seeded(2))
    batch = sampler.episodes(3, seeded(2))
    single = sampler.episode(seeded(2))
    for x, numbers in ((batch.support_x, ids.support_x), (batch.query_x, ids.query_x)):
        for one, which in zip(x, numbers.flatten(1).long(), strict=True):
            assert one.is_contiguous(memory_format=torch.channels_last)
            for pixels, i in zip(one, which.tolist(), strict=True):
                wanted = (images[i].numpy() / 255 - 0.5) / 0.5  # [height, width, 3], by numpy
                assert (pixels.permute(1, 2, 0) - torch.from_numpy(wanted)).abs().max() < 1e-6
    for x, first in ((single.support_x, batch.support_x[0]), (single.query_x, batch.query_x[0])):
        assert x.is_contiguous(memory_format=torch.channels_last)
        assert torch.equal(x, first)


def test_in_classes_of_real_size_no_image_comes_twice_and_none_is_preferred():
    """1,500 images a class: with replacement, one class in thirteen would repeat one of its 16."""
    labels = torch.arange(4500) % 3
    images = torch.arange(4500).reshape(-1, 1, 1, 1)
    sampler = EpisodeSampler(images, labels, n_way=2, k_shot=1, n_query=15)
    batch = sampler.episodes(1000, seeded(4))
    drawn = torch.cat([batch.support_x.flatten(1), batch.query_x.flatten(1)], dim=1)
    ordered = drawn.sort(dim=1).values
    assert (ordered.diff(dim=1) > 0).all()
    for part in (batch.support_x, batch.query_x):
        counts = torch.bincount(part.flatten() // 45, minlength=100)
        assert uniform(counts.numpy())


def test_all_classes_of_a_full_way_episode_are_there():
    sizes = {"n_way": len(CLASSES), "k_shot": 1, "n_query": PER_CLASS - 1}
    slots = assert_is_an_episode(
        sample_episode(IMAGES, LABELS, **sizes, generator=seeded()), **sizes
    )
    assert sorted(slots.values()) == sorted(CLASSES)


def test_a_batch_holds_the_episodes_that_single_calls_draw():
    batch = sample_episodes(IMAGES, LABELS, n_episodes=4, **SIZES, generator=seeded(1))
    generator = seeded(1)
    assert batch.support_x.shape == (4, 6, 1, 1, 1)
    for one in each_episode(batch):
        alone = sample_episode(IMAGES, LABELS, **SIZES, generator=generator)
        assert isinstance(one, Episode)
        assert all(torch.equal(a, b) for a, b in zip(one, alone, strict=True))


def test_a_batch_draws_only_from_the_classes_given():
    batch = sample_episodes(
        IMAGES, LABELS, n_episodes=20, **SIZES, generator=seeded(), classes=(5, 2, 11)
    )
    for episode in each_episode(batch):
        assert_is_an_episode(episode, **SIZES, classes=(5, 2, 11))


def test_a_single_episode_is_a_list_of_one():
    episode = sample_episode(IMAGES, LABELS, **SIZES, generator=seeded())
    assert each_episode(episode) == [episode]


def test_a_class_named_twice_counts_once():
    with pytest.raises(ValueError, match=r"n_way=3 needs 3 classes, but there are 2: \[5, 7\]"):
        sample_episode(IMAGES, LABELS, **SIZES, generator=seeded(), classes=(5, 7, 5))


@pytest.mark.parametrize(
    ("shape", "wanted"),
    [((60, 4, 4), (6, 1, 4, 4)), ((60, 4, 5, 3), (6, 3, 4, 5)), ((60, 4, 4, 4), (6, 1, 4, 4, 4))],
    ids=["grey", "colour", "volume"],
)
def test_bytes_come_out_scaled_and_channels_first(shape, wanted):
    images = torch.arange(60, dtype=torch.uint8).reshape(-1, *[1] * (len(shape) - 1)).expand(shape)
    episode = sample_episode(images, LABELS, **SIZES, generator=seeded())
    assert episode.support_x.shape == wanted
    assert episode.support_x.dtype == torch.float32
    ids = ((episode.support_x.flatten(1)[:, 0] + 1) * 127.5).round().long()
    numbers = sample_episode(IMAGES, LABELS, **SIZES, generator=seeded())
    assert ids.tolist() == numbers.support_x.flatten().long().tolist()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.int64])
def test_other_dtypes_are_passed_on_unchanged(dtype):
    images = IMAGES.to(dtype)
    episode = sample_episode(images, LABELS, **SIZES, generator=seeded())
    assert episode.query_x.dtype == dtype
    known = sample_episode(IMAGES, LABELS, **SIZES, generator=seeded())
    assert torch.equal(episode.query_x, known.query_x.to(dtype))


def test_editing_an_episode_leaves_the_images_alone():
    images = IMAGES.clone()
    sample_episode(images, LABELS, **SIZES, generator=seeded()).support_x.zero_()
    assert torch.equal(images, IMAGES)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"n_way": 7}, r"n_way=7 needs 7 classes, but there are 6: \[2, 3, 5, 7, 11, 13\]; lower"),
        ({"n_way": 0}, "n_way must be at least 1, got 0"),
        ({"k_shot": 0}, "k_shot must be at least 1, got 0"),
        ({"n_query": -1}, "n_query must be at least 1, got -1"),
        ({"k_shot": 7}, "class 2 has 10 images, but k_shot=7 and n_query=4 need 11; lower"),
        ({"classes": (3, 5, 99)}, "class 99 has 0 images, but k_shot=2 and n_query=4 need 6"),
        ({"classes": (3, 5)}, r"n_way=3 needs 3 classes, but there are 2: \[3, 5\]"),
        ({"labels": LABELS[:-1]}, r"60 images but labels of shape \(59,\)"),
        ({"labels": LABELS[:, None]}, r"60 images but labels of shape \(60, 1\)"),
    ],
    ids=[
        "too few classes",
        "no way",
        "no shot",
        "negative query",
        "too few images",
        "class without images",
        "too few classes given",
        "one label short",
        "labels in a column",
    ],
)
@pytest.mark.parametrize("sampler", [sample_episode, sample_episodes, EpisodeSampler])
def test_impossible_requests_name_the_class_and_the_counts(sampler, changed, message):
    arguments = {"images": IMAGES, "labels": LABELS, **SIZES, "generator": seeded()} | changed
    if sampler is sample_episodes:
        arguments["n_episodes"] = 2
    if sampler is EpisodeSampler:
        del arguments["generator"]
    with pytest.raises(ValueError, match=message):
        sampler(**arguments)


def test_exactly_enough_images_are_enough():
    sizes = {"n_way": 2, "k_shot": 4, "n_query": 6}
    assert_is_an_episode(sample_episode(IMAGES, LABELS, **sizes, generator=seeded()), **sizes)


def test_a_batch_of_no_episodes_is_refused():
    with pytest.raises(ValueError, match="n_episodes must be at least 1, got 0"):
        sample_episodes(IMAGES, LABELS, n_episodes=0, **SIZES, generator=seeded())
    with pytest.raises(ValueError, match="n_episodes must be at least 1, got -1"):
        EpisodeSampler(IMAGES, LABELS, **SIZES).episodes(-1, seeded())


def assert_splits_classes(function):
    """Judge splits of 6 classes into 3, 1 and 2: disjoint, complete, sorted, uniform."""
    generator, before = seeded(7), torch.get_rng_state()
    counts = {"n_train": 3, "n_val": 1, "n_test": 2}
    splits = [function(LABELS, **counts, generator=generator) for _ in range(600)]
    assert torch.equal(torch.get_rng_state(), before)
    first = seeded(7)
    assert splits[:9] == [function(LABELS, **counts, generator=first) for _ in range(9)]
    for split in splits:
        assert [len(part) for part in split] == [3, 1, 2]
        assert sorted(c for part in split for c in part) == sorted(CLASSES)
        assert all(part == tuple(sorted(part)) for part in split)
        assert all(type(c) is int for part in split for c in part)
    for part in ("train", "val", "test"):
        drawn = [c for split in splits for c in getattr(split, part)]
        assert uniform([drawn.count(c) for c in CLASSES])
    smaller = function(LABELS, n_train=2, n_val=0, n_test=2, generator=seeded())
    assert [len(part) for part in smaller] == [2, 0, 2]
    assert len(set(smaller.train + smaller.test)) == 4


def split_variant(cut, *, seed=lambda g: g):
    def function(labels, *, n_train, n_val, n_test, generator):
        g = seed(generator)
        present = torch.unique(labels)
        shuffled = present[torch.randperm(len(present), generator=g)].tolist()
        return ClassSplit(*map(tuple, cut(shuffled, present.tolist(), n_train, n_val, n_test)))

    return function


def cut_right(s, p, a, b, c):
    return sorted(s[:a]), sorted(s[a : a + b]), sorted(s[a + b : a + b + c])


WRONG_SPLITS = {
    "in label order": split_variant(lambda s, p, a, b, c: cut_right(p, p, a, b, c)),
    "val taken out of train": split_variant(
        lambda s, p, a, b, c: (sorted(s[:a]), sorted(s[:b]), sorted(s[a + b : a + b + c]))
    ),
    "test overlaps val": split_variant(
        lambda s, p, a, b, c: (sorted(s[:a]), sorted(s[a : a + b]), sorted(s[a : a + c]))
    ),
    "everything that is left is test": split_variant(
        lambda s, p, a, b, c: (sorted(s[:a]), sorted(s[a : a + b]), sorted(s[a + b :]))
    ),
    "not sorted": split_variant(lambda s, p, a, b, c: (s[:a], s[a : a + b], s[a + b : a + b + c])),
    "positions for labels": split_variant(
        lambda s, p, a, b, c: cut_right([p.index(x) for x in s], p, a, b, c)
    ),
    "global generator": split_variant(cut_right, seed=lambda g: torch.default_generator),
    "train and val swapped": split_variant(
        lambda s, p, a, b, c: (cut_right(s, p, b, a, c)[i] for i in range(3))
    ),
}


def test_class_splits_are_disjoint_complete_sorted_and_uniform():
    assert_splits_classes(split_classes)


def test_the_plain_split_behind_the_wrong_ones_is_right_itself():
    assert_splits_classes(split_variant(cut_right))


@pytest.mark.parametrize("wrong", WRONG_SPLITS.values(), ids=WRONG_SPLITS.keys())
def test_the_judge_rejects_wrong_splits(wrong):
    with pytest.raises(AssertionError):
        assert_splits_classes(wrong)


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ((4, 1, 2), r"asked for 4 \+ 1 \+ 2 = 7 classes, but the labels hold 6; ask for fewer"),
        ((-1, 1, 1), "n_train must be 0 or more, got -1"),
        ((1, -2, 1), "n_val must be 0 or more, got -2"),
        ((1, 1, -3), "n_test must be 0 or more, got -3"),
    ],
)
def test_impossible_splits_name_the_numbers(counts, message):
    n_train, n_val, n_test = counts
    with pytest.raises(ValueError, match=message):
        split_classes(LABELS, n_train=n_train, n_val=n_val, n_test=n_test, generator=seeded())


# One finding against its absence. Finding 1 is in 20 images of 60; the others come with it and
# without it, and 16 images show nothing at all.

FINDINGS = torch.stack([torch.arange(60) % n < k for n, k in ((4, 2), (3, 1), (5, 1))], dim=1)
PER_SLOT = {"k_shot": 3, "n_query": 4}
ONE_FINDING = {"label": 1, **PER_SLOT}


def assert_is_one_finding(episode, findings, *, label, k_shot, n_query):
    """Follow every image back to its findings; return the images of slot 0 and of slot 1."""
    parts = ((episode.support_x, episode.support_y), (episode.query_x, episode.query_y))
    members = ([], [])
    for (x, y), n_each in zip(parts, (k_shot, n_query), strict=True):
        assert x.shape == (2 * n_each, 1, 1, 1)
        assert y.dtype == torch.int64
        assert sorted(y.tolist()) == [0] * n_each + [1] * n_each
        for i, slot in zip(x.flatten().long().tolist(), y.tolist(), strict=True):
            assert int(findings[i, label]) == slot, "a slot holds the other kind"
            members[slot].append(i)
    everyone = members[0] + members[1]
    assert len(set(everyone)) == len(everyone), "an image appears twice"
    return members


def assert_samples_findings(function):
    """Judge by 400 episodes of one finding: each sound, all images alike, and reproducible."""
    findings = FINDINGS.long()
    generator, before = seeded(5), torch.get_rng_state()
    drawn = [function(IMAGES, findings, **ONE_FINDING, generator=generator) for _ in range(400)]
    assert torch.equal(torch.get_rng_state(), before), "the global generator moved"
    repeated = seeded(5)
    for episode in drawn[:5]:
        again = function(IMAGES, findings, **ONE_FINDING, generator=repeated)
        assert all(torch.equal(a, b) for a, b in zip(episode, again, strict=True))
    assert len({tuple(e.support_x.flatten().tolist()) for e in drawn}) == len(drawn)

    for episode in drawn:
        assert_is_one_finding(episode, findings, **ONE_FINDING)
    for part in ("support", "query"):
        x = torch.cat([getattr(e, f"{part}_x").flatten() for e in drawn]).long()
        y = torch.cat([getattr(e, f"{part}_y") for e in drawn])
        for slot in (0, 1):
            counts = torch.bincount(x[y == slot], minlength=60)[FINDINGS[:, 1] == slot]
            assert uniform(counts.numpy()), "some images are preferred, or some left out"
    for label in (0, 2):
        other = function(IMAGES, findings, label=label, **PER_SLOT, generator=seeded())
        assert_is_one_finding(other, findings, label=label, **PER_SLOT)


def finding_variant(
    *,
    positives=lambda y, label: y[:, label] == 1,
    negatives=lambda y, label: y[:, label] == 0,
    order=lambda n, g: torch.randperm(n, generator=g),
    query_of=lambda members, k, n: members[k : k + n],
    slots=lambda g: torch.arange(2),
    seed=lambda g: g,
):
    """Return a sampler of plain steps, right by default; each keyword makes one step wrong."""

    def function(images, labels, *, label, k_shot, n_query, generator):
        g = seed(generator)
        support, query = [], []
        for mask in (negatives(labels, label), positives(labels, label)):
            pool = torch.nonzero(mask).flatten()
            members = pool[order(len(pool), g)]
            support.append(members[:k_shot])
            query.append(query_of(members, k_shot, n_query))
        named = slots(g)
        return Episode(
            images[torch.cat(support)],
            named.repeat_interleave(k_shot),
            images[torch.cat(query)],
            named.repeat_interleave(n_query),
        )

    return function


WRONG_FINDINGS = {
    "negatives are everybody": finding_variant(negatives=lambda y, label: y[:, label] >= 0),
    "negatives are only those without any finding": finding_variant(
        negatives=lambda y, label: y.sum(1) == 0
    ),
    "negatives have some other finding": finding_variant(
        negatives=lambda y, label: (y[:, label] == 0) & (y.sum(1) > 0)
    ),
    "positives have this finding alone": finding_variant(
        positives=lambda y, label: (y[:, label] == 1) & (y.sum(1) == 1)
    ),
    "positives have any finding": finding_variant(positives=lambda y, label: y.sum(1) > 0),
    "always the first finding": finding_variant(
        positives=lambda y, label: y[:, 0] == 1, negatives=lambda y, label: y[:, 0] == 0
    ),
    "first finding found counts": finding_variant(
        positives=lambda y, label: y.argmax(1) == label,
        negatives=lambda y, label: y.argmax(1) != label,
    ),
    "slots swapped": finding_variant(slots=lambda g: torch.tensor([1, 0])),
    "slots in random order": finding_variant(slots=lambda g: torch.randperm(2, generator=g)),
    "query is drawn from support": finding_variant(query_of=lambda m, k, n: m[:n]),
    "always the first images": finding_variant(order=lambda n, g: torch.arange(n)),
    "drawn with replacement": finding_variant(
        order=lambda n, g: torch.randint(n, (n,), generator=g)
    ),
    "the last image is never drawn": finding_variant(
        order=lambda n, g: torch.randperm(n - 1, generator=g)
    ),
    "one query image too few": finding_variant(query_of=lambda m, k, n: m[k : k + n - 1]),
    "the global generator": finding_variant(seed=lambda g: torch.default_generator),
    "a fixed seed inside": finding_variant(seed=lambda g: seeded(3)),
}


def test_400_episodes_of_one_finding_are_sound_uniform_and_reproducible():
    assert_samples_findings(multilabel_episode)


def test_the_plain_steps_behind_the_wrong_findings_are_right_themselves():
    assert_samples_findings(finding_variant())


@pytest.mark.parametrize("wrong", WRONG_FINDINGS.values(), ids=WRONG_FINDINGS.keys())
def test_the_judge_rejects_wrong_findings(wrong):
    with pytest.raises(AssertionError):
        assert_samples_findings(wrong)


def test_other_findings_are_present_in_both_slots():
    generator, others = seeded(), torch.zeros(2, 2)
    for _ in range(30):
        episode = multilabel_episode(IMAGES, FINDINGS, **ONE_FINDING, generator=generator)
        for slot, members in enumerate(assert_is_one_finding(episode, FINDINGS, **ONE_FINDING)):
            others[slot] += FINDINGS[members][:, [0, 2]].sum(0)
    assert (others > 0).all()


@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8, torch.int64, torch.float32])
def test_findings_may_come_in_any_dtype(dtype):
    known = multilabel_episode(IMAGES, FINDINGS, **ONE_FINDING, generator=seeded())
    episode = multilabel_episode(IMAGES, FINDINGS.to(dtype), **ONE_FINDING, generator=seeded())
    assert all(torch.equal(a, b) for a, b in zip(episode, known, strict=True))


def test_bytes_of_a_finding_come_out_scaled_and_channels_first():
    images = torch.arange(60, dtype=torch.uint8).reshape(-1, 1, 1).expand(60, 4, 5)
    episode = multilabel_episode(images, FINDINGS, **ONE_FINDING, generator=seeded())
    assert episode.query_x.shape == (8, 1, 4, 5)
    assert episode.query_x.dtype == torch.float32
    ids = ((episode.query_x[:, 0, 0, 0] + 1) * 127.5).round().long()
    assert torch.equal(FINDINGS[ids, 1].long(), episode.query_y)


def test_exactly_enough_positives_and_negatives_are_enough():
    half, sizes = (torch.arange(20) % 2)[:, None], {"label": 0, "k_shot": 4, "n_query": 6}
    episode = multilabel_episode(IMAGES[:20], half, **sizes, generator=seeded())
    negatives, positives = assert_is_one_finding(episode, half, **sizes)
    assert sorted(negatives) == list(range(0, 20, 2))
    assert sorted(positives) == list(range(1, 20, 2))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"label": 3}, r"label must be in 0\.\.2, got 3"),
        ({"label": -1}, r"label must be in 0\.\.2, got -1"),
        ({"labels": LABELS}, r"60 images but labels of shape \(60,\); \[n_images, n_labels\] is"),
        ({"labels": FINDINGS[:59]}, r"60 images but labels of shape \(59, 3\)"),
        ({"labels": FINDINGS[None]}, r"60 images but labels of shape \(1, 60, 3\)"),
        ({"labels": FINDINGS * 2}, "labels must be 0 or 1 in every column, got 2"),
        ({"labels": FINDINGS * 0.5}, "labels must be 0 or 1 in every column, got 0.5"),
        ({"labels": FINDINGS * torch.nan}, "labels must be 0 or 1 in every column, got nan"),
        (
            {"k_shot": 17},
            r"slot 1 \(label 1 is 1\) has 20 images, but k_shot=17 and n_query=4 need",
        ),
        (
            {"labels": ~FINDINGS, "n_query": 18},
            r"slot 0 \(label 1 is 0\) has 20 images, but k_shot=3 and n_query=18 need 21; lower",
        ),
        ({"labels": FINDINGS & False}, r"slot 1 \(label 1 is 1\) has 0 images, but k_shot=3"),
        ({"k_shot": 0}, "k_shot must be at least 1, got 0"),
        ({"n_query": -2}, "n_query must be at least 1, got -2"),
    ],
    ids=[
        "label past the end",
        "negative label",
        "one label per image",
        "one row short",
        "three axes",
        "a two",
        "soft labels",
        "nan",
        "too few positives",
        "too few negatives",
        "no positives",
        "no shot",
        "negative query",
    ],
)
def test_impossible_findings_name_the_slot_and_the_counts(changed, message):
    arguments = {"images": IMAGES, "labels": FINDINGS, **ONE_FINDING, "generator": seeded()}
    with pytest.raises(ValueError, match=message):
        multilabel_episode(**(arguments | changed))
