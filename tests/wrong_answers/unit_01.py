"""Wrong answers to unit 01, most of them seen in public samplers."""

import torch

from tests.wrong_answers import wrong

# ---- split_classes ----

GROUPS = "test_groups_are_disjoint_and_as_large_as_asked"
ANYWHERE = "test_every_class_can_land_in_every_group"
GENERATOR = "test_the_generator_alone_decides"
TOO_FEW = "test_too_few_classes_are_refused"


def _cut(mixed, n_train, n_val, n_test):
    """Return the three groups of a list of classes."""
    total = n_train + n_val + n_test
    if total > len(mixed):
        raise ValueError(f"{total} classes asked for, there are {len(mixed)}")
    return {
        "train": mixed[:n_train],
        "val": mixed[n_train : n_train + n_val],
        "test": mixed[n_train + n_val : total],
    }


@wrong("01.split_classes", ANYWHERE, GENERATOR, says="Shuffle the classes")
def split_in_order(labels, *, n_train, n_val, n_test, generator):
    """The first classes are always for training."""
    return _cut(labels.unique().tolist(), n_train, n_val, n_test)


@wrong("01.split_classes", GROUPS, ANYWHERE, TOO_FEW, says="It is *labels* that are split")
def split_images(labels, *, n_train, n_val, n_test, generator):
    """Positions of images in place of classes: every class is everywhere."""
    order = torch.randperm(len(labels), generator=generator).tolist()
    return _cut(order, n_train, n_val, n_test)


@wrong("01.split_classes", GROUPS, ANYWHERE, says="which are no labels here")
def codes_taken_for_counts(labels, *, n_train, n_val, n_test, generator):
    """The classes are taken to be 0, 1, 2, ..."""
    order = torch.randperm(len(labels.unique()), generator=generator).tolist()
    return _cut(order, n_train, n_val, n_test)


@wrong("01.split_classes", GROUPS, ANYWHERE, says="that is a leak")
def group_by_group(labels, *, n_train, n_val, n_test, generator):
    """Each group is drawn from all classes."""
    classes = labels.unique()
    _cut(classes.tolist(), n_train, n_val, n_test)
    return {
        name: classes[torch.randperm(len(classes), generator=generator)[:n]].tolist()
        for name, n in (("train", n_train), ("val", n_val), ("test", n_test))
    }


@wrong("01.split_classes", GENERATOR, says="global generator")
def split_by_global_randomness(labels, *, n_train, n_val, n_test, generator):
    """The generator is taken and not used."""
    classes = labels.unique()
    return _cut(classes[torch.randperm(len(classes))].tolist(), n_train, n_val, n_test)


@wrong("01.split_classes", ANYWHERE, GENERATOR, says="came up")
def split_by_a_seed_of_its_own(labels, *, n_train, n_val, n_test, generator):
    """The same split whatever the generator."""
    classes = labels.unique()
    generator = torch.Generator().manual_seed(0)
    order = torch.randperm(len(classes), generator=generator)
    return _cut(classes[order].tolist(), n_train, n_val, n_test)


@wrong("01.split_classes", ANYWHERE, says="neighbours must not stay together")
def neighbours_together(labels, *, n_train, n_val, n_test, generator):
    """The circle of classes is turned, not shuffled."""
    classes = labels.unique()
    by = int(torch.randint(len(classes), (), generator=generator))
    return _cut(classes.roll(by).tolist(), n_train, n_val, n_test)


@wrong("01.split_classes", TOO_FEW, says="should raise a ValueError")
def split_too_small_without_a_word(labels, *, n_train, n_val, n_test, generator):
    """The last group is cut short."""
    classes = labels.unique()
    mixed = classes[torch.randperm(len(classes), generator=generator)].tolist()
    rest = mixed[n_train:]
    return {"train": mixed[:n_train], "val": rest[:n_val], "test": rest[n_val : n_val + n_test]}


@wrong("01.split_classes", GROUPS, says='"test" should have')
def everything_left_is_test(labels, *, n_train, n_val, n_test, generator):
    """n_test is taken and not used."""
    classes = labels.unique()
    mixed = classes[torch.randperm(len(classes), generator=generator)].tolist()
    _cut(mixed, n_train, n_val, n_test)
    rest = mixed[n_train:]
    return {"train": mixed[:n_train], "val": rest[:n_val], "test": rest[n_val:]}


