"""Which classes of a data set are kept for the test: fixed where there is a natural choice."""

import torch
from torch import Tensor

from medmeta_ref.episodes import ClassSplit, split_classes

# Held-out classes of the sets with a natural choice. Organs that come left and right stay
# together, or the twin of a test class would be trained on; PathMNIST's background and adipose
# are trivially recognised and split between the two sides.
HELD_OUT = {
    "bloodmnist": (0, 3, 4, 5),
    "dermamnist": (0, 3, 6),
    "organamnist": (1, 2, 3, 7, 8, 9),
    "organcmnist": (1, 2, 3, 7, 8, 9),
    "organsmnist": (1, 2, 3, 7, 8, 9),
    "pathmnist": (1, 4, 6, 7, 8),
}


def held_out_split(name: str, labels: Tensor, *, generator: torch.Generator) -> ClassSplit:
    """Return which classes of a data set to train on and which to keep for the test.

    Args:
        name: of the data set; some have a fixed split, the others get a random 60 : 40 one.
        labels: `[n_images]`.
        generator: draws the random split.

    Raises:
        ValueError: if there are fewer than 4 classes, 2 to train on and 2 to test on.
    """
    if labels.ndim != 1:
        raise ValueError(f"{name} has several labels per image; choose a set with one, bloodmnist")
    present = torch.unique(labels).tolist()
    if len(present) < 4:
        raise ValueError(
            f"{name} has {len(present)} classes; 2 to train on and 2 others to test on need 4, "
            "as bloodmnist, organamnist or synthetic-blood have"
        )
    if name in HELD_OUT:
        test = HELD_OUT[name]
        return ClassSplit(tuple(c for c in present if c not in test), (), test)
    n_test = max(2, round(0.4 * len(present)))
    return split_classes(
        labels, n_train=len(present) - n_test, n_val=0, n_test=n_test, generator=generator
    )
