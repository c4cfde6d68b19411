"""Replay: counting over thousands of streams, and steps done by hand on a softmax regression."""

import itertools
import math
from collections import Counter

import pytest
import torch
import torch.nn.functional as F
from scipy.stats import chi2
from torch import nn
from torch.func import functional_call, grad

from medmeta_ref.pixels import as_float
from medmeta_ref.replay import (
    BalancedBuffer,
    ReservoirBuffer,
    meta_experience_replay_update,
    replay_loss,
)

BUFFERS = [ReservoirBuffer, BalancedBuffer]


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def numbered(labels, *, size=2):
    """Return images that say which item of the stream they are, and their labels."""
    labels = torch.as_tensor(labels)
    return torch.arange(len(labels), dtype=torch.float32)[:, None].expand(-1, size), labels


def stored(buffer):
    return [int(image[0]) for image in buffer.items()[0]]


# Which items are kept. A small buffer: a larger one would hide that a probability is off by one.

CAPACITY, N_ITEMS, N_RUNS = 2, 6, 4000
CUTS = [0, 2, 3, 6]  # the stream comes in batches of 2, 1 and 3
FALSE_ALARM = 1e-3


def subsets(kind):
    """Return how often which items were stored at the end of a short stream."""
    generator, found = seeded(3), Counter()
    images, labels = numbered([0] * N_ITEMS)
    for _ in range(N_RUNS):
        buffer = kind(CAPACITY, generator=generator)
        for start, end in itertools.pairwise(CUTS):
            buffer.add(images[start:end], labels[start:end])
            assert len(buffer) == min(end, CAPACITY)
        found[tuple(sorted(stored(buffer)))] += 1
    return found


def assert_every_item_is_as_likely(found):
    """Inclusion has probability capacity / n for every item.

    The inclusions of one run sum to the capacity, so their z are correlated: (n - 1) / n of the sum
    of squares is chi-square with n - 1 degrees of freedom, the plain sum is not.
    """
    p = CAPACITY / N_ITEMS
    counts = [sum(c for items, c in found.items() if i in items) for i in range(N_ITEMS)]
    z = [(c - N_RUNS * p) / math.sqrt(N_RUNS * p * (1 - p)) for c in counts]
    statistic = (N_ITEMS - 1) / N_ITEMS * math.fsum(x * x for x in z)
    assert statistic < chi2.ppf(1 - FALSE_ALARM, N_ITEMS - 1), counts
    assert max(map(abs, z)) < 4


def assert_every_subset_is_as_likely(found):
    pairs = list(itertools.combinations(range(N_ITEMS), CAPACITY))
    assert set(found) <= set(pairs)
    wanted = N_RUNS / len(pairs)
    statistic = math.fsum((found[pair] - wanted) ** 2 / wanted for pair in pairs)
    assert statistic < chi2.ppf(1 - FALSE_ALARM, len(pairs) - 1), found


class Plain:
    """A buffer in plain Python; `slot` says which item number `seen` replaces."""

    def __init__(self, capacity, *, generator):
        self.capacity, self.generator = capacity, generator
        self.kept, self.seen = [], 0

    def __len__(self):
        return len(self.kept)

    def draw(self, n):
        return int(torch.randint(n, (1,), generator=self.generator))

    def add(self, images, labels):
        for image in images:
            self.seen += 1
            if len(self) < self.capacity:
                self.kept.append(image.clone())
                continue
            slot = self.slot()
            if slot is not None and slot < self.capacity:
                self.kept[slot] = image.clone()

    def slot(self):
        return self.draw(self.seen)

    def items(self):
        return torch.stack(self.kept), torch.zeros(len(self.kept))


def plain(slot, add=None):
    return type("Wrong", (Plain,), {"slot": slot} | ({"add": add} if add else {}))


def add_counting_batches(self, images, labels):
    self.seen += 1
    for image in images:
        if len(self) < self.capacity:
            self.kept.append(image)
        elif (slot := self.draw(max(self.seen, self.capacity))) < self.capacity:
            self.kept[slot] = image


def add_first_of_batch(self, images, labels):
    Plain.add(self, images[: max(1, self.capacity - self.seen)], labels)


class Neighbours(Plain):
    """Keeps a random run of neighbours: every item as likely, most subsets impossible."""

    def add(self, images, labels):
        self.kept.extend(images)
        self.seen += len(images)
        if self.seen == N_ITEMS:
            first = self.draw(N_ITEMS)
            self.kept = [self.kept[(first + k) % N_ITEMS] for k in range(self.capacity)]

    def __len__(self):
        return min(len(self.kept), self.capacity)


