"""Peers that are missing, broken, or mended on the way."""

import contextlib
import importlib
import io
import sys

import pytest
import torch

from medmeta_ref.bench import peers
from medmeta_ref.bench.peers import (
    LIBRARIES,
    declare_torchvision_operators,
    load_peer,
    one_line,
    sampler_taking_a_data_source,
)


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Return a function that makes a package of this source the library to load."""
    monkeypatch.syspath_prepend(tmp_path)

    def make(source, name="a_meta_library"):
        (tmp_path / f"{name}.py").write_text(source, encoding="utf-8")
        monkeypatch.setitem(LIBRARIES, name, (name,))
        importlib.invalidate_caches()
        load_peer.cache_clear()
        return name

    yield make
    load_peer.cache_clear()
    for name in [n for n in LIBRARIES if n.startswith("a_meta")]:
        sys.modules.pop(name, None)


def test_a_library_that_works_comes_with_its_version(package):
    peer = load_peer(package("__version__ = '1.2.3'\ndef learn(): return 7", "a_meta_good"))
    assert (peer.version, peer.error, peer.repairs) == ("1.2.3", None, ())
    assert peer.module.learn() == 7


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("import not_there_at_all", "ModuleNotFoundError: No module named 'not_there_at_all'"),
        ("raise RuntimeError('first line\\nsecond line')", "RuntimeError: first line"),
        ("raise KeyError()", "KeyError"),
        ("def f(:", "SyntaxError: invalid syntax"),
        ("import torch; torch.no_such_operator", "AttributeError: module 'torch' has no"),
    ],
)
def test_a_library_that_does_not_import_is_reported_with_its_error(package, source, error):
    peer = load_peer(package(source, f"a_meta_bad_{len(source)}"))
    assert peer.module is None
    assert peer.version is None
    assert peer.error.startswith(error)
    assert "\n" not in peer.error


def test_its_warnings_and_words_stay_off_the_screen(package, capsys):
    source = "import sys, warnings\nwarnings.warn('old')\nprint('unmaintained', file=sys.stderr)"
    assert load_peer(package(source, "a_meta_loud")).error is None
    assert capsys.readouterr() == ("", "")


def test_a_library_nobody_knows_is_an_error_that_names_the_others():
    with pytest.raises(ValueError, match=r"no peer 'learn3learn'; there are learn2learn, higher"):
        load_peer("learn3learn")


@pytest.mark.parametrize("name", LIBRARIES)
def test_every_peer_can_be_used_or_says_why_not(name):
    peer = load_peer(name)
    assert (peer.module is None) == (peer.version is None) == (peer.error is not None)


def test_one_line_is_one_line():
    assert one_line(ValueError("a\nb")) == "ValueError: a"
    assert one_line(ValueError()) == "ValueError"


# repairs


@pytest.fixture
def torchvision(tmp_path, monkeypatch):
    """Return a function that puts a torchvision of this source in the place of any other."""
    kept = {n: m for n, m in sys.modules.items() if n.partition(".")[0] == "torchvision"}
    for name in kept:
        del sys.modules[name]
    monkeypatch.syspath_prepend(tmp_path)
    declare_torchvision_operators.cache_clear()

    def make(source):
        (tmp_path / "torchvision.py").write_text(source, encoding="utf-8")
        importlib.invalidate_caches()

    yield make
    declare_torchvision_operators.cache_clear()
    sys.modules.pop("torchvision", None)
    sys.modules.update(kept)


def needing(*operators):
    """Return a module that describes operators which nobody has declared, as torchvision does."""
    describe = "@torch.library.register_fake('torchvision::{0}')\ndef {0}(a, b, c): return a\n"
    return "import torch\n" + "".join(describe.format(name) for name in operators)


def test_a_torchvision_that_imports_is_left_alone(torchvision):
    torchvision("x = 1")
    assert declare_torchvision_operators() is None


def test_operators_that_are_missing_are_declared_until_it_imports(torchvision):
    torchvision(needing("first_missing", "second_missing"))
    said = declare_torchvision_operators()
    assert "torchvision::first_missing and torchvision::second_missing" in said
    assert torch.ops.torchvision.first_missing
    # Declared is not defined: nobody can take it for the real one.
    with pytest.raises(NotImplementedError):
        torch.ops.torchvision.first_missing(torch.ones(1, 4), torch.ones(1), 0.5)


@pytest.mark.parametrize(
    "source", ["raise RuntimeError('out of order')", "import not_there_at_all"]
)
def test_what_declaring_does_not_mend_is_raised(torchvision, source):
    torchvision(source)
    with pytest.raises((RuntimeError, ImportError)):
        declare_torchvision_operators()


class TaskSampler(torch.utils.data.Sampler):
    def __init__(self):
        super().__init__(data_source=None)

    def __iter__(self):
        yield from "abc"


def construct():
    with contextlib.redirect_stderr(io.StringIO()):
        return TaskSampler()


def test_a_sampler_may_pass_its_data_source_for_a_while():
    sampler_class = torch.utils.data.Sampler
    before = sampler_class.__dict__.get("__init__"), sampler_class.__init__
    with sampler_taking_a_data_source():
        sampler = construct()
    assert list(sampler) == ["a", "b", "c"]
    assert (sampler_class.__dict__.get("__init__"), sampler_class.__init__) == before
    if not peers._sampler_takes_a_data_source():
        with pytest.raises(TypeError):
            construct()


def test_the_repair_is_undone_after_an_error_too():
    before = torch.utils.data.Sampler.__init__
    with pytest.raises(KeyError), sampler_taking_a_data_source():
        raise KeyError
    assert torch.utils.data.Sampler.__init__ is before
