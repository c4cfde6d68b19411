"""The face that every method shows to the benchmark: train on some classes, then answer tasks."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from medmeta_ref.benchmark.presets import Preset
from medmeta_ref.benchmark.sources import Source
from medmeta_ref.benchmark.tasks import Task
from medmeta_ref.params import Params


class Kit(NamedTuple):
    """What a method may use, beside the images.

    Attributes:
        preset: what it may spend.
        in_channels: 1 for grey images, 3 for colour.
        n_way: classes per episode.
        value: of the method's one setting that was chosen; nan if it has none.
        device: "cpu" or "cuda".
        progress: whether to show progress bars.
    """

    preset: Preset
    in_channels: int
    n_way: int
    value: float
    device: str = "cpu"
    progress: bool = False


# Both draw randomness from the generator alone.
Trainer = Callable[[Kit, Source, torch.Generator], Params]


class Answers(Protocol):
    """How a method answers a task."""

    def __call__(
        self, kit: Kit, params: Params, task: Task, *, generator: torch.Generator
    ) -> Tensor:
        """Return logits, `[n_queries, n_way]`."""
        ...


class Method(NamedTuple):
    """A row of the benchmark.

    Attributes:
        name: for the command line and the records.
        title: for tables.
        trains: name of how it is trained, a key of `training.TRAINERS`; several methods may start
            from the same training. "nothing" if it is not trained.
        tunes_training: whether its setting is one of training, and not of answering.
        answers: to one task: logits `[n_queries, n_way]`. It never sees a query's label, and what
            it says of one query does not depend on the others.
        words: what it does, in one line.
    """

    name: str
    title: str
    trains: str
    tunes_training: bool
    answers: Answers
    words: str
