"""The layout of a MedMNIST file: which arrays it holds, and whether they are as they should be."""

from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from medmeta_ref.image_set import ImageSet
from medmeta_ref.medmnist_files import info
from medmeta_ref.npz_cache import DataError, read_arrays

CITATION = (
    "Yang, J., Shi, R., Wei, D. et al. MedMNIST v2 - A large-scale lightweight benchmark for 2D "
    "and 3D biomedical image classification. Scientific Data 10, 41 (2023). "
    "https://doi.org/10.1038/s41597-022-01721-8"
)


def read_split(name: str, split: str, path: Path, *, size: int, verified: bool) -> ImageSet:
    """Return one split of a MedMNIST file, checked, with the facts that belong to it.

    Args:
        name: one of the 18 MedMNIST names.
        split: "train", "val" or "test".
        path: the .npz file.
        size: the side length the images should have.
        verified: whether the file is known to be the official one; goes into `source`.

    Raises:
        DataError: an array is missing, or has the wrong shape, type or values.
    """
    facts = info()[name]
    class_names = tuple(facts["label"][str(i)] for i in range(len(facts["label"])))
    multi_label = facts["task"].startswith("multi-label")
    arrays = read_arrays(path, (f"{split}_images", f"{split}_labels"))
    images, labels = arrays[f"{split}_images"], arrays[f"{split}_labels"]

    side = (size, size, size) if name.endswith("3d") else (size, size)
    colour = (3,) if facts["n_channels"] == 3 else ()
    _check_array(f"{path}: {split}_images", images, "uint8", (*side, *colour))
    columns = len(class_names) if multi_label else 1
    _check_array(f"{path}: {split}_labels", labels, "integer", (columns,))
    top = 1 if multi_label else len(class_names) - 1
    _check_labels(path, split, labels, n_images=len(images), top=top)

    pixels = "" if size == 28 else f" at {size} pixels"
    origin = "official file, MD5 verified" if verified else f"{path.name}, MD5 not verified"
    long_labels = torch.from_numpy(labels.astype(np.int64))
    return ImageSet(
        images=torch.from_numpy(images),
        labels=long_labels if multi_label else long_labels.squeeze(1),
        class_names=class_names,
        licence=facts["license"],
        citation=CITATION,
        source=f"{facts['python_class']}{pixels} ({origin})",
    )


def _check_array(
    where: str, array: NDArray[Any], kind: Literal["uint8", "integer"], shape: tuple[int, ...]
) -> None:
    """Raise a DataError unless `array` has dtype `kind` and shape `[n, *shape]` with n > 0."""
    right = array.dtype == np.uint8 if kind == "uint8" else array.dtype.kind in "iu"
    if not right:
        raise DataError(
            f"{where} has dtype {array.dtype}, but needs {kind}: convert it with astype before "
            "saving (images: scale to 0..255 first)."
        )
    if array.ndim != 1 + len(shape) or array.shape[1:] != shape or len(array) == 0:
        wanted = ", ".join(map(str, shape))
        raise DataError(
            f"{where} has shape {list(array.shape)}, but needs [n, {wanted}] with n > 0: check "
            "the size= you asked for, or reshape before saving."
        )


def _check_labels(path: Path, split: str, labels: NDArray[Any], *, n_images: int, top: int) -> None:
    """Raise a DataError unless there is one row of labels per image, with values in 0..top."""
    if len(labels) != n_images:
        raise DataError(
            f"{path} has {n_images} images but {len(labels)} labels in the {split} split: each "
            "image needs one row of labels, in the same order."
        )
    outside = (labels < 0) | (labels > top)
    if outside.any():
        row, column = np.argwhere(outside)[0]
        raise DataError(
            f"{path}: {split}_labels[{row}, {column}] is {labels[row, column]}, but labels go "
            f"from 0 to {top}: number the classes from 0, in the order of class_names."
        )
