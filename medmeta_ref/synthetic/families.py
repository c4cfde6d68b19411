"""The list of synthetic families: who draws each, and how many images a split of it holds."""

import difflib
from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor

from medmeta_ref.synthetic.adrenal import N_ADRENAL_ATTRIBUTES, draw_adrenal
from medmeta_ref.synthetic.microscopy import (
    N_BLOOD_ATTRIBUTES,
    N_TISSUE_ATTRIBUTES,
    draw_blood,
    draw_tissue,
)
from medmeta_ref.synthetic.radiology import (
    N_LUNG_ATTRIBUTES,
    N_ORGAN_ATTRIBUTES,
    draw_lung,
    draw_organ,
)
from medmeta_ref.synthetic.retina import N_RETINA_ATTRIBUTES, draw_retina


class Family(NamedTuple):
    """How a family is drawn, and what `synthetic.load_family` draws of it.

    Attributes:
        drawer: (attributes [n, n_attributes], *, size, generator) -> canvas in 0..1.
        n_attributes: length of a class's signature.
        subject: "cell" gives the class names "synthetic cell 0", "synthetic cell 1", ...
        n_classes: classes of the course's fixed splits.
        n_train, n_val, n_test: images per class in these splits.
        n_dims: 2 for images, 3 for volumes.
        first_is_clear: class 0 has no finding, and the first attribute is the finding.
        jitter: standard deviation of each attribute inside a class; 1 is its whole range.
        variation: half range of the brightness factor of an image.
    """

    drawer: Callable[..., Tensor]
    n_attributes: int
    subject: str
    n_classes: int
    n_train: int
    n_val: int
    n_test: int
    n_dims: int = 2
    first_is_clear: bool = False
    jitter: float = 0.06
    variation: float = 0.15


# Jitter and variation were set so that a Prototypical Network learns from 200 episodes, while
# nearest class means of raw pixels stay far below it.
FAMILIES = {
    "blood": Family(
        draw_blood, N_BLOOD_ATTRIBUTES, "cell", 8, 300, 60, 100, jitter=0.08, variation=0.10
    ),
    "organ": Family(draw_organ, N_ORGAN_ATTRIBUTES, "organ", 11, 300, 60, 100),
    "lung": Family(draw_lung, N_LUNG_ATTRIBUTES, "finding", 2, 1000, 200, 300, first_is_clear=True),
    "tissue": Family(draw_tissue, N_TISSUE_ATTRIBUTES, "tissue", 9, 300, 60, 100),
    "retina": Family(
        draw_retina, N_RETINA_ATTRIBUTES, "retina", 5, 400, 80, 120, first_is_clear=True
    ),
    # Volumes are 28 times as large as slices, so there are fewer of them.
    "adrenal": Family(
        draw_adrenal, N_ADRENAL_ATTRIBUTES, "gland", 2, 150, 30, 50, n_dims=3, first_is_clear=True
    ),
}


def find_family(name: str) -> Family:
    """Return the family called `name`; a ValueError names the nearest one if there is none."""
    if name not in FAMILIES:
        nearest = difflib.get_close_matches(str(name), FAMILIES, n=1, cutoff=0.5)
        hint = f" Did you mean {nearest[0]!r}?" if nearest else ""
        raise ValueError(
            f"No synthetic family is called {name!r}.{hint} Families: {', '.join(FAMILIES)}."
        )
    return FAMILIES[name]
