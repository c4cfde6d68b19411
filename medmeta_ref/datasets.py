"""Medical images by name: MedMNIST v2 from its official files, or synthetic stand-ins.

`load("bloodmnist", "train")` finds the file, downloads it where it is missing, makes sure that it
is the official one, and returns an `ImageSet`. `load_or_synthetic` never downloads: without the
file it returns images drawn by this project, and says so.

Reference: Yang et al., "MedMNIST v2 - A large-scale lightweight benchmark for 2D and 3D biomedical
image classification", Scientific Data 10:41, 2023.
"""

import difflib
import os
from pathlib import Path

from medmeta_ref.image_set import ImageSet
from medmeta_ref.medmnist_files import check_md5, data_folder, download, official_file
from medmeta_ref.medmnist_layout import CITATION, read_split
from medmeta_ref.npz_cache import CacheWarning, DataError

__all__ = [
    "CITATION",
    "CacheWarning",
    "DataError",
    "fetch",
    "load",
    "load_or_synthetic",
    "names",
    "verify",
]

SPLITS = ("train", "val", "test")
# The synthetic family that stands in for each set: the nearest in colour, texture and shape.
FAMILIES = {
    "pathmnist": "tissue",
    "chestmnist": "lung",
    "dermamnist": "retina",
    "octmnist": "retina",
    "pneumoniamnist": "lung",
    "retinamnist": "retina",
    "breastmnist": "tissue",
    "bloodmnist": "blood",
    "tissuemnist": "tissue",
    "organamnist": "organ",
    "organcmnist": "organ",
    "organsmnist": "organ",
    "organmnist3d": "adrenal",
    "nodulemnist3d": "adrenal",
    "adrenalmnist3d": "adrenal",
    "fracturemnist3d": "adrenal",
    "vesselmnist3d": "adrenal",
    "synapsemnist3d": "adrenal",
}


def names() -> tuple[str, ...]:
    """Return every name that `load` takes: the 18 MedMNIST sets, then the synthetic families."""
    return (*FAMILIES, *sorted(f"synthetic-{family}" for family in set(FAMILIES.values())))


def load(
    name: str,
    split: str,
    *,
    root: str | os.PathLike[str] | None = None,
    size: int = 28,
    verify: bool = True,
) -> ImageSet:
    """Return one split of a data set; a MedMNIST file that is missing is downloaded first.

    The images are mapped from disk, not read, and may be changed: no change reaches the disk.

    Args:
        name: one of `names()`.
        split: "train", "val" or "test".
        root: folder of the .npz files; else `MEDMNIST_ROOT`, else ~/.medmnist.
        size: side length in pixels: 28, 64, and in two dimensions also 128 or 224.
        verify: refuse a file that is not the official one, byte for byte. Switch it off for a
            file of the same layout that you made yourself.

    Raises:
        ValueError: there is no such data set, split or size.
        DataError: the file cannot be had, or is not what it should be.
    """
    _check_choice("data set", name, names())
    _check_choice("split", split, SPLITS)
    if name.startswith("synthetic-"):
        # Imported here, so that real data do not wait for it.
        from medmeta_ref.synthetic import load_family

        return load_family(name.removeprefix("synthetic-"), split, size=size)

    file = official_file(name, size)
    path = data_folder(root) / file.filename
    if not path.is_file():
        download(file, path.parent)
    if verify:
        check_md5(file, path)
    image_set = read_split(name, split, path, size=size, verified=verify)
    if "NC" in image_set.licence:
        print(f"{name}: licence {image_set.licence}, so no commercial use.")
    return image_set


def load_or_synthetic(
    name: str,
    split: str,
    *,
    root: str | os.PathLike[str] | None = None,
    size: int = 28,
    verify: bool = True,
) -> ImageSet:
    """Return `load(...)` where the file lies on this machine, else its synthetic stand-in.

    Nothing is downloaded. One printed line says when the images are synthetic; the number of
    classes may then differ from the real set's, so take it from `class_names`.

    Raises:
        ValueError: there is no such data set, split or size.
        DataError: the file is there, but is not what it should be.
    """
    _check_choice("data set", name, names())
    _check_choice("split", split, SPLITS)
    if name.startswith("synthetic-"):
        return load(name, split, size=size)
    file, folder = official_file(name, size), data_folder(root)
    if (folder / file.filename).is_file():
        return load(name, split, root=root, size=size, verify=verify)
    stand_in = f"synthetic-{FAMILIES[name]}"
    print(
        f"{file.filename} is not in {folder}: using {stand_in}, drawn by this project and no "
        f"medical data. The real one: {_fetch_command(name, size)}"
    )
    return load(stand_in, split, size=size)


def fetch(name: str, *, root: str | os.PathLike[str] | None = None, size: int = 28) -> Path:
    """Download the official file unless it is there already; return its path.

    A file that is there is verified, and never overwritten.

    Raises:
        ValueError: there is no such MedMNIST set, or not in this size.
        DataError: the file cannot be had, or another file has its name.
    """
    _check_choice("MedMNIST set", name, tuple(FAMILIES))
    file = official_file(name, size)
    path = data_folder(root) / file.filename
    if not path.exists():
        return download(file, path.parent)
    check_md5(file, path)
    return path


def verify(name: str, *, root: str | os.PathLike[str] | None = None, size: int = 28) -> Path:
    """Read the whole file, make sure it is the official one, and return its path.

    Raises:
        ValueError: there is no such MedMNIST set, or not in this size.
        DataError: the file is missing, or its MD5 is not the official one.
    """
    _check_choice("MedMNIST set", name, tuple(FAMILIES))
    file = official_file(name, size)
    path = data_folder(root) / file.filename
    if not path.is_file():
        raise DataError(f"{path} is not there. Get it with: {_fetch_command(name, size)}")
    check_md5(file, path, afresh=True)
    return path


def _fetch_command(name: str, size: int) -> str:
    """Return the command that downloads the official file."""
    option = "" if size == 28 else f" --size {size}"
    return f"medmeta data fetch {name}{option}"


def _check_choice(kind: str, given: str, choices: tuple[str, ...]) -> None:
    """Raise a ValueError that names the nearest choice, unless `given` is one of `choices`."""
    if given in choices:
        return
    nearest = difflib.get_close_matches(str(given).lower(), choices, n=1)
    hint = f"Did you mean {nearest[0]!r}? " if nearest else ""
    listing = "medmeta_ref.datasets.names() lists them" if len(choices) > 3 else " | ".join(choices)
    raise ValueError(f"There is no {kind} {given!r}. {hint}The choices: {listing}.")
