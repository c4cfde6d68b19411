"""A run goes on where it stopped, repeats its numbers, and the committed ones can be had again."""

import json
import os
import subprocess
import sys

import pytest
import torch
from typer.testing import CliRunner

from medmeta_ref.benchmark import records, runs
from medmeta_ref.benchmark.cells import Workplace
from medmeta_ref.benchmark.findings import REFERENCE, findings_of
from medmeta_ref.benchmark.methods import METHODS, chosen
from medmeta_ref.benchmark.page import write_page
from medmeta_ref.benchmark.presets import read_preset, read_settings
from medmeta_ref.benchmark.protocol import read_track
from medmeta_ref.cli import app

TINY = "chance,pixel-centroid,pre-centroid,fomaml"


@pytest.fixture(scope="module")
def place():
    return Workplace(read_track("T1"), "synthetic-blood", read_preset("tiny"))


def without_seconds(found):
    return [{k: v for k, v in record.items() if k != "cpu_seconds"} for record in found]


def test_a_second_start_runs_only_what_is_missing_and_gives_the_same_numbers(place, tmp_path):
    path, told = tmp_path / "a.jsonl", []
    some = {"splits": [0, 1], "seeds": [0]}
    assert runs.run(place, chosen("chance,fomaml"), path, **some) == 4
    before = records.read(path)
    ran = runs.run(place, chosen(TINY), path, **some, begin=lambda *n: told.append(n))
    assert (ran, told) == (4, [(4, 8)])
    assert records.read(path)[:4] == before
    assert runs.run(place, chosen(TINY), path, **some) == 0
    other = tmp_path / "b.jsonl"
    again = Workplace(read_track("T1"), "synthetic-blood", read_preset("tiny"))
    runs.run(again, chosen("fomaml,chance"), other, **some)
    key = records.cell_of
    first = sorted(without_seconds(before), key=key)
    assert sorted(without_seconds(records.read(other)), key=key) == first


def test_a_start_on_records_of_another_version_is_refused(place, tmp_path):
    path = tmp_path / "a.jsonl"
    runs.run(place, chosen("chance"), path, splits=[0], seeds=[0])
    old = records.read(path)[0] | {"version": "0.1", "seed": 1}
    records.append(path, old)
    with pytest.raises(records.RecordsError, match=r"version 0\.1, this run has 1\.0"):
        runs.run(place, chosen("chance"), path, splits=[0], seeds=[0])


def test_a_changed_list_of_episodes_is_refused():
    track = read_track("T1")
    changed = track._replace(version="1.1")
    with pytest.raises(ValueError, match="the protocol was changed"):
        Workplace(changed, "synthetic-blood", read_preset("tiny"))


def test_other_images_under_the_same_name_are_refused():
    track = read_track("T1")
    rules = track.data["synthetic-blood"]
    fewer = rules._replace(train_counts=(299, *rules.train_counts[1:]))
    changed = track._replace(data={"synthetic-blood": fewer})
    with pytest.raises(ValueError, match="not the images that the protocol was made for"):
        Workplace(changed, "synthetic-blood", read_preset("tiny"))


def test_a_stand_in_is_no_benchmark(monkeypatch, tmp_path):
    monkeypatch.setenv("MEDMNIST_ROOT", str(tmp_path))
    with pytest.raises(ValueError, match="medmeta data fetch bloodmnist"):
        Workplace(read_track("T1"), "bloodmnist", read_preset("tiny"))


@pytest.mark.parametrize(("track", "data"), [("T2", "synthetic-blood"), ("T3", "synthetic-lung")])
def test_the_other_tracks_answer_every_k_with_every_metric(track, data):
    rules = read_track(track)
    found = Workplace(rules, data, read_preset("tiny"))
    record = found.run(METHODS["protonet"], read_settings()["protonet"], 0, 0)
    assert list(record["metrics"]) == [str(k) for k in rules.k_shots]
    for metrics in record["metrics"].values():
        assert set(rules.metrics) <= set(metrics)
    json.dumps(record, allow_nan=False)


COMMITTED = sorted(records.committed().glob("*.jsonl"))


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.stem)
def test_committed_records_are_complete_and_of_this_protocol(path):
    found = records.read(path)
    track, data = read_track(found[0]["track"]), found[0]["data"]
    preset = read_preset(found[0]["preset"])
    values = {name: s.value for name, s in read_settings().items()}
    stated = track.checksums[f"{data}, {preset.name}"]
    wanted = {"track": track.name, "version": track.version, "data": data, "preset": preset.name}
    records.require_same_run(found, wanted | {"episodes": stated[:16]}, values)
    assert path.name == records.file_name(track.name, data, preset.name)
    for record in found:
        for metrics in record["metrics"].values():
            assert len(metrics[track.metrics[0]]) == preset.n_episodes[track.name]
            assert all(0 <= v <= 1 for v in metrics[track.metrics[0]])


# What CI runs again: no training, and so the same on any machine; and two that train, which may
# differ by rounding that training magnifies.
SMALL = [("pixel-centroid", 0.0), ("pixel-1nn", 0.0), ("random-centroid", 0.01), (REFERENCE, 0.06)]


