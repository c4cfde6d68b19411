"""That the comparison of few-shot methods is a fair one: unseen classes, same episodes."""

import re
from functools import partial

import pytest
import torch

from medmeta_ref import few_shot
from medmeta_ref.episodes import sample_episode
from medmeta_ref.few_shot import episode_accuracies, study
from medmeta_ref.learners import (
    ROW_WORDS,
    maml_learner,
    maml_pp_learner,
    prototypical_learner,
    reptile_learner,
)
from medmeta_ref.metrics import mean_and_ci95
from medmeta_ref.synthetic import draw


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


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


def test_several_answers_of_a_method_become_rows_of_their_own():
    methods = {"plain": right, "method": lambda e: {"a": right(e), "b": 1 - right(e)}}
    scores = episode_accuracies(methods, draw_from(seeded()), n_episodes=3, progress=False)
    assert list(scores) == ["plain", "method, a", "method, b"]
    assert scores["method, a"].tolist() == [1.0] * 3
    assert scores["method, b"].tolist() == [0.0] * 3


def test_progress_is_silent_when_asked_to_be(capsys):
    episode_accuracies({"right": right}, draw_from(seeded()), n_episodes=2, progress=False)
    assert capsys.readouterr() == ("", "")


# The whole study, small: half-second drawings, 60 training steps.

SETTINGS = {
    "n_way": 3,
    "k_shot": 5,
    "n_query": 10,
    "n_steps": 60,
    "meta_batch_size": 1,
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
    "Reptile": partial(reptile_learner, **INNER | {"inner_steps": 6}),
    "MAML++": partial(maml_pp_learner, **INNER),
}


@pytest.fixture(scope="module", params=LEARNERS)
def outcome(request):
    train, test = small("blood", 8)
    build = LEARNERS[request.param]
    settings = SETTINGS | {"meta_batch_size": 2, "outer_lr": 1e-2}
    return request.param, study(
        build, "synthetic-blood", train, test, generator=seeded(1), **settings
    )


def test_a_trained_network_beats_itself_untrained_in_every_mode(outcome):
    title, found = outcome
    for mode in found.batch_norm.values():
        trained = found.accuracies[f"{title}, {ROW_WORDS[mode]}"]
        untrained = found.accuracies[f"{title} untrained, {ROW_WORDS[mode]}"]
        gain = mean_and_ci95(trained - untrained)
        assert gain.mean - gain.half_width > 0, mode


def test_a_trained_prototypical_network_beats_raw_pixels():
    train, test = small("blood", 8)
    found = study(PROTOTYPICAL, "x", train, test, generator=seeded(), **SETTINGS)
    for words in ("transductive", "support statistics"):
        trained = found.accuracies[f"prototypical network, {words}"]
        gain = mean_and_ci95(trained - found.accuracies["raw pixels"])
        assert gain.mean - gain.half_width > 0.1
        assert trained.mean() > 0.7


def test_every_row_states_its_mode_and_is_above_chance_and_below_one(outcome):
    title, found = outcome
    *networks, pixels = found.accuracies
    assert pixels == "raw pixels"
    assert networks == list(found.batch_norm)
    modes = ["transductive", "support"] + ["per-step"] * (title == "MAML++")
    assert list(found.batch_norm.values()) == modes * 2
    for row, mode in found.batch_norm.items():
        method, _, words = row.partition(", ")
        assert method in (title, f"{title} untrained")
        assert words == ROW_WORDS[mode]
    for accuracies in found.accuracies.values():
        assert accuracies.shape == (40,)
        assert 1 / found.n_way < accuracies.mean() < 1


def test_the_loss_falls_and_the_report_says_what_was_done(outcome):
    _, found = outcome
    assert len(found.history) == 60
    assert sum(found.history[-10:]) < sum(found.history[:10])
    assert found.n_way == 3
    assert not set(found.split.train) & set(found.split.test)


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


# What training sees, and when


SEEN = SETTINGS | {"n_steps": 4, "n_episodes": 2}


def spied(shapes, shares):
    """Return a builder of a prototypical learner that notes what its objective is given."""

    def build(in_channels, n_way):
        learner = PROTOTYPICAL(in_channels, n_way)

        def objective(done):
            def loss(params, episodes):
                shares.append(done)
                shapes.append(tuple(episodes.support_x.shape[:2]))
                return learner.objective(done)(params, episodes)

            return loss

        return learner._replace(objective=objective)

    return build


def test_the_objective_gets_a_batch_of_episodes_and_the_share_of_training_that_is_over():
    shapes, shares = [], []
    train, test = small("organ", 5, size=16)
    settings = SEEN | {"meta_batch_size": 3}
    study(spied(shapes, shares), "x", train, test, generator=seeded(), **settings)
    assert shapes == [(3, 2 * 5)] * 4
    assert shares == [0.0, 0.25, 0.5, 0.75]


