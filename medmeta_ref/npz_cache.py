"""Arrays of an .npz file, unpacked once to disk and from then on mapped instead of read.

An .npz is a zip of .npy files. Zip members cannot be memory-mapped, so every `np.load` inflates
them again and holds them whole. Here each member is copied once, as a stream, into a cache folder;
later loads map the copy, which takes milliseconds and next to no memory, for files of any size.

The cache folder is `MEDMETA_CACHE`, or the user's cache folder of the operating system. It holds
copies only, so it may be deleted at any time.
"""

import hashlib
import io
import json
import os
import shutil
import uuid
import warnings
import zipfile
import zlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import numpy as np
import pooch
from numpy.typing import NDArray

# What np.load raises for a copy that is not there, is cut short, or is no .npy file at all.
UNREADABLE_COPY = (OSError, ValueError, EOFError)
# What zipfile and numpy raise while reading a damaged archive.
DAMAGED_ARCHIVE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError)


class DataError(Exception):
    """A data file is missing, damaged, not what it should be, or cannot be fetched or written."""


class CacheWarning(UserWarning):
    """The cache folder could not be used; the data were read all the same."""


def cache_folder() -> Path:
    """Return the folder of the cache: `MEDMETA_CACHE` if set and not empty, else the user's own."""
    chosen = os.environ.get("MEDMETA_CACHE")
    return Path(chosen).expanduser() if chosen else Path(pooch.os_cache("medmeta"))


def entry_folder(path: Path) -> Path:
    """Return the folder for copies of `path`: another one as soon as the file is another one.

    Raises:
        OSError: there is no file at `path`.
    """
    stat = path.stat()
    identity = f"{os.path.abspath(path)}|{stat.st_size}|{stat.st_mtime_ns}"
    return cache_folder() / f"{path.stem}-{hashlib.sha256(identity.encode()).hexdigest()[:16]}"


def file_md5(path: Path) -> str:
    """Return the MD5 of the file in hex, computed once for this path, size and time of change."""
    with suppress(*UNREADABLE_COPY, KeyError, TypeError):  # nothing remembered, or unreadable
        remembered: str = json.loads((entry_folder(path) / "md5.json").read_text())["md5"]
        return remembered
    md5 = compute_md5(path)
    remember_md5(path, md5)
    return md5


def compute_md5(path: Path) -> str:
    """Return the MD5 of the file in hex, from its bytes as they are now."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


def remember_md5(path: Path, md5: str) -> None:
    """Write down the MD5 of the file as it is now; without a cache it is computed again later."""
    note = {"file": os.path.abspath(path), "md5": md5}
    # No warning here: `read_arrays` gives it, and one is enough.
    with suppress(OSError):
        _write_whole(entry_folder(path) / "md5.json", io.BytesIO(json.dumps(note).encode()))


def read_arrays(path: Path, keys: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Return the arrays `keys` of the .npz file `path`, memory-mapped from their unpacked copies.

    The arrays may be changed: they are mapped copy-on-write, so no change reaches the disk.

    Raises:
        DataError: the file is damaged, lacks a key, or holds Python objects instead of numbers.

    Warns:
        CacheWarning: the cache cannot be written, so the arrays were read into memory.
    """
    try:
        folder = entry_folder(path)
        with suppress(*UNREADABLE_COPY):  # not unpacked yet, or damaged: then unpack (again)
            return {key: _map_copy(folder, key) for key in keys}
        with zipfile.ZipFile(path) as archive:
            _check_members(path, archive, keys)
            try:
                return {key: _unpack(archive, folder, key) for key in keys}
            except OSError as error:
                _warn_no_cache(path, folder, error)
                return {key: _read_into_memory(archive, key) for key in keys}
    except DAMAGED_ARCHIVE as error:
        raise DataError(
            f"{path} cannot be read as an .npz file ({error}): it is damaged or cut short. "
            "Delete it and fetch it again."
        ) from error
    except ValueError as error:
        raise DataError(
            f"{path}: {' or '.join(keys)} is not an array of plain numbers ({error}). Python "
            "objects are refused: they are stored as pickles, and opening a stranger's pickle can "
            "run any code. Save the array with a numeric dtype, such as uint8."
        ) from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error


def _map_copy(folder: Path, key: str) -> NDArray[Any]:
    """Return the unpacked array `key`, mapped; numpy raises for a copy shorter than its header."""
    # What np.load(..., mmap_mode="c") does, less the detour. It refuses objects: no map has them.
    mapped: NDArray[Any] = np.lib.format.open_memmap(folder / f"{key}.npy", mode="c")
    return mapped


def _unpack(archive: zipfile.ZipFile, folder: Path, key: str) -> NDArray[Any]:
    """Copy one member to the cache as a stream (a member can exceed the memory) and map it."""
    with archive.open(f"{key}.npy") as member:
        _write_whole(folder / f"{key}.npy", member)
    return _map_copy(folder, key)


def _read_into_memory(archive: zipfile.ZipFile, key: str) -> NDArray[Any]:
    """Return the array `key` straight from the archive."""
    with archive.open(f"{key}.npy") as member:
        array: NDArray[Any] = np.lib.format.read_array(member, allow_pickle=False)
    return array


def _write_whole(target: Path, content: IO[bytes]) -> None:
    """Write `target` under another name first: nobody, ever, sees half a file under its own name.

    Two processes may do this at once: each writes its own copy, and the last rename stays.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f"{target.name}.{uuid.uuid4().hex}.part")
    try:
        with unfinished.open("wb") as file:
            shutil.copyfileobj(content, file, 1 << 20)
        os.replace(unfinished, target)
    finally:
        # Under a path that is no folder, even removing nothing is an error.
        with suppress(OSError):
            unfinished.unlink()


def _check_members(path: Path, archive: zipfile.ZipFile, keys: Sequence[str]) -> None:
    """Raise a DataError that names the first of `keys` the archive lacks, and those it has."""
    present = sorted(name.removesuffix(".npy") for name in archive.namelist())
    for key in keys:
        if key not in present:
            raise DataError(
                f"{path} has no array {key!r}; it has: {', '.join(present) or 'none'}. "
                "A file in MedMNIST's layout has train_images, train_labels and the same for val "
                "and test."
            )


def _warn_no_cache(path: Path, folder: Path, error: OSError) -> None:
    """Warn once per load that `path` could not be unpacked, and say how to have a cache."""
    warnings.warn(
        f"{path.name} cannot be unpacked into {folder} ({error.strerror or error}), so it is read "
        "into memory, now and at every load. Set MEDMETA_CACHE to a folder with free space that "
        "you may write to.",
        CacheWarning,
        stacklevel=5,  # the line that called `datasets.load`
    )
