"""The bench as a whole: which configurations, what a record says, what stops it, what it prints."""

import json
from itertools import product

import pytest
import torch
from typer.testing import CliRunner

from medmeta_ref import cli
from medmeta_ref.bench import designs, measure, methods, sampling
from medmeta_ref.bench.episode_source import SamplingSetting
from medmeta_ref.bench.equality import DisagreementError
from medmeta_ref.bench.measure import geometric_mean
from medmeta_ref.bench.methods import FAMILIES, Job, jobs, run
from medmeta_ref.bench.peers import LIBRARIES, load_peer
from medmeta_ref.bench.report import summary_lines
from medmeta_ref.bench.summary import lost, summarise
from medmeta_ref.bench.workload import Setting

SMALL = Setting(width=4, k_shot=1, n_tasks=2, threads=1, n_way=2, n_query=2, inner_steps=1)
SMALL_SAMPLING = SamplingSetting(k_shot=1, n_way=2, n_query=2, n_images=20, n_classes=4)


class NoMeter:
    """A meter that measures nothing, for tests that are about something else."""

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def peak_mib(self, prepare, *arguments, imports=None, warm_up=None):
        return 1.0 + len(str(arguments))


@pytest.fixture
def quick(monkeypatch):
    """Make the bench do little: no peers, no memory, tiny convolutions for the peak."""
    monkeypatch.setattr(methods, "MemoryMeter", NoMeter)
    monkeypatch.setattr(measure.gc, "collect", lambda: None)
    monkeypatch.setattr(methods, "convolution_peak", lambda threads, clock: 1e9)
    for name in designs.FAMILIES:
        monkeypatch.setitem(designs.FAMILIES, name, designs.FAMILIES[name]._replace(peers={}))
    monkeypatch.setattr(sampling, "LIBRARY_DESIGNS", {})


# configurations


def test_the_full_bench_is_every_combination_once():
    found = jobs(["maml", "anil"])
    expected = product(("maml", "anil"), (32, 64), (1, 5), (4, 16), (1, 2))
    assert [
        (j.family, j.setting.width, j.setting.k_shot, j.setting.n_tasks, j.setting.threads)
        for j in found
    ] == list(expected)
    assert [j.setting.k_shot for j in jobs(["sampling"])] == [1, 5]
    assert len({j.title for j in jobs()}) == len(jobs()) == 5 * 16 + 2


def test_the_quick_bench_is_one_small_configuration_of_each_family():
    assert [job.family for job in jobs(quick=True)] == list(FAMILIES)
    assert {job.setting.width for job in jobs(quick=True)[:-1]} == {32}


def test_the_workload_is_the_one_of_the_papers():
    for job in jobs(["maml"]):
        fixed = (job.setting.n_way, job.setting.n_query, job.setting.inner_steps, job.setting.dtype)
        assert fixed == (5, 15, 5, "float32")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"families": ["mmal"]}, "no family 'mmal'; there are maml, fomaml"),
        ({"threads": [1, 0]}, r"threads must be at least 1, got \[1, 0\]"),
        ({"threads": []}, "threads must be at least 1"),
    ],
)
def test_what_there_is_not_is_an_error(arguments, said):
    with pytest.raises(ValueError, match=said):
        jobs(**arguments)


# records


@pytest.mark.parametrize("family", designs.FAMILIES)
def test_a_record_says_what_was_measured(family, quick):
    threads = torch.get_num_threads()
    [record] = run([Job(family, SMALL)], rounds=2, errors={})
    assert record["family"] == family
    assert record["config"] == SMALL._asdict()
    assert set(record["peers"]) == {designs.PLAIN} == {record["best_peer"]}
    assert record["ours_s"] > 0
    assert record["ratio_to_best_peer"] == record["ratios"][designs.PLAIN] > 0
    assert record["float64_difference"] < 1e-9
    assert set(record["peak_mib"]) == {"ours", *record["other_ours"], *record["peers"]}
    assert ("fraction_of_floor" in record) == (family == "maml")
    assert json.loads(json.dumps(record)) == record
    assert torch.get_num_threads() == threads


