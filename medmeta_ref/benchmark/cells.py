"""One cell: a method, a split and a seed. Train it, let it answer all test episodes, measure."""

import hashlib
import math
import time
from importlib.metadata import version
from typing import Any

import torch

from medmeta_ref import __version__
from medmeta_ref.benchmark.episode_list import checksum, listed_episodes
from medmeta_ref.benchmark.measures import Answer, measured
from medmeta_ref.benchmark.method import Kit, Method
from medmeta_ref.benchmark.presets import Preset, Setting
from medmeta_ref.benchmark.protocol import Track
from medmeta_ref.benchmark.sources import Source, training_sets
from medmeta_ref.benchmark.tasks import answered_tasks, splits_of
from medmeta_ref.benchmark.training import TRAINERS
from medmeta_ref.params import Params
from medmeta_ref.train import is_main, world_size


class Workplace:
    """A track on one data set, with its images at hand and the last trainings remembered.

    Args:
        track: the rules.
        data: a data set of the track.
        preset: what every method may spend.
        device: "cpu" or "cuda".
        progress: whether training shows progress bars.

    Raises:
        ValueError: if a data set is not at hand or not the protocol's, or the list of test
            episodes is not the one whose checksum the protocol states.
    """

    def __init__(
        self,
        track: Track,
        data: str,
        preset: Preset,
        *,
        device: str = "cpu",
        progress: bool = False,
    ) -> None:
        self.track, self.data, self.preset = track, data, preset
        self.rules = track.rules_of(data)
        self.device, self.progress = device, progress
        self._in_colour = bool(self.rules.splits[0].train_sets)
        self._tested = splits_of(track, data, in_colour=self._in_colour)
        self.checksum = checksum(track, data, preset.n_episodes[track.name])
        stated = track.checksums.get(f"{data}, {preset.name}")
        if self.checksum != stated:
            raise ValueError(
                f"the test episodes of {track.name}, {data}, {preset.name} have checksum "
                f"{self.checksum}, but the protocol states {stated}; the protocol was changed"
            )
        self._sources: dict[int, Source] = {}
        self._trained: dict[tuple[int, int, str, float], tuple[Params, float]] = {}

    def run(self, method: Method, setting: Setting | None, split: int, seed: int) -> dict[str, Any]:
        """Return the record of one cell; of several processes the first alone tests.

        Args:
            method: who answers.
            setting: its setting; None if it has none.
            split: number of the class split.
            seed: of training.

        Returns:
            what JSON can hold: what was run, with which versions, every metric for every K, and
            CPU seconds. Without metrics on processes other than the first.
        """
        value = math.nan if setting is None else setting.value
        source = self._source(split)
        kit = Kit(
            self.preset,
            source.in_channels,
            self.rules.n_way,
            value,
            self.device,
            self.progress and is_main(),
        )
        params, training_seconds = self._train(kit, source, method, split, seed)
        began = time.process_time()
        metrics = self._test(kit, params, method, split, seed) if is_main() else {}
        return {
            "track": self.track.name,
            "version": self.track.version,
            "data": self.data,
            "preset": self.preset.name,
            "split": split,
            "seed": seed,
            "method": method.name,
            "value": None if setting is None else value,
            "episodes": self.checksum[:16],
            "metrics": metrics,
            "cpu_seconds": {
                "training": round(training_seconds, 2),
                "testing": round(time.process_time() - began, 2),
            },
            "made_with": made_with(self.device),
        }

    def _source(self, split: int) -> Source:
        if split not in self._sources:
            lines = self.rules.splits[split]
            sets, classes = training_sets(self.data, lines, in_colour=self._in_colour)
            self._sources[split] = Source(
                sets,
                classes,
                n_way=self.rules.n_way,
                k_shot=self.preset.k_shot,
                n_query=self.preset.n_query,
                device=self.device,
            )
        return self._sources[split]

    def _train(
        self, kit: Kit, source: Source, method: Method, split: int, seed: int
    ) -> tuple[Params, float]:
        """Return the parameters and the CPU seconds of training, remembered if done before."""
        key = (split, seed, method.trains, kit.value if method.tunes_training else 0.0)
        if key not in self._trained:
            # One split and seed at a time are in memory: what follows starts from the same.
            self._trained = {k: v for k, v in self._trained.items() if k[:2] == key[:2]}
            began = time.process_time()
            generator = self._generator(split, seed, "training")
            params = TRAINERS[method.trains](kit, source, generator)
            self._trained[key] = params, time.process_time() - began
        return self._trained[key]

    def _test(
        self, kit: Kit, params: Params, method: Method, split: int, seed: int
    ) -> dict[str, Any]:
        """Return K -> metrics."""
        n_episodes = self.preset.n_episodes[self.track.name]
        answers: dict[int, list[Answer]] = {k: [] for k in self.track.k_shots}
        for listed in listed_episodes(self.track, self.data, split, seed, n_episodes):
            ill = self.rules.ill_class
            ill_slot = None if ill is None else listed.classes.index(ill)
            for each in answered_tasks(
                self._tested, self.rules, listed, self.track.k_shots, self.device
            ):
                generator = self._generator(split, seed, f"episode {listed.number}")
                with torch.no_grad():  # not inference_mode: some methods take gradient steps
                    logits = method.answers(kit, params, each.task, generator=generator).cpu()
                answers[each.k_shot].append(Answer(logits, each.query_y, each.n_val, ill_slot))
        generator = self._generator(split, seed, "null")
        n_null = self.preset.n_null
        return {
            str(k): measured(found, n_null=n_null, generator=generator)
            for k, found in answers.items()
        }

    def _generator(self, split: int, seed: int, what: str) -> torch.Generator:
        name = f"{self.track.name} {self.track.version} {self.data} {split} {seed} {what}"
        number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:7])
        return torch.Generator().manual_seed(number)


def made_with(device: str) -> dict[str, Any]:
    """Return the versions and the machine's part in a number."""
    packages = {name: version(name) for name in ("torch", "numpy", "scikit-learn")}
    return {
        "medmeta": __version__,
        **packages,
        "device": device,
        "threads": torch.get_num_threads(),
        "processes": world_size(),
    }