def test_an_interrupted_study_goes_on_where_it_was_and_ends_the_same(tmp_path, monkeypatch):
    train, test = small("organ", 5, size=16)
    shares = []
    whole = study(PROTOTYPICAL, "x", train, test, generator=seeded(), **SEEN)

    def stopping(in_channels, n_way):
        learner = PROTOTYPICAL(in_channels, n_way)

        def objective(done):
            if done >= 0.5:
                raise KeyboardInterrupt
            return learner.objective(done)

        return learner._replace(objective=objective)

    file = tmp_path / "study.pt"
    with pytest.raises(KeyboardInterrupt):
        study(stopping, "x", train, test, generator=seeded(), checkpoint=file, **SEEN)
    again = study(spied([], shares), "x", train, test, generator=seeded(), checkpoint=file, **SEEN)
    assert shares == [0.5, 0.75]
    assert again.history == whole.history
    for row, accuracies in whole.accuracies.items():
        assert torch.equal(accuracies, again.accuracies[row])


def test_a_checkpoint_of_other_settings_is_refused(tmp_path):
    train, test = small("organ", 5, size=16)
    file = tmp_path / "study.pt"
    study(PROTOTYPICAL, "x", train, test, generator=seeded(), checkpoint=file, **SEEN)
    for other in ({"n_query": 9}, {"k_shot": 4}, {"meta_batch_size": 2}):
        with pytest.raises(ValueError, match=next(iter(other))):
            study(
                PROTOTYPICAL, "x", train, test, generator=seeded(), checkpoint=file, **SEEN | other
            )


def test_patience_never_looks_at_a_held_out_class():
    train, test = small("organ", 5, size=16)
    val = draw("organ", n_classes=5, n_per_class=20, generator=seeded(3), size=16)
    settings = SEEN | {"patience": 1, "n_steps": 2}
    first = study(PROTOTYPICAL, "x", train, test, val=val, generator=seeded(), **settings)
    held_out = torch.isin(val.labels, torch.tensor(first.split.test))
    images = val.images.clone()
    images[held_out] = 0
    wiped = val._replace(images=images[~held_out], labels=val.labels[~held_out])
    again = study(PROTOTYPICAL, "x", train, test, val=wiped, generator=seeded(), **settings)
    for row, accuracies in first.accuracies.items():
        assert torch.equal(accuracies, again.accuracies[row])


def test_patience_without_validation_images_is_refused():
    train, test = small("organ", 5, size=16)
    with pytest.raises(ValueError, match="patience=2 needs val"):
        study(PROTOTYPICAL, "x", train, test, generator=seeded(), patience=2, **SEEN)


def test_one_mode_alone_gives_the_numbers_it_has_among_others():
    train, test = small("organ", 5, size=16)
    both = study(PROTOTYPICAL, "x", train, test, generator=seeded(), **SEEN)
    one = study(PROTOTYPICAL, "x", train, test, generator=seeded(), batch_norm="support", **SEEN)
    assert set(one.batch_norm.values()) == {"support"}
    assert len(one.accuracies) == 3
    for row, accuracies in one.accuracies.items():
        assert torch.equal(accuracies, both.accuracies[row])


def test_a_mode_the_method_does_not_have_is_refused_with_those_it_has():
    train, test = small("organ", 5, size=16)
    message = "prototypical network has no batch-norm mode 'per-step'; it has transductive, support"
    with pytest.raises(ValueError, match=message):
        study(PROTOTYPICAL, "x", train, test, generator=seeded(), batch_norm="per-step", **SEEN)


def test_an_empty_meta_batch_is_refused():
    train, test = small("organ", 5, size=16)
    with pytest.raises(ValueError, match="meta_batch_size must be at least 1 episode, got 0"):
        study(PROTOTYPICAL, "x", train, test, generator=seeded(), **SEEN | {"meta_batch_size": 0})


def test_too_few_test_images_are_refused_before_the_training():
    shares = []
    train, test = small("organ", 5, size=16)
    with pytest.raises(ValueError, match=r"class \d has 25 images"):
        study(spied([], shares), "x", train, test, generator=seeded(), **SEEN | {"n_query": 21})
    assert shares == []


def test_of_several_processes_the_first_alone_tests(monkeypatch):
    monkeypatch.setattr(few_shot, "is_main", lambda: False)
    train, test = small("organ", 5, size=16)
    found = study(PROTOTYPICAL, "x", train, test, generator=seeded(), **SEEN)
    assert found.accuracies == found.batch_norm == {}
    assert len(found.history) == 4
