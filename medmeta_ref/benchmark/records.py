"""Results as JSON lines: one record per cell, added whole or not at all, never overwritten."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from filelock import FileLock

# A record is only good for a run that has these in common with it.
BELONGS = ("track", "version", "data", "preset", "episodes")


class RecordsError(ValueError):
    """A file of records is damaged, or is one of another run. It was left alone."""


def file_name(track: str, data: str, preset: str) -> str:
    """Return what the file of a run is called.

    Example:
        >>> file_name("T1", "bloodmnist", "small")
        't1-bloodmnist-small.jsonl'
    """
    return f"{track.lower()}-{data}-{preset}.jsonl"


def committed() -> Path:
    """Return the folder of the records that come with the package."""
    return Path(str(resources.files("medmeta_ref.benchmark") / "measured"))


def append(path: Path, record: Mapping[str, Any]) -> None:
    """Add one record as one line; processes that add at the same time take turns.

    Args:
        path: of the file; it and its folder are made if need be.
        record: what JSON can hold.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    line = (json.dumps(record, separators=(",", ":")) + "\n").encode()
    with FileLock(path.with_name(f"{path.name}.lock")), path.open("ab", buffering=0) as file:
        before = file.seek(0, os.SEEK_END)
        if file.write(line) != len(line):  # a full disk: leave no half line behind
            file.truncate(before)
            raise OSError(f"{path} could not be written to its end")
        os.fsync(file.fileno())


def read(path: Path) -> list[dict[str, Any]]:
    """Return the records of a file, in order; none if there is no file.

    Raises:
        RecordsError: naming the line that is no record, or the cell that is there twice.
    """
    if not path.exists():
        return []
    records: list[dict[str, Any]] = []
    there: set[tuple[int, int, str]] = set()
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        try:
            record = json.loads(line)
            cell = cell_of(record)
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise RecordsError(
                f"{path}, line {number} is no record; delete that line and its cell is run again"
            ) from error
        if cell in there:
            raise RecordsError(f"{path}, line {number}: {cell} is there already; delete one")
        records.append(record)
        there.add(cell)
    return records


def cell_of(record: Mapping[str, Any]) -> tuple[int, int, str]:
    """Return split, seed and method of a record."""
    return int(record["split"]), int(record["seed"]), str(record["method"])


def require_same_run(
    records: Iterable[Mapping[str, Any]], wanted: Mapping[str, Any], values: Mapping[str, float]
) -> None:
    """Refuse records that a run may not go on from.

    Args:
        records: what is there.
        wanted: what the run has under the names of `BELONGS`.
        values: method -> its setting in this run.

    Raises:
        RecordsError: naming the difference.
    """
    for record in records:
        odd = [name for name in BELONGS if record.get(name) != wanted[name]]
        method = record["method"]
        if record.get("value") != values.get(method):
            odd.append("value")
        if odd:
            here = {**wanted, "value": values.get(method)}[odd[0]]
            raise RecordsError(
                f"the record of {cell_of(record)} was made with {odd[0]} {record.get(odd[0])}, "
                f"this run has {here}; such numbers do not belong into one table. Give another "
                "folder with --results"
            )


def complete_block(
    records: Sequence[Mapping[str, Any]], methods: Sequence[str]
) -> tuple[list[int], list[int]]:
    """Return the splits and seeds for which every method has a record: a full rectangle.

    Args:
        records: of one run.
        methods: those that have to be there.

    Returns:
        the splits with at least one such seed, and the seeds that all of these splits have.

    Example:
        >>> there = [{"split": 0, "seed": s, "method": "maml"} for s in (0, 1)]
        >>> complete_block([*there, {"split": 1, "seed": 0, "method": "maml"}], ["maml"])
        ([0, 1], [0])
    """
    there = {cell_of(record) for record in records}
    seeds: dict[int, set[int]] = {}
    for split, seed, _ in there:
        if all((split, seed, method) in there for method in methods):
            seeds.setdefault(split, set()).add(seed)
    common = sorted(set.intersection(*seeds.values())) if seeds else []
    return (sorted(seeds), common) if common else ([], [])
