"""A study of replay as a table for people and as files for what comes after."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.table import Table

from medmeta_ref.metrics import mean_and_ci95_of_few
from medmeta_ref.plots import lines, training_curves
from medmeta_ref.replay_study import REPLAY, SEQUENTIAL, ReplayStudy
from medmeta_ref.study_report import save_report

REPLAY_NOTES = """\
Group norm looks at one image at a time, so no prediction depends on another image.
Accuracy is the mean over groups of classes, at the end; forgetting the mean loss since the best.
The interval covers the order of classes, first weights and the order of images."""


def replay_table(source: str, study: ReplayStudy) -> Table:
    """Return average accuracy and forgetting with replay, without it, and of all classes at once.

    Args:
        source: where the images came from, `ImageSet.source`.
        study: what `replay_study` returned.
    """
    averages, forgotten = study.averages(), study.forgotten()
    n_tasks, n_seeds = len(study.tasks), len(study.joint)
    table = Table(
        title=f"{source}\n{n_tasks} groups of classes in turn, 95 % intervals over {n_seeds} runs"
    )
    table.add_column("training")
    for heading in ("average accuracy", "minus sequential, paired", "forgetting"):
        table.add_column(heading, justify="right")
    for row, values in averages.items():
        gain = mean_and_ci95_of_few(values - averages[SEQUENTIAL])
        forgot = str(mean_and_ci95_of_few(forgotten[row])) if row in forgotten else ""
        shown = str(mean_and_ci95_of_few(values))
        table.add_row(row, shown, "" if row == SEQUENTIAL else str(gain), forgot)
    table.add_row("chance", f"{1 / study.n_classes:.3f}", "", "")
    return table


def matrix_table(study: ReplayStudy, row: str) -> Table:
    """Return the accuracies on every group after every group, a mean over runs.

    Args:
        study: what `replay_study` returned.
        row: `REPLAY` or `SEQUENTIAL`.
    """
    table = Table(title=f"{row}: accuracy on the classes of each group")
    table.add_column("after group")
    matrix = study.matrices[row].mean(0)
    for number in range(len(matrix)):
        table.add_column(str(number + 1), justify="right")
    for number, accuracies in enumerate(matrix.tolist()):
        table.add_row(str(number + 1), *(f"{value:.2f}" for value in accuracies))
    return table


def save_replay(
    stem: Path, source: str, settings: Mapping[str, Any], study: ReplayStudy
) -> list[Path]:
    """Write the numbers, the training curve and the accuracies as a figure; return the files.

    Args:
        stem: what the files' names begin with.
        source: where the images came from.
        settings: of the study.
        study: what `replay_study` returned.
    """
    # After each group, the mean over the groups that have come by then.
    curves = {
        row: [float(m[:, k, : k + 1].mean()) for k in range(len(study.tasks))]
        for row, m in study.matrices.items()
    }
    report = {
        "method": "replay",
        "source": source,
        "settings": dict(settings),
        "tasks_of_first_run": study.tasks,
        "matrices": {row: m.tolist() for row, m in study.matrices.items()},
        "average_accuracy": {row: v.tolist() for row, v in study.averages().items()},
        "forgetting": {row: v.tolist() for row, v in study.forgotten().items()},
        "n_classes": study.n_classes,
    }
    return save_report(
        stem,
        report,
        {
            "": lambda: training_curves({REPLAY: study.history}),
            "-accuracy": lambda: lines(
                range(1, len(study.tasks) + 1),
                curves,
                xlabel="groups of classes seen",
                ylabel="accuracy on them",
            ),
        },
    )
