"""That the comparison of few-shot methods is a fair one: unseen classes, same episodes."""

import re
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from medmnist.info import INFO

from medmeta_ref.episodes import sample_episode
from medmeta_ref.few_shot import (
    HELD_OUT,
    episode_accuracies,
    held_out_split,
    study,
)
from medmeta_ref.learners import maml_learner, prototypical_learner
from medmeta_ref.metrics import mean_and_ci95
from medmeta_ref.params import initial_params
from medmeta_ref.synthetic import draw


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def labels_of(n_classes, per_class=3):
    return torch.arange(n_classes).repeat(per_class)


def class_names(name):
    return {int(k): text for k, text in INFO[name]["label"].items()}


# Every set with one label per image and at least 4 classes, by MedMNIST's own list.
FLAT = [
    name
    for name, facts in INFO.items()
    if "multi-label" not in facts["task"] and len(facts["label"]) >= 4 and not name.endswith("3d")
]


@pytest.mark.parametrize("name", FLAT)
def test_sides_of_a_split_are_disjoint_and_hold_every_class(name):
    n_classes = len(class_names(name))
    for seed in range(10):
        split = held_out_split(name, labels_of(n_classes), generator=seeded(seed))
        together = split.train + split.val + split.test
        assert sorted(together) == list(range(n_classes))
        assert len(split.train) >= 2
        assert len(split.test) >= 2
        assert split.test == tuple(sorted(split.test))


def assert_keeps_pairs_together(split_of):
    """Left and right of an organ, by MedMNIST's own names, lie on one side of the split."""
    n_pairs = 0
    for name in ("organamnist", "organcmnist", "organsmnist"):
        names = class_names(name)
        split = split_of(name, labels_of(len(names)), generator=seeded())
        for left, text in names.items():
            if not text.endswith("-left"):
                continue
            [right] = [c for c, t in names.items() if t == text.replace("-left", "-right")]
            assert (left in split.test) == (right in split.test), f"{text} is torn apart"
            n_pairs += 1
    assert n_pairs == 9  # femur, kidney and lung, three times


def test_organs_that_come_left_and_right_stay_on_one_side():
    assert_keeps_pairs_together(held_out_split)


@pytest.mark.parametrize("seed", range(5))
def test_a_random_split_would_tear_pairs_apart(seed):
    def random_split(name, labels, *, generator):
        return held_out_split("another", labels, generator=seeded(seed))

    with pytest.raises(AssertionError, match="torn apart"):
        assert_keeps_pairs_together(random_split)


def test_the_three_views_of_the_same_patients_share_one_split():
    views = ("organamnist", "organcmnist", "organsmnist")
    assert len({HELD_OUT[view] for view in views}) == 1
    assert len({tuple(class_names(view).values()) for view in views}) == 1


def test_the_trivial_classes_of_path_do_not_make_up_a_side():
    trivial = {c for c, t in class_names("pathmnist").items() if t in ("background", "adipose")}
    split = held_out_split("pathmnist", labels_of(9), generator=seeded())
    assert len(trivial & set(split.test)) == 1
    assert len(trivial & set(split.train)) == 1


@pytest.mark.parametrize("name", sorted(HELD_OUT))
def test_a_fixed_split_is_the_same_for_every_generator(name):
    labels = labels_of(len(class_names(name)))
    splits = {held_out_split(name, labels, generator=seeded(seed)) for seed in range(5)}
    assert len(splits) == 1


@pytest.mark.parametrize(("n_classes", "n_test"), [(4, 2), (5, 2), (8, 3), (10, 4), (11, 4)])
def test_other_sets_get_a_random_split_of_60_to_40(n_classes, n_test):
    splits = {
        held_out_split("synthetic", labels_of(n_classes), generator=seeded(s)) for s in range(20)
    }
    assert {len(split.test) for split in splits} == {n_test}
    assert {c for split in splits for c in split.test} == set(range(n_classes))


@pytest.mark.parametrize("n_classes", [1, 2, 3])
def test_too_few_classes_are_refused_with_a_way_out(n_classes):
    message = rf"breastmnist has {n_classes} classes; 2 to train on .* need 4, as bloodmnist"
    with pytest.raises(ValueError, match=message):
        held_out_split("breastmnist", labels_of(n_classes), generator=seeded())


def test_several_labels_per_image_are_refused_with_a_way_out():
    message = "chestmnist has several labels per image; choose a set with one, bloodmnist"
    with pytest.raises(ValueError, match=message):
        held_out_split("chestmnist", torch.zeros(5, 14, dtype=torch.int64), generator=seeded())


# Paired evaluation


IMAGES = torch.arange(120, dtype=torch.float64).reshape(-1, 1, 1, 1)
LABELS = torch.arange(120) % 6


def draw_from(generator):
    return lambda: sample_episode(IMAGES, LABELS, n_way=3, k_shot=2, n_query=5, generator=generator)


def right(episode):
    return torch.nn.functional.one_hot(episode.query_y, 3).double()