# ---- sample_episode ----

SLOTS = "test_labels_are_slots"
ONE_CLASS = "test_each_slot_is_one_class_and_no_class_has_two"
TWICE = "test_no_image_is_in_an_episode_twice"
ANY_SLOT = "test_any_class_can_take_any_slot"
ANY_IMAGE = "test_any_image_can_be_support_or_query"
ALLOWED = "test_only_the_classes_asked_for_are_drawn"
REFUSED = "test_what_cannot_be_drawn_is_refused"


def _variant(
    *,
    classes_of=lambda allowed, n, g: allowed[torch.randperm(len(allowed), generator=g)[:n]],
    members_of=lambda pool, n, g: pool[torch.randperm(len(pool), generator=g)[:n]],
    query_of=lambda mixed, pool, k, n, g: mixed[k:],
    slots=lambda drawn: torch.arange(len(drawn)),
    query_slots=None,
    seeded=lambda g: g,
    heeds_classes=True,
    checks=True,
):
    """Return a right sampler; each keyword makes one of its steps wrong."""

    def sample_episode(labels, *, n_way, k_shot, n_query, generator, classes=None):
        generator = seeded(generator)
        allowed = labels.unique()
        if classes is not None and heeds_classes:
            allowed = torch.tensor(classes)
        pools = {int(c): (labels == c).nonzero().flatten() for c in allowed}
        if checks and len(allowed) < n_way:
            raise ValueError(f"{n_way} classes wanted of {len(allowed)}")
        for c, pool in pools.items():
            if checks and len(pool) < k_shot + n_query:
                raise ValueError(f"class {c} has {len(pool)} images only")
        drawn = classes_of(allowed, n_way, generator)
        support, query = [], []
        for c in drawn.tolist():
            mixed = members_of(pools[c], k_shot + n_query, generator)
            support.append(mixed[:k_shot])
            query.append(query_of(mixed, pools[c], k_shot, n_query, generator))
        support_y = slots(drawn).repeat_interleave(k_shot)
        query_y = (query_slots or slots)(drawn).repeat_interleave(n_query)
        return torch.cat(support), support_y, torch.cat(query), query_y

    return sample_episode


def _wrong_sampler(name, *loses, says, **steps):
    function = _variant(**steps)
    function.__name__ = name
    return wrong("01.sample_episode", *loses, says=says)(function)


