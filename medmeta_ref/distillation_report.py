"""A distillation study as a table for people and as files for what comes after."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.table import Table
from torch import Tensor

from medmeta_ref.distillation_study import ALONE, TEACHER, DistillationStudy
from medmeta_ref.metrics import mean_and_ci95_of_few
from medmeta_ref.plots import intervals, training_curves
from medmeta_ref.study_report import save_report


def distillation_table(source: str, study: DistillationStudy) -> Table:
    """Return accuracy and balanced accuracy on the test split, and gains over the student alone.

    Args:
        source: where the images came from, `ImageSet.source`.
        study: what `distillation_study` returned.
    """
    n_seeds = len(study.accuracies[ALONE])
    table = Table(title=f"{source}\nofficial test split, 95 % intervals over {n_seeds} runs")
    table.add_column("network, group norm")
    for heading in ("parameters", "accuracy", "balanced accuracy", "minus alone, paired"):
        table.add_column(heading, justify="right")
    for row, values in study.accuracies.items():
        gain = values - study.accuracies[ALONE]
        table.add_row(
            row,
            f"{study.n_parameters[row]:,}",
            _shown(values),
            _shown(study.balanced[row]),
            "" if row in (TEACHER, ALONE) else _shown(gain),
        )
    table.add_row("commonest class", "", f"{study.majority:.3f}", f"{1 / study.n_classes:.3f}", "")
    return table


DISTILLATION_NOTES = """\
Group norm looks at one image at a time, so no prediction depends on another image.
The interval covers first weights and the order of images; the teacher is one network.
The teacher has seen all labels: where it helps, it may only be the way they reach the student."""


def save_distillation(
    stem: Path,
    source: str,
    settings: Mapping[str, Any],
    study: DistillationStudy,
) -> list[Path]:
    """Write the numbers, the training curves and the accuracies as a figure; return the files.

    Args:
        stem: what the files' names begin with.
        source: where the images came from.
        settings: of the study.
        study: what `distillation_study` returned.
    """
    students = {r: mean_and_ci95_of_few(v) for r, v in study.accuracies.items() if r != TEACHER}
    references = {TEACHER: float(study.accuracies[TEACHER][0]), "commonest class": study.majority}
    report = {
        "method": "distillation",
        "source": source,
        "settings": dict(settings),
        "accuracy": {row: values.tolist() for row, values in study.accuracies.items()},
        "balanced_accuracy": {row: values.tolist() for row, values in study.balanced.items()},
        "n_parameters": study.n_parameters,
        "majority": study.majority,
        "n_classes": study.n_classes,
    }
    label = "test accuracy, 95 % interval over runs"
    return save_report(
        stem,
        report,
        {
            "": lambda: training_curves(study.histories),
            "-accuracy": lambda: intervals(students, label=label, references=references),
        },
    )


def _shown(values: Tensor) -> str:
    return str(mean_and_ci95_of_few(values)) if len(values) > 1 else f"{values[0].item():.3f}"
