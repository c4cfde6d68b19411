"""The official MedMNIST v2 files: which there are, where they lie, and how to get and verify them.

The facts (addresses, MD5 sums, labels, licences) are those of the `medmnist` package. Only its
`info.py` is read: importing the package imports torchvision, which nothing here needs.
"""

import importlib.util
import os
import time
import warnings
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pooch
import requests

from medmeta_ref import npz_cache
from medmeta_ref.npz_cache import DataError

STALE_SECONDS = 3600  # a download in progress writes far more often than this


class OfficialFile(NamedTuple):
    """One official file.

    Attributes:
        name: the data set, as in `info()`, such as "bloodmnist".
        filename: "bloodmnist.npz" at 28 pixels, "bloodmnist_64.npz" at 64.
        url: where it is downloaded from.
        md5: its MD5, in hex.
    """

    name: str
    filename: str
    url: str
    md5: str


@cache
def info() -> dict[str, dict[str, Any]]:
    """Return what `medmnist` states of each of its 18 data sets, by name.

    Raises:
        DataError: the package `medmnist` is not installed.
    """
    package = importlib.util.find_spec("medmnist")  # finds the folder; imports nothing
    if package is None or not package.submodule_search_locations:
        raise DataError("The package medmnist is not installed: pip install medmnist")
    file = Path(package.submodule_search_locations[0]) / "info.py"
    spec = importlib.util.spec_from_file_location("_medmnist_info", file)
    if spec is None or spec.loader is None:
        raise DataError(f"{file} cannot be imported: pip install --force-reinstall medmnist")
    module = importlib.util.module_from_spec(spec)
    with warnings.catch_warnings():
        # info.py makes the folder ~/.medmnist, and warns where it cannot; we may not need it.
        warnings.simplefilter("ignore")
        spec.loader.exec_module(module)
    facts: dict[str, dict[str, Any]] = module.INFO
    return facts


def sizes(name: str) -> tuple[int, ...]:
    """Return the side lengths in pixels that the data set `name` is offered in, smallest first."""
    larger = sorted(int(key.removeprefix("MD5_")) for key in info()[name] if key[:4] == "MD5_")
    return (28, *larger)


def official_file(name: str, size: int) -> OfficialFile:
    """Return the official file of the data set `name` with images of `size` pixels a side.

    Raises:
        ValueError: the data set is not offered in this size.
    """
    if size not in sizes(name):
        offered = ", ".join(map(str, sizes(name)))
        raise ValueError(f"{name} is not offered at size={size}; its sizes are {offered}")
    ending = "" if size == 28 else f"_{size}"
    facts = info()[name]
    return OfficialFile(name, f"{name}{ending}.npz", facts[f"url{ending}"], facts[f"MD5{ending}"])


def data_folder(root: str | os.PathLike[str] | None) -> Path:
    """Return the folder of the .npz files: `root`, else `MEDMNIST_ROOT`, else ~/.medmnist."""
    chosen = root if root is not None else os.environ.get("MEDMNIST_ROOT")
    return Path(chosen).expanduser() if chosen else Path.home() / ".medmnist"


def check_md5(file: OfficialFile, path: Path, *, afresh: bool = False) -> None:
    """Check that the file at `path` is the official one, byte for byte.

    Args:
        file: what it should be.
        path: where it lies.
        afresh: read the whole file even if its MD5 is remembered from an earlier check.

    Raises:
        DataError: it is another file, or it cannot be read.
    """
    try:
        found = npz_cache.compute_md5(path) if afresh else npz_cache.file_md5(path)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error
    if found != file.md5:
        raise DataError(
            f"{path} is not the official {file.filename}: its MD5 is {found}, the official one is "
            f"{file.md5}. It may be cut short ({path.stat().st_size:,} bytes): delete it and fetch "
            "it again. If you made this file yourself, load it with verify=False."
        )


def download(file: OfficialFile, folder: Path) -> Path:
    """Download the file into `folder`, with a progress bar, and return its path.

    The bytes go to a hidden folder beside it, and take their place only when whole and verified.
    What an earlier, interrupted download left there is never used.

    Raises:
        DataError: no network, a server that breaks off or serves something else, or a folder that
            cannot be written.
    """
    waiting = folder / f".{file.filename}.part"
    # pooch's own chunks of 1 KiB cost more time than the network does.
    downloader = pooch.HTTPDownloader(progressbar=True, chunk_size=1 << 20)
    try:
        waiting.mkdir(parents=True, exist_ok=True)
        _remove_stale(waiting)
        fetched = Path(
            pooch.retrieve(
                file.url, f"md5:{file.md5}", file.filename, waiting, downloader=downloader
            )
        )
        fetched.chmod(0o644)  # pooch leaves it readable by its owner only; classes share folders
        path = folder / file.filename
        os.replace(fetched, path)
        with suppress(OSError):  # another process may be downloading there
            waiting.rmdir()
    except requests.RequestException as error:  # an OSError too, so it has to stand first
        # The message names it; a learner would not find that below four tracebacks of sockets.
        raise DataError(_network_message(file, folder, error)) from None
    except ValueError as error:
        raise DataError(
            f"What {file.url} sent is not the official {file.filename}, and was thrown away. "
            f"{_by_hand(file, folder)} ({error})"
        ) from error
    except OSError as error:
        raise DataError(
            f"{file.filename} cannot be written into {folder}: {error.strerror or error}. Choose "
            "a folder with free space that you may write to, with root= or MEDMNIST_ROOT."
        ) from error
    npz_cache.remember_md5(path, file.md5)
    return path


def _remove_stale(waiting: Path) -> None:
    """Remove what killed downloads left, but not the file of one that runs at this moment."""
    for part in waiting.iterdir():
        with suppress(OSError):  # gone meanwhile: another process finished or removed it
            if time.time() - part.stat().st_mtime > STALE_SECONDS:
                part.unlink()


def _network_message(file: OfficialFile, folder: Path, error: requests.RequestException) -> str:
    """Return what went wrong on the way to the server, and how to do without."""
    host = file.url.split("/")[2]
    if isinstance(error, requests.HTTPError):
        reason = f"{host} answered: {error}"
    elif isinstance(error, requests.exceptions.ChunkedEncodingError):
        reason = "the connection broke off; nothing was kept, so run it again"
    else:
        reason = f"no connection to {host} ({type(error).__name__})"
    return (
        f"{file.filename} cannot be downloaded: {reason}. {_by_hand(file, folder)} "
        "Until then, load_or_synthetic gives images to work with."
    )


def _by_hand(file: OfficialFile, folder: Path) -> str:
    """Return how to bring the file by hand."""
    page = file.url.split("/files/")[0]
    return f"By hand: download {file.filename} from {page} and put it into {folder}."