WRONG_RESERVOIRS = {
    "off by one, too few kept (MER's own code)": plain(lambda self: self.draw(self.seen + 1)),
    "off by one, too many kept": plain(lambda self: self.draw(self.seen - 1)),
    "first in, first out": plain(lambda self: (self.seen - 1) % self.capacity),
    "always replaces": plain(lambda self: self.draw(self.capacity)),
    "the first ones stay": plain(lambda self: None),
    "tosses a coin": plain(lambda self: self.draw(2 * self.capacity)),
    "kept with probability 1 / i": plain(
        lambda self: self.draw(self.capacity) if self.draw(self.seen) == 0 else None
    ),
    "right probability, always the same slot": plain(
        lambda self: 0 if self.draw(self.seen) < self.capacity else None
    ),
    "counts batches, not items": plain(None, add_counting_batches),
    "looks at the first of a batch only": plain(Plain.slot, add_first_of_batch),
}


def judge_reservoir(kind):
    found = subsets(kind)
    assert_every_item_is_as_likely(found)
    assert_every_subset_is_as_likely(found)


def test_every_item_and_every_subset_is_as_likely_to_be_stored():
    judge_reservoir(ReservoirBuffer)


def test_the_plain_buffer_behind_the_wrong_ones_is_right_itself():
    judge_reservoir(Plain)


@pytest.mark.parametrize("wrong", WRONG_RESERVOIRS.values(), ids=WRONG_RESERVOIRS.keys())
def test_counting_tells_wrong_reservoirs(wrong):
    found = subsets(wrong)
    with pytest.raises(AssertionError):
        assert_every_item_is_as_likely(found)


def test_a_run_of_neighbours_is_told_by_its_subsets_alone():
    found = subsets(Neighbours)
    assert_every_item_is_as_likely(found)
    with pytest.raises(AssertionError):
        assert_every_subset_is_as_likely(found)


def test_a_long_stream_is_as_likely_to_be_stored_at_both_ends():
    """50 items, 10 places: 49 degrees of freedom."""
    generator, counts, n_runs = seeded(1), torch.zeros(50), 600
    images, labels = numbered([0] * 50)
    for _ in range(n_runs):
        buffer = ReservoirBuffer(10, generator=generator)
        buffer.add(images, labels)
        counts[stored(buffer)] += 1
    z = (counts - n_runs * 0.2) / math.sqrt(n_runs * 0.2 * 0.8)
    assert 49 / 50 * z.square().sum().item() < chi2.ppf(1 - FALSE_ALARM, 49)


def test_item_three_of_a_hundred_survives_in_ten_places_in_a_tenth_of_the_runs():
    generator, images, labels = seeded(2), *numbered([0] * 100)
    survived, n_runs = 0, 400
    for _ in range(n_runs):
        buffer = ReservoirBuffer(10, generator=generator)
        buffer.add(images, labels)
        survived += 2 in stored(buffer)
    assert abs(survived - 0.1 * n_runs) < 4 * math.sqrt(n_runs * 0.1 * 0.9)


# Both buffers


@pytest.mark.parametrize("kind", BUFFERS)
def test_size_grows_to_the_capacity_and_stays(kind):
    buffer = kind(7, generator=seeded())
    for n in range(1, 40):
        buffer.add(*numbered([n % 3]))
        assert len(buffer) == min(n, 7) == len(buffer.items()[1])
        assert buffer.n_seen == n


@pytest.mark.parametrize("kind", BUFFERS)
def test_a_short_stream_is_stored_as_it_is(kind):
    images, labels = numbered([2, 0, 1, 1])
    buffer = kind(4, generator=seeded())
    buffer.add(images, labels)
    torch.testing.assert_close(buffer.items(), (images, labels))


@pytest.mark.parametrize("kind", BUFFERS)
def test_images_keep_their_labels(kind):
    labels = torch.randint(5, (200,), generator=seeded(4))
    images = torch.stack([torch.arange(200), labels], 1)
    buffer = kind(20, generator=seeded())
    buffer.add(images, labels)
    for kept, its_labels in (buffer.items(), buffer.sample(15)):
        assert kept[:, 1].tolist() == its_labels.tolist()
        assert len(set(kept[:, 0].tolist())) == len(kept)


@pytest.mark.parametrize("kind", BUFFERS)
def test_the_same_seed_gives_the_same_whatever_the_batches(kind):
    images, labels = numbered(torch.arange(60) % 7 % 3)
    found = []
    for sizes in ([60], [1] * 60, [13, 0, 40, 7], [60]):
        buffer = kind(8, generator=seeded(5))
        for x, y in zip(images.split(sizes), labels.split(sizes), strict=True):
            buffer.add(x, y)
        found.append((stored(buffer), buffer.sample(5)[0].tolist()))
    assert all(other == found[0] for other in found)
    another = kind(8, generator=seeded(6))
    another.add(images, labels)
    assert stored(another) != found[0][0]


@pytest.mark.parametrize("kind", BUFFERS)
def test_the_global_generator_stays_where_it_is(kind):
    state = torch.get_rng_state()
    buffer = kind(3, generator=seeded())
    buffer.add(*numbered(torch.arange(50) % 2))
    buffer.sample(2)
    assert torch.equal(torch.get_rng_state(), state)


