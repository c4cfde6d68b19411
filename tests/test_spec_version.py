"""A version changes with the code that can change a verdict, and with no other."""

import shutil
from pathlib import Path

import pytest

import medmeta_ref
from medmeta_ref.grading import spec_runner, spec_version
from medmeta_ref.grading.spec_runner import SPECS, exercises, spec_file

PACKAGE = Path(medmeta_ref.__file__).parent
UNIT = "03_distillation"


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """Return a copy of the package that versions are taken of."""
    package = shutil.copytree(
        PACKAGE, tmp_path / "medmeta_ref", ignore=shutil.ignore_patterns("__pycache__")
    )
    monkeypatch.setattr(spec_version, "_PACKAGE", package)
    monkeypatch.setattr(spec_version, "_SANDBOX", package / "grading" / "sandbox")
    monkeypatch.setattr(spec_runner, "SPECS", package / SPECS.relative_to(PACKAGE))
    spec_version.spec_version.cache_clear()
    yield package
    spec_version.spec_version.cache_clear()


def version_now():
    spec_version.spec_version.cache_clear()
    return spec_version.spec_version(UNIT)


@pytest.mark.parametrize(
    "name",
    [
        "grading/specs/unit_03/soft_targets.py",
        "grading/specs/unit_03/_oracle.py",
        "grading/agreement.py",
        "grading/spec_session.py",
        "grading/sandbox/worker.py",
        "grading/sandbox/seccomp.py",
    ],
)
def test_code_that_judges_changes_it(copy, name):
    before = version_now()
    with (copy / name).open("a") as file:
        file.write("# another line\n")
    assert version_now() != before


@pytest.mark.parametrize("name", ["cli.py", "distillation.py", "grading/feedback_pages.py"])
def test_code_that_does_not_judge_leaves_it(copy, name):
    before = version_now()
    with (copy / name).open("a") as file:
        file.write("# another line\n")
    assert version_now() == before


def test_another_place_on_the_disk_is_no_other_version(copy):
    there = version_now()
    shutil.copytree(copy, copy.parent / "moved" / "medmeta_ref")
    assert version_now() == there


def test_imports_are_followed_through_packages_and_modules():
    found = spec_version.reachable([spec_file(exercises()[0])])
    names = {path.relative_to(PACKAGE).as_posix() for path in found}
    assert spec_file(exercises()[0]) in found
    assert any(name.startswith("grading/") for name in names)
    assert spec_version.reachable(found) == found


def test_unit_without_exercises_is_named():
    with pytest.raises(ValueError, match="unit '99_nothing' has no exercises"):
        spec_version.spec_version("99_nothing")
