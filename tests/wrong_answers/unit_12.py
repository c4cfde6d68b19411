"""Wrong answers to unit 12, most of them seen in public code."""

import torch
import torch.nn.functional as F

from tests.wrong_answers import wrong

# ---- flip_labels ----

COUNT = "test_exactly_so_many_labels_are_wrong"
EVEN = "test_every_position_and_every_other_class_has_the_same_chance"
GENERATOR = "test_generator_is_the_only_source_of_randomness"


def _moved(labels, positions, steps, n_classes):
    flipped = labels.clone()
    flipped[positions] = (labels[positions] + steps) % n_classes
    return flipped


def _steps(n, n_classes, generator, lowest=1):
    return torch.randint(lowest, n_classes, (n,), generator=generator)


def _positions(labels, n, generator):
    return torch.randperm(len(labels), generator=generator)[:n]


@wrong("12.flip_labels", COUNT, says="a coin for each")
def coin_for_each(labels, *, rate, n_classes, generator):
    """Bernoulli noise: right on average."""
    positions = (torch.rand(len(labels), generator=generator) < rate).nonzero().flatten()
    return _moved(labels, positions, _steps(len(positions), n_classes, generator), n_classes)


@wrong("12.flip_labels", COUNT, EVEN, says="only the *other* classes")
def may_stay_the_same(labels, *, rate, n_classes, generator):
    """The new class is drawn from all: "symmetric noise" of many papers."""
    positions = _positions(labels, round(rate * len(labels)), generator)
    steps = _steps(len(positions), n_classes, generator, lowest=0)
    return _moved(labels, positions, steps, n_classes)


@wrong("12.flip_labels", EVEN, says="(old, new)")
def always_the_next_class(labels, *, rate, n_classes, generator):
    """One wrong class per class: pair noise."""
    return _moved(labels, _positions(labels, round(rate * len(labels)), generator), 1, n_classes)


@wrong("12.flip_labels", EVEN, says="at position 0")
def always_the_first(labels, *, rate, n_classes, generator):
    """The first labels of the list, which in a sorted list are one class."""
    n_wrong = round(rate * len(labels))
    steps = _steps(n_wrong, n_classes, generator)
    return _moved(labels, torch.arange(n_wrong), steps, n_classes)


@wrong("12.flip_labels", COUNT, EVEN, GENERATOR, says="write into `labels` itself")
def in_place(labels, *, rate, n_classes, generator):
    """Writes into the archive's own labels."""
    positions = _positions(labels, round(rate * len(labels)), generator)
    steps = _steps(len(positions), n_classes, generator)
    labels[positions] = (labels[positions] + steps) % n_classes
    return labels


@wrong("12.flip_labels", GENERATOR, says="global generator")
def global_generator(labels, *, rate, n_classes, generator):
    """Leaves the generator aside."""
    positions = torch.randperm(len(labels))[: round(rate * len(labels))]
    return _moved(labels, positions, torch.randint(1, n_classes, (len(positions),)), n_classes)


@wrong("12.flip_labels", COUNT, EVEN, says="should have stayed right")
def rate_of_right_ones(labels, *, rate, n_classes, generator):
    """Takes rate for the share that stays right."""
    positions = _positions(labels, len(labels) - round(rate * len(labels)), generator)
    return _moved(labels, positions, _steps(len(positions), n_classes, generator), n_classes)


@wrong("12.flip_labels", COUNT, EVEN, GENERATOR, says="% n_classes")
def off_the_circle(labels, *, rate, n_classes, generator):
    """A step beyond the last class."""
    positions = _positions(labels, round(rate * len(labels)), generator)
    flipped = labels.clone()
    flipped[positions] += _steps(len(positions), n_classes, generator)
    return flipped


# ---- corrupt ----

VALUES = "test_brightness_and_contrast_change_every_pixel_as_they_should"
NOISE = "test_noise_is_drawn_for_every_pixel_of_every_image"
GROWS = "test_damage_grows_with_strength_from_nothing"