def assert_nothing_is_shared(kind):
    images, labels = numbered([0, 1, 0, 1])
    images, wanted = images.clone(), (images.clone(), labels.clone())
    buffer = kind(4, generator=seeded())
    buffer.add(images, labels)
    given = buffer.items()
    for tensors in ((images, labels), given, buffer.sample(4)):
        for tensor in tensors:
            tensor.fill_(9)
        torch.testing.assert_close(buffer.items(), wanted)


class SharesBatch(ReservoirBuffer):
    def add(self, images, labels):
        self._images, self._labels = list(images), labels.tolist()


class SharesItems(ReservoirBuffer):
    def items(self):
        self.stack = getattr(self, "stack", None) or super().items()
        return self.stack


class ViewsBatch(ReservoirBuffer):
    def add(self, images, labels):
        super().add(images, labels)
        self.all = images

    def items(self):
        return self.all[: len(self)], super().items()[1]


class SharesLabels(ReservoirBuffer):
    def add(self, images, labels):
        super().add(images, labels)
        self.all = labels

    def items(self):
        return super().items()[0], self.all


class SharesSample(ReservoirBuffer):
    def sample(self, n):
        whole = self.items()
        self.items = lambda: whole
        return whole


@pytest.mark.parametrize("kind", BUFFERS)
def test_what_is_stored_is_shared_with_nobody(kind):
    assert_nothing_is_shared(kind)


@pytest.mark.parametrize(
    "wrong", [SharesBatch, SharesItems, ViewsBatch, SharesLabels, SharesSample]
)
def test_shared_memory_is_told(wrong):
    with pytest.raises(AssertionError):
        assert_nothing_is_shared(wrong)


def test_a_stored_image_does_not_keep_its_batch_alive():
    batch = torch.zeros(1000, 8, requires_grad=True)
    buffer = ReservoirBuffer(1, generator=seeded())
    buffer.add(batch, torch.zeros(1000, dtype=torch.int64))
    [image] = buffer._images
    assert image.untyped_storage().nbytes() == 8 * 4
    assert not image.requires_grad


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32, torch.float64, torch.int16])
@pytest.mark.parametrize("label_dtype", [torch.uint8, torch.int32, torch.int64])
def test_images_keep_their_dtype_and_labels_become_int64(dtype, label_dtype):
    buffer = ReservoirBuffer(3, generator=seeded())
    buffer.add(torch.full((5, 4, 4, 3), 200).to(dtype), torch.full((5,), 7, dtype=label_dtype))
    images, labels = buffer.sample(2)
    assert (images.dtype, images.shape) == (dtype, (2, 4, 4, 3))
    assert labels.dtype == torch.int64
    assert labels.tolist() == [7, 7]
    assert images.flatten().tolist() == [200] * 96


def test_a_sample_has_no_item_twice_and_every_order_is_as_likely():
    buffer = ReservoirBuffer(3, generator=seeded(7))
    buffer.add(*numbered([0, 0, 0]))
    found = Counter(tuple(int(x[0]) for x in buffer.sample(2)[0]) for _ in range(1200))
    assert set(found) == set(itertools.permutations(range(3), 2))
    statistic = math.fsum((c - 200) ** 2 / 200 for c in found.values())
    assert statistic < chi2.ppf(1 - FALSE_ALARM, 5)
    assert sorted(stored(buffer)) == [0, 1, 2]


@pytest.mark.parametrize("kind", BUFFERS)
def test_nothing_can_be_drawn_from_an_empty_buffer_but_nothing(kind):
    buffer = kind(3, generator=seeded())
    buffer.add(torch.empty(0, 4, 4), torch.empty(0, dtype=torch.int64))
    for images, labels in (buffer.items(), buffer.sample(0)):
        assert (len(images), labels.shape, labels.dtype) == (0, (0,), torch.int64)


# Balance


def rare_class_stream(seed=0):
    """Return labels, 95 % of them 0, in random order."""
    return (torch.arange(800) % 20 == 0).long()[torch.randperm(800, generator=seeded(seed))]


def assert_balances(kind):
    for labels in (rare_class_stream(), rare_class_stream().sort().values, 1 - rare_class_stream()):
        buffer = kind(40, generator=seeded())
        buffer.add(*numbered(labels))
        assert buffer.items()[1].bincount(minlength=2).tolist() == [20, 20]
    # a new class takes from the largest, and from nobody else
    for seed in range(10):
        buffer = kind(6, generator=seeded(seed))
        buffer.add(*numbered([0, 0, 0, 0, 1, 1, 2]))
        assert buffer.items()[1].bincount().tolist() == [3, 2, 1]
        buffer.add(*numbered([2]))
        assert buffer.items()[1].bincount().tolist() == [2, 2, 2]
    # fewer of a class than its share: all of them stay, the others have the rest
    buffer = kind(40, generator=seeded())
    images, labels = numbered([0] * 300 + [1] * 300 + [2] * 5 + [0] * 300)
    order = torch.randperm(len(labels), generator=seeded(1))
    buffer.add(images[order], labels[order])
    kept = buffer.items()[1].bincount(minlength=3).tolist()
    assert kept[2] == 5
    assert sorted(kept[:2]) == [17, 18]
    # every item of a class is about as likely as any other: early and late halves of the stream
    early, n_runs = 0, 100
    for seed in range(n_runs):
        buffer = kind(10, generator=seeded(seed))
        buffer.add(*numbered([0, 0, 0, 1] * 25))
        assert buffer.items()[1].bincount().tolist() == [5, 5]
        early += sum(i < 50 for i in stored(buffer))
    # 10 places per run; drawing without replacement only makes the spread smaller
    assert abs(early - 5 * n_runs) < 4 * math.sqrt(10 * n_runs) / 2


