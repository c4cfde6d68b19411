"""The libraries to compare with: imported where they work, mended where one line does it.

Nothing of theirs is a dependency. What stands in the way of a peer on a current PyTorch, and is no
fault of its method, is repaired here while the program runs; whoever reads the figures is told.
"""

import contextlib
import importlib
import importlib.metadata
import io
import re
import sys
import warnings
from collections.abc import Iterator
from functools import cache
from types import ModuleType
from typing import Any, NamedTuple

import torch

# What to import of each, and the name of its distribution.
LIBRARIES = {
    "learn2learn": ("learn2learn",),
    "higher": ("higher",),
    "torchopt": ("torchopt",),
    "easyfsl": ("easyfsl.datasets", "easyfsl.methods", "easyfsl.samplers"),
}
NEED_TORCHVISION = ("learn2learn", "easyfsl")


class Peer(NamedTuple):
    """One library.

    Attributes:
        name: of the library.
        module: the imported package; None if it cannot be used.
        version: as installed; None if it cannot be used.
        error: why it cannot be used; None if it can.
        repairs: what was mended to make it work, one sentence each.
    """

    name: str
    module: ModuleType | None
    version: str | None
    error: str | None
    repairs: tuple[str, ...] = ()


@cache
def load_peer(name: str) -> Peer:
    """Return a library, or the error that keeps it from being used.

    Args:
        name: one of `LIBRARIES`.

    Raises:
        ValueError: if the name is not one of them.
    """
    if name not in LIBRARIES:
        raise ValueError(f"no peer {name!r}; there are {', '.join(LIBRARIES)}")
    repairs = []
    try:
        with _quiet():
            if name in NEED_TORCHVISION and (repair := declare_torchvision_operators()):
                repairs.append(repair)
            modules = [importlib.import_module(part) for part in LIBRARIES[name]]
    except Exception as error:  # noqa: BLE001 - a foreign package may fail in any way
        return Peer(name, None, None, one_line(error))
    package = sys.modules[modules[0].__name__.partition(".")[0]]
    if name == "easyfsl" and not _sampler_takes_a_data_source():
        repairs.append("torch.utils.data.Sampler takes the data_source that easyfsl passes to it")
    return Peer(name, package, _version(name, package), None, tuple(repairs))


def one_line(error: BaseException) -> str:
    """Return the type and the first line of an error."""
    text = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


@cache
def declare_torchvision_operators() -> str | None:
    """Make `import torchvision` work beside a PyTorch that its compiled half does not fit.

    The wheels for GPUs cannot load their library beside a PyTorch for CPUs, and then the import
    stumbles over operators that nobody has declared. No peer calls them; declaring is enough.

    Returns:
        what was repaired, or None if nothing had to be.
    """
    declared: list[str] = []
    while True:
        try:
            importlib.import_module("torchvision")
        except RuntimeError as error:
            missing = re.search(r"operator torchvision::(\w+) does not exist", str(error))
            if missing is None or missing[1] in declared:
                raise
            _declare(missing[1])
            declared.append(missing[1])
            for name in [n for n in sys.modules if n.partition(".")[0] == "torchvision"]:
                del sys.modules[name]  # left half-imported
        else:
            break
    names = " and ".join(f"torchvision::{name}" for name in declared)
    return f"declared {names}, without which torchvision does not import" if declared else None


@contextlib.contextmanager
def sampler_taking_a_data_source() -> Iterator[None]:
    """Let `torch.utils.data.Sampler` take `data_source` again, for a while.

    easyfsl's TaskSampler passes it, and fails with a TypeError where PyTorch has given it up.
    """
    if _sampler_takes_a_data_source():
        yield
        return
    sampler: Any = torch.utils.data.Sampler
    original = sampler.__init__
    sampler.__init__ = lambda self, data_source=None: None
    try:
        yield
    finally:
        if original is object.__init__:
            del sampler.__init__
        else:
            sampler.__init__ = original


_DECLARED: list[Any] = []  # a declaration lasts as long as the object that made it


def _declare(operator: str) -> None:
    library = torch.library.Library("torchvision", "FRAGMENT")
    library.define(f"{operator}(Tensor boxes, Tensor scores, float iou_threshold) -> Tensor")
    _DECLARED.append(library)


def _sampler_takes_a_data_source() -> bool:
    sampler: Any = torch.utils.data.Sampler
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            sampler(data_source=None)
    except TypeError:
        return False
    return True


def _version(name: str, package: ModuleType) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:  # built by hand and put on the path
        return str(getattr(package, "__version__", "unknown"))


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep a package's warnings and its words on import off the screen."""
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        yield