def constant(episode):
    return torch.tensor([[1.0, 0.0, 0.0]]).expand(len(episode.query_y), 3)


def noisy(episode):
    """Right for even image numbers: how often depends on the episode alone."""
    even = episode.query_x.flatten() % 2 == 0
    return torch.where(even[:, None], right(episode), 1 - right(episode))


def assert_pairs_its_methods(function):
    seen = {"first": [], "second": []}

    def spy(name):
        def method(episode):
            assert torch.is_inference_mode_enabled() or not torch.is_grad_enabled()
            seen[name].append(tuple(episode.support_x.flatten().tolist()))
            return noisy(episode)

        return method

    methods = {
        "first": spy("first"),
        "oracle": right,
        "constant": constant,
        "second": spy("second"),
    }
    scores = function(methods, draw_from(seeded()), n_episodes=30, progress=False)
    assert list(scores) == list(methods)
    assert all(s.shape == (30,) and s.dtype == torch.float64 for s in scores.values())
    assert len(seen["first"]) == len(set(seen["first"])) == 30, "an episode came twice"
    assert seen["first"] == seen["second"]
    assert torch.equal(scores["first"], scores["second"])
    assert scores["oracle"].tolist() == [1.0] * 30
    assert scores["constant"].tolist() == pytest.approx([1 / 3] * 30)
    assert 0 < scores["first"].std()


def one_by_one(methods, draw, *, n_episodes, progress):
    """Return accuracies where every method draws for itself."""
    return {
        name: episode_accuracies({name: m}, draw, n_episodes=n_episodes, progress=False)[name]
        for name, m in methods.items()
    }


def same_episode(methods, draw, *, n_episodes, progress):
    episode = draw()
    return episode_accuracies(methods, lambda: episode, n_episodes=n_episodes, progress=False)


def with_scores(change):
    def function(methods, draw, *, n_episodes, progress):
        scores = episode_accuracies(methods, draw, n_episodes=n_episodes, progress=False)
        return {name: change(values) for name, values in scores.items()}

    return function


WRONG_EVALUATIONS = {
    "every method its own episodes": one_by_one,
    "one episode again and again": same_episode,
    "errors": with_scores(lambda s: 1 - s),
    "percent": with_scores(lambda s: 100 * s),
    "mean only": with_scores(lambda s: s.mean()[None]),
    "float32": with_scores(lambda s: s.float()),
}


def test_all_methods_answer_the_same_episodes():
    assert_pairs_its_methods(episode_accuracies)


@pytest.mark.parametrize("wrong", WRONG_EVALUATIONS.values(), ids=WRONG_EVALUATIONS.keys())
def test_spying_methods_tell_wrong_evaluations(wrong):
    with pytest.raises(AssertionError):
        assert_pairs_its_methods(wrong)


def test_progress_is_silent_when_asked_to_be(capsys):
    episode_accuracies({"right": right}, draw_from(seeded()), n_episodes=2, progress=False)
    assert capsys.readouterr() == ("", "")


# The whole study, small: half-second drawings, 60 training steps.

SETTINGS = {
    "n_way": 3,
    "k_shot": 5,
    "n_query": 10,
    "n_steps": 60,
    "n_episodes": 40,
    "outer_lr": 5e-3,
    "progress": False,
}


def small(family, n_classes, **sizes):
    generator = seeded(1)
    return [
        draw(family, n_classes=n_classes, n_per_class=n, generator=generator, **sizes)
        for n in (60, 25)
    ]


PROTOTYPICAL = partial(prototypical_learner, width=8)
INNER = {"width": 8, "inner_lr": 0.2, "inner_steps": 3}
LEARNERS = {
    "prototypical network": PROTOTYPICAL,
    "MAML": partial(maml_learner, **INNER),
    "FOMAML": partial(maml_learner, first_order=True, **INNER),
    "ANIL": partial(maml_learner, head_only=True, **INNER),
}


@pytest.fixture(scope="module", params=LEARNERS)
def outcome(request):
    train, test = small("blood", 8)
    build = LEARNERS[request.param]
    return request.param, study(
        build, "synthetic-blood", train, test, generator=seeded(), **SETTINGS
    )


def test_a_trained_network_beats_itself_untrained(outcome):
    title, found = outcome
    trained, untrained = found.accuracies[title], found.accuracies[f"{title}, untrained"]
    gain = mean_and_ci95(trained - untrained)
    assert gain.mean - gain.half_width > 0


def test_a_trained_prototypical_network_beats_raw_pixels():
    train, test = small("blood", 8)
    found = study(PROTOTYPICAL, "x", train, test, generator=seeded(), **SETTINGS)
    trained = found.accuracies["prototypical network"]
    gain = mean_and_ci95(trained - found.accuracies["raw pixels"])
    assert gain.mean - gain.half_width > 0.1
    assert trained.mean() > 0.7