def test_a_sampling_record_names_both_ways_of_having_the_images(quick):
    [record] = run([Job("sampling", SMALL_SAMPLING)], rounds=2, errors={})
    assert record["ratio_to_medmnist_style"] == record["ratios"][sampling.PLAIN]
    assert record["config"]["k_shot"] == 1
    assert json.loads(json.dumps(record)) == record


def broken(module, work):
    raise TypeError("object.__init__() takes exactly one argument\nand so on")


def test_a_peer_that_fails_is_reported_and_the_others_are_measured(quick, monkeypatch):
    family = designs.FAMILIES["anil"]._replace(peers={"higher": broken})
    monkeypatch.setitem(designs.FAMILIES, "anil", family)
    good = load_peer("higher")._replace(module=torch, error=None)
    monkeypatch.setattr(designs, "load_peer", lambda name: good)
    errors = {}
    [record] = run([Job("anil", SMALL)], rounds=1, errors=errors)
    assert errors == {"higher": "TypeError: object.__init__() takes exactly one argument"}
    assert set(record["peers"]) == {designs.PLAIN}


def test_a_failure_of_our_own_is_not_hidden(quick, monkeypatch):
    ours = {"ours": lambda work: broken(None, work)}
    monkeypatch.setitem(designs.FAMILIES, "anil", designs.FAMILIES["anil"]._replace(ours=ours))
    with pytest.raises(TypeError):
        list(run([Job("anil", SMALL)], rounds=1, errors={}))


WRONG = {
    "twice as long": lambda run: [2 * g for g in run()],
    "half of the tasks": lambda run: [g / 2 for g in run()],
    "rounded to float32": lambda run: [g.float().double() for g in run()],
    "nothing": lambda run: [torch.zeros_like(g) for g in run()],
    "last layer forgotten": lambda run: [*run()[:-1], torch.zeros(2, dtype=torch.float64)],
}


@pytest.mark.parametrize("spoil", WRONG.values(), ids=WRONG.keys())
def test_a_disagreement_stops_the_bench_before_anything_is_timed(quick, monkeypatch, spoil):
    family = designs.FAMILIES["maml"]
    ours = family.ours["ours"]
    wrong = family._replace(ours={"ours": lambda work: lambda: spoil(ours(work))})
    monkeypatch.setitem(designs.FAMILIES, "maml", wrong)
    monkeypatch.setattr(methods, "interleaved", lambda *a, **k: pytest.fail("timed"))
    with pytest.raises(DisagreementError, match="ours and plain loop differ"):
        list(run([Job("maml", SMALL)], rounds=1, errors={}))


def test_a_peer_that_says_it_differs_is_measured_all_the_same(quick, monkeypatch):
    family = designs.FAMILIES["prototypical"]
    twice = {"easyfsl": lambda module, work: lambda: [2 * g for g in family.plain(work)()]}
    monkeypatch.setitem(designs.FAMILIES, "prototypical", family._replace(peers=twice))
    good = load_peer("easyfsl")._replace(module=torch, error=None)
    monkeypatch.setattr(designs, "load_peer", lambda name: good)
    [record] = run([Job("prototypical", SMALL)], rounds=1, errors={})
    assert "easyfsl" in record["peers"]
    assert list(record["differs"]) == ["easyfsl"]


# summary


def record(family="maml", threads=1, *, ratios, memory, other_ours=None, **more):
    best = min(ratios, key=ratios.get)
    return {
        "family": family,
        "config": {"width": 32, "k_shot": 1, "n_tasks": 4, "threads": threads},
        "clock": "cpu",
        "ours_s": 1.0,
        "other_ours": other_ours or {},
        "peers": ratios,
        "best_peer": best,
        "ratio_to_best_peer": ratios[best],
        "ratios": ratios,
        "peak_mib": memory,
        **more,
    }


