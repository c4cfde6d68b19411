"""The rules are what they claim, and the test episodes are those they were published with."""

import json
import os
from pathlib import Path

import pytest
import torch

from medmeta_ref.benchmark.episode_list import checksum, listed_episodes
from medmeta_ref.benchmark.methods import METHODS
from medmeta_ref.benchmark.presets import read_preset, read_settings
from medmeta_ref.benchmark.protocol import TRACKS, read_track, rules_text, track_of
from medmeta_ref.datasets import load

ALL = [(track, data) for track in TRACKS for data in read_track(track).data]
LEFT_AND_RIGHT = ({1, 2}, {4, 5}, {7, 8})  # femurs, kidneys, lungs of the organ sets
# Sets of one domain are never on both sides of track T2 or T3.
DOMAINS = {
    "organamnist": "CT",
    "bloodmnist": "blood",
    "pneumoniamnist": "chest",
    "breastmnist": "US",
}


@pytest.mark.parametrize(("name", "data"), ALL)
@pytest.mark.parametrize("preset", ["tiny", "small"])
def test_the_checksum_of_the_episodes_is_the_published_one(name, data, preset):
    track = read_track(name)
    n_episodes = read_preset(preset).n_episodes[name]
    assert checksum(track, data, n_episodes) == track.checksums[f"{data}, {preset}"]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "data"), ALL)
def test_the_checksum_of_the_full_list_is_the_published_one(name, data):
    track = read_track(name)
    assert checksum(track, data, track.n_episodes) == track.checksums[f"{data}, full"]


def test_one_class_more_or_another_version_changes_the_checksum():
    track = read_track("T1")
    other = track._replace(version="1.1")
    assert checksum(track, "bloodmnist", 2) != checksum(other, "bloodmnist", 2)


def test_a_shorter_list_is_the_beginning_of_a_longer_one():
    track = read_track("T1")
    short = list(listed_episodes(track, "bloodmnist", 1, 2, 3))
    assert short == list(listed_episodes(track, "bloodmnist", 1, 2, 9))[:3]


@pytest.mark.parametrize("data", list(read_track("T1").data))
def test_t1_has_five_splits_and_three_seeds_and_trains_on_no_test_class(data):
    track = read_track("T1")
    splits = track.data[data].splits
    assert len({s.test for s in splits}) >= 5
    assert len(track.seeds) >= 3
    every = set(range(len(track.data[data].train_counts)))
    for split in splits:
        assert set(split.train) | set(split.test) == every
        assert not set(split.train) & set(split.test)
    assert set().union(*(s.test for s in splits)) == every  # each class is tested somewhere


def test_left_and_right_organs_are_on_one_side_of_every_split():
    for split in read_track("T1").data["organamnist"].splits:
        for pair in LEFT_AND_RIGHT:
            assert len(pair & set(split.test)) in (0, 2)


@pytest.mark.parametrize("name", ["T2", "T3"])
def test_no_domain_is_trained_on_and_tested(name):
    for data, rules in read_track(name).data.items():
        for split in rules.splits:
            trained = {DOMAINS.get(other, other) for other in split.train_sets}
            assert DOMAINS.get(data, data) not in trained


@pytest.mark.parametrize(("name", "data"), ALL)
def test_episodes_draw_distinct_images_of_test_classes_in_every_slot(name, data):
    track = read_track(name)
    rules, seen = track.data[data], [0] * 12
    for split in range(len(rules.splits)):
        for e in listed_episodes(track, data, split, 0, 30):
            assert len(set(e.classes)) == rules.n_way
            assert set(e.classes) <= set(rules.splits[split].test)
            for c, support in zip(e.classes, e.support, strict=True):
                assert len(set(support)) == max(track.k_shots)
                assert max(support) < rules.train_counts[c]
            for c, query in zip(e.classes, e.query, strict=False):
                assert len(set(query)) == track.n_query
                assert max(query) < rules.test_counts[c]
            seen[e.classes.index(min(e.classes))] += 1
    # The lowest label is not always slot 0, or a network could learn classes by heart.
    assert all(times > 0 for times in seen[: rules.n_way])


@pytest.mark.skipif("MEDMNIST_ROOT" not in os.environ, reason="needs MedMNIST's files")
@pytest.mark.slow
@pytest.mark.parametrize(("name", "data"), ALL)
def test_the_counts_are_those_of_the_official_files(name, data):
    rules = read_track(name).data[data]
    for part, counts in (("train", rules.train_counts), ("test", rules.test_counts)):
        assert torch.bincount(load(data, part).labels).tolist() == list(counts)


def test_every_setting_is_of_its_grid_and_every_grid_has_three_values():
    settings = read_settings()
    assert set(settings) == set(METHODS) - {"chance", "majority"}
    for setting in settings.values():
        assert setting.value in setting.grid
        assert len(setting.grid) == 3


def test_what_is_trained_without_episodes_sees_as_many_images():
    preset = read_preset("small")
    for n_way in (2, 3, 5):
        images = preset.n_steps * preset.meta_batch_size * n_way * (preset.k_shot + preset.n_query)
        assert abs(preset.n_minibatches(n_way) * preset.batch_size - images) < preset.batch_size


def planted(change):
    written = json.loads(rules_text("t1.json"))
    change(written["data"]["bloodmnist"]["splits"][0], written["data"]["bloodmnist"])
    return written


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda split, rules: split["train"].append(0), "trains on what it tests"),
        (lambda split, rules: split.update(train_sets=["bloodmnist"]), "trains on what it tests"),
        (lambda split, rules: split.update(train_sets=["organamnist"]), "and not both"),
        (lambda split, rules: split.update(train=[]), "and not both"),
        (lambda split, rules: split.update(train=[1, 2]), "3 classes per episode"),
        (lambda split, rules: split.update(test=[0, 3, 8]), "there is no class 8"),
        (lambda split, rules: rules["train_counts"].__setitem__(0, 4), "too few images"),
        (lambda split, rules: rules["test_counts"].__setitem__(5, 14), "too few images"),
    ],
)
def test_unsound_rules_are_refused(change, words):
    with pytest.raises(ValueError, match=words):
        track_of(planted(change))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: read_track("T4"), "T1, T2, T3"),
        (lambda: read_track("T1").rules_of("pathmnist"), "bloodmnist"),
        (lambda: list(listed_episodes(read_track("T1"), "bloodmnist", 5, 0, 1)), r"0\.\.4"),
        (lambda: list(listed_episodes(read_track("T1"), "bloodmnist", 0, 9, 1)), "seed 9"),
        (lambda: list(listed_episodes(read_track("T1"), "bloodmnist", 0, 0, 601)), r"1\.\.600"),
        (lambda: read_preset("huge"), "small"),
    ],
)
def test_what_is_not_there_is_refused_with_what_there_is(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_rules_and_records_are_part_of_the_package():
    folder = Path(__file__).parents[1] / "medmeta_ref" / "benchmark"
    assert {p.name for p in (folder / "rules").iterdir()} == {
        *("t1.json", "t2.json", "t3.json", "presets.json", "settings.json")
    }
