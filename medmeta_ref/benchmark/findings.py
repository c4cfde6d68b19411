"""One run as its tables need it: the rows for every K, and which splits and seeds they are of."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from medmeta_ref.benchmark import records as files
from medmeta_ref.benchmark.methods import METHODS
from medmeta_ref.benchmark.presets import Preset, read_preset
from medmeta_ref.benchmark.protocol import Track, read_track
from medmeta_ref.benchmark.statistics import Row, calibration_of, compared, values_of

# Pre-training and the nearest class mean: the simplest baseline that uses the training classes.
REFERENCE = "pre-centroid"
LEARNING_TO_LEARN = ("protonet", "maml", "fomaml", "anil", "nil", "reptile", "maml++")


class Findings(NamedTuple):
    """What one file of records shows.

    Attributes:
        track: its rules.
        data: the tested set.
        preset: what every method might spend.
        records: those of `splits` and `seeds`.
        splits: that every method has been run on.
        seeds: likewise.
        rows: K -> one row per method, for the track's first metric.
    """

    track: Track
    data: str
    preset: Preset
    records: list[dict[str, Any]]
    splits: list[int]
    seeds: list[int]
    rows: dict[int, list[Row]]

    @property
    def metric(self) -> str:
        """What the tables are about."""
        return self.track.metrics[0]

    @property
    def chance(self) -> float:
        """What guessing reaches."""
        return 0.5 if self.metric == "auroc" else 1 / self.track.rules_of(self.data).n_way

    def mean_of(self, method: str, k_shot: int, metric: str) -> float:
        """Return the mean of any metric over all splits, seeds and episodes."""
        values = values_of(
            self.records,
            method,
            k_shot,
            metric,
            splits=self.splits,
            seeds=self.seeds,
            unit=self.track.unit,
        )
        return float(values.mean())

    def cpu_seconds(self, method: str, what: str) -> float:
        """Return the mean CPU seconds per cell of "training" or "testing"."""
        own: list[float] = [r["cpu_seconds"][what] for r in self.records if r["method"] == method]
        return sum(own) / len(own)


def findings_of(path: Path) -> Findings:
    """Return what a file of records shows; methods that lack a record of some split are left out.

    Raises:
        RecordsError: if the file is damaged, of another version of the protocol, or has no two
            units for which the reference and another method have records.
    """
    found = files.read(path)
    if not found:
        raise files.RecordsError(f"{path} has no record")
    first = found[0]
    track, preset = read_track(first["track"]), read_preset(first["preset"])
    if first["version"] != track.version:
        raise files.RecordsError(
            f"{path} was made under version {first['version']} of {track.name}, which is at "
            f"{track.version} now; run it again into another folder"
        )
    there = [name for name in METHODS if any(r["method"] == name for r in found)]
    splits, seeds = files.complete_block(found, there)
    n_units = len(splits if track.unit == "class split" else seeds)
    if REFERENCE not in there or n_units < 2:
        raise files.RecordsError(
            f"{path} has {n_units} {track.unit} with records of {', '.join(there)}; an interval "
            f"needs 2, and {REFERENCE} among the methods"
        )
    kept = [r for r in found if r["split"] in splits and r["seed"] in seeds]
    return Findings(
        track,
        first["data"],
        preset,
        kept,
        splits,
        seeds,
        {k: _rows(track, kept, there, k, splits, seeds) for k in track.k_shots},
    )


def _rows(
    track: Track,
    records: Sequence[Mapping[str, Any]],
    methods: Sequence[str],
    k_shot: int,
    splits: Sequence[int],
    seeds: Sequence[int],
) -> list[Row]:
    values = {
        m: values_of(
            records, m, k_shot, track.metrics[0], splits=splits, seeds=seeds, unit=track.unit
        )
        for m in methods
    }
    calibrations = {m: calibration_of(records, m, k_shot) for m in methods}
    return compared(values, REFERENCE, calibrations)
