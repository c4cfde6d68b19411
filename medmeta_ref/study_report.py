"""A few-shot study as a table for people and as files for what comes after."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from matplotlib.axes import Axes
from rich.table import Table

from medmeta_ref import __version__
from medmeta_ref.few_shot import Study
from medmeta_ref.learners import BATCH_NORM, ROW_WORDS
from medmeta_ref.metrics import Interval, mean_and_ci95
from medmeta_ref.plots import intervals, show, training_curves


def study_table(source: str, settings: Mapping[str, Any], study: Study) -> Table:
    """Return a table of accuracies with intervals, and of gains over raw pixels, paired.

    Args:
        source: where the images came from, `ImageSet.source`.
        settings: of the study; "k_shot" and "n_episodes" go into the headings.
        study: what `few_shot.study` returned.
    """
    shots = f"{study.n_way}-way {settings['k_shot']}-shot, classes never seen"
    table = Table(title=f"{source}\n{shots}")
    table.add_column("method, batch norm")
    episodes = f"over {settings['n_episodes']} episodes"
    table.add_column(f"accuracy, 95 % interval {episodes}", justify="right")
    table.add_column("minus raw pixels, paired", justify="right")
    for name, (accuracy, gain) in _intervals(study).items():
        table.add_row(name, str(accuracy), "" if name == "raw pixels" else str(gain))
    table.add_row("chance", f"{1 / study.n_way:.3f}", "")
    return table


def study_notes(study: Study) -> str:
    """Return what the batch-norm modes in the table mean, and what its intervals leave out.

    Args:
        study: what `few_shot.study` returned.
    """
    modes = dict.fromkeys(study.batch_norm.values())
    lines = [f"{ROW_WORDS[mode]}: {BATCH_NORM[mode]}." for mode in modes]
    lines.append("While training, every batch is normalised by its own statistics.")
    lines.append("The interval covers the drawing of episodes,")
    lines.append("not the training seed nor the choice of classes.")
    return "\n".join(lines)


def save_study(
    stem: Path, method: str, source: str, settings: Mapping[str, Any], study: Study
) -> list[Path]:
    """Write the numbers, the training curve and the accuracies as a figure; return the files.

    Args:
        stem: what the files' names begin with; its folder is made if need be.
        method: what was trained.
        source: where the images came from.
        settings: of the study.
        study: what `few_shot.study` returned.
    """
    found = _intervals(study)
    report = {
        "split": study.split._asdict(),
        "n_way": study.n_way,
        "chance": 1 / study.n_way,
        "n_steps_taken": len(study.history),
        "batch_norm": {mode: BATCH_NORM[mode] for mode in study.batch_norm.values()},
        "accuracy": {
            name: {
                **accuracy._asdict(),
                "minus_raw_pixels": gain._asdict(),
                "batch_norm": study.batch_norm.get(name),
            }
            for name, (accuracy, gain) in found.items()
        },
    }
    label = f"accuracy, 95 % interval over {settings['n_episodes']} episodes"
    accuracies = {name: accuracy for name, (accuracy, _) in found.items()}
    return save_report(
        stem,
        {"method": method, "source": source, "settings": dict(settings)} | report,
        {
            "": lambda: training_curves({method: study.history}),
            "-accuracy": lambda: intervals(accuracies, label=label, chance=1 / study.n_way),
        },
    )


def save_report(stem: Path, report: Mapping[str, Any], figures: Mapping[str, Any]) -> list[Path]:
    """Write a report as JSON with the versions it was made with, and its figures; return the files.

    Args:
        stem: what the files' names begin with; its folder is made if need be.
        report: what json can write.
        figures: end of the file's name -> function that draws and returns axes.
    """
    stem.parent.mkdir(parents=True, exist_ok=True)
    versions = {"medmeta": __version__, "torch": torch.__version__}
    text = json.dumps({**report, "versions": versions}, indent=1) + "\n"
    files = [stem.with_name(f"{stem.name}.json")]
    files[0].write_text(text, encoding="utf-8")
    for ending, draw in figures.items():
        axes: Axes = draw()
        picture = show(axes, alt=f"{stem.name}{ending}: {axes.get_xlabel()}")
        files.append(stem.with_name(f"{stem.name}{ending}.png"))
        files[-1].write_bytes(picture.png)
    return files


def _intervals(study: Study) -> dict[str, tuple[Interval, Interval]]:
    """Return, for every row, its accuracy and its gain over raw pixels."""
    pixels = study.accuracies["raw pixels"]
    return {
        name: (mean_and_ci95(values), mean_and_ci95(values - pixels))
        for name, values in study.accuracies.items()
    }
