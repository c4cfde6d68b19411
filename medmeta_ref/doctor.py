"""`medmeta doctor`: what is here, what is missing, and what to do about it."""

import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

REQUIRED = ("torch", "numpy", "matplotlib", "medmnist", "nbgrader", "jupyterlab", "pytest")
OPTIONAL = {"safetensors": "grade", "sphinx": "book", "distributed": "cluster"}
FREE_GIB = 2.0


class Finding(NamedTuple):
    """One thing looked at.

    Attributes:
        name: what was looked at.
        ok: whether it is as it should be.
        required: whether the course cannot do without it.
        detail: what was found.
        remedy: what to do about it if it is not ok.
    """

    name: str
    ok: bool
    required: bool
    detail: str
    remedy: str = ""


def examine(data_folder: Path, cache_folder: Path) -> list[Finding]:
    """Return everything worth knowing about this machine, in the order it is worth reading.

    Args:
        data_folder: where MedMNIST files are looked for.
        cache_folder: where unpacked copies are kept.
    """
    return [
        _python(),
        *_packages(),
        *_data(data_folder),
        _disk(cache_folder),
        Finding("cores", True, False, f"{os.cpu_count()} cores"),
        _gpu(),
        _sandbox(),
    ]


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    remedy = "install Python 3.11, 3.12 or 3.13 and make the environment again"
    return Finding("python", sys.version_info >= (3, 11), True, version, remedy)


def _packages() -> Iterator[Finding]:
    for name in REQUIRED:
        remedy = "pip install -c constraints.txt -e . in the course's folder"
        yield Finding(name, *_version(name, required=True), remedy)
    for name, extra in OPTIONAL.items():
        remedy = f"only needed for some commands: pip install -c constraints.txt -e '.[{extra}]'"
        yield Finding(name, *_version(name, required=False), remedy)


def _version(name: str, *, required: bool) -> tuple[bool, bool, str]:
    try:
        return True, required, importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False, required, "not installed"


def _data(folder: Path) -> Iterator[Finding]:
    """Yield one finding for the folder and one for every MedMNIST file in it."""
    # Here, so that the doctor can be asked where half of the packages are missing.
    from medmeta_ref.medmnist_files import check_md5, info, official_file, sizes
    from medmeta_ref.npz_cache import DataError

    known = info() if importlib.util.find_spec("medmnist") is not None else {}
    files = [(official_file(name, size), size) for name in known for size in sizes(name)]
    there = [(file, size) for file, size in files if (folder / file.filename).is_file()]
    found = f"{len(there)} MedMNIST files in {folder}"
    remedy = "the course runs on synthetic images; for real ones: medmeta data fetch bloodmnist"
    yield Finding("data", bool(there), False, found, remedy)
    for file, size in there:
        try:
            check_md5(file, folder / file.filename)
        except DataError as error:
            remedy = f"delete it, then: medmeta data fetch {file.name} --size {size}"
            yield Finding(file.filename, False, False, str(error), remedy)
        else:
            yield Finding(file.filename, True, False, "official file, MD5 verified")


def _disk(folder: Path) -> Finding:
    existing = next(p for p in (folder, *folder.parents) if p.exists())
    free = shutil.disk_usage(existing).free / 2**30
    remedy = f"free some space, or set MEDMETA_CACHE to a folder with {FREE_GIB:g} GiB"
    return Finding("disk", free >= FREE_GIB, True, f"{free:.1f} GiB free at {existing}", remedy)


def _gpu() -> Finding:
    if importlib.util.find_spec("torch") is None:
        return Finding("gpu", True, False, "unknown without torch")
    import torch

    if torch.cuda.is_available():
        return Finding("gpu", True, False, torch.cuda.get_device_name())
    return Finding("gpu", True, False, "none; the course is made for CPUs")


def _sandbox() -> Finding:
    remedy = (
        "needed only to grade the work of strangers: apt install bubblewrap, and allow "
        "unprivileged user namespaces"
    )
    bwrap = shutil.which("bwrap")
    if bwrap is None:
        return Finding("sandbox", False, False, "bubblewrap is not installed", remedy)
    command = [bwrap, "--ro-bind", "/", "/", "--unshare-all", "true"]
    tried = subprocess.run(command, capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        return Finding("sandbox", False, False, f"bubblewrap fails: {tried.stderr.strip()}", remedy)
    return Finding("sandbox", True, False, "bubblewrap works")