_wrong_sampler(
    "a_class_drawn_twice",
    ONE_CLASS,
    TWICE,
    says="A class was drawn twice",
    classes_of=lambda c, n, g: c[torch.randint(len(c), (n,), generator=g)],
)
_wrong_sampler(
    "slots_in_the_order_of_the_codes",
    ANY_SLOT,
    says="do not sort",
    classes_of=lambda c, n, g: c[torch.randperm(len(c), generator=g)[:n]].sort().values,
)
_wrong_sampler(
    "always_the_first_classes",
    ANY_SLOT,
    ANY_IMAGE,
    ALLOWED,
    says="came up",
    classes_of=lambda c, n, g: c[:n][torch.randperm(n, generator=g)],
)
_wrong_sampler(
    "the_last_class_never_drawn",
    ANY_SLOT,
    ANY_IMAGE,
    ALLOWED,
    says="class 13 in slot 0 came up 0 times",
    classes_of=lambda c, n, g: c[torch.randperm(max(n, len(c) - 1), generator=g)[:n]],
)
_wrong_sampler(
    "neighbouring_classes",
    ANY_SLOT,
    says="as the first two classes came up",
    classes_of=lambda c, n, g: c.roll(int(torch.randint(len(c), (), generator=g)))[:n],
)
_wrong_sampler(
    "labels_not_renamed",
    SLOTS,
    ANY_SLOT,
    says="These are the archive's own codes",
    slots=lambda drawn: drawn,
)
_wrong_sampler(
    "slots_from_one",
    SLOTS,
    says="slots go from 0 to",
    slots=lambda drawn: torch.arange(len(drawn)) + 1,
)
_wrong_sampler(
    "query_slots_reversed",
    ONE_CLASS,
    says="have to stay in the same order",
    query_slots=lambda drawn: torch.arange(len(drawn)).flip(0),
)
_wrong_sampler(
    "query_drawn_from_the_whole_class",
    TWICE,
    says="asked what it was told",
    query_of=lambda mixed, pool, k, n, g: pool[torch.randperm(len(pool), generator=g)[:n]],
)
_wrong_sampler(
    "query_begins_at_the_support",
    TWICE,
    says="asked what it was told",
    query_of=lambda mixed, pool, k, n, g: mixed[:n],
)
_wrong_sampler(
    "images_drawn_with_replacement",
    TWICE,
    says="is in the support set",
    members_of=lambda pool, n, g: pool[torch.randint(len(pool), (n,), generator=g)],
)
_wrong_sampler(
    "always_the_same_images",
    ANY_IMAGE,
    says="Shuffle the images of a class",
    members_of=lambda pool, n, g: pool[:n],
)
_wrong_sampler(
    "a_generator_of_its_own",
    ANY_SLOT,
    ANY_IMAGE,
    GENERATOR,
    ALLOWED,
    says="came up",
    seeded=lambda g: torch.Generator(),
)
_wrong_sampler(
    "global_generator", GENERATOR, says="torch's global generator", seeded=lambda g: None
)
_wrong_sampler(
    "global_generator_seeded_from_the_given_one",
    GENERATOR,
    says="or seeds it",
    seeded=lambda g: torch.manual_seed(int(torch.randint(2**31, (), generator=g))),
)
_wrong_sampler(
    "generator_set_back_every_time",
    ANY_SLOT,
    ANY_IMAGE,
    GENERATOR,
    ALLOWED,
    says="came up",
    seeded=lambda g: g.manual_seed(g.initial_seed()),
)
_wrong_sampler(
    "classes_not_heeded",
    ALLOWED,
    says="with a held-out class in training",
    heeds_classes=False,
)
_wrong_sampler("nothing_refused", REFUSED, says="should raise", checks=False)


# ---- the two intervals ----

STANDARD_ERRORS = "test_is_the_mean_and_1_96_standard_errors"
HALVES = "test_four_times_as_many_episodes_halve_the_interval"
ONE_EPISODE = "test_one_episode_is_refused"


def _refuse(accuracies):
    if len(accuracies) < 2:
        raise ValueError(f"{len(accuracies)} episode is too few")


@wrong("01.episode_interval", STANDARD_ERRORS, says="n - 1 belongs there")
def population_deviation(accuracies):
    """numpy's default."""
    _refuse(accuracies)
    return accuracies.mean(), 1.96 * accuracies.std(correction=0) / len(accuracies) ** 0.5


@wrong("01.episode_interval", STANDARD_ERRORS, HALVES, says="The √n is missing")
def spread_of_episodes(accuracies):
    """Where 95 % of the episodes lie, if they were normal."""
    _refuse(accuracies)
    return accuracies.mean(), 1.96 * accuracies.std()


@wrong("01.episode_interval", STANDARD_ERRORS, HALVES, says="instead of √n")
def divided_by_n(accuracies):
    """The root is forgotten."""
    _refuse(accuracies)
    return accuracies.mean(), 1.96 * accuracies.std() / len(accuracies)


@wrong("01.episode_interval", STANDARD_ERRORS, says="one standard error")
def standard_error(accuracies):
    """The 1.96 is forgotten."""
    _refuse(accuracies)
    return accuracies.mean(), accuracies.std() / len(accuracies) ** 0.5


@wrong("01.episode_interval", STANDARD_ERRORS, says="whole width")
def whole_width(accuracies):
    """From end to end."""
    _refuse(accuracies)
    return accuracies.mean(), 2 * 1.96 * accuracies.std() / len(accuracies) ** 0.5


@wrong("01.episode_interval", STANDARD_ERRORS, HALVES, says="yours are swapped")
def swapped(accuracies):
    """Half-width first."""
    _refuse(accuracies)
    return 1.96 * accuracies.std() / len(accuracies) ** 0.5, accuracies.mean()


