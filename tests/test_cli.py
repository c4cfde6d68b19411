"""The `medmeta` command as somebody types it: what it prints, saves and answers to mistakes."""

import importlib.metadata
import json
import os
import re
import shlex
from pathlib import Path

import pytest
import typer
from PIL import Image
from rich.console import Console
from typer.testing import CliRunner

from medmeta_ref import cli, cli_learner, cli_train, datasets

COURSE = Path(__file__).parent.parent
UNIT = "03_distillation"


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    """Keep the tests out of the user's folders, and away from data that may lie there."""
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(tmp_path / "home"))
    monkeypatch.setenv("MEDMETA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("MEDMNIST_ROOT", str(tmp_path / "data"))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(cli, "out", Console(width=160))
    monkeypatch.setattr(cli_learner, "out", Console(width=160))
    monkeypatch.setattr(cli_train, "out", Console(width=160))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")


@pytest.fixture
def medmeta():
    """Return a function that runs a command line and keeps stdout and stderr apart."""

    def run(line):
        return CliRunner().invoke(cli.app, shlex.split(line))

    return run


def commands(group=None, words=()):
    """Yield the words of every command, by Typer's own tree."""
    group = group or typer.main.get_command(cli.app)
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*words, name))
        else:
            yield (*words, name)


COMMANDS = [" ".join(words) for words in commands()]


def one_line(text):
    return re.sub(r"[\s│╭╮╰╯─]+", " ", text)