class PlainBalanced(BalancedBuffer):
    """The same decisions, to be changed one at a time."""

    def slots(self, label):
        return [slot for slot, c in enumerate(self._labels) if c == label]

    def largest(self):
        counts = Counter(self._labels)
        return [c for c in counts if counts[c] == max(counts.values())]

    def one_of(self, slots):
        return slots[self._below(len(slots))]

    def _slot(self, label):
        self._full.update(self.largest())
        return self.own(label) if label in self._full else self.largest_one(label)

    def own(self, label):
        slots, drawn = self.slots(label), self._below(self._n_seen_of[label])
        return slots[drawn] if drawn < len(slots) else None

    def largest_one(self, label):
        return self.one_of([s for c in self.largest() for s in self.slots(c)])


def balanced(**methods):
    return type("Wrong", (PlainBalanced,), methods)


WRONG_BALANCED = {
    "plain reservoir": ReservoirBuffer,
    "rare class replaces anything": balanced(
        largest_one=lambda self, label: self._below(len(self))
    ),
    "rare class replaces its own": balanced(
        largest_one=lambda self, label: self.own(label) if self.slots(label) else 0
    ),
    "full class replaces anything": balanced(own=lambda self, label: self._below(len(self))),
    "full class always enters": balanced(own=lambda self, label: self.one_of(self.slots(label))),
    "full class never enters": balanced(own=lambda self, label: None),
    "full class replaces its oldest": balanced(own=lambda self, label: self.slots(label)[0]),
    "share of the stream, not of the class": balanced(
        own=lambda self, label: (
            self.one_of(self.slots(label)) if self._below(self.n_seen) < 1 else None
        )
    ),
    "replaces the smallest class": balanced(
        largest_one=lambda self, label: self.slots(min(self._labels, key=self._labels.count))[0]
    ),
}


def test_a_rare_class_gets_its_share():
    assert_balances(BalancedBuffer)


def test_the_plain_balance_behind_the_wrong_ones_is_right_itself():
    assert_balances(PlainBalanced)


@pytest.mark.parametrize("wrong", WRONG_BALANCED.values(), ids=WRONG_BALANCED.keys())
def test_imbalance_is_told(wrong):
    with pytest.raises(AssertionError):
        assert_balances(wrong)


def test_the_reservoir_leaves_a_rare_class_rare():
    labels, rare = rare_class_stream(), 0
    for seed in range(20):
        buffer = ReservoirBuffer(40, generator=seeded(seed))
        buffer.add(*numbered(labels))
        rare += buffer.items()[1].sum().item()
    assert abs(rare - 40) < 4 * math.sqrt(800 * 0.05 * 0.95)


def test_with_one_class_the_balanced_buffer_is_a_reservoir():
    judge_reservoir(BalancedBuffer)


def test_a_class_once_full_stays_full():
    """It has been the largest, so its items go on replacing each other when it no longer is."""
    buffer = BalancedBuffer(6, generator=seeded())
    buffer.add(*numbered([0] * 6 + [1] * 3 + [2]))
    before = buffer.items()[1].bincount().tolist()
    assert sorted(before) == [1, 2, 3]
    assert before[2] == 1
    small = 0 if before[0] < before[1] else 1  # was a largest class, and is not any more
    buffer.add(*numbered([small] * 50))
    assert buffer.items()[1].bincount().tolist() == before


def test_of_several_largest_classes_every_item_is_as_likely_to_go():
    gone, generator = Counter(), seeded(9)
    for _ in range(400):
        buffer = BalancedBuffer(4, generator=generator)
        buffer.add(*numbered([0, 0, 1, 1, 2]))
        gone.update({0, 1, 2, 3} - set(stored(buffer)))
    statistic = math.fsum((gone[i] - 100) ** 2 / 100 for i in range(4))
    assert statistic < chi2.ppf(1 - FALSE_ALARM, 3)


def test_fewer_places_than_classes_never_exceed_the_capacity():
    buffer = BalancedBuffer(2, generator=seeded())
    buffer.add(*numbered(torch.arange(100) % 5))
    assert len(buffer) == 2
    assert len(set(buffer.items()[1].tolist())) == 2


# Learning. A softmax regression: its loss and its gradient are a few lines of plain Python.

N_CLASSES, N_FEATURES = 3, 2
MODEL = nn.Linear(N_FEATURES, N_CLASSES)


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=seeded(seed), dtype=torch.float64)