def test_a_committed_cell_can_be_had_again():
    found = records.read(records.committed() / "t1-synthetic-blood-small.jsonl")
    place = Workplace(read_track("T1"), "synthetic-blood", read_preset("small"))
    for name, tolerance in SMALL:
        [old] = [r for r in found if records.cell_of(r) == (2, 1, name)]
        new = place.run(METHODS[name], read_settings()[name], 2, 1)
        for k, metrics in old["metrics"].items():
            was, now = (torch.tensor(m["accuracy"]) for m in (metrics, new["metrics"][k]))
            assert (was.mean() - now.mean()).abs() <= tolerance, (name, k)


@pytest.fixture(scope="module")
def tiny_page(place, tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    path = folder / records.file_name("T1", "synthetic-blood", "tiny")
    runs.run(place, chosen(TINY), path, splits=[0, 1], seeds=[0, 1])
    return path, write_page(folder, folder)


def test_the_page_shows_the_means_of_its_records_and_says_what_is_missing(tiny_page):
    path, (page, figure) = tiny_page
    text = page.read_text("utf-8")
    found = records.read(path)
    for name in TINY.split(","):
        values = [v for r in found if r["method"] == name for v in r["metrics"]["5"]["accuracy"]]
        assert f"{sum(values) / len(values):.3f} [" in text
        assert METHODS[name].title in text
    assert "**Not complete**: the protocol asks for 5 split(s) x 3 seeds" in text
    assert f"]({figure.name})" in text
    assert "![accuracy of 4 methods on synthetic-blood" in text  # the alternative text
    assert figure.read_bytes().startswith(b"\x89PNG")
    assert "T3, preset full: pneumoniamnist, breastmnist" in text


def test_a_method_that_lacks_a_split_shrinks_what_is_compared(tiny_page, tmp_path):
    path, _ = tiny_page
    fewer = [r for r in records.read(path) if records.cell_of(r) != (1, 1, "fomaml")]
    copy = tmp_path / path.name
    for record in fewer:
        records.append(copy, record)
    found = findings_of(copy)
    assert (found.splits, found.seeds) == ([0, 1], [0])


def test_one_split_is_not_enough_for_an_interval(tiny_page, tmp_path):
    path, _ = tiny_page
    copy = tmp_path / path.name
    for record in records.read(path):
        if record["split"] == 0:
            records.append(copy, record)
    with pytest.raises(records.RecordsError, match="an interval needs 2"):
        findings_of(copy)


def medmeta(*arguments):
    return CliRunner().invoke(app, ["benchmark", *map(str, arguments)])


def test_the_command_runs_goes_on_and_reports(tmp_path):
    what = ("--data", "synthetic-blood", "--preset", "tiny", "--results", tmp_path, "--seed", 0)
    two = ("--split", 0, "--split", 3, "--method", "chance,pre-centroid")
    first = medmeta(*what, *two)
    assert first.exit_code == 0, first.output
    assert "4 cells run" in first.output
    assert "0 cells run" in medmeta(*what, *two).output
    report = medmeta("report", "--results", tmp_path, "--out", tmp_path / "page")
    assert report.exit_code == 0, report.output
    assert (tmp_path / "page" / "BENCHMARK.md").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--track", "T9"), "there are T1, T2, T3"),
        (("--data", "pathmnist"), "has no data set 'pathmnist'"),
        (("--method", "mamml"), "no method mamml"),
        (("--preset", "huge"), "tiny, small, full"),
        (("--device", "tpu"), "cpu and cuda"),
        (("--preset", "tiny", "--data", "synthetic-blood", "--split", "9"), r"splits 0..4"),
        (("report", "--results", "nowhere"), "no .jsonl file"),
    ],
)
def test_a_wrong_word_is_answered_with_the_right_ones(arguments, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = medmeta(*arguments)
    assert result.exit_code != 0
    assert words in " ".join(result.output.split())
    assert "Traceback" not in result.output


@pytest.mark.slow
def test_two_processes_of_torchrun_write_each_cell_once(tmp_path):
    what = ["--data", "synthetic-blood", "--preset", "tiny", "--results", str(tmp_path)]
    some = ["--split", "0", "--seed", "0", "--method", "fomaml,protonet,scratch"]
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    for expected in ("3 cells run", "0 cells run"):
        done = subprocess.run(
            [*command, "2", "-m", "medmeta_ref.benchmark", *what, *some],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("cells run") == 1  # the first process alone speaks
        assert expected in done.stdout
    found = records.read(tmp_path / "t1-synthetic-blood-tiny.jsonl")
    assert sorted(r["method"] for r in found) == ["fomaml", "protonet", "scratch"]
    assert {r["made_with"]["processes"] for r in found} == {2}
    alone = Workplace(read_track("T1"), "synthetic-blood", read_preset("tiny"))
    for record in found:
        settings = read_settings()[record["method"]]
        own = alone.run(METHODS[record["method"]], settings, 0, 0)["metrics"]["5"]["nll"]
        assert record["metrics"]["5"]["nll"] == pytest.approx(own, abs=0.01)