@wrong("01.episode_interval", ONE_EPISODE, says="should raise a ValueError")
def one_is_enough(accuracies):
    """nan for a single episode."""
    return accuracies.mean(), 1.96 * accuracies.std() / len(accuracies) ** 0.5


AVERAGED = "test_splits_are_what_is_averaged"
MORE = "test_more_episodes_of_the_same_splits_change_nothing"


@wrong("01.split_interval", AVERAGED, MORE, says="All episodes were pooled")
def pooled(accuracies, *, quantile):
    """4,800 episodes as if each came from a split of its own."""
    every = accuracies.flatten()
    return every.mean(), quantile * every.std() / len(every) ** 0.5


@wrong("01.split_interval", AVERAGED, MORE, says="knows nothing of other classes")
def mean_of_the_usual_intervals(accuracies, *, quantile):
    """The average of what each split would have printed."""
    widths = quantile * accuracies.std(dim=1) / accuracies.shape[1] ** 0.5
    return accuracies.mean(), widths.mean()


@wrong("01.split_interval", AVERAGED, MORE, says="Rows are splits")
def columns_averaged(accuracies, *, quantile):
    """Averages over the wrong axis first."""
    means = accuracies.mean(dim=0)
    return means.mean(), quantile * means.std() / len(means) ** 0.5


@wrong("01.split_interval", AVERAGED, MORE, says="it is splits that are counted")
def root_of_episodes(accuracies, *, quantile):
    """The right spread over the wrong number."""
    means = accuracies.mean(dim=1)
    return means.mean(), quantile * means.std() / accuracies.shape[1] ** 0.5


@wrong("01.split_interval", AVERAGED, MORE, says="divide it by √n_splits")
def spread_of_splits(accuracies, *, quantile):
    """The root is forgotten."""
    means = accuracies.mean(dim=1)
    return means.mean(), quantile * means.std()


@wrong("01.split_interval", AVERAGED, MORE, says="1.96 where the quantile is given")
def normal_quantile(accuracies, *, quantile):
    """The quantile is taken and not used."""
    means = accuracies.mean(dim=1)
    return means.mean(), 1.96 * means.std() / len(means) ** 0.5


# ---- leaked_share ----

KNOWN = "test_is_the_share_of_test_images_whose_patient_is_known"
CLEAN = "test_clean_and_hopeless_splits"


@wrong("01.leaked_share", KNOWN, CLEAN, says="a share was asked for")
def counted(train_patients, test_patients):
    """A number in place of a share."""
    return torch.isin(test_patients, train_patients).sum()


@wrong("01.leaked_share", KNOWN, says="share of test *patients*")
def share_of_patients(train_patients, test_patients):
    """Patients in place of images."""
    return torch.isin(test_patients.unique(), train_patients).double().mean()


@wrong("01.leaked_share", KNOWN, CLEAN, says="share of *training* images")
def share_of_training(train_patients, test_patients):
    """The other way round."""
    return torch.isin(train_patients, test_patients).double().mean()


@wrong("01.leaked_share", KNOWN, CLEAN, says="count the images of these patients")
def patients_over_images(train_patients, test_patients):
    """Shared patients over test images."""
    shared = set(train_patients.tolist()) & set(test_patients.tolist())
    return len(shared) / len(test_patients)


@wrong("01.leaked_share", KNOWN, CLEAN, says="shared patients over all patients")
def overlap_of_sets(train_patients, test_patients):
    """Jaccard's index of the two sets of patients."""
    train, test = set(train_patients.tolist()), set(test_patients.tolist())
    return len(train & test) / len(train | test)


@wrong("01.leaked_share", KNOWN, CLEAN, says="does *not* leak")
def clean_share(train_patients, test_patients):
    """The complement."""
    return 1 - torch.isin(test_patients, train_patients).double().mean()


# ---- bug_lines ----

SYMPTOMS = ("twin classes", "telling slots", "frozen images", "seen queries")
LINE = "test_symptom_is_traced_to_its_line"