PARAMS = {"weight": normal(N_CLASSES, N_FEATURES, seed=1), "bias": normal(N_CLASSES, seed=2)}
NEW = (normal(2, N_FEATURES, seed=3), torch.tensor([2, 0]))
OLD = (normal(5, N_FEATURES, seed=4), torch.tensor([1, 0, 1, 2, 1]))
NONE = (torch.empty(0), torch.empty(0, dtype=torch.int64))


def as_rows(params):
    """Return [w_1, ..., w_n, bias] for every class, as plain lists."""
    return [
        [*w, b] for w, b in zip(params["weight"].tolist(), params["bias"].tolist(), strict=True)
    ]


def loss_and_slope(rows, image, label):
    """Return -log p[label] of one example and its gradient, (p - onehot) x."""
    x = [*image.tolist(), 1.0]
    logits = [math.fsum(w * v for w, v in zip(row, x, strict=True)) for row in rows]
    total = math.fsum(math.exp(z) for z in logits)
    slope = [[(math.exp(z) / total - (c == label)) * v for v in x] for c, z in enumerate(logits)]
    return math.log(total) - logits[label], slope


def mean_loss_and_slope(rows, examples):
    found = [loss_and_slope(rows, x, y) for x, y in pairs(examples)]
    n = len(found)
    value = math.fsum(v for v, _ in found) / n
    slope = [
        [math.fsum(s[c][j] for _, s in found) / n for j in range(N_FEATURES + 1)]
        for c in range(N_CLASSES)
    ]
    return value, slope


def assert_is_replay_loss(function):
    value_new, slope_new = mean_loss_and_slope(as_rows(PARAMS), NEW)
    value_old, slope_old = mean_loss_and_slope(as_rows(PARAMS), OLD)
    for ratio in (0.0, 0.3, 1.0, 2.5):
        value = function(MODEL, PARAMS, NEW, OLD, ratio=ratio)
        assert value.ndim == 0
        assert value.item() == pytest.approx(value_new + ratio * value_old, rel=1e-10)
        found = grad(lambda p: function(MODEL, p, NEW, OLD, ratio=ratio))(PARAMS)  # noqa: B023
        wanted = [
            [a + ratio * b for a, b in zip(*rows, strict=True)]
            for rows in zip(slope_new, slope_old, strict=True)
        ]
        torch.testing.assert_close(torch.tensor(as_rows(found)), torch.tensor(wanted))


def entropy(model, params, examples, **settings):
    return F.cross_entropy(functional_call(model, params, examples[:1]), examples[1], **settings)


def frozen(params):
    return {name: p.detach() for name, p in params.items()}


def pooled(model, params, new, old, *, ratio):
    weights = torch.cat([torch.ones(len(new[1])), torch.full((len(old[1]),), ratio)])
    losses = torch.cat([entropy(model, params, e, reduction="none") for e in (new, old)])
    return (weights * losses).sum() / weights.sum()


WRONG_LOSSES = {
    "mixed, (1 - ratio) of the new": lambda m, p, new, old, *, ratio: (
        (1 - ratio) * entropy(m, p, new) + ratio * entropy(m, p, old)
    ),
    "ratio on the new": lambda m, p, new, old, *, ratio: (
        ratio * entropy(m, p, new) + entropy(m, p, old)
    ),
    "ratio forgotten": lambda m, p, new, old, *, ratio: entropy(m, p, new) + entropy(m, p, old),
    "replayed forgotten": lambda m, p, new, old, *, ratio: entropy(m, p, new),
    "new twice": lambda m, p, new, old, *, ratio: (1 + ratio) * entropy(m, p, new),
    "sums": lambda m, p, new, old, *, ratio: (
        entropy(m, p, new, reduction="sum") + ratio * entropy(m, p, old, reduction="sum")
    ),
    "one weighted mean over all": pooled,
    "weighted by the sizes": lambda m, p, new, old, *, ratio: (
        entropy(m, p, new) + ratio * len(old[1]) / len(new[1]) * entropy(m, p, old)
    ),
    "halved": lambda m, p, new, old, *, ratio: (
        (entropy(m, p, new) + ratio * entropy(m, p, old)) / 2
    ),
    "ratio squared": lambda m, p, new, old, *, ratio: (
        entropy(m, p, new) + ratio**2 * entropy(m, p, old)
    ),
    "no gradient from the replayed": lambda m, p, new, old, *, ratio: (
        entropy(m, p, new) + ratio * entropy(m, p, old).detach()
    ),
    "the model's own parameters": lambda m, p, new, old, *, ratio: (
        entropy(m, p, new)
        + ratio * entropy(m, {n: q.detach().double() for n, q in m.named_parameters()}, old)
    ),
    "probabilities taken for logits": lambda m, p, new, old, *, ratio: sum(
        w * F.cross_entropy(functional_call(m, p, e[:1]).softmax(1), e[1])
        for w, e in ((1, new), (ratio, old))
    ),
}


def test_the_loss_is_the_one_done_by_hand_and_so_is_its_gradient():
    assert_is_replay_loss(replay_loss)


