"""What the cache of unpacked arrays promises: the same numbers, once unpacked, never half."""

import errno
import shutil
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from medmeta_ref import npz_cache
from medmeta_ref.npz_cache import CacheWarning, DataError, file_md5, read_arrays

KEYS = ("train_images", "train_labels")


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("MEDMETA_CACHE", str(folder))
    return folder


@pytest.fixture
def arrays() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        "train_images": rng.integers(0, 256, (40, 28, 28), dtype=np.uint8),
        "train_labels": rng.integers(0, 3, (40, 1), dtype=np.uint8),
    }


@pytest.fixture
def npz(tmp_path, cache, arrays) -> Path:
    path = tmp_path / "toymnist.npz"
    np.savez_compressed(path, **arrays)
    return path


def refuse(*args, **kwargs):
    raise RuntimeError("this should not have been called")


def cached_file(cache: Path, name: str) -> Path:
    [found] = cache.glob(f"*/{name}")
    return found


def test_mapped_arrays_equal_those_that_numpy_reads(npz, arrays):
    for key, array in read_arrays(npz, KEYS).items():
        assert isinstance(array, np.memmap)
        np.testing.assert_array_equal(array, arrays[key])


def test_second_read_opens_no_archive(npz, arrays, monkeypatch):
    read_arrays(npz, KEYS)
    monkeypatch.setattr(zipfile, "ZipFile", refuse)
    np.testing.assert_array_equal(read_arrays(npz, KEYS)["train_images"], arrays["train_images"])


def test_torch_takes_the_map_without_a_copy_or_a_warning(npz):
    array = read_arrays(npz, KEYS)["train_images"]
    assert torch.from_numpy(array).data_ptr() == array.ctypes.data


def test_changing_an_array_changes_neither_file_nor_cache(npz, cache, arrays):
    before = npz.read_bytes()
    read_arrays(npz, KEYS)["train_images"][:] = 7
    assert npz.read_bytes() == before
    np.testing.assert_array_equal(
        np.load(cached_file(cache, "train_images.npy")), arrays["train_images"]
    )


def test_a_changed_file_is_unpacked_anew(npz, arrays):
    read_arrays(npz, KEYS)
    changed = {**arrays, "train_images": 255 - arrays["train_images"]}
    np.savez(npz, **changed)
    np.testing.assert_array_equal(read_arrays(npz, KEYS)["train_images"], changed["train_images"])


@pytest.mark.parametrize("kept_bytes", [0, 5, 100, 2000])
def test_a_cut_copy_is_rebuilt(npz, cache, arrays, kept_bytes):
    read_arrays(npz, KEYS)
    copy = cached_file(cache, "train_images.npy")
    copy.write_bytes(copy.read_bytes()[:kept_bytes])
    np.testing.assert_array_equal(read_arrays(npz, KEYS)["train_images"], arrays["train_images"])
    np.testing.assert_array_equal(np.load(copy), arrays["train_images"])


def test_two_processes_may_unpack_at_once(npz, arrays):
    code = (
        "import sys, pathlib\n"
        "from medmeta_ref.npz_cache import read_arrays\n"
        "sys.stdin.readline()\n"  # both wait here, so that they really start together
        f"print(read_arrays(pathlib.Path({str(npz)!r}), {KEYS!r})['train_images'].sum())"
    )
    command = [sys.executable, "-W", "error", "-c", code]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with (
        subprocess.Popen(command, **pipes) as one,
        subprocess.Popen(command, **pipes) as other,
    ):
        for process in (one, other):
            process.stdin.write("go\n")
            process.stdin.flush()
        sums = [int(process.communicate(timeout=60)[0]) for process in (one, other)]
    assert sums == [arrays["train_images"].sum()] * 2


def test_nothing_unfinished_stays_in_the_cache(npz, cache):
    read_arrays(npz, KEYS)
    file_md5(npz)
    names = {path.name for path in cache.glob("*/*")}
    assert names == {"train_images.npy", "train_labels.npy", "md5.json"}


# An unusable cache. Tests may run as root, whom no permission stops; but nobody can make a
# folder under a regular file, or write past the limit of file size that a process has.


