"""The protocol, read from the files in `rules/`: tracks, class splits, leakage rules, checksums.

Three questions are three *tracks*. T1: classes never seen, inside one data set. T2: a kind of image
never seen. T3: a clinical question with two answers, on a whole test set. The rules follow what
few-shot papers are criticised for (Chen et al. 2019, "A Closer Look at Few-shot Classification",
arXiv 1904.04232; Guo et al. 2020, "A Broader Study of Cross-Domain Few-Shot Learning", arXiv
1912.07200). A change that moves a number needs a new version: records of another one are refused.
"""

import json
from collections.abc import Mapping
from importlib import resources
from typing import Any, NamedTuple

TRACKS = ("T1", "T2", "T3")


class ClassesOrSets(NamedTuple):
    """What is trained on and what is tested: one line of a track.

    Attributes:
        name: in words.
        train: classes of the tested set to train on; empty if other sets are trained on.
        train_sets: data sets to train on, all their classes; empty if classes are split.
        test: classes that test episodes are made of.
    """

    name: str
    train: tuple[int, ...]
    train_sets: tuple[str, ...]
    test: tuple[int, ...]


class DataRules(NamedTuple):
    """How one data set is tested.

    Attributes:
        n_way: classes per episode, in training as in the test.
        train_counts: images of each class in the official training split.
        test_counts: the same of the test split.
        splits: what is trained on and what is tested, at least one.
        caveats: what a reader of the numbers should know of these images.
        ill_class: of a clinical question, the class that means ill; None otherwise.
    """

    n_way: int
    train_counts: tuple[int, ...]
    test_counts: tuple[int, ...]
    splits: tuple[ClassesOrSets, ...]
    caveats: tuple[str, ...]
    ill_class: int | None


class Track(NamedTuple):
    """One question and the rules under which it is answered.

    Attributes:
        name: "T1", "T2" or "T3".
        version: of the rules.
        title: a few words.
        question: in full.
        k_shots: support images per class, in rising order; a smaller support set is the beginning
            of the larger one.
        n_query: query images per class; 0 stands for the whole official test split.
        seeds: of training.
        n_episodes: for each split and seed; a preset may take the first few.
        unit: what an interval goes over first: class splits or training seeds.
        covers: what an interval covers, and what it does not.
        metrics: what is measured; the first one is what tables are about.
        leakage: the rules, in words.
        data: data set -> how it is tested.
        checksums: "data set, preset" -> SHA-256 of its list of episodes.
    """

    name: str
    version: str
    title: str
    question: str
    k_shots: tuple[int, ...]
    n_query: int
    seeds: tuple[int, ...]
    n_episodes: int
    unit: str
    covers: str
    metrics: tuple[str, ...]
    leakage: tuple[str, ...]
    data: Mapping[str, DataRules]
    checksums: Mapping[str, str]

    def rules_of(self, data: str) -> DataRules:
        """Return how a data set is tested; a ValueError lists those that are."""
        if data not in self.data:
            raise ValueError(
                f"track {self.name} has no data set {data!r}; it has {', '.join(self.data)}"
            )
        return self.data[data]


def read_track(name: str) -> Track:
    """Return the rules of a track.

    Args:
        name: one of `TRACKS`.

    Raises:
        ValueError: if there is no such track.

    Example:
        >>> track = read_track("T1")
        >>> track.k_shots, len(track.data["bloodmnist"].splits)
        ((1, 5), 5)
    """
    if name not in TRACKS:
        raise ValueError(f"there is no track {name!r}; there are {', '.join(TRACKS)}")
    return track_of(json.loads(rules_text(f"{name.lower()}.json")))


def rules_text(filename: str) -> str:
    """Return the text of a file in `rules/`."""
    return (resources.files("medmeta_ref.benchmark") / "rules" / filename).read_text("utf-8")


def track_of(written: Mapping[str, Any]) -> Track:
    """Return a track from what its JSON file holds.

    Raises:
        ValueError: if a class is trained on and tested, a set trains for itself, a class cannot
            give the images that an episode needs, or an episode needs more classes than there are.
    """
    track = Track(
        name=written["track"],
        version=written["version"],
        title=written["title"],
        question=written["question"],
        k_shots=tuple(written["k_shots"]),
        n_query=written["n_query"],
        seeds=tuple(written["seeds"]),
        n_episodes=written["n_episodes"],
        unit=written["unit"],
        covers=written["covers"],
        metrics=tuple(written["metrics"]),
        leakage=tuple(written["leakage"]),
        data={name: _data_rules(rules) for name, rules in written["data"].items()},
        checksums=written["checksums"],
    )
    for name, rules in track.data.items():
        for split in rules.splits:
            _require_sound(track, name, rules, split)
    return track


def _data_rules(written: Mapping[str, Any]) -> DataRules:
    return DataRules(
        n_way=written["n_way"],
        train_counts=tuple(written["train_counts"]),
        test_counts=tuple(written["test_counts"]),
        splits=tuple(
            ClassesOrSets(
                split["name"],
                tuple(split.get("train", ())),
                tuple(split.get("train_sets", ())),
                tuple(split["test"]),
            )
            for split in written["splits"]
        ),
        caveats=tuple(written["caveats"]),
        ill_class=written.get("ill_class"),
    )


def _require_sound(track: Track, name: str, rules: DataRules, split: ClassesOrSets) -> None:
    where = f"{track.name}, {name}, split {split.name!r}"
    both = sorted(set(split.train) & set(split.test))
    if both or name in split.train_sets:
        raise ValueError(f"{where}: trains on what it tests: {both or name}")
    if bool(split.train) == bool(split.train_sets):
        raise ValueError(f"{where}: give classes to train on, or data sets, and not both")
    if len(split.test) < rules.n_way or 0 < len(split.train) < rules.n_way:
        raise ValueError(f"{where}: {rules.n_way} classes per episode, on either side, are needed")
    for c in split.test:
        if not 0 <= c < len(rules.train_counts) == len(rules.test_counts):
            raise ValueError(f"{where}: there is no class {c} among the counts")
        if rules.train_counts[c] < max(track.k_shots) or rules.test_counts[c] < track.n_query:
            raise ValueError(f"{where}: class {c} has too few images for an episode")