@pytest.mark.parametrize("wrong", WRONG_LOSSES.values(), ids=WRONG_LOSSES.keys())
def test_the_sum_by_hand_tells_wrong_losses(wrong):
    with pytest.raises(AssertionError):
        assert_is_replay_loss(wrong)


def test_before_anything_is_stored_the_loss_is_that_of_the_batch():
    buffer = ReservoirBuffer(5, generator=seeded())
    for replayed in (NONE, buffer.items(), buffer.sample(0)):
        loss = replay_loss(MODEL, PARAMS, NEW, replayed, ratio=1.0)
        torch.testing.assert_close(loss, replay_loss(MODEL, PARAMS, NEW, OLD, ratio=0.0))


def test_the_order_of_examples_does_not_matter_to_the_loss():
    turned = tuple(t.flip(0) for t in OLD)
    torch.testing.assert_close(
        replay_loss(MODEL, PARAMS, NEW, turned, ratio=0.7),
        replay_loss(MODEL, PARAMS, NEW, OLD, ratio=0.7),
    )


def one_after_another(rows, examples, inner_lr):
    for x, y in examples:
        _, slope = loss_and_slope(rows, x, y)
        rows = [
            [w - inner_lr * s for w, s in zip(*pair, strict=True)]
            for pair in zip(rows, slope, strict=True)
        ]
    return rows


def pairs(examples):
    return list(zip(examples[0], examples[1].tolist(), strict=True))


def assert_is_meta_experience_replay(function):
    start = as_rows(PARAMS)
    for replayed, inner_lr, outer_lr in ((OLD, 0.5, 0.3), (OLD, 0.1, 0.8), (NONE, 0.4, 0.5)):
        last = one_after_another(start, pairs(replayed) + pairs(NEW), inner_lr)
        wanted = [
            [w + outer_lr * (v - w) for w, v in zip(*rows, strict=True)]
            for rows in zip(start, last, strict=True)
        ]
        found = function(MODEL, PARAMS, NEW, replayed, inner_lr=inner_lr, outer_lr=outer_lr)
        assert list(found) == list(PARAMS)
        torch.testing.assert_close(torch.tensor(as_rows(found)), torch.tensor(wanted))


def singles(*parts):
    return [(x[i : i + 1], y[i : i + 1]) for x, y in parts for i in range(len(y))]


def mer_variant(
    *,
    steps=lambda new, old: singles(old, new),
    move=lambda p, last, outer_lr: p + outer_lr * (last - p),
    sign=-1,
    at_start=False,
):
    """Return the update from `torch.autograd`, with one thing changed."""

    def function(model, params, new, old, *, inner_lr, outer_lr):
        last = dict(params)
        for examples in steps(new, old):
            where = params if at_start else last
            leaves = {n: p.clone().requires_grad_() for n, p in where.items()}
            slopes = torch.autograd.grad(entropy(model, leaves, examples), list(leaves.values()))
            last = {
                n: p + sign * inner_lr * g for (n, p), g in zip(last.items(), slopes, strict=True)
            }
        return {n: move(p, last[n], outer_lr) for n, p in params.items()}

    return function


def whole(new, old):
    if not len(old[1]):
        return [new]
    return [(torch.cat([old[0], new[0]]), torch.cat([old[1], new[1]]))]


def step_by_step(model, params, new, old, *, inner_lr, outer_lr):
    """Moves by outer_lr after every example, not at the end."""
    for examples in singles(old, new):
        params = mer_variant(steps=lambda *_: [examples])(  # noqa: B023
            model, params, new, old, inner_lr=inner_lr, outer_lr=outer_lr
        )
    return params


def in_place(model, params, new, old, *, inner_lr, outer_lr):
    """Forgets where it started."""
    last = mer_variant()(model, params, new, old, inner_lr=inner_lr, outer_lr=1.0)
    return {n: p + outer_lr * (last[n] - p) for n, p in last.items()}


def swapped(model, params, new, old, *, inner_lr, outer_lr):
    return mer_variant()(model, params, new, old, inner_lr=outer_lr, outer_lr=inner_lr)


WRONG_UPDATES = {
    "new before replayed": mer_variant(steps=lambda new, old: singles(new, old)),
    "one step on all at once": mer_variant(steps=whole),
    "one step per batch": mer_variant(steps=lambda new, old: [e for e in (old, new) if len(e[1])]),
    "new only": mer_variant(steps=lambda new, old: singles(new)),
    "replayed only": mer_variant(steps=lambda new, old: singles(old)),
    "the last example left out": mer_variant(steps=lambda new, old: singles(old, new)[:-1]),
    "all gradients at the start": mer_variant(at_start=True),
    "uphill": mer_variant(sign=1),
    "plain SGD": mer_variant(move=lambda p, last, outer_lr: last),
    "interpolated the wrong way": mer_variant(move=lambda p, last, o: last + o * (p - last)),
    "no difference taken": mer_variant(move=lambda p, last, outer_lr: p + outer_lr * last),
    "away from the last": mer_variant(move=lambda p, last, outer_lr: p - outer_lr * (last - p)),
    "moves after every example": step_by_step,
    "forgets where it started": in_place,
    "learning rates swapped": swapped,
}