def _damage(images, kind, strength, noise, mean, share=None, low=0.0, high=1.0):
    share = 1 - strength if share is None else share
    if kind == "noise":
        return (images + noise).clamp(low, high)
    if kind == "brightness":
        return (images + strength).clamp(low, high)
    return (mean + share * (images - mean)).clamp(low, high)


def _own_mean(images):
    return images.mean((1, 2), keepdim=True)


def _noise(images, strength, generator):
    return strength * torch.randn(images.shape, generator=generator)


@wrong("12.corrupt", VALUES, NOISE, says="clip to 0..1")
def not_clipped(images, kind, *, strength, generator):
    """Whiter than white."""
    noise, own = _noise(images, strength, generator), _own_mean(images)
    return _damage(images, kind, strength, noise, own, low=-1e9, high=1e9)


@wrong("12.corrupt", VALUES, says="each has its own")
def one_mean_for_all(images, kind, *, strength, generator):
    """Contrast about the mean of the batch."""
    return _damage(images, kind, strength, _noise(images, strength, generator), images.mean())


@wrong("12.corrupt", VALUES, GROWS, says="you kept that share")
def strength_is_kept(images, kind, *, strength, generator):
    """Contrast keeps `strength` of the distance."""
    noise, own = _noise(images, strength, generator), _own_mean(images)
    return _damage(images, kind, strength, noise, own, share=strength)


@wrong("12.corrupt", NOISE, says="not the variance")
def variance(images, kind, *, strength, generator):
    """Strength is taken for the variance."""
    noise = _noise(images, strength**0.5, generator)
    return _damage(images, kind, strength, noise, _own_mean(images))


@wrong("12.corrupt", NOISE, says="of two images")
def one_noise_for_all(images, kind, *, strength, generator):
    """The same noise on each image."""
    noise = strength * torch.randn(images.shape[1:], generator=generator)
    return _damage(images, kind, strength, noise, _own_mean(images))


@wrong("12.corrupt", NOISE, says="torch.rand is")
def uniform_noise(images, kind, *, strength, generator):
    """torch.rand, scaled to the right deviation, only ever brightens."""
    noise = strength * torch.rand(images.shape, generator=generator) * 3**0.5
    return _damage(images, kind, strength, noise, _own_mean(images))


@wrong("12.corrupt", NOISE, says="two calls with one generator")
def noise_of_its_own_seed(images, kind, *, strength, generator):
    """A generator of its own, seeded in every call."""
    noise = _noise(images, strength, torch.Generator().manual_seed(0))
    return _damage(images, kind, strength, noise, _own_mean(images))


@wrong("12.corrupt", NOISE, GROWS, says="in place")
def images_in_place(images, kind, *, strength, generator):
    """Damages what it was given."""
    noise, own = _noise(images, strength, generator), _own_mean(images)
    images.copy_(_damage(images, kind, strength, noise, own))
    return images.clone()


# ---- generalised_cross_entropy ----

FORMULA = "test_is_the_mean_of_its_formula"
BETWEEN = "test_lies_between_cross_entropy_and_one_minus_p"
HOPELESS = "test_hopeless_examples_cost_one_over_q_and_pull_with_no_force"
SLOPE = "test_gradient_is_that_of_cross_entropy_weighed_by_p_to_the_q"


def _log_p(logits, labels):
    return F.log_softmax(logits, dim=1).gather(1, labels[:, None])[:, 0]


@wrong("12.generalised_cross_entropy", FORMULA, BETWEEN, HOPELESS, SLOPE, says="whatever q is")
def plain_cross_entropy(logits, labels, *, q):
    """q is not used."""
    return F.cross_entropy(logits, labels)


@wrong("12.generalised_cross_entropy", FORMULA, BETWEEN, HOPELESS, SLOPE, says="Summed")
def summed(logits, labels, *, q):
    """The sum over examples."""
    return ((1 - torch.exp(q * _log_p(logits, labels))) / q).sum()


