"""What the instructor's guide and the containers' files name is there, and does what they say."""

import json
import re
from pathlib import Path

import pytest
import typer
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from medmeta_ref.authoring.builder import course_root
from medmeta_ref.cli import app

ROOT = course_root(Path(__file__))
GUIDE = (ROOT / "lessons" / "INSTRUCTOR_GUIDE.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTAINER = ROOT / ".devcontainer"


def blocks(language, text=GUIDE):
    return re.findall(rf"^ *```{language}\n(.*?)```", text, flags=re.DOTALL | re.MULTILINE)


def shell_lines():
    return [line.strip() for block in blocks("bash") for line in block.split("\n") if line.strip()]


def options_of(name):
    command = typer.main.get_command(app).commands[name]
    return {option for parameter in command.params for option in parameter.opts}


def test_every_medmeta_command_exists_with_its_options():
    named = [re.sub(r"^(\w+=\S+ )?\.venv/bin/", "", line) for line in shell_lines()]
    commands = [line.split() for line in named if line.startswith("medmeta ")]
    assert {line[1] for line in commands} >= {"grade", "report", "build"}
    for _, name, *rest in commands:
        given = {word for word in rest if word.startswith("--")}
        assert given <= options_of(name), name


def test_every_nbgrader_command_exists():
    from nbgrader.apps import NbGraderApp

    named = set(re.findall(r"nbgrader ([a-z_]+)", "\n".join(shell_lines()) + GUIDE))
    named -= {"exchange", "commands"}
    assert {"export", "db", "collect", "release_feedback"} <= named
    assert named <= set(NbGraderApp.subcommands)


def test_files_named_exist_or_are_those_that_one_makes():
    named = set(re.findall(r"`((?:lessons|medmeta_ref|solutions|exercises)/[\w/.]*)`", GUIDE))
    named = {name for name in named if "90" not in name}
    assert "medmeta_ref/grading/specs/" in named
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_settings_named_are_traits_of_nbgrader():
    from nbgrader.coursedir import CourseDirectory
    from nbgrader.exchange.default import Exchange
    from nbgrader.plugins import LateSubmissionPlugin
    from nbgrader.preprocessors import AssignLatePenalties

    kinds = {
        kind.__name__: kind
        for kind in (AssignLatePenalties, CourseDirectory, Exchange, LateSubmissionPlugin)
    }
    named = re.findall(r"\bc\.([A-Z]\w+)\.(\w+)", GUIDE)
    assert len(named) >= 5
    for kind, trait in named:
        assert trait in kinds[kind].class_trait_names(config=True), f"{kind}.{trait}"


@pytest.mark.parametrize(
    ("seconds", "lost"), [(1, 8), (86_400, 8), (86_401, 16), (20 * 86_400, 80)]
)
def test_rule_of_ten_percent_a_day_takes_ten_percent_for_each_day_begun(seconds, lost):
    [source] = [
        block for block in blocks("python") if "TenPercentADay" in block and "import" in block
    ]
    names = {}
    exec(source, names)
    rule = names["TenPercentADay"]()
    assert rule.late_submission_penalty("ada", 80, seconds) == pytest.approx(lost)


def test_exchange_settings_can_be_read_as_a_settings_file(tmp_path):
    [source] = [block for block in blocks("python") if "get_config" in block]
    (tmp_path / "nbgrader_config.py").write_text(source, encoding="utf-8")
    read = PyFileConfigLoader("nbgrader_config.py", path=str(tmp_path)).load_config()
    assert isinstance(read, Config)
    assert read.Exchange.root == "/srv/nbgrader/exchange"


# Containers


def the_two_commands():
    first = blocks("bash", README)[0]
    return re.findall(r"^(make \w+)", first, flags=re.MULTILINE)


def instructions():
    """Return (instruction, arguments) of the Dockerfile, continued lines joined."""
    text = (CONTAINER / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.split("\n") if line.strip() and not line.startswith("#")]
    return [tuple(line.split(maxsplit=1)) for line in lines]


def test_image_is_built_by_the_first_command_of_the_readme_and_runs_the_second():
    course, test = the_two_commands()
    steps = instructions()
    assert ("RUN", course) in steps
    kind, arguments = steps[-1]
    assert kind == "CMD"
    assert " ".join(json.loads(arguments)) == test


def test_image_has_what_the_doctor_and_ci_ask_for_and_is_not_run_as_root():
    steps = instructions()
    [packages] = [text for kind, text in steps if kind == "RUN" and "apt-get install" in text]
    for name in ("bubblewrap", "chromium", "make"):
        assert name in packages.split()
    users = [text for kind, text in steps if kind == "USER"]
    assert users
    assert "root" not in users
    base = next(text for kind, text in steps if kind == "FROM")
    assert re.match(r"python:3\.1[1-3]-", base)


def test_dev_container_is_made_from_the_dockerfile_and_runs_the_first_command():
    told = json.loads((CONTAINER / "devcontainer.json").read_text(encoding="utf-8"))
    assert (CONTAINER / told["build"]["dockerfile"]).is_file()
    assert (CONTAINER / told["build"]["context"]).resolve() == ROOT
    stages = [text.split(" AS ")[1] for kind, text in instructions() if kind == "FROM"]
    assert told["build"]["target"] in stages
    assert told["postCreateCommand"] == the_two_commands()[0]
    assert ("USER", told["remoteUser"]) in instructions()