def test_the_update_is_the_one_done_by_hand():
    assert_is_meta_experience_replay(meta_experience_replay_update)


def test_the_plain_steps_behind_the_wrong_updates_are_right_themselves():
    assert_is_meta_experience_replay(mer_variant())


@pytest.mark.parametrize("wrong", WRONG_UPDATES.values(), ids=WRONG_UPDATES.keys())
def test_the_steps_by_hand_tell_wrong_updates(wrong):
    with pytest.raises(AssertionError):
        assert_is_meta_experience_replay(wrong)


def update(params=PARAMS, new=NEW, old=OLD, *, inner_lr=0.2, outer_lr=0.5):
    return meta_experience_replay_update(
        MODEL, params, new, old, inner_lr=inner_lr, outer_lr=outer_lr
    )


def test_outer_lr_zero_changes_nothing():
    for name, p in update(outer_lr=0).items():
        assert torch.equal(p, PARAMS[name])


def test_outer_lr_one_gives_the_last_weights():
    layer = nn.Linear(N_FEATURES, N_CLASSES).double()
    layer.load_state_dict(PARAMS)
    optimiser = torch.optim.SGD(layer.parameters(), lr=0.2)
    for x, y in singles(OLD, NEW):
        optimiser.zero_grad()
        F.cross_entropy(layer(x), y).backward()
        optimiser.step()
    torch.testing.assert_close(update(outer_lr=1), dict(layer.state_dict()))


def test_one_step_is_sgd_with_the_product_of_the_learning_rates():
    one = tuple(t[:1] for t in NEW)
    slope = grad(lambda p: entropy(MODEL, p, one))(PARAMS)
    wanted = {n: p - 0.2 * 0.5 * slope[n] for n, p in PARAMS.items()}
    torch.testing.assert_close(update(new=one, old=NONE), wanted)


def test_within_two_small_steps_the_second_gradient_is_bent_by_the_first():
    """Reptile's bridge to meta-learning: g1 + g2 - inner_lr H2 g1, up to inner_lr squared."""
    first, second = (tuple(t[i : i + 1] for t in NEW) for i in (0, 1))
    inner_lr = 1e-4
    found = update(new=NEW, old=NONE, inner_lr=inner_lr, outer_lr=1)
    g1 = grad(lambda p: entropy(MODEL, p, first))(PARAMS)
    slope = grad(lambda p: entropy(MODEL, p, second))
    g2 = slope(PARAMS)
    bent = grad(lambda p: sum((slope(p)[n] * g1[n]).sum() for n in p))(PARAMS)  # H2 g1
    for name, p in PARAMS.items():
        moved = (p - found[name]) / inner_lr
        wanted = g1[name] + g2[name] - inner_lr * bent[name]
        torch.testing.assert_close(moved, wanted, atol=1e-7, rtol=0)
        assert (moved - g1[name] - g2[name]).abs().max() > 1e-6


def test_one_round_of_algorithm_6_of_the_paper():
    """Replayed examples, the new one last, then weights_before + γ (weights_after - before)."""
    one = tuple(t[:1] for t in NEW)
    before = as_rows(PARAMS)
    after = one_after_another(before, pairs(OLD) + pairs(one), 0.2)
    wanted = torch.tensor(before) + 0.5 * (torch.tensor(after) - torch.tensor(before))
    torch.testing.assert_close(torch.tensor(as_rows(update(new=one))), wanted)


def test_parameters_that_ask_for_gradient_are_left_alone():
    asking = {name: p.clone().requires_grad_() for name, p in PARAMS.items()}
    found = update(asking)
    torch.testing.assert_close(found, update())
    assert not any(p.requires_grad for p in found.values())
    assert all(p.grad is None and torch.equal(p, PARAMS[n]) for n, p in asking.items())


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32])
def test_labels_of_any_integer_kind_do(dtype):
    new, old = (NEW[0], NEW[1].to(dtype)), (OLD[0], OLD[1].to(dtype))
    torch.testing.assert_close(update(new=new, old=old), update())
    torch.testing.assert_close(
        replay_loss(MODEL, PARAMS, new, old, ratio=1.0),
        replay_loss(MODEL, PARAMS, NEW, OLD, ratio=1.0),
    )


