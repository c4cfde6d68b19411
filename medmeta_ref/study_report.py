"""A few-shot study as a table for people and as files for what comes after."""

import json
from pathlib import Path
from typing import Any

import torch
from rich.table import Table

from medmeta_ref import __version__
from medmeta_ref.few_shot import Study
from medmeta_ref.metrics import Interval, mean_and_ci95
from medmeta_ref.plots import show, training_curves


def study_table(source: str, settings: dict[str, Any], study: Study) -> Table:
    """Return a table of accuracies with intervals, and of gains over raw pixels, paired.

    Args:
        source: where the images came from, `ImageSet.source`.
        settings: of the study; "k_shot" and "n_episodes" go into the headings.
        study: what `few_shot.study` returned.
    """
    shots = f"{study.n_way}-way {settings['k_shot']}-shot, classes never seen"
    table = Table(title=f"{source}\n{shots}")
    table.add_column("method")
    episodes = f"over {settings['n_episodes']} episodes"
    table.add_column(f"accuracy, 95 % interval {episodes}", justify="right")
    table.add_column("minus raw pixels, paired", justify="right")
    for name, (accuracy, gain) in _intervals(study).items():
        table.add_row(name, str(accuracy), "" if name == "raw pixels" else str(gain))
    table.add_row("chance", f"{1 / study.n_way:.3f}", "")
    return table


def save_study(
    stem: Path, method: str, source: str, settings: dict[str, Any], study: Study
) -> Path:
    """Write the figures to `stem`.json and the training curve to `stem`.png; return `stem`.

    Args:
        stem: the files' common name; its folder is made if need be.
        method: what was trained.
        source: where the images came from.
        settings: of the study.
        study: what `few_shot.study` returned.
    """
    stem.parent.mkdir(parents=True, exist_ok=True)
    report = {
        "method": method,
        "source": source,
        "settings": settings,
        "split": study.split._asdict(),
        "n_way": study.n_way,
        "chance": 1 / study.n_way,
        "batch_norm": study.batch_norm,
        "accuracy": {
            name: {**accuracy._asdict(), "minus_raw_pixels": gain._asdict()}
            for name, (accuracy, gain) in _intervals(study).items()
        },
        "versions": {"medmeta": __version__, "torch": torch.__version__},
    }
    text = json.dumps(report, indent=1) + "\n"
    stem.with_name(f"{stem.name}.json").write_text(text, encoding="utf-8")
    picture = show(training_curves({method: study.history}), alt=f"training loss of {method}")
    stem.with_name(f"{stem.name}.png").write_bytes(picture.png)
    return stem


def _intervals(study: Study) -> dict[str, tuple[Interval, Interval]]:
    """Return, for every method, its accuracy and its gain over raw pixels."""
    pixels = study.accuracies["raw pixels"]
    return {
        name: (mean_and_ci95(values), mean_and_ci95(values - pixels))
        for name, values in study.accuracies.items()
    }
