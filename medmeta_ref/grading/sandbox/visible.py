"""What the sandbox can see: Python, torch with what it needs, and the worker's own files.

A list of what is there, never of what is not: the course's package, the specs, the answers and the
work of others stay out because nobody names them.
"""

import functools
import importlib.metadata
import os
import sys
import sysconfig
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement

PACKAGES = ("torch", "numpy", "safetensors")
GRADER_FILES = tuple(
    f"{name}.py"
    for name in (
        "bootstrap", "zygote", "worker", "confine", "landlock", "seccomp",
        "adapters", "values", "pipe", "wire",
    )
)  # fmt: skip
GRADER_FOLDER = Path(__file__).parent
# Libraries read these once, when they start. One thread: the sandbox refuses to start another.
ENVIRONMENT = {
    "LC_ALL": "C.UTF-8",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}
_LOADERS = ("/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1", "/etc/ld.so.cache")
_SYSTEM = ("/lib/", "/usr/lib/", "/lib64/", "/usr/lib64/")
_THIRD_PARTY = ("site-packages", "dist-packages")


class Visible(NamedTuple):
    """Paths on this machine.

    Attributes:
        python: the interpreter itself, no link to it.
        stdlib: the folder of Python's standard library.
        stdlib_parts: what is in it, without installed packages.
        libraries: folders and files of shared libraries, and the program that loads them.
        packages: importable name -> folder or file.
        package_paths: all of those, and the libraries that packages bring along.
    """

    python: str
    stdlib: str
    stdlib_parts: tuple[str, ...]
    libraries: tuple[str, ...]
    packages: dict[str, str]
    package_paths: tuple[str, ...]


@functools.cache
def visible() -> Visible:
    """Return what a sandbox on this machine needs to see."""
    stdlib = sysconfig.get_path("stdlib", vars={"installed_base": sys.base_prefix})
    parts = tuple(
        entry.path for entry in sorted(os.scandir(stdlib), key=lambda e: e.name)
        if entry.name not in (*_THIRD_PARTY, "__pycache__")
    )  # fmt: skip
    packages, paths = _packages()
    python = os.path.realpath(sys.executable)
    return Visible(python, stdlib, parts, _libraries(stdlib, paths), packages, paths)


def _packages() -> tuple[dict[str, str], tuple[str, ...]]:
    """Return where `PACKAGES`, and all that they require, are installed."""
    names: dict[str, str] = {}
    paths: set[str] = set()
    for distribution in _required():
        tops = {file.parts[0] for file in distribution.files or ()}
        for top in tops - {"..", "__pycache__", "bin"}:
            path = Path(str(distribution.locate_file(top)))
            if path.suffix in (".dist-info", ".pth") or not path.exists():
                continue
            paths.add(str(path))
            name = path.name.partition(".")[0]
            if (path.is_dir() and path.name == name) or path.suffix in (".py", ".so"):
                names[name] = str(path)
    return names, tuple(sorted(paths))


def _required() -> list[importlib.metadata.Distribution]:
    found: dict[str, importlib.metadata.Distribution] = {}
    wanted = list(PACKAGES)
    while wanted:
        name = wanted.pop().lower().replace("_", "-")
        if name in found:
            continue
        try:
            found[name] = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # optional, or of another platform
        for line in found[name].requires or ():
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                wanted.append(requirement.name)
    return list(found.values())


def _libraries(stdlib: str, packages: tuple[str, ...]) -> tuple[str, ...]:
    """Return the shared libraries that Python and torch use, by those that this process has.

    In a folder of the system's libraries all of them: an import later on may need another one.
    """
    import torch

    assert torch.__version__  # loaded, so that its libraries are among those below
    inside = (stdlib, *packages)
    found = {loader for loader in _LOADERS if os.path.exists(loader)}
    with open("/proc/self/maps", encoding="utf-8") as maps:
        files = {line.split(maxsplit=5)[5].strip() for line in maps if ".so" in line}
    for file in files:
        if file.startswith("/") and os.path.exists(file) and not file.startswith(inside):
            folder = os.path.dirname(file)
            whole = file.startswith(_SYSTEM) and not stdlib.startswith(folder + "/")
            if not any(name in file for name in _THIRD_PARTY):
                found.add(folder if whole else file)
    return tuple(sorted(found))