def test_replay_remembers_the_first_task_where_plain_learning_forgets_it():
    """Two tasks of two classes each, one after the other, on bytes from a buffer."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 4))
    places = torch.eye(4, dtype=torch.uint8).repeat_interleave(4, 1).reshape(4, 4, 4) * 255
    tasks = [torch.tensor([0, 1]).repeat(20), torch.tensor([2, 3]).repeat(20)]
    forgotten = {}
    for ratio in (0.0, 1.0):  # the loss on the first task after the second
        params = {"1.weight": torch.zeros(4, 16), "1.bias": torch.zeros(4)}
        buffer = ReservoirBuffer(20, generator=seeded(8))
        for labels in tasks:
            for y in labels.split(4):
                old_images, old_y = buffer.sample(min(8, len(buffer)))
                old = (as_float(old_images) if len(old_y) else old_images, old_y)
                new = (as_float(places[y]), y)
                slope = grad(lambda p: replay_loss(model, p, new, old, ratio=ratio))(params)  # noqa: B023
                params = {n: p - 0.3 * slope[n] for n, p in params.items()}
                buffer.add(places[y], y)
        logits = functional_call(model, params, (as_float(places),))
        forgotten[ratio] = F.cross_entropy(logits[:2], torch.arange(2)).item()
    assert forgotten[1.0] < forgotten[0.0] / 2


# Messages


@pytest.mark.parametrize("kind", BUFFERS)
@pytest.mark.parametrize("capacity", [0, -3, 2.5])
def test_a_capacity_that_is_none_is_refused(kind, capacity):
    with pytest.raises(ValueError, match=f"whole number of at least 1, got {capacity}"):
        kind(capacity, generator=seeded())


@pytest.mark.parametrize("n", [4, 100, -1])
def test_more_than_is_stored_is_refused_with_both_numbers(n):
    buffer = ReservoirBuffer(5, generator=seeded())
    buffer.add(*numbered([0, 1, 2]))
    message = rf"asked for {n} items .* holds 3; ask for min\(n, len\(buffer\)\)"
    with pytest.raises(ValueError, match=message):
        buffer.sample(n)


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (torch.zeros(3, 2), [0, 1], r"images of shape \(3, 2\) but labels of shape \(2,\); one"),
        (torch.zeros(2, 2), [[0], [1]], r"labels of shape \(2, 1\); one label for each image"),
        (torch.tensor(1.0), [0], r"images of shape \(\) but labels of shape \(1,\)"),
        (torch.zeros(2, 2), [0.0, 1.5], r"integers, got torch.float32; use labels.long\(\)"),
        (
            torch.zeros(1, 3),
            [0],
            r"holds torch.float32 images of shape \(2,\), got .* \(3,\); prep",
        ),
        (torch.zeros(1, 2).byte(), [0], r"holds torch.float32 .*, got torch.uint8 of shape \(2,\)"),
    ],
)
def test_batches_that_do_not_fit_are_refused_whole(images, labels, message):
    buffer = ReservoirBuffer(5, generator=seeded())
    buffer.add(*numbered([0]))
    with pytest.raises(ValueError, match=message):
        buffer.add(images, torch.tensor(labels))
    assert (len(buffer), buffer.n_seen) == (1, 1)


def loss_of(new=NEW, old=OLD, *, ratio=1.0):
    return replay_loss(MODEL, PARAMS, new, old, ratio=ratio)


@pytest.mark.parametrize("learn", [loss_of, update])
@pytest.mark.parametrize("part", ["new", "old"])
@pytest.mark.parametrize(
    ("examples", "message"),
    [
        ((NEW[0], torch.tensor([0])), r"images of shape \(2, 2\) but labels of shape \(1,\)"),
        ((NEW[0].byte(), NEW[1]), r"images are torch.uint8, .* use pixels.as_float"),
        ((NEW[0], torch.tensor([0.0, 1.0])), "labels must be integers, got torch.float32"),
        ((NEW[0], torch.tensor([3, 3])), r"in 0\.\.2 for a model with 3 outputs, got 3\.\.3"),
        ((NEW[0], torch.tensor([-100, -100])), r"got -100\.\.-100; give the model an output"),
    ],
)
def test_examples_that_do_not_fit_are_refused(learn, part, examples, message):
    with pytest.raises(ValueError, match=message):
        learn(**{part: examples})


@pytest.mark.parametrize("learn", [loss_of, update])
def test_an_empty_batch_is_refused(learn):
    with pytest.raises(ValueError, match="new batch holds 0 examples; at least 1 is needed"):
        learn(new=NONE)


@pytest.mark.parametrize("ratio", [-0.1, math.inf, math.nan])
def test_a_ratio_that_is_none_is_refused(ratio):
    with pytest.raises(ValueError, match=f"ratio must be 0 or more and finite, got {ratio}; 1 w"):
        loss_of(ratio=ratio)


@pytest.mark.parametrize("inner_lr", [0, -1.0, math.inf, math.nan])
def test_an_inner_lr_that_is_none_is_refused(inner_lr):
    with pytest.raises(ValueError, match=f"inner_lr must be above 0 and finite, got {inner_lr};"):
        update(inner_lr=inner_lr)


@pytest.mark.parametrize("outer_lr", [-0.1, 1.5, math.nan])
def test_an_outer_lr_that_is_none_is_refused(outer_lr):
    with pytest.raises(ValueError, match=r"outer_lr must be between 0 .* 1 .*, got") as refusal:
        update(outer_lr=outer_lr)
    assert str(refusal.value).endswith(f"got {outer_lr}")