def test_means_are_by_family_and_threads():
    records = [
        record(ratios={"plain loop": 2.0, "higher": 3.0}, memory={"ours": 1, "plain loop": 1}),
        record(ratios={"plain loop": 8.0, "higher": 5.0}, memory={"ours": 1, "plain loop": 1}),
        record(threads=2, ratios={"plain loop": 1.5}, memory={"ours": 1, "plain loop": 1}),
        record("anil", ratios={"plain loop": 7.0}, memory={"ours": 1, "plain loop": 1}),
    ]
    means = summarise(records, {})["geometric_means"]
    assert means["maml"]["1"]["ratio_to_best_peer"] == pytest.approx(geometric_mean([2.0, 5.0]))
    assert means["maml"]["1"]["ratio_to_plain loop"] == pytest.approx(4.0)
    assert means["maml"]["1"]["configurations"] == 2
    assert means["maml"]["2"]["ratio_to_best_peer"] == pytest.approx(1.5)
    assert means["anil"]["1"]["ratio_to_best_peer"] == pytest.approx(7.0)


def test_losses_in_time_and_memory_are_listed_and_nothing_else():
    lean = {"ours": 50, "ours, memory=low": 20, "plain loop": 9, "learn2learn": 30}
    fat = {"ours": 50, "plain loop": 20}
    records = [
        record(ratios={"plain loop": 0.5, "learn2learn": 1.2}, memory=lean,
               other_ours={"ours, memory=low": 1.3}),
        record(ratios={"plain loop": 1.5}, memory=fat),
        record(ratios={"plain loop": 1.0}, memory={"ours": 5, "plain loop": 5}),
    ]  # fmt: skip
    found = [(i["what"], i["peer"], i["times"]) for i in lost(records)]
    assert found == [("time", "plain loop", 2.0), ("memory", "plain loop", 2.5)]


def test_the_summary_says_versions_errors_and_repairs(monkeypatch):
    summary = summarise([], {"easyfsl": "TypeError: no"})
    assert summary["family"] == "summary"
    assert summary["errors"]["easyfsl"] == "TypeError: no"
    assert summary["versions"]["torch"] == torch.__version__
    for name in LIBRARIES:
        assert (name in summary["versions"]) != (load_peer(name).error is not None)
    assert "TypeError: no" in "\n".join(summary_lines(summary))
    assert "nowhere" in "\n".join(summary_lines(summary))


# the command


@pytest.fixture
def medmeta(quick, monkeypatch):
    def small_jobs(families, *, threads, quick):
        jobs(families, threads=threads, quick=quick)  # for its errors
        return [
            Job(f, SMALL_SAMPLING if f == "sampling" else SMALL) for f in dict.fromkeys(families)
        ]

    monkeypatch.setattr(methods, "jobs", small_jobs)
    monkeypatch.setenv("COLUMNS", "140")
    return lambda line: CliRunner().invoke(cli.app, ["bench", "methods", *line.split()])


def test_json_is_a_line_for_each_configuration_and_the_summary_last(medmeta):
    result = medmeta("--quick --json")
    assert result.exit_code == 0, result.output
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["family"] for line in lines] == [*FAMILIES, "summary"]
    assert set(lines[-1]["geometric_means"]) == set(FAMILIES)
    assert "timing" in result.stderr


def test_the_table_names_every_design_and_the_means(medmeta):
    result = medmeta("--quick --family maml --family sampling --rounds 2")
    assert result.exit_code == 0, result.output
    for word in ("maml", "sampling", "plain loop", "MiB", "Geometric means", "Where we lose"):
        assert word in result.stdout
    assert "anil" not in result.stdout


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("--family mmal", 1, "no family 'mmal'"),
        ("--rounds 0", 2, "--rounds"),
        ("--threads 0", 2, "--threads"),
    ],
)
def test_mistakes_are_answered(medmeta, line, code, said):
    result = medmeta(line)
    assert result.exit_code == code
    assert said in result.stderr
    assert "Traceback" not in result.stderr


def test_a_disagreement_ends_the_command_with_its_message(medmeta, monkeypatch):
    family = designs.FAMILIES["maml"]
    wrong = {"ours": lambda work: lambda: [2 * g for g in family.plain(work)()]}
    monkeypatch.setitem(designs.FAMILIES, "maml", family._replace(ours=wrong))
    result = medmeta("--quick --family maml")
    assert result.exit_code == 1
    assert "differ by 1 in float64" in " ".join(result.stderr.split())
