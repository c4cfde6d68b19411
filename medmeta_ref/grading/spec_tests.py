"""Have pytest read specs: always in the same surroundings, and at grading only once."""

import contextlib
import functools
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

_OFF = ("cacheprovider", "terminal", "warnings", "unraisableexception", "threadexception")
# What a test may take, and carry, to be run without a session of pytest's around it.
_FIXTURES = {"yours", "generator"}
_MARKS = {"points", "parametrize"}


def options(specs: Path) -> list[str]:
    """Return pytest's options for a run of specs.

    Args:
        specs: the folder of all specs.
    """
    chosen = ["--import-mode=importlib", "--assert=plain", "--capture=no"]
    chosen += ["--disable-plugin-autoload", "--noconftest", "-c", os.devnull]
    for plugin in _OFF:
        chosen += ["-p", f"no:{plugin}"]
    return [*chosen, "--rootdir", str(specs)]


def plain_tests(paths: tuple[Path, ...], specs: Path) -> tuple[pytest.Function, ...] | None:
    """Return the tests of some specs as pytest collects them: names, marks, parameters and titles.

    Setting up a session of pytest's takes longer than most specs do. A test that takes only the
    fixtures `yours` and `generator` needs none of it and can be called as it is.

    Args:
        paths: the specs.
        specs: the folder of all specs.

    Returns:
        None if one of them asks for more than that, or cannot be collected.
    """
    return _collected(tuple((path, path.stat().st_mtime_ns) for path in paths), specs)


@functools.cache
def _collected(
    versions: tuple[tuple[Path, int], ...], specs: Path
) -> tuple[pytest.Function, ...] | None:
    collector = _Collector()
    files = [str(path) for path, _ in versions]
    with shielded_environment():
        code = pytest.main([*options(specs), "--collect-only", *files], plugins=[collector])
    if code != pytest.ExitCode.OK or not all(map(_is_plain, collector.items)):
        return None
    return tuple(item for item in collector.items if isinstance(item, pytest.Function))


def _is_plain(item: pytest.Item) -> bool:
    if not isinstance(item, pytest.Function):
        return False
    parameters = set(item.callspec.params) if hasattr(item, "callspec") else set()
    marks = {mark.name for mark in item.iter_markers()}
    return set(item.fixturenames) - parameters <= _FIXTURES and marks <= _MARKS


class _Collector:
    def __init__(self) -> None:
        self.items: list[pytest.Item] = []

    @pytest.fixture(name="yours")
    def _yours(self) -> None:
        """Stands for the learner's function while tests are collected."""

    @pytest.fixture(name="generator")
    def _generator(self) -> None:
        """Stands for the generator likewise."""

    def pytest_configure(self, config: pytest.Config) -> None:
        config.addinivalue_line("markers", "points(n): what the check is worth")

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        self.items = list(items)


@contextlib.contextmanager
def shielded_environment() -> Iterator[None]:
    """Keep pytest's settings of the surroundings, and compiled specs, away from the run."""
    names = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS")
    saved = {name: os.environ.pop(name) for name in names if name in os.environ}
    writes_bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        yield
    finally:
        sys.dont_write_bytecode = writes_bytecode
        os.environ.update(saved)
