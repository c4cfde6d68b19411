"""What `pip install` gives somebody who has no clone: complete, typed, and light."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

import medmeta_ref
from medmeta_ref.authoring.builder import build, course_root

ROOT = course_root(Path(__file__))
PACKAGE = ROOT / "medmeta_ref"
# Notebooks, grading, figures, commands: for a library user none of it may be loaded by an import.
OTHERS = (
    "IPython ipykernel ipywidgets jupyter_client jupyter_core jupytext matplotlib nbclient "
    "nbconvert nbformat nbgrader pytest rich sphinx torchvision typer"
).split()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Build sdist and wheel as for a release, the wheel from the sdist; return their folder."""
    folder = tmp_path_factory.mktemp("dist")
    line = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(line, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def wheel(made):
    [path] = made.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def outside(wheel, tmp_path_factory):
    """Install the wheel into a bare environment; give a function that runs a line in it.

    What it depends on is found in the environment of these tests, behind its own packages. The
    current folder is empty and lies in no clone.
    """
    home = tmp_path_factory.mktemp("home")
    venv.create(home / "venv", with_pip=False)
    python = home / "venv" / "bin" / "python"
    line = ["pip", "--python", str(python), "install", "-q", "--no-deps", "--no-index", str(wheel)]
    subprocess.run([sys.executable, "-m", *line], check=True)
    [packages] = (home / "venv" / "lib").glob("python*/site-packages")
    (packages / "shared.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    surroundings = kept | {"HOME": str(home), "COLUMNS": "200", "MEDMNIST_ROOT": str(home)}
    (home / "empty").mkdir()

    def run(*line, code=0):
        program = home / "venv" / "bin" / line[0]
        done = subprocess.run(
            [str(program), *line[1:]],
            capture_output=True,
            text=True,
            cwd=home / "empty",
            env=surroundings,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done

    return run


def test_wheel_holds_every_file_of_the_package_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    files = (path for path in PACKAGE.rglob("*") if path.is_file())
    files = (path for path in files if "__pycache__" not in path.parts)
    assert packed == {path.relative_to(ROOT).as_posix() for path in files}
    assert "medmeta_ref/py.typed" in packed


def test_sdist_makes_the_course(made, tmp_path):
    """The texts in it are enough to build the notebooks that are in the repository."""
    [archive] = made.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(tmp_path, filter="data")
    [root] = tmp_path.iterdir()
    for name in ("Makefile", "README.md", "CONTRIBUTING.md", "lessons/INSTRUCTOR_GUIDE.md"):
        assert (root / name).is_file(), name
    build(root, units=["00_orientation"])
    name = "exercises/00_orientation/00_orientation.ipynb"
    assert (root / name).read_bytes() == (ROOT / name).read_bytes()


def test_installed_package_is_the_wheels(outside):
    code = "import medmeta_ref; print(medmeta_ref.__version__, medmeta_ref.__file__)"
    version, file = outside("python", "-c", code).stdout.split()
    assert version == medmeta_ref.__version__
    assert "/venv/lib/" in file


def test_importing_the_package_loads_nothing_but_itself(outside):
    code = "import sys; old = set(sys.modules); import medmeta_ref; print(set(sys.modules) - old)"
    assert outside("python", "-c", code).stdout.strip() == "{'medmeta_ref'}"


def test_the_methods_load_nothing_that_is_for_notebooks_or_commands(outside):
    names = "datasets episodes prototypical maml anil reptile maml_pp distillation fusion replay"
    code = (
        "import importlib, json, sys\n"
        f"for name in {names.split()!r}: importlib.import_module('medmeta_ref.' + name)\n"
        f"print(json.dumps([n for n in {OTHERS!r} if n in sys.modules]))"
    )
    assert json.loads(outside("python", "-c", code).stdout) == []


def test_every_module_can_be_imported(outside):
    code = (
        "import importlib, pkgutil, medmeta_ref\n"
        "names = [i.name for i in pkgutil.walk_packages(medmeta_ref.__path__, 'medmeta_ref.')\n"
        "         if not i.name.endswith('__main__') and '.specs' not in i.name]\n"
        "for name in names: importlib.import_module(name)\n"
        "print(len(names))"
    )
    assert int(outside("python", "-W", "ignore", "-c", code).stdout) > 150


def test_checks_and_questions_work_without_a_clone(outside):
    code = (
        "import torch\n"
        "from medmeta_ref.grading.check import check\n"
        "from medmeta_ref.questions import ask\n"
        "check('03.soft_targets', lambda z, *, temperature: torch.softmax(z / temperature, 1))\n"
        "ask('03')"
    )
    said = outside("python", "-c", code).stdout
    assert "03.soft_targets: 8 of 8 points" in said
    assert "Why T squared" in said


def test_a_method_is_trained_by_the_command(outside):
    line = "train prototypical --data synthetic-blood --steps 1 --episodes 2 --width 4"
    said = outside("medmeta", *line.split(), "--results", "out").stdout
    assert "prototypical network" in said


@pytest.mark.parametrize("line", ["start 03_distillation", "lab", "grade 03_distillation", "book"])
def test_what_needs_a_clone_says_so(line, outside):
    done = outside("medmeta", *line.split(), code=1)
    assert "run this inside a clone of the course's repository" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("line", ["--help", "doctor", "data list"])
def test_what_needs_no_clone_works_without(line, outside):
    assert outside("medmeta", *line.split()).stdout


@pytest.mark.slow
def test_a_type_checker_sees_the_hints(outside, wheel, tmp_path):
    """A wrong argument is reported: so mypy reads the installed hints, not Any."""
    script = tmp_path / "study.py"
    script.write_text(
        "from medmeta_ref.class_splits import split_classes\n"
        "from medmeta_ref.metrics import mean_and_ci95\n"
        "reveal_type(mean_and_ci95)\n"
        "mean_and_ci95('accuracy')\n",
        encoding="utf-8",
    )
    line = ["-m", "mypy", "--strict", "--follow-imports=silent", str(script)]
    said = outside("python", *line, code=1).stdout
    assert "Revealed type is" in said
    assert 'incompatible type "str"' in said
    assert "py.typed" not in said


def interpreters():
    """Return other interpreters of the versions that the package is for, if there are any."""
    found = [*sorted(Path(sys.base_prefix).parent.glob("3.1[1-3]*/bin/python3"))]
    found += filter(None, (shutil.which(f"python3.{minor}") for minor in (12, 13)))
    # A name may stand for a version that is not installed.
    works = [
        str(path)
        for path in found
        if subprocess.run([path, "--version"], capture_output=True, check=False).returncode == 0
    ]
    return {Path(path).resolve(): path for path in works}.values()


def test_other_interpreters_can_read_the_package(wheel, tmp_path):
    """Compiled without a warning, and imported; their torch is not here."""
    others = interpreters()
    if not others:
        pytest.skip("no other Python from 3.11 to 3.13 here")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import medmeta_ref"
    for python in others:
        done = subprocess.run(
            [python, "-W", "error", "-m", "compileall", "-q", "-f", str(tmp_path)],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, (python, done.stdout)
        subprocess.run([python, "-I", "-c", code], check=True)