@wrong("12.generalised_cross_entropy", FORMULA, BETWEEN, HOPELESS, SLOPE, says="division by q")
def not_divided(logits, labels, *, q):
    """1 - p^q alone."""
    return (1 - torch.exp(q * _log_p(logits, labels))).mean()


@wrong("12.generalised_cross_entropy", HOPELESS, says="F.log_softmax")
def by_way_of_p(logits, labels, *, q):
    """The formula as it is printed."""
    p = logits.softmax(1).gather(1, labels[:, None])
    return ((1 - p**q) / q).mean()


@wrong("12.generalised_cross_entropy", FORMULA, BETWEEN, HOPELESS, SLOPE, says="likeliest class")
def of_the_likeliest(logits, labels, *, q):
    """The maximum in place of the label's p."""
    return ((1 - torch.exp(q * F.log_softmax(logits, dim=1).max(1).values)) / q).mean()


@wrong("12.generalised_cross_entropy", FORMULA, BETWEEN, SLOPE, says="mean was taken first")
def mean_of_p_first(logits, labels, *, q):
    """The formula of the mean p."""
    return (1 - torch.exp(_log_p(logits, labels)).mean().clamp(min=1e-300) ** q) / q


@wrong("12.generalised_cross_entropy", BETWEEN, HOPELESS, says="Near 0 the loss is -log p")
def p_not_below_a_millionth(logits, labels, *, q):
    """A small number is added to p, and a loss without label is clipped: no slope, no 1/q."""
    p = logits.softmax(1).gather(1, labels[:, None])
    return ((1 - (p + 1e-3) ** q) / q).mean() if q < 0.01 else ((1 - p**q) / q).mean()


@wrong("12.generalised_cross_entropy", SLOPE, HOPELESS, says="cut off from its inputs")
def detached(logits, labels, *, q):
    """A number without history."""
    return ((1 - torch.exp(q * _log_p(logits, labels))) / q).mean().detach()


# ---- trimmed_centre ----

LEFT = "test_is_the_mean_of_what_is_left"
BEARS = "test_bears_as_many_strangers_as_it_cuts_and_no_more"


@wrong("12.trimmed_centre", LEFT, BEARS, says="nothing was cut")
def mean_of_all(examples, *, n_cut):
    """The mean."""
    return examples.mean(0)


@wrong("12.trimmed_centre", LEFT, BEARS, says="the lowest go, too")
def only_the_highest(examples, *, n_cut):
    """Cuts on one side."""
    return examples.sort(0).values[: len(examples) - n_cut].mean(0)


@wrong("12.trimmed_centre", LEFT, BEARS, says="divided by all examples")
def divided_by_all(examples, *, n_cut):
    """The sum of the rest by the number of all."""
    kept = examples.sort(0).values[n_cut : len(examples) - n_cut]
    return kept.sum(0) / len(examples)


@wrong("12.trimmed_centre", LEFT, BEARS, says="by their length")
def whole_examples(examples, *, n_cut):
    """Cuts the shortest and the longest rows."""
    order = examples.norm(dim=1).argsort()
    return examples[order[n_cut : len(examples) - n_cut]].mean(0)


@wrong("12.trimmed_centre", LEFT, says="empty")
def minus_nothing(examples, *, n_cut):
    """[0:-0] is empty."""
    kept = examples.sort(0).values[n_cut:-n_cut]
    if len(kept) == 0:
        raise ValueError("the slice is empty")
    return kept.mean(0)


@wrong("12.trimmed_centre", LEFT, BEARS, says="That is the median")
def torch_median(examples, *, n_cut):
    """The lower of two middle values, whatever is to be cut."""
    return examples.median(0).values


@wrong("12.trimmed_centre", LEFT, BEARS, says="Shape (3,) was expected")
def over_the_features(examples, *, n_cut):
    """Along the wrong axis."""
    kept = examples.sort(1).values
    return kept[:, n_cut : max(examples.shape[1] - n_cut, n_cut + 1)].mean(1)


# ---- geometric_median ----

