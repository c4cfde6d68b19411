"""All cells of a run, one after the other; what is on file already is skipped."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from medmeta_ref.benchmark import records
from medmeta_ref.benchmark.cells import Workplace
from medmeta_ref.benchmark.method import Method
from medmeta_ref.benchmark.presets import read_settings
from medmeta_ref.train import is_main, process_group
from medmeta_ref.train.distributed import from_main

Say = Callable[[str], None]


def cells(
    methods: Sequence[Method], *, splits: Sequence[int], seeds: Sequence[int]
) -> list[tuple[int, int, Method]]:
    """Return (split, seed, method) of every cell.

    Seeds are the outermost, so that an interrupted run has all splits of the first seeds; methods
    the innermost, so that those that share a training share it.
    """
    by_training = sorted(methods, key=lambda method: method.trains)
    return [(split, seed, m) for seed in seeds for split in splits for m in by_training]


def run(
    place: Workplace,
    methods: Sequence[Method],
    path: Path,
    *,
    splits: Sequence[int] | None = None,
    seeds: Sequence[int] | None = None,
    begin: Callable[[int, int], None] = lambda done, all_of_them: None,
    done: Callable[[dict[str, Any]], None] = lambda record: None,
) -> int:
    """Run every cell that is not on file, and file its record; return how many were run.

    Under `torchrun` the processes share the episodes of every training batch (`train.fit`); the
    first one tests and writes.

    Args:
        place: the track, data set and preset.
        methods: the rows.
        path: of the records.
        splits: numbers of the class splits; all of the protocol by default.
        seeds: of training; all of the protocol by default.
        begin: told how many cells are on file, and how many there are.
        done: told each new record.

    Raises:
        ValueError: if the protocol has no such split or seed.
        RecordsError: if the file is damaged or of another run.
        FloatingPointError: if a training diverges.
    """
    settings = read_settings()
    values = {name: setting.value for name, setting in settings.items()}
    wanted = {
        "track": place.track.name,
        "version": place.track.version,
        "data": place.data,
        "preset": place.preset.name,
        "episodes": place.checksum[:16],
    }
    all_splits = range(len(place.rules.splits))
    splits = all_splits if splits is None else splits
    seeds = place.track.seeds if seeds is None else seeds
    if not set(splits) <= set(all_splits) or not set(seeds) <= set(place.track.seeds):
        raise ValueError(
            f"{place.track.name} of {place.data} has splits 0..{len(all_splits) - 1} and seeds "
            f"{', '.join(map(str, place.track.seeds))}; got splits {list(splits)} and seeds "
            f"{list(seeds)}"
        )
    todo = cells(methods, splits=splits, seeds=seeds)
    with process_group():
        there: list[tuple[int, int, str]] = []
        if is_main():
            found = records.read(path)
            records.require_same_run(found, wanted, values)
            there = [records.cell_of(record) for record in found]
        # The first process alone looks, and says: the file grows while the others would look.
        message = from_main(json.dumps(there).encode(), device=torch.device("cpu"))
        on_file = {tuple(cell) for cell in json.loads(message or b"[]")}
        left = [cell for cell in todo if (cell[0], cell[1], cell[2].name) not in on_file]
        begin(len(todo) - len(left), len(todo))
        for split, seed, method in left:
            record = place.run(method, settings.get(method.name), split, seed)
            if is_main():
                records.append(path, record)
                done(record)
    return len(left)
