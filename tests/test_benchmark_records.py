"""Records are added whole, and a run goes on from its own records only."""

import json
import multiprocessing

import pytest

from medmeta_ref.benchmark import records

RUN = {"track": "T1", "version": "1.0", "data": "bloodmnist", "preset": "tiny", "episodes": "ab12"}


def record(split=0, seed=0, method="maml", **changes):
    return {**RUN, "split": split, "seed": seed, "method": method, "value": 0.1, **changes}


def test_what_is_added_is_read_in_order(tmp_path):
    path = tmp_path / "new folder" / "t1.jsonl"
    assert records.read(path) == []
    added = [record(seed=s) for s in (2, 0, 1)]
    for each in added:
        records.append(path, each)
    assert records.read(path) == added


def add(path, split):
    for seed in range(20):
        records.append(path, record(split, seed, words="x" * 20_000))


def test_processes_that_add_at_the_same_time_tear_no_line(tmp_path):
    path = tmp_path / "t1.jsonl"
    spawn = multiprocessing.get_context("spawn")
    workers = [spawn.Process(target=add, args=(path, split)) for split in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    assert len(records.read(path)) == 60


@pytest.mark.parametrize("bad", ['{"split": 0, "se', "[1]", '{"seed": 0}', "\u2713"])
def test_a_damaged_line_is_named_with_the_way_out(tmp_path, bad):
    path = tmp_path / "t1.jsonl"
    path.write_text(json.dumps(record()) + "\n" + bad + "\n", encoding="utf-8")
    with pytest.raises(records.RecordsError, match="line 2 is no record; delete that line"):
        records.read(path)


def test_a_cell_that_is_there_twice_is_refused(tmp_path):
    path = tmp_path / "t1.jsonl"
    records.append(path, record())
    records.append(path, record())
    with pytest.raises(records.RecordsError, match="is there already"):
        records.read(path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"version": "0.9"}, "made with version 0.9, this run has 1.0"),
        ({"episodes": "ffff"}, "made with episodes ffff"),
        ({"preset": "full"}, "made with preset full"),
        ({"data": "organamnist"}, "made with data organamnist"),
        ({"value": 0.3}, "made with value 0.3, this run has 0.1"),
    ],
)
def test_records_of_another_run_are_refused(change, words):
    records.require_same_run([record()], RUN, {"maml": 0.1})
    with pytest.raises(records.RecordsError, match=words):
        records.require_same_run([record(), record(seed=1, **change)], RUN, {"maml": 0.1})
