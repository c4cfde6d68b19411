"""What the README says is so."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from medmeta_ref.authoring.builder import course_root

ROOT = course_root(Path(__file__))
TEXTS = ("README.md", "CONTRIBUTING.md")


def blocks(language):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


@pytest.mark.parametrize("code", blocks("python"))
def test_python_example_runs(code, capsys):
    names = {}
    exec(code, names)
    assert names["loss"].ndim == 0
    assert names["episode"].query_x.shape == (75, 3, 28, 28)


def test_every_medmeta_command_named_in_the_texts_exists():
    text = "".join((ROOT / name).read_text(encoding="utf-8") for name in TEXTS)
    named = set(re.findall(r"medmeta ((?:data |train )?[a-z]+)", text))
    assert {"start", "grade", "data fetch", "train prototypical"} <= named
    for command in sorted(named):
        done = subprocess.run(
            [sys.executable, "-m", "medmeta_ref", *command.split(), "--help"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (command, done.stderr)


def test_make_targets_named_in_the_readme_exist():
    named = set(re.findall(r"make (\w+) +#", "".join(blocks("bash"))))
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    assert named == {"course", "test"} <= targets


def test_files_named_in_the_texts_exist():
    text = "".join((ROOT / name).read_text(encoding="utf-8") for name in TEXTS)
    named = re.findall(r"`((?:lessons|medmeta_ref|tests|solutions|exercises)/[\w/.]*)`", text)
    assert named
    for name in named:
        if "NN" not in name and "/x" not in name and "_x" not in name:
            assert (ROOT / name).exists(), name


def test_check_shown_in_the_readme_is_what_a_check_shows():
    from medmeta_ref.grading.report import as_text
    from medmeta_ref.grading.spec_runner import run_spec
    from tests.wrong_answers.unit_03 import mean_reduction

    shown = next(block for block in blocks("text") if "reduction='mean'" in block)
    assert as_text(run_spec("03.distillation_loss", mean_reduction)).startswith(shown.rstrip())