def test_every_baseline_is_above_chance_and_below_one(outcome):
    title, found = outcome
    assert list(found.accuracies) == [title, f"{title}, untrained", "raw pixels"]
    for accuracies in found.accuracies.values():
        assert accuracies.shape == (40,)
        assert 1 / found.n_way < accuracies.mean() < 1


def test_the_loss_falls_and_the_report_says_what_was_done(outcome):
    _, found = outcome
    assert len(found.history) == 60
    assert sum(found.history[-10:]) < sum(found.history[:10])
    assert found.n_way == 3
    assert not set(found.split.train) & set(found.split.test)
    assert "transductive" in found.batch_norm


@pytest.mark.parametrize("title", LEARNERS)
def test_answer_never_looks_at_the_query_labels(title):
    learner = LEARNERS[title](1, 3)
    params = initial_params(learner.model, generator=seeded())
    images, labels = torch.rand(60, 1, 28, 28, generator=seeded()), torch.arange(60) % 3
    episode = sample_episode(images, labels, n_way=3, k_shot=2, n_query=4, generator=seeded())
    blind = episode._replace(query_y=torch.zeros_like(episode.query_y))
    assert torch.equal(learner.logits(params, episode), learner.logits(params, blind))


@pytest.mark.parametrize("title", LEARNERS)
def test_outer_loss_is_the_cross_entropy_of_the_answer(title):
    learner = LEARNERS[title](1, 3)
    params = initial_params(learner.model, generator=seeded())
    images, labels = torch.rand(60, 1, 28, 28, generator=seeded()), torch.arange(60) % 3
    episode = sample_episode(images, labels, n_way=3, k_shot=2, n_query=4, generator=seeded())
    by_hand = F.cross_entropy(learner.logits(params, episode), episode.query_y)
    torch.testing.assert_close(learner.loss(params, episode), by_hand)


def test_the_generator_decides_everything_whatever_the_global_one_does():
    train, test = small("organ", 5, size=16)
    quick = SETTINGS | {"n_steps": 2, "n_episodes": 3}
    first = study(PROTOTYPICAL, "synthetic-organ", train, test, generator=seeded(4), **quick)
    torch.rand(99)
    again = study(PROTOTYPICAL, "synthetic-organ", train, test, generator=seeded(4), **quick)
    assert first.split == again.split
    assert first.history == again.history
    for name, accuracies in first.accuracies.items():
        assert torch.equal(accuracies, again.accuracies[name])


def test_way_is_lowered_to_the_classes_there_are():
    train, test = small("organ", 5, size=16)
    quick = SETTINGS | {"n_way": 5, "n_steps": 1, "n_episodes": 2}
    assert study(PROTOTYPICAL, "x", train, test, generator=seeded(), **quick).n_way == 2


def test_training_never_sees_a_held_out_class():
    """The study stays the same when the held-out classes' training images are wiped."""
    train, test = small("organ", 5, size=16)
    quick = SETTINGS | {"n_steps": 3, "n_episodes": 3}
    first = study(PROTOTYPICAL, "x", train, test, generator=seeded(), **quick)
    held_out = torch.isin(train.labels, torch.tensor(first.split.test))
    images = train.images.clone()
    images[held_out] = 0
    wiped = train._replace(images=images)
    again = study(PROTOTYPICAL, "x", wiped, test, generator=seeded(), **quick)
    assert first.history == again.history
    assert torch.equal(first.accuracies["raw pixels"], again.accuracies["raw pixels"])
    images[~held_out] = 0
    other = study(
        PROTOTYPICAL, "x", train._replace(images=images), test, generator=seeded(), **quick
    )
    assert first.history != other.history


def test_the_test_never_sees_a_training_class():
    train, test = small("organ", 5, size=16)
    quick = SETTINGS | {"n_steps": 1, "n_episodes": 3}
    first = study(PROTOTYPICAL, "x", train, test, generator=seeded(), **quick)
    images = test.images.clone()
    images[torch.isin(test.labels, torch.tensor(first.split.train))] = 0
    again = study(
        PROTOTYPICAL, "x", train, test._replace(images=images), generator=seeded(), **quick
    )
    for name, accuracies in first.accuracies.items():
        assert torch.equal(accuracies, again.accuracies[name])


def test_too_few_images_are_refused_by_class():
    train, test = small("organ", 5, size=16)
    with pytest.raises(ValueError, match=r"class \d has 60 images, but k_shot=5 and n_query=56"):
        study(PROTOTYPICAL, "x", train, test, generator=seeded(), **SETTINGS | {"n_query": 56})


def test_volumes_are_refused_with_a_way_out():
    volumes = draw("adrenal", n_classes=4, n_per_class=2, generator=seeded(), size=14)
    message = re.escape("organmnist3d has images of shape (14, 14, 14), but conv4 takes flat ones")
    with pytest.raises(ValueError, match=message + ".*bloodmnist"):
        study(PROTOTYPICAL, "organmnist3d", volumes, volumes, generator=seeded(), **SETTINGS)
