"""What the doctor finds, and that it says what to do about what is missing."""

import importlib.metadata
import importlib.util
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest

from medmeta_ref import doctor
from medmeta_ref.doctor import FREE_GIB, OPTIONAL, REQUIRED, Finding, examine

GIB = 2**30
Usage = namedtuple("Usage", "total used free")


def findings(tmp_path):
    return {finding.name: finding for finding in examine(tmp_path / "data", tmp_path / "cache")}


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MEDMETA_CACHE", str(tmp_path / "remembered"))


@pytest.fixture
def without(monkeypatch):
    """Return a function that makes packages look as if they were not installed."""
    version = importlib.metadata.version

    def hide(*names):
        def look_up(name):
            if name in names:
                raise importlib.metadata.PackageNotFoundError(name)
            return version(name)

        monkeypatch.setattr(importlib.metadata, "version", look_up)

    return hide


def test_everything_is_looked_at_once_and_here_nothing_required_is_missing(tmp_path):
    found = examine(tmp_path, tmp_path)
    names = [finding.name for finding in found]
    assert len(set(names)) == len(names)
    assert {"python", "data", "disk", "cores", "gpu", "sandbox", *REQUIRED, *OPTIONAL} == set(names)
    assert [finding.name for finding in found if finding.required and not finding.ok] == []


def test_every_failure_has_a_remedy_and_every_finding_a_detail(tmp_path, without, monkeypatch):
    without(*REQUIRED, *OPTIONAL)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(GIB, GIB, 0))
    for finding in findings(tmp_path).values():
        assert finding.detail
        assert finding.ok or len(finding.remedy) > 10


@pytest.mark.parametrize("name", REQUIRED)
def test_a_missing_required_package_fails_with_the_install_command(name, tmp_path, without):
    without(name)
    found = findings(tmp_path)
    assert found[name] == Finding(name, False, True, "not installed", found[name].remedy)
    assert "pip install -c constraints.txt -e ." in found[name].remedy
    assert all(found[other].ok for other in REQUIRED if other != name)


@pytest.mark.parametrize("name", OPTIONAL)
def test_a_missing_optional_package_is_no_requirement_and_names_its_extra(name, tmp_path, without):
    without(name)
    finding = findings(tmp_path)[name]
    assert (finding.ok, finding.required) == (False, False)
    assert f".[{OPTIONAL[name]}]" in finding.remedy


def test_versions_are_those_that_are_installed(tmp_path):
    found = findings(tmp_path)
    for name in REQUIRED:
        assert found[name].detail == importlib.metadata.version(name)


def test_requirements_and_extras_are_those_of_the_package():
    """What the doctor looks for is what pyproject.toml asks for."""
    wanted = importlib.metadata.requires("medmeta")
    plain = {
        line.split(";")[0].split(">")[0].split("[")[0] for line in wanted if "extra" not in line
    }
    assert set(REQUIRED) <= plain
    for name, extra in OPTIONAL.items():
        assert any(line.startswith(name) and f"extra == '{extra}'" in line for line in wanted)


@pytest.mark.parametrize(
    ("version", "ok"), [((3, 10, 9), False), ((3, 11, 0), True), ((3, 13, 1), True)]
)
def test_python_is_old_enough_below_3_11(version, ok, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "version_info", version)
    finding = findings(tmp_path)["python"]
    assert (finding.ok, finding.required) == (ok, True)
    assert finding.detail == ".".join(map(str, version))


def test_data_counts_the_files_in_the_folder(tmp_path):
    assert findings(tmp_path)["data"].detail == f"0 MedMNIST files in {tmp_path / 'data'}"
    (tmp_path / "data").mkdir()
    for name in ("bloodmnist.npz", "pathmnist_64.npz", "notes.txt", "other.npz"):
        (tmp_path / "data" / name).touch()
    finding = findings(tmp_path)["data"]
    assert finding.ok
    assert finding.detail.startswith("2 MedMNIST files")


def test_file_that_is_not_the_official_one_is_named_with_the_way_out(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "pathmnist_64.npz").write_bytes(b"cut short")
    finding = findings(tmp_path)["pathmnist_64.npz"]
    assert (finding.ok, finding.required) == (False, False)
    assert "is not the official pathmnist_64.npz" in finding.detail
    assert finding.remedy.endswith("medmeta data fetch pathmnist --size 64")


def test_no_data_is_no_failure_and_names_the_command(tmp_path):
    finding = findings(tmp_path)["data"]
    assert (finding.ok, finding.required) == (False, False)
    assert "medmeta data fetch bloodmnist" in finding.remedy


@pytest.mark.parametrize(("free", "ok"), [(FREE_GIB - 0.1, False), (FREE_GIB, True), (900.0, True)])
def test_disk_space_is_asked_of_the_nearest_folder_that_exists(free, ok, tmp_path, monkeypatch):
    asked = []

    def usage(path):
        asked.append(Path(path))
        return Usage(0, 0, round(free * GIB))

    monkeypatch.setattr(shutil, "disk_usage", usage)
    [finding] = [
        f for f in examine(tmp_path, tmp_path / "not" / "there" / "yet") if f.name == "disk"
    ]
    assert (finding.ok, finding.required) == (ok, True)
    assert asked == [tmp_path]
    assert f"{free:.1f} GiB free" in finding.detail
    assert not (tmp_path / "not").exists(), "looking made a folder"


def test_disk_space_is_asked_of_the_cache_itself_once_it_is_there(tmp_path, monkeypatch):
    """It may be a disk of its own, mounted there."""
    free = {tmp_path: 900 * GIB, tmp_path / "cache": 0}
    (tmp_path / "cache").mkdir()
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(0, 0, free[Path(path)]))
    assert not findings(tmp_path)["disk"].ok


def test_a_machine_without_torch_is_examined_to_the_end(tmp_path, monkeypatch, without):
    without("torch")
    found_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda n, *a: None if n == "torch" else found_spec(n, *a)
    )
    found = findings(tmp_path)
    assert found["gpu"].detail == "unknown without torch"
    assert not found["torch"].ok
    assert "sandbox" in found


def test_a_gpu_is_named_and_none_is_fine(tmp_path, monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert findings(tmp_path)["gpu"] == Finding(
        "gpu", True, False, "none; the course is made for CPUs"
    )
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a large one")
    assert findings(tmp_path)["gpu"].detail == "a large one"


def test_the_sandbox_is_tried_not_only_found(tmp_path, monkeypatch):
    def answer(code):
        return lambda command, **kwargs: subprocess.CompletedProcess(command, code, "", "no way\n")

    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(subprocess, "run", answer(0))
    assert findings(tmp_path)["sandbox"].ok
    monkeypatch.setattr(subprocess, "run", answer(1))
    finding = findings(tmp_path)["sandbox"]
    assert (finding.ok, finding.required) == (False, False)
    assert finding.detail == "bubblewrap fails: no way"
    monkeypatch.setattr(shutil, "which", lambda name: None)
    finding = findings(tmp_path)["sandbox"]
    assert finding.detail == "bubblewrap is not installed"
    assert "apt install bubblewrap" in finding.remedy


def test_looking_writes_nothing(tmp_path):
    examine(tmp_path / "data", tmp_path / "cache")
    assert list(tmp_path.iterdir()) == []


def test_findings_are_a_list_in_reading_order(tmp_path):
    names = [finding.name for finding in doctor.examine(tmp_path, tmp_path)]
    assert names[0] == "python"
    assert names.index("torch") < names.index("sphinx") < names.index("sandbox")
