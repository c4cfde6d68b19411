"""Each method of `medmeta train` run on a data set: what it found as tables, notes and files."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from rich.table import Table

from medmeta_ref import distillation_report, learners, replay_report, study_report
from medmeta_ref.distillation_study import distillation_study
from medmeta_ref.few_shot import study
from medmeta_ref.image_set import ImageSet
from medmeta_ref.replay_study import replay_study
from medmeta_ref.train import is_main, world_size

LEARNERS: dict[str, Callable[..., learners.Learner]] = {
    "prototypical": learners.prototypical_learner,
    "maml": learners.maml_learner,
    "fomaml": partial(learners.maml_learner, first_order=True),
    "anil": partial(learners.maml_learner, head_only=True),
    "reptile": learners.reptile_learner,
    "maml_pp": learners.maml_pp_learner,
}
# What the command calls otherwise than the library, where n_steps stands for many things.
IN_FULL = {"steps": "n_steps", "episodes": "n_episodes", "runs": "n_seeds"}
OF_THE_LEARNER = ("width", "inner_lr", "inner_steps")


class Outcome(NamedTuple):
    """What a run found.

    Attributes:
        settings: name -> value of what it was run with.
        tables: takes where the images came from, returns tables and notes to print.
        save: takes the files' stem, the source and settings; writes the files and returns them.
    """

    settings: dict[str, Any]
    tables: Callable[[str], list[Table | str]]
    save: Callable[[Path, str, Mapping[str, Any]], list[Path]]


def run_method(
    method: str,
    data: str,
    images: Sequence[ImageSet],
    settings: Mapping[str, Any],
    *,
    generator: torch.Generator,
) -> Outcome:
    """Train a method and test it, on this data set.

    Args:
        method: one of `LEARNERS`, "distillation" or "replay".
        data: name of the data set.
        images: its training and test split, and the validation split if there is patience.
        settings: of the method, as `cli_train.SETTINGS` has them.
        generator: the only source of randomness.

    Raises:
        ValueError: as the study of the method; or if replay is run in several processes.
    """
    full = {IN_FULL.get(name, name): value for name, value in settings.items()}
    told = {name: str(v) if isinstance(v, Path) else v for name, v in full.items()}
    how = full | {"generator": generator, "progress": is_main()}
    if method == "distillation":
        distilled = distillation_study(data, *images, **how)
        return Outcome(
            told,
            lambda source: [
                distillation_report.distillation_table(source, distilled),
                distillation_report.DISTILLATION_NOTES,
            ],
            lambda stem, source, stated: distillation_report.save_distillation(
                stem, source, stated, distilled
            ),
        )
    if method == "replay":
        if world_size() > 1:
            raise ValueError(
                f"replay learns from one stream in one process, not in {world_size()}; start it "
                "without torchrun"
            )
        replayed = replay_study(data, *images, **how)
        return Outcome(
            told,
            lambda source: [
                *(replay_report.matrix_table(replayed, row) for row in replayed.matrices),
                replay_report.replay_table(source, replayed),
                replay_report.REPLAY_NOTES,
            ],
            lambda stem, source, stated: replay_report.save_replay(stem, source, stated, replayed),
        )
    own = {name: how.pop(name) for name in OF_THE_LEARNER if name in how}
    val = images[2] if len(images) > 2 else None
    found = study(partial(LEARNERS[method], **own), data, *images[:2], val=val, **how)
    return Outcome(
        told,
        lambda source: [
            study_report.study_table(source, told, found),
            study_report.study_notes(found),
        ],
        lambda stem, source, stated: study_report.save_study(stem, method, source, stated, found),
    )
