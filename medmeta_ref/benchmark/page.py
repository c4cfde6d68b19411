"""`lessons/BENCHMARK.md`: the records rendered, with what they do not say and what was not run."""

from collections.abc import Sequence
from pathlib import Path

from medmeta_ref.benchmark.figures import alternative, means_figure
from medmeta_ref.benchmark.findings import REFERENCE, Findings, findings_of
from medmeta_ref.benchmark.methods import METHODS
from medmeta_ref.benchmark.presets import read_settings, tuning_words
from medmeta_ref.benchmark.protocol import TRACKS, read_track
from medmeta_ref.benchmark.records import RecordsError, committed
from medmeta_ref.benchmark.tables import (
    METRIC_WORDS,
    calibration_table,
    differences_table,
    means_table,
    readings,
)
from medmeta_ref.plots import show

PAGE = "BENCHMARK.md"
TITLE = "# The benchmark: does learning to learn pay on medical images?\n"
INTRODUCTION = f"""## What was done

Made by `medmeta benchmark report` from the records in `medmeta_ref/benchmark/measured/`; change
nothing here by hand. Every method answers the same test episodes, has the same network and sees
equally many training images, without augmentation. No ImageNet weights are used: "pre-trained"
means trained on the training classes. Batch norm takes its statistics from the support images
alone, so no answer depends on another query; published numbers of MAML and Reptile are often
*transductive*, and higher for that.

**How to read the intervals.** Those in brackets are 95 % hierarchical bootstrap intervals: units
(class splits or training seeds), seeds, episodes. With five units or fewer they are too narrow.
Differences are paired, method minus *{METHODS[REFERENCE].title}* on the same episodes; the ±
behind them is Student's t over the units, and decides what is called better or worse. With some
{len(METHODS) - 1} comparisons per column about one would be called so by chance alone.
"Worst 5 %" is the 5th percentile of the episodes.

**Calibration.** ECE is the mean gap between confidence and accuracy. It is above 0 even for a
perfectly calibrated method, so its null stands beside it: what such a method would score. The last
column says in how many cells (split and seed) the error is more than chance explains.
"""


def reading() -> str:
    """Return what its authors read from the committed records; the tests hold it against them."""
    return (committed() / "READING.md").read_text("utf-8")


def write_page(records: Path, folder: Path) -> list[Path]:
    """Write the page and its figures from all records of a folder; return the files.

    Args:
        records: folder of the .jsonl files.
        folder: where the page and the figures go.

    Raises:
        RecordsError: as `findings_of`, or if there is no file of records.
    """
    if not any(records.glob("*.jsonl")):
        raise RecordsError(f"{records} has no .jsonl file; run `medmeta benchmark` first")
    found = [findings_of(path) for path in sorted(records.glob("*.jsonl"))]
    folder.mkdir(parents=True, exist_ok=True)
    files, parts = [folder / PAGE], [TITLE, INTRODUCTION]
    if records == committed():
        parts.insert(1, reading())
    for each in found:
        name = f"benchmark-{each.track.name.lower()}-{each.data}-{each.preset.name}.png"
        picture = show(means_figure(each), alt=alternative(each))
        (folder / name).write_bytes(picture.png)
        files.append(folder / name)
        parts.append(section(each, name, picture.alt))
    parts += [not_run(found), methods_and_rules()]
    files[0].write_text("\n".join(parts), encoding="utf-8")
    return files


def section(found: Findings, figure: str, alt: str) -> str:
    """Return the part of the page about one run.

    Args:
        found: what it shows.
        figure: file name of its figure.
        alt: the figure's alternative text.
    """
    track, rules, preset = found.track, found.track.rules_of(found.data), found.preset
    n_episodes = preset.n_episodes[track.name]
    what = METRIC_WORDS[found.metric]
    k = max(found.rows)
    made = found.records[0]["made_with"]
    lines = [
        f"## {track.name} on {found.data}, preset {preset.name}: {track.title.lower()}",
        "",
        track.question,
        "",
        f"{rules.n_way}-way; {len(found.splits)} split(s) x {len(found.seeds)} training seeds x "
        f"{n_episodes} test episodes. {_partial(found)}Trained for {preset.n_steps} steps of "
        f"{preset.meta_batch_size} episodes on conv4 with {preset.width} channels.",
        f"The intervals cover {track.covers}.",
        *(f"Mind: {caveat}" for caveat in rules.caveats),
        "",
        f"![{alt}]({figure})",
        "",
        *(f"- {sentence}" for sentence in readings(found)),
        "",
        f"Mean {what} with its bootstrap interval, and the worst episodes:",
        "",
        means_table(found),
        "",
        f"Paired difference in {what} to *{METHODS[REFERENCE].title}*, ± over {track.unit}s:",
        "",
        differences_table(found),
        "",
        f"Further measures at K = {k}:",
        "",
        calibration_table(found),
        "",
        f"Run again with `medmeta benchmark --track {track.name} --data {found.data} --preset "
        f"{preset.name}`. Made with torch {made['torch']} on {made['device']}, "
        f"{made['threads']} thread(s), {made['processes']} process(es); episode list "
        f"`{found.records[0]['episodes']}`.",
        "",
    ]
    return "\n".join(lines)


def not_run(found: Sequence[Findings]) -> str:
    """Return the list of what the protocol has and no record is of."""
    there = {(f.track.name, f.data, f.preset.name) for f in found}
    lines = ["## Not yet run", ""]
    for name in TRACKS:
        for preset in ("small", "full"):
            missing = [data for data in read_track(name).data if (name, data, preset) not in there]
            if missing:
                lines.append(f"- {name}, preset {preset}: {', '.join(missing)}")
    return "\n".join([*lines, ""])


def methods_and_rules() -> str:
    """Return what each method does, how its setting was chosen, and the rules of every track."""
    settings = read_settings()
    lines = ["## The methods", ""]
    for name, method in METHODS.items():
        setting = settings.get(name)
        chosen = (
            f" {setting.name.capitalize()} {setting.value:g}, of "
            f"{', '.join(f'{v:g}' for v in setting.grid)}."
            if setting
            else ""
        )
        lines.append(f"- **{method.title}** (`{name}`): {method.words}.{chosen}")
    lines += [
        "",
        f"Each has at most one setting, one of three values, {tuning_words()}",
        "",
        "## The rules",
        "",
    ]
    for name in TRACKS:
        track = read_track(name)
        lines += [f"**{name}, version {track.version}.**", ""]
        lines += [*(f"- {rule}" for rule in track.leakage), ""]
    return "\n".join(lines)


def _partial(found: Findings) -> str:
    """Return a warning if not all of the protocol's splits and seeds have been run."""
    n_splits = len(found.track.rules_of(found.data).splits)
    if len(found.splits) == n_splits and len(found.seeds) == len(found.track.seeds):
        return ""
    return (
        f"**Not complete**: the protocol asks for {n_splits} split(s) x "
        f"{len(found.track.seeds)} seeds. "
    )