LEAST = "test_has_the_least_sum_of_distances"
CORNERS = "test_of_four_corners_it_is_where_the_diagonals_cross"
MAJORITY = "test_a_majority_in_one_place_decides_and_nothing_is_divided_by_0"


def _weiszfeld(examples, n_steps, power=1.0, least=1e-9):
    centre = examples.mean(0)
    for _ in range(n_steps):
        weights = 1 / (examples - centre).norm(dim=1).clamp(min=least) ** power
        centre = weights @ examples / weights.sum()
    return centre


@wrong("12.geometric_median", LEAST, CORNERS, MAJORITY, says="sum of *squared* distances")
def mean(examples):
    """The mean."""
    return examples.mean(0)


@wrong("12.geometric_median", LEAST, CORNERS, says="does not turn")
def median_of_every_feature(examples):
    """Feature by feature, the middle of the two middle values."""
    n_cut = (len(examples) - 1) // 2
    return examples.sort(0).values[n_cut : len(examples) - n_cut].mean(0)


@wrong("12.geometric_median", LEAST, CORNERS, says="best of the examples")
def medoid(examples):
    """The best example."""
    return examples[torch.cdist(examples, examples).sum(1).argmin()]


@wrong("12.geometric_median", LEAST, CORNERS, MAJORITY, says="hardly begun")
def one_step(examples):
    """Forgets to repeat."""
    return _weiszfeld(examples, 1)


@wrong("12.geometric_median", MAJORITY, says="nan")
def divides_by_zero(examples):
    """Weiszfeld's steps as they are printed."""
    return _weiszfeld(examples, 300, least=0.0)


@wrong("12.geometric_median", LEAST, CORNERS, MAJORITY, says="1 / its distance")
def weighed_by_distance(examples):
    """The far ones count most."""
    return _weiszfeld(examples, 300, power=-1.0)


# ---- outlier_auroc ----

PAIRS = "test_is_the_share_of_pairs_in_the_right_order"
TIES = "test_ties_count_one_half"


def _nearest(queries, prototypes):
    return torch.cdist(queries, prototypes).min(1).values


def _share(score, is_outlier, tie=0.5):
    odd, known = score[is_outlier][:, None], score[~is_outlier]
    return ((odd > known).double() + tie * (odd == known).double()).mean()


@wrong("12.outlier_auroc", PAIRS, TIES, says="Reversed")
def reversed_score(queries, prototypes, is_outlier):
    """Takes the logit, minus the distance, for the score."""
    return _share(-_nearest(queries, prototypes), is_outlier)


@wrong("12.outlier_auroc", PAIRS, TIES, says="furthest prototype")
def furthest(queries, prototypes, is_outlier):
    """The distance to the furthest prototype."""
    return _share(torch.cdist(queries, prototypes).max(1).values, is_outlier)


@wrong("12.outlier_auroc", PAIRS, TIES, says="mean distance")
def mean_distance(queries, prototypes, is_outlier):
    """The mean over the prototypes."""
    return _share(torch.cdist(queries, prototypes).mean(1), is_outlier)


@wrong("12.outlier_auroc", TIES, says="counts nothing")
def ties_lost(queries, prototypes, is_outlier):
    """> alone."""
    return _share(_nearest(queries, prototypes), is_outlier, tie=0.0)


@wrong("12.outlier_auroc", TIES, says="counts as won")
def ties_won(queries, prototypes, is_outlier):
    """>= alone."""
    return _share(_nearest(queries, prototypes), is_outlier, tie=1.0)


