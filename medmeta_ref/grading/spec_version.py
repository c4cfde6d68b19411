"""Which version of the checks a result was reached with: a hash of all code that can change it."""

import ast
import functools
import hashlib
from collections.abc import Iterator
from pathlib import Path

import torch

from medmeta_ref.grading.spec_runner import exercises, spec_file

_PACKAGE = Path(__file__).parents[1]
_SANDBOX = Path(__file__).parent / "sandbox"


@functools.cache
def spec_version(unit: str) -> str:
    """Return the version of a unit's checks, the same on every machine.

    It covers the unit's specs, the modules of this package that they import, directly or through
    others, the sandbox, and the version of torch. So an edit of another unit's spec, of a page or
    of a lesson keeps all results, and an edit of a reference function keeps none that it judged.

    Args:
        unit: for instance "03_distillation".

    Raises:
        ValueError: if the unit has no exercises.
    """
    number = unit.partition("_")[0]
    specs = [spec_file(name) for name in exercises() if name.partition(".")[0] == number]
    if not specs:
        raise ValueError(f"unit {unit!r} has no exercises; there are {', '.join(exercises())}")
    # The sandbox's own files run there by path, whether anything imports them or not.
    files = reachable([*specs, *sorted(_SANDBOX.glob("*.py"))])
    version = hashlib.sha256(torch.__version__.encode())
    for path in files:
        name = path.relative_to(_PACKAGE).as_posix()
        version.update(f"\0{name}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    return version.hexdigest()


def reachable(starts: list[Path]) -> list[Path]:
    """Return some of the package's files, and all those of it that they import, sorted.

    Args:
        starts: files of this package.
    """
    found: set[Path] = set()
    border = set(starts)
    while border:
        found |= border
        border = {target for path in border for target in _imported(path)} - found
    return sorted(found)


def _imported(path: Path) -> Iterator[Path]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            # A name may be a module in a package, or something in a module.
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            parts = name.split(".")
            if parts[0] == _PACKAGE.name:
                place = _PACKAGE.joinpath(*parts[1:])
                yield from filter(Path.is_file, (place.with_suffix(".py"), place / "__init__.py"))
