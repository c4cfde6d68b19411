"""How much a run may spend, and the settings of every method: both are part of the protocol."""

import json
from typing import NamedTuple

from medmeta_ref.benchmark.protocol import rules_text


class Preset(NamedTuple):
    """What every method may spend; the same for all of them.

    Attributes:
        name: "small" for two CPU cores, "full" for a GPU, "tiny" for tests.
        n_steps: outer steps of what is trained on episodes.
        meta_batch_size: episodes per outer step.
        k_shot: support images per class of a training episode.
        n_query: its query images per class.
        width: channels of the network, conv4 for all.
        inner_steps: of the methods with an inner loop, in training and in the test alike.
        fine_tune_steps: gradient steps on a support set of the methods that fine-tune.
        outer_lr: Adam's first rate; it falls along a cosine.
        batch_size: images per step of what is trained without episodes. It sees as many images in
            all as the others do.
        n_episodes: test episodes for each split and seed, the first of the protocol's list; for
            each track.
        n_null: resamples for the null of the calibration error.
    """

    name: str
    n_steps: int
    meta_batch_size: int
    k_shot: int
    n_query: int
    width: int
    inner_steps: int
    fine_tune_steps: int
    outer_lr: float
    batch_size: int
    n_episodes: dict[str, int]
    n_null: int

    def n_minibatches(self, n_way: int) -> int:
        """Return in how many minibatches as many images pass as in all training episodes."""
        per_episode = n_way * (self.k_shot + self.n_query)
        return max(1, self.n_steps * self.meta_batch_size * per_episode // self.batch_size)


class Setting(NamedTuple):
    """The one setting of a method that was chosen.

    Attributes:
        name: what it is.
        grid: the values that were tried: three for every method that has such a setting.
        value: the best of them on the tuning set.
    """

    name: str
    grid: tuple[float, ...]
    value: float


def read_preset(name: str) -> Preset:
    """Return a preset; a ValueError lists those that there are.

    Example:
        >>> read_preset("small").width
        32
    """
    presets = json.loads(rules_text("presets.json"))
    if name not in presets:
        raise ValueError(f"there is no preset {name!r}; there are {', '.join(presets)}")
    return Preset(name=name, **presets[name])


def read_settings() -> dict[str, Setting]:
    """Return method -> its setting, for the methods that have one."""
    written = json.loads(rules_text("settings.json"))["methods"]
    return {m: Setting(s["name"], tuple(s["grid"]), s["value"]) for m, s in written.items()}


def tuning_words() -> str:
    """Return on what, and with how much, the settings were chosen."""
    written = json.loads(rules_text("settings.json"))
    return (
        f"chosen on {written['tuned_on']}, with {written['n_steps']} steps and "
        f"{written['n_episodes']} episodes, by accuracy and then log loss. {written['note']}"
    )