@wrong("12.outlier_auroc", PAIRS, TIES, says="one threshold")
def accuracy_at_the_median(queries, prototypes, is_outlier):
    """An accuracy at the middle score."""
    score = _nearest(queries, prototypes)
    cut = score.sort().values[len(score) // 2]
    return ((score > cut) == is_outlier).double().mean()


# ---- bug_lines ----

LINES = {
    "uneven noise": 3,
    "half the noise": 4,
    "spoilt archive": 5,
    "reads the exam": 8,
    "harmless damage": 9,
}


def _lines(*symptoms):
    return {f"test_symptom_is_traced_to_its_line[{symptom}]" for symptom in symptoms}


@wrong("12.bug_lines", *_lines("spoilt archive"), says="two names of one")
def blames_the_writing():
    """Line 6 writes where it should."""
    return {**LINES, "spoilt archive": 6}


@wrong("12.bug_lines", *_lines("harmless damage"), says="`before` measured")
def blames_the_damaged_side():
    """Line 10 is what was to be measured."""
    return {**LINES, "harmless damage": 10}


@wrong("12.bug_lines", *_lines("uneven noise", "half the noise"), says="coin is thrown")
def which_and_what_swapped():
    """Takes the positions for the classes."""
    return {**LINES, "uneven noise": 4, "half the noise": 3}


@wrong("12.bug_lines", *_lines("reads the exam"), says="decide about `best`")
def nothing_wrong_with_tuning():
    """Finds nothing in line 8."""
    return {**LINES, "reads the exam": 10}


@wrong("12.bug_lines", *_lines(*LINES), says="A line number was expected")
def lines_as_texts():
    """The numbers are texts."""
    return {symptom: str(line) for symptom, line in LINES.items()}


# ---- flip_test ----

MISTAKES = {
    "coin": "a coin for each label",
    "stay": "the new class may be the old one",
    "next": "always the next class",
    "first": "always the first labels",
    "deaf": "the same labels for every seed",
}


def _slips(*names):
    return {f"test_accepts_right_functions_and_rejects[{MISTAKES[name]}]" for name in names}


CYCLE = torch.arange(5).repeat(20)


def _hit(flip, seed, rate=0.3):
    flipped = flip(CYCLE, rate=rate, n_classes=5, seed=seed)
    return flipped, (flipped != CYCLE).nonzero().flatten()


@wrong("12.flip_test", *_slips(*MISTAKES), says="passes your test")
def looks_at_the_range(flip):
    """Every one of them returns classes."""
    flipped, _ = _hit(flip, 0)
    assert flipped.shape == CYCLE.shape
    assert 0 <= flipped.min() <= flipped.max() < 5


@wrong("12.flip_test", *_slips("next", "first", "deaf"), says="always the next class")
def counts_only(flip):
    """The number of wrong labels, over many seeds."""
    for seed in range(30):
        assert len(_hit(flip, seed)[1]) == 30


@wrong("12.flip_test", *_slips("coin", "first", "deaf"), says="a coin for each label")
def all_wrong_at_rate_one(flip):
    """At rate 1 a coin is no coin."""
    steps = set()
    for seed in range(20):
        flipped, wrong_ones = _hit(flip, seed, rate=1.0)
        assert len(wrong_ones) == 100
        steps |= set(((flipped - CYCLE) % 5).tolist())
    assert steps == {1, 2, 3, 4}


@wrong("12.flip_test", *_slips("first"), says="always the first labels")
def only_that_seeds_differ(flip):
    """Counts, classes and that two seeds differ, but not where."""
    one, two = _hit(flip, 1), _hit(flip, 2)
    assert not torch.equal(one[0], two[0])
    for seed in range(20):
        flipped, wrong_ones = _hit(flip, seed)
        assert len(wrong_ones) == 30
        assert set(((flipped - CYCLE)[wrong_ones] % 5).tolist()) >= {2} | {1, 3}


@wrong("12.flip_test", *_slips(*MISTAKES), says="rejects a right function")
def particular_labels(flip):
    """Expects the draws of one implementation."""
    g = torch.Generator().manual_seed(0)
    positions = torch.randperm(100, generator=g)[:30]
    assert set(_hit(flip, 0)[1].tolist()) == set(positions.tolist())


@wrong("12.flip_test", *_slips(*MISTAKES), says="rejects a right function")
def equal_frequencies(flip):
    """Expects chance to be even in a single draw."""
    flipped, wrong_ones = _hit(flip, 0)
    counts = torch.bincount((flipped - CYCLE)[wrong_ones] % 5, minlength=5)[1:]
    assert counts.max() - counts.min() <= 1