@wrong("01.bug_lines", f"{LINE}[twin classes]", says="Line 2 is not the cause")
def set_blamed():
    """The line that lists the classes."""
    return dict(zip(SYMPTOMS, (2, 5, 7, 9), strict=True))


@wrong("01.bug_lines", f"{LINE}[telling slots]", says="Line 2 is not the cause")
def first_sort_blamed():
    """Sorting before the draw is harmless."""
    return dict(zip(SYMPTOMS, (3, 2, 7, 9), strict=True))


@wrong("01.bug_lines", f"{LINE}[frozen images]", says="Line 6 is not the cause")
def pool_blamed():
    """The list of a class's images."""
    return dict(zip(SYMPTOMS, (3, 5, 6, 9), strict=True))


@wrong("01.bug_lines", f"{LINE}[seen queries]", says="Line 8 is not the cause")
def support_blamed():
    """The support line."""
    return dict(zip(SYMPTOMS, (3, 5, 7, 8), strict=True))


@wrong("01.bug_lines", *(f"{LINE}[{s}]" for s in SYMPTOMS), says="A line number was expected")
def symptoms_renamed():
    """Keys that nobody asked for."""
    return {1: 3, 2: 5, 3: 7, 4: 9}


# ---- sampler_test ----

ACCEPTS = "test_accepts_right_samplers_and_rejects"
MISTAKES = (
    "a class can be drawn twice",
    "queries can be support images",
    "labels are the archive's codes",
    "slots follow the order of the codes",
    "query slots are not the support's",
)
LABELS = torch.tensor([4, 7, 9]).repeat(6)


def _lost(*mistakes):
    return tuple(f"{ACCEPTS}[{mistake}]" for mistake in mistakes)


def _draw(sample, seed):
    return sample(LABELS, n_way=3, k_shot=2, n_query=3, seed=seed)


@wrong("01.sampler_test", *_lost(*MISTAKES), says="passes your test")
def looks_at_shapes(sample):
    """Every mistake here leaves the shapes as they are."""
    for seed in range(50):
        support, support_y, query, query_y = _draw(sample, seed)
        assert len(support) == len(support_y) == 6
        assert len(query) == len(query_y) == 9


@wrong("01.sampler_test", *_lost(MISTAKES[0], *MISTAKES[3:]), says="passes your test")
def looks_at_slots_and_doubles_of_a_class(sample):
    """Slots are counted, and images compared within a slot; classes are never looked at."""
    for seed in range(50):
        support, support_y, query, query_y = _draw(sample, seed)
        assert sorted(support_y.tolist()) == [0, 0, 1, 1, 2, 2]
        assert sorted(query_y.tolist()) == [0, 0, 0, 1, 1, 1, 2, 2, 2]
        told = {(int(i), int(s)) for i, s in zip(support, support_y, strict=True)}
        asked = {(int(i), int(s)) for i, s in zip(query, query_y, strict=True)}
        assert not told & asked


@wrong("01.sampler_test", *_lost(MISTAKES[3]), says="slots follow the order of the codes")
def looks_at_single_episodes_only(sample):
    """Everything that one episode can show, and nothing that only many can."""
    for seed in range(50):
        support, support_y, query, query_y = _draw(sample, seed)
        images, slots = torch.cat([support, query]), torch.cat([support_y, query_y])
        assert len(images.unique()) == 15
        classes = [LABELS[images[slots == s]].unique().tolist() for s in range(3)]
        assert sorted(classes) == [[4], [7], [9]]


@wrong("01.sampler_test", *_lost(*MISTAKES), says="rejects a right sampler")
def expects_images_class_by_class(sample):
    """Counts on the order of the images."""
    for seed in range(50):
        _, support_y, _, _ = _draw(sample, seed)
        assert support_y.tolist() == [0, 0, 1, 1, 2, 2]


@wrong("01.sampler_test", *_lost(*MISTAKES), says="rejects a right sampler")
def expects_one_particular_draw(sample):
    """Compares with what a sampler of its own draws from the seed."""
    for seed in range(50):
        generator = torch.Generator().manual_seed(seed)
        first = torch.randperm(len(LABELS), generator=generator)[0]
        assert int(_draw(sample, seed)[0][0]) == first
