"""What a data set is here: images, labels and the facts that have to travel with them."""

from typing import NamedTuple

from torch import Tensor


class ImageSet(NamedTuple):
    """One split of a data set, real or synthetic.

    Attributes:
        images: uint8, `[n, height, width, 3]` in colour, `[n, height, width]` in grey,
            `[n, depth, height, width]` for volumes. Channels last, as MedMNIST stores them.
        labels: int64, `[n]` with values in `0..n_classes-1`; `[n, n_labels]` of 0 and 1 for a
            multi-label set.
        class_names: one name per class (or per label), in label order.
        licence: the licence of the images, as their authors state it.
        citation: the paper to cite.
        source: where these very images came from, in one line fit to print beside a result:
            "BloodMNIST (official file, MD5 verified)" or
            "synthetic-blood (drawn by this project: no medical data)".
    """

    images: Tensor
    labels: Tensor
    class_names: tuple[str, ...]
    licence: str
    citation: str
    source: str