def test_unusable_cache_warns_once_and_still_reads(npz, arrays, tmp_path, monkeypatch):
    file = tmp_path / "a_file"
    file.touch()
    monkeypatch.setenv("MEDMETA_CACHE", str(file / "cache"))
    with pytest.warns(CacheWarning, match="MEDMETA_CACHE") as caught:
        read = read_arrays(npz, KEYS)
    assert len(caught) == 1
    assert "a_file" in str(caught[0].message)
    assert "Not a directory" in str(caught[0].message)
    np.testing.assert_array_equal(read["train_images"], arrays["train_images"])
    read["train_images"][0] = 0  # in memory, so it may be changed as well
    assert len(file_md5(npz)) == 32


def test_full_disk_warns_and_leaves_nothing_behind(npz, cache, arrays, monkeypatch):
    def disk_is_full(source, target, length=0):
        target.write(b"the first bytes still fit")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copyfileobj", disk_is_full)
    with pytest.warns(CacheWarning, match="No space left on device"):
        read = read_arrays(npz, KEYS)
    np.testing.assert_array_equal(read["train_images"], arrays["train_images"])
    assert list(cache.glob("*/*")) == []


def test_a_limit_that_the_system_enforces_is_survived(npz, cache, arrays):
    resource = pytest.importorskip("resource", reason="limits of file size are a POSIX matter")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            read = read_arrays(npz, KEYS)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "File too large" in str(caught[0].message)
    np.testing.assert_array_equal(read["train_images"], arrays["train_images"])
    assert list(cache.glob("*/*.part")) == []


# Damaged and unwanted files.


def test_missing_array_is_named_with_those_present(npz):
    with pytest.raises(DataError, match=r"no array 'val_images'.*train_images, train_labels"):
        read_arrays(npz, ("val_images",))


@pytest.mark.parametrize("kept", [0.0, 0.5, 0.99])
def test_truncated_archive_says_fetch_it_again(npz, kept):
    content = npz.read_bytes()
    npz.write_bytes(content[: int(kept * len(content))])
    with pytest.raises(DataError, match=r"toymnist\.npz.*cut short.*fetch it again"):
        read_arrays(npz, KEYS)


def test_flipped_bytes_are_noticed_and_not_cached(npz, cache):
    content = bytearray(npz.read_bytes())
    content[len(content) // 2] ^= 0xFF
    npz.write_bytes(bytes(content))
    with pytest.raises(DataError, match="damaged"):
        read_arrays(npz, KEYS)
    assert not list(cache.glob("*/train_images.npy"))


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("usable_cache", [True, False])
def test_objects_are_refused_and_never_unpickled(tmp_path, cache, monkeypatch, usable_cache):
    if not usable_cache:
        monkeypatch.setenv("MEDMETA_CACHE", __file__)
    sprung = tmp_path / "sprung"
    path = tmp_path / "objects.npz"
    np.savez(path, train_images=np.array([Trap(sprung)], dtype=object))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CacheWarning)
        with pytest.raises(DataError, match=r"pickle can run any code.*uint8"):
            read_arrays(path, ("train_images",))
    assert not sprung.exists()


def test_missing_file_is_named(tmp_path, cache):
    with pytest.raises(DataError, match=r"nowhere\.npz cannot be read: No such file"):
        read_arrays(tmp_path / "nowhere.npz", KEYS)


# The MD5.


def test_md5_is_that_of_rfc_1321(tmp_path, cache):
    path = tmp_path / "abc"
    path.write_bytes(b"abc")
    assert file_md5(path) == "900150983cd24fb0d6963f7d28e17f72"  # the RFC's test suite


def test_md5_is_computed_once_until_the_file_changes(npz, monkeypatch):
    first = file_md5(npz)
    with monkeypatch.context() as patched:
        patched.setattr(npz_cache, "compute_md5", refuse)
        assert file_md5(npz) == first
    npz.write_bytes(b"another file")
    assert file_md5(npz) != first


@pytest.mark.parametrize("content", ["", '{"md5": ', "[]", "{}"])
def test_damaged_md5_note_is_ignored(npz, cache, content):
    first = file_md5(npz)
    cached_file(cache, "md5.json").write_text(content)
    assert file_md5(npz) == first


def test_empty_variable_means_the_cache_of_the_system(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("MEDMETA_CACHE", "")
    assert npz_cache.cache_folder().name.lower() == "medmeta"
    monkeypatch.setenv("MEDMETA_CACHE", str(tmp_path / "mine"))
    assert npz_cache.cache_folder() == tmp_path / "mine"