def test_the_commands_are_those_of_the_readme():
    assert {"start", "lab", "grade", "build", "doctor", "demo", "train"} <= set(COMMANDS)
    assert {"data list", "data fetch", "data verify"} <= set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example_that_is_a_call_of_the_command(command, medmeta):
    result = medmeta(f"{command} --help")
    assert result.exit_code == 0
    [example] = re.findall(
        r"Example: (medmeta .*?)(?: Arguments | Options |$)", one_line(result.output)
    )
    assert example.startswith(f"medmeta {command}")
    options = set(re.findall(r"(?<!\w)--[a-z-]+", example))
    assert options <= set(
        re.findall(r"--[a-z-]+", result.output.split("Example")[1].split("\n", 1)[1])
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_the_example_gives_every_argument_the_command_needs(command):
    group = typer.main.get_command(cli.app)
    for word in command.split():
        group = group.commands[word]
    example = re.search(r"Example: medmeta (.*)", group.help).group(1).split(" && ")[0]
    arguments = shlex.split(example)[len(command.split()) :]
    group.make_context(command, arguments)  # raises a usage error if they do not fit


@pytest.mark.parametrize("command", COMMANDS)
def test_help_tells_the_exit_codes(command, medmeta):
    shown = one_line(medmeta(f"{command} --help").output)
    [codes] = re.findall(r"Exit codes: 0 .*?\.", shown)
    assert "1 " in codes


def test_help_names_every_command_on_a_screen_of_24_lines_and_80_columns(medmeta):
    lines = medmeta("--help").output.splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    shown = {line.split()[0] for line in lines if line.startswith("  ")}
    assert shown == {command.split()[0] for command in COMMANDS}
    assert not [line for line in lines if line.endswith("...")]


def test_a_bare_call_shows_the_help(medmeta):
    assert medmeta("").output.strip() == medmeta("--help").output.strip()


@pytest.mark.parametrize("line", ["", "data"])
def test_a_bare_group_shows_its_commands(line, medmeta):
    result = medmeta(line)
    assert "Commands" in result.output
    assert "Traceback" not in result.output


def test_an_unknown_command_is_a_usage_error(medmeta):
    result = medmeta("trian prototypical")
    assert result.exit_code == 2
    assert "trian" in result.stderr


# data


def test_data_list_prints_the_names_line_by_line(medmeta):
    result = medmeta("data list")
    assert result.exit_code == 0
    assert result.stdout.split("\n")[:-1] == list(datasets.names())
    assert result.stderr == ""


@pytest.mark.parametrize(
    "line",
    ["data fetch bloodmnst", "data verify bloodmnst", "train prototypical --data bloodmnst"],
)
def test_an_unknown_data_set_is_named_on_stderr_with_the_nearest_one(line, medmeta):
    result = medmeta(line)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "'bloodmnst'" in result.stderr
    assert "Did you mean 'bloodmnist'?" in result.stderr
    assert "Traceback" not in result.stderr


def test_verifying_what_is_not_there_says_where_to_get_it(medmeta):
    result = medmeta("data verify bloodmnist --size 64")
    assert result.exit_code == 1
    assert "medmeta data fetch bloodmnist --size 64" in result.stderr


def test_a_size_that_is_not_offered_is_refused(medmeta):
    result = medmeta("data fetch bloodmnist --size 30")
    assert result.exit_code == 1
    assert "30" in result.stderr


# doctor


def test_doctor_is_content_here(medmeta):
    result = medmeta("doctor")
    assert result.exit_code == 0
    assert "[OK]" in result.stdout
    for package in ("torch", "nbgrader"):
        version = importlib.metadata.version(package)
        assert re.search(rf"\[OK\]\s+{package}\s+{re.escape(version)}", result.stdout)


def test_doctor_prints_json_that_agrees_with_the_table(medmeta):
    found = json.loads(medmeta("doctor --json").stdout)
    table = medmeta("doctor").stdout
    assert {"name", "ok", "required", "detail", "remedy"} == set(found[0])
    marks = re.findall(r"^\s*\[(OK|FAIL)\]\s+(\S+)", table, flags=re.MULTILINE)
    assert marks == [("OK" if f["ok"] else "FAIL", f["name"]) for f in found]


@pytest.mark.parametrize("as_json", ["", "--json"])
def test_doctor_fails_when_a_required_package_is_missing(as_json, medmeta, monkeypatch):
    version = importlib.metadata.version

    def without_nbgrader(name):
        if name == "nbgrader":
            raise importlib.metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(importlib.metadata, "version", without_nbgrader)
    result = medmeta(f"doctor {as_json}")
    assert result.exit_code == 1
    if as_json:
        [broken] = [f for f in json.loads(result.stdout) if f["required"] and not f["ok"]]
        assert broken["name"] == "nbgrader"
    else:
        assert re.search(r"\[FAIL\]\s+nbgrader\s+not installed\s+→ pip install", result.stdout)


def test_doctor_is_content_without_optional_packages(medmeta, monkeypatch):
    version = importlib.metadata.version

    def without_extras(name):
        if name in ("sphinx", "safetensors", "distributed"):
            raise importlib.metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(importlib.metadata, "version", without_extras)
    assert medmeta("doctor").exit_code == 0


# train


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Return what a tiny training run printed, and the folder with what it saved."""
    folder = tmp_path_factory.mktemp("a folder") / "results [1]"
    line = "train prototypical --data synthetic-blood --steps 3 --episodes 5 --width 8 --results"
    arguments = [*shlex.split(line), str(folder)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cli_train, "out", Console(width=160))
        result = CliRunner().invoke(cli.app, arguments)
    assert result.exit_code == 0, result.output
    return result, folder


METHODS = {
    "prototypical": "prototypical network",
    "maml": "MAML",
    "fomaml": "FOMAML",
    "anil": "ANIL",
    "reptile": "Reptile",
    "maml_pp": "MAML++",
}


def test_unknown_method_is_named_with_those_there_are(medmeta):
    result = medmeta("train matching --data synthetic-blood")
    assert result.exit_code == 1
    everything = ", ".join([*METHODS, "distillation", "replay"])
    assert f"no method 'matching'; there are {everything}" in one_line(result.stderr)


def test_help_has_an_example_of_every_method(medmeta):
    shown = one_line(medmeta("train --help").output)
    for method in cli_train.SETTINGS:
        assert f"medmeta train {method} " in shown


@pytest.mark.parametrize("method", [m for m in METHODS if m != "prototypical"])
def test_every_gradient_based_method_trains_and_reports_settings_and_modes(
    method, medmeta, tmp_path
):
    line = f"train {method} --data synthetic-blood --steps 2 --episodes 2 --width 4"
    result = medmeta(f"{line} --inner-steps 1 --inner-lr 0.3 --results {tmp_path}")
    assert result.exit_code == 0, result.output
    report = json.loads((tmp_path / f"{method}-synthetic-blood.json").read_text(encoding="utf-8"))
    assert report["settings"]["inner_steps"] == 1
    assert report["settings"]["inner_lr"] == 0.3
    assert report["settings"]["meta_batch_size"] == 4
    title = METHODS[method]
    modes = {"transductive": "transductive", "support statistics": "support"}
    modes |= {"per-step statistics": "per-step"} if method == "maml_pp" else {}
    for words, mode in modes.items():
        assert report["accuracy"][f"{title}, {words}"]["batch_norm"] == mode
        assert f"│ {title}, {words} " in result.stdout
        assert re.search(rf"^{words}: .+\.$", result.stdout, flags=re.MULTILINE)
    assert set(report["batch_norm"]) == set(modes.values())


def test_one_batch_norm_mode_may_be_asked_for(medmeta, tmp_path):
    line = "train anil --data synthetic-blood --steps 1 --episodes 2 --width 4 --inner-steps 1"
    result = medmeta(f"{line} --batch-norm support --results {tmp_path}")
    assert "ANIL, support statistics" in result.stdout
    assert "transductive" not in result.stdout
    result = medmeta(f"{line} --batch-norm per-step --results {tmp_path}")
    assert result.exit_code == 1
    assert "ANIL has no batch-norm mode 'per-step'; it has transductive, support" in result.stderr


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("prototypical --inner-lr 0.1", "prototypical takes no --inner-lr; it takes --steps"),
        ("maml --temperature 2 --capacity 9", "maml takes no --temperature, --capacity; it takes"),
        ("distillation --n-way 3", "distillation takes no --n-way; it takes .*--alpha"),
        ("replay --checkpoint c.pt", "replay takes no --checkpoint; it takes .*--capacity"),
    ],
)
def test_an_option_that_would_only_be_ignored_is_refused(line, named, medmeta):
    result = medmeta(f"train {line} --data synthetic-blood")
    assert result.exit_code == 1
    assert re.search(named, result.stderr)


def test_distillation_compares_students_with_and_without_the_teacher(medmeta, tmp_path):
    line = "train distillation --data synthetic-blood --steps 2 --runs 2 --width 4"
    result = medmeta(f"{line} --results {tmp_path}")
    assert result.exit_code == 0, result.output
    report = json.loads((tmp_path / "distillation-synthetic-blood.json").read_text("utf-8"))
    for row in ("teacher", "student alone", "student distilled"):
        assert f"│ {row} " in result.stdout
        assert len(report["accuracy"][row]) == (1 if row == "teacher" else 2)
    assert report["settings"]["temperature"] == 4.0
    assert (tmp_path / "distillation-synthetic-blood-accuracy.png").is_file()


def test_replay_prints_its_matrices_and_is_compared_with_no_memory(medmeta, tmp_path):
    line = "train replay --data synthetic-organ --steps 1 --runs 2 --width 4 --capacity 6"
    result = medmeta(f"{line} --results {tmp_path}")
    assert result.exit_code == 0, result.output
    report = json.loads((tmp_path / "replay-synthetic-organ.json").read_text("utf-8"))
    n_tasks = len(report["tasks_of_first_run"])
    for row in ("replay", "sequential, no memory"):
        assert f"{row}: accuracy on the classes of each group" in one_line(result.stdout)
        assert [len(matrix) for matrix in report["matrices"][row]] == [n_tasks] * 2
        ends = [sum(matrix[-1]) / n_tasks for matrix in report["matrices"][row]]
        assert report["average_accuracy"][row] == pytest.approx(ends)
    assert "all classes at once" in result.stdout
    assert (tmp_path / "replay-synthetic-organ-accuracy.png").is_file()


def test_a_finished_checkpoint_is_not_trained_again_and_another_run_is_refused(medmeta, tmp_path):
    line = "train prototypical --data synthetic-organ --steps 2 --episodes 2 --width 4"
    line += f" --checkpoint {tmp_path / 'c.pt'} --results {tmp_path}"
    first = medmeta(line)
    assert first.exit_code == 0, first.output
    again = medmeta(line)
    assert again.stdout == first.stdout
    other = medmeta(f"{line} --n-query 9")
    assert other.exit_code == 1
    assert "c.pt" in other.stderr
    assert "n_query" in other.stderr


def test_patience_trains_with_validation_images(medmeta, tmp_path):
    line = "train prototypical --data synthetic-organ --steps 2 --episodes 2 --width 4 --patience 1"
    result = medmeta(f"{line} --results {tmp_path}")
    assert result.exit_code == 0, result.output


def test_of_several_processes_only_the_first_prints_and_saves(medmeta, tmp_path, monkeypatch):
    from medmeta_ref import few_shot, train, train_runs

    for module in (train, train_runs, few_shot):
        monkeypatch.setattr(module, "is_main", lambda: False)
    line = "train prototypical --data bloodmnist --steps 1 --episodes 2 --width 4"
    result = medmeta(f"{line} --results {tmp_path / 'r'}")
    assert result.exit_code == 0
    assert result.stdout == ""
    assert not (tmp_path / "r").exists()


def test_training_saves_json_and_two_figures_and_says_where(trained):
    result, folder = trained
    names = [f"prototypical-synthetic-blood{end}" for end in (".json", ".png", "-accuracy.png")]
    assert sorted(path.name for path in folder.iterdir()) == sorted(names)
    files = [str(folder / name) for name in names]
    assert f"Saved {' and '.join(files)}\n" in result.stdout
    for file in files[1:]:
        with Image.open(file) as picture:
            picture.verify()
            assert picture.format == "PNG"


def report_of(folder):
    return json.loads((folder / "prototypical-synthetic-blood.json").read_text(encoding="utf-8"))


def test_saved_numbers_are_those_of_the_table(trained):
    result, folder = trained
    report = report_of(folder)
    rows = {}
    for line in result.stdout.split("\n"):
        cells = [cell.strip() for cell in re.split("[│┃]", line)[1:-1]]
        if len(cells) == 3 and cells[0]:
            rows[cells[0]] = cells[1:]
    network = "prototypical network"
    modes = ("transductive", "support statistics")
    wanted = {f"{n}, {mode}" for n in (network, f"{network} untrained") for mode in modes}
    assert set(report["accuracy"]) == wanted | {"raw pixels"}
    for name, figures in report["accuracy"].items():
        assert rows[name][0] == f"{figures['mean']:.3f} ± {figures['half_width']:.3f}"
        gain = figures["minus_raw_pixels"]
        wanted = "" if name == "raw pixels" else f"{gain['mean']:.3f} ± {gain['half_width']:.3f}"
        assert rows[name][1] == wanted
        difference = figures["mean"] - report["accuracy"]["raw pixels"]["mean"]
        assert gain["mean"] == pytest.approx(difference, abs=1e-12)
        assert 0 <= figures["mean"] <= 1
    assert rows["chance"][0] == f"{report['chance']:.3f}"
    assert report["chance"] == 1 / report["n_way"]


def test_the_report_says_what_was_done_and_on_what(trained):
    result, folder = trained
    report = report_of(folder)
    assert report["source"] == "synthetic-blood (drawn by this project: no medical data)"
    assert report["source"] in result.stdout
    assert report["settings"]["n_steps"] == 3
    assert report["settings"]["n_episodes"] == 5
    assert report["settings"]["seed"] == 0
    assert not set(report["split"]["train"]) & set(report["split"]["test"])
    assert (
        report["versions"]["torch"].split("+")[0]
        == importlib.metadata.version("torch").split("+")[0]
    )
    assert f"{report['n_way']}-way 5-shot" in result.stdout
    assert "transductive" in result.stdout


def test_the_same_seed_gives_the_same_report_and_another_seed_another(trained, medmeta, tmp_path):
    _, folder = trained
    reports = []
    for seed in (0, 1):
        into = tmp_path / str(seed)
        line = "train prototypical --data synthetic-blood --steps 3 --episodes 5 --width 8"
        assert medmeta(f"{line} --seed {seed} --results {into}").exit_code == 0
        reports.append(report_of(into))
    assert reports[0] == report_of(folder)
    assert reports[1]["accuracy"] != reports[0]["accuracy"]


def test_a_stand_in_is_named_as_one_in_print_and_in_the_file_name(medmeta, tmp_path):
    line = "train prototypical --data bloodmnist --steps 1 --episodes 2 --width 4"
    result = medmeta(f"{line} --results {tmp_path / 'r'}")
    assert result.exit_code == 0
    assert "bloodmnist.npz is not in" in result.stdout
    assert "medmeta data fetch bloodmnist" in result.stdout
    assert (tmp_path / "r" / "prototypical-synthetic-blood.json").is_file()


def test_two_classes_are_refused_with_a_way_out(medmeta, tmp_path):
    result = medmeta(f"train prototypical --data synthetic-lung --results {tmp_path / 'r'}")
    assert result.exit_code == 1
    assert "synthetic-lung has 2 classes" in result.stderr
    assert "bloodmnist, organamnist or synthetic-blood" in result.stderr
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize(
    ("option", "named"),
    [
        ("--steps 0", "n_steps must be at least 1, got 0"),
        ("--k-shot 0", "k_shot must be at least 1, got 0"),
        ("--n-query 1000", r"class \d has \d+ images, but k_shot=5 and n_query=1000 need 1005"),
        ("--n-way 0", "n_way must be at least 1, got 0"),
        ("--outer-lr 1e25 --steps 20", "the loss is (nan|inf) at step .*outer_lr"),
    ],
)
def test_impossible_settings_are_refused_by_name_without_a_traceback(
    option, named, medmeta, tmp_path
):
    result = medmeta(
        f"train prototypical --data synthetic-organ --episodes 2 --width 4 {option} "
        f"--results {tmp_path / 'r'}"
    )
    assert result.exit_code == 1
    assert re.search(named, result.stderr)
    assert isinstance(result.exception, SystemExit)


@pytest.mark.parametrize("episodes", [0, 1])
def test_too_few_episodes_for_an_interval_are_refused_before_training(episodes, medmeta):
    result = medmeta(f"train prototypical --data synthetic-blood --episodes {episodes}")
    assert result.exit_code == 2
    assert "--episodes" in result.stderr
    assert "2" in result.stderr


# Commands of a course folder


@pytest.fixture
def course(tmp_path, monkeypatch):
    """Return a course folder with one released exercise; the current folder lies below it."""
    root = tmp_path / "course"
    exercise = root / "exercises" / UNIT
    exercise.mkdir(parents=True)
    (root / "nbgrader_config.py").touch()
    (exercise / f"{UNIT}.ipynb").write_text('{"released": true}', encoding="utf-8")
    (exercise / "picture.png").write_bytes(b"png")
    (root / "lessons").mkdir()
    monkeypatch.chdir(root / "lessons")
    return root


def test_start_copies_the_exercise_with_all_its_files(course, medmeta):
    result = medmeta(f"start {UNIT}")
    assert result.exit_code == 0
    mine = course / "submitted" / "me" / UNIT
    assert (mine / f"{UNIT}.ipynb").read_text(encoding="utf-8") == '{"released": true}'
    assert (mine / "picture.png").read_bytes() == b"png"
    assert f"submitted/me/{UNIT}/{UNIT}.ipynb" in result.stdout
    assert "medmeta lab" in result.stdout


def test_a_narrow_window_does_not_break_what_is_there_to_be_copied(course, medmeta, monkeypatch):
    monkeypatch.setattr(cli_learner, "out", Console(width=30))
    result = medmeta(f"start {UNIT}")
    assert f"submitted/me/{UNIT}/{UNIT}.ipynb" in result.stdout
    assert "medmeta lab" in result.stdout


def test_start_never_overwrites_a_learners_work(course, medmeta):
    medmeta(f"start {UNIT}")
    notebook = course / "submitted" / "me" / UNIT / f"{UNIT}.ipynb"
    notebook.write_text("my answers", encoding="utf-8")
    result = medmeta(f"start {UNIT}")
    assert result.exit_code == 1
    assert f"submitted/me/{UNIT} is there already, with your work in it" in result.stderr
    assert notebook.read_text(encoding="utf-8") == "my answers"


def test_start_names_the_exercises_there_are(course, medmeta):
    result = medmeta("start 99_nothing")
    assert result.exit_code == 1
    assert f"no exercise '99_nothing'; there are {UNIT}" in result.stderr


def test_start_before_the_first_build_says_so(course, medmeta):
    (course / "exercises" / UNIT / f"{UNIT}.ipynb").unlink()
    (course / "exercises" / UNIT / "picture.png").unlink()
    (course / "exercises" / UNIT).rmdir()
    result = medmeta(f"start {UNIT}")
    assert result.exit_code == 1
    assert "run medmeta build" in result.stderr


@pytest.mark.parametrize("unit", ["..", "''", ".", f"../exercises/{UNIT}", f"{UNIT}/../.."])
def test_start_takes_units_not_paths(unit, course, medmeta):
    before = sorted(course.rglob("*"))
    result = medmeta(f"start {unit}")
    assert result.exit_code == 1
    assert "no exercise" in result.stderr
    assert sorted(course.rglob("*")) == before


def test_grading_nothing_says_how_to_start(course, medmeta):
    result = medmeta(f"grade {UNIT}")
    assert result.exit_code == 1
    assert f"medmeta start {UNIT}" in result.stderr


def test_grading_somebody_who_has_handed_in_nothing_names_those_who_have(course, medmeta):
    medmeta(f"start {UNIT}")
    result = medmeta(f"grade {UNIT} --student nobody")
    assert result.exit_code == 1
    assert f"'nobody' has not handed in {UNIT}; handed in by: me" in result.stderr


@pytest.mark.parametrize(
    "line",
    [
        *(f"{command} {UNIT}" for command in ("start", "reset", "update", "grade")),
        *("status", "build", "build --check", "demo", "lab"),
    ],
)
def test_outside_a_clone_a_command_says_what_to_do(line, medmeta):
    result = medmeta(line)
    assert result.exit_code == 1
    assert "run this inside a clone of the course's repository" in one_line(result.stderr)
    assert result.stdout == ""
    assert list(Path().iterdir()) == []


def test_lab_opens_jupyter_in_the_course_folder_with_its_tools_on_the_path(
    course, medmeta, monkeypatch
):
    notebook = course / "exercises" / UNIT / f"{UNIT}.ipynb"
    notebook.write_text('{"cells": []}', encoding="utf-8")
    called = []
    monkeypatch.setattr(os, "execve", lambda *arguments: called.append((*arguments, Path.cwd())))
    result = medmeta("lab --no-browser --port 8899")
    assert result.exit_code == 0
    [(program, arguments, environment, folder)] = called
    assert Path(program).name == "jupyter"
    opened = "--LabApp.default_url=/lab/tree/submitted/me/home.ipynb"
    assert arguments[1:] == ["lab", opened, "--no-browser", "--port", "8899"]
    assert environment["PATH"].split(os.pathsep)[0] == str(Path(program).parent)
    assert folder == course


def test_lab_opens_without_the_map_of_a_course_that_cannot_be_read(course, medmeta, monkeypatch):
    called = []
    monkeypatch.setattr(os, "execve", lambda *arguments: called.append(arguments))
    result = medmeta("lab")
    assert "is no notebook of the course" in one_line(result.stdout)
    assert "run medmeta build" in one_line(result.stdout)
    [(_, arguments, _)] = called
    assert arguments[1:] == ["lab"]


def test_fail_prints_brackets_as_they_are(capsys):
    with pytest.raises(typer.Exit) as raised:
        cli.fail("shape [3, 28] and [bold]")
    assert raised.value.exit_code == 1
    captured = capsys.readouterr()
    assert captured.err == "medmeta: shape [3, 28] and [bold]\n"
    assert captured.out == ""
