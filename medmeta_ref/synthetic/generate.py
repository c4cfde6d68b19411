"""Draw a data set: images of one family, with as many classes as asked.

A picture looks a little like its modality, and a class is nothing but a vector of drawing
attributes. A score on these images says something about an algorithm, nothing about a patient.
"""

import functools

import torch

from medmeta_ref.image_set import ImageSet
from medmeta_ref.synthetic.acquisition import acquire
from medmeta_ref.synthetic.families import find_family
from medmeta_ref.synthetic.limits import check_numbers
from medmeta_ref.synthetic.signature import class_signatures

SPLIT_SEEDS = {"train": 101, "val": 202, "test": 303}
PIXELS_AT_ONCE = 100_000  # canvases of this many pixels fit a processor's cache


def class_counts(n_classes: int, n_per_class: int, *, imbalance: float) -> list[int]:
    """Return how many images each class gets: `n_per_class * 100 ** (-imbalance * k / (K - 1))`.

    Rounded, and at least 1, for k = 0..K-1. With imbalance 0 all K classes are equal. With 1 the
    first has 100 times as many images as the last, as in the long-tailed CIFAR of Cui et al.
    (2019, arXiv 1901.05555).
    """
    steps = max(n_classes - 1, 1)
    return [max(1, round(n_per_class * 100 ** (-imbalance * k / steps))) for k in range(n_classes)]


def draw(
    family: str,
    *,
    n_classes: int,
    n_per_class: int,
    generator: torch.Generator,
    class_distance: float = 1.0,
    noise: float = 0.04,
    shift: float = 0.0,
    imbalance: float = 0.0,
    size: int = 28,
) -> ImageSet:
    """Return newly drawn images of `n_classes` classes, in random order. No medical data.

    Class k is the same for every generator and every `n_classes` (`class_signatures` says how).
    Equal arguments and equal generator states give equal bytes, on one machine and one version
    of PyTorch. No other source of randomness is read or moved.

    Args:
        family: "blood", "organ", "lung", "tissue", "retina" or "adrenal".
        n_classes: how many classes. Class 0 of lung, retina and adrenal has no finding.
        n_per_class: images per class, before `imbalance`.
        generator: the only source of randomness.
        class_distance: how far classes stand apart: 0 = all the same, 1 = usual, more = easier.
        noise: standard deviation of the pixel noise, 1 = from black to white.
        shift: domain shift (contrast, stain, lamp, blur), 0 = none to 1 = strong.
        imbalance: 0 = equal classes to 1 = long tail (`class_counts` has the formula).
        size: pixels along each side, at least 14.

    Returns:
        uint8 images `[n, size, size, 3]` (blood, tissue, retina), `[n, size, size]` (organ,
        lung) or `[n, size, size, size]` (adrenal), with int64 labels `[n]`.

    Raises:
        ValueError: an unknown family, or a number out of its range.
        TypeError: `generator` is not a `torch.Generator`.
    """
    style = find_family(family)
    if not isinstance(generator, torch.Generator):
        raise TypeError(
            f"generator must be a torch.Generator, got {type(generator).__name__}: "
            "pass torch.Generator().manual_seed(0)."
        )
    check_numbers(n_classes=n_classes, n_per_class=n_per_class, size=size)
    check_numbers(class_distance=class_distance, noise=noise, shift=shift, imbalance=imbalance)

    counts = torch.tensor(class_counts(n_classes, n_per_class, imbalance=imbalance))
    labels = torch.repeat_interleave(torch.arange(n_classes), counts)
    labels = labels[torch.randperm(len(labels), generator=generator)]
    signatures = class_signatures(
        n_classes,
        n_attributes=style.n_attributes,
        class_distance=class_distance,
        first_is_clear=style.first_is_clear,
    )
    chunks = []
    at_once = max(1, PIXELS_AT_ONCE // size**style.n_dims)
    for start in range(0, len(labels), at_once):
        attributes = signatures[labels[start : start + at_once]]
        attributes = attributes + style.jitter * torch.randn(attributes.shape, generator=generator)
        canvas = style.drawer(attributes.clamp(0, 1), size=size, generator=generator)
        chunks.append(
            acquire(
                canvas, variation=style.variation, noise=noise, shift=shift, generator=generator
            )
        )
    return ImageSet(
        images=torch.cat(chunks),
        labels=labels,
        class_names=tuple(f"synthetic {style.subject} {k}" for k in range(n_classes)),
        licence="CC BY 4.0, drawn by this project",
        citation="Drawn by the medmeta course, no medical data: there is no paper to cite.",
        source=f"synthetic-{family} (drawn by this project: no medical data)",
    )


@functools.lru_cache(maxsize=24)
def _drawn_once(family: str, split: str, size: int) -> ImageSet:
    """Return the kept copy behind `load_family`, which alone may see it: tensors can be edited."""
    style = find_family(family)
    per_class = {"train": style.n_train, "val": style.n_val, "test": style.n_test}
    generator = torch.Generator().manual_seed(SPLIT_SEEDS[split])
    return draw(
        family,
        n_classes=style.n_classes,
        n_per_class=per_class[split],
        generator=generator,
        size=size,
    )


def load_family(family: str, split: str, *, size: int = 28) -> ImageSet:
    """Return the course's fixed "train", "val" or "test" split of a family. No medical data.

    The three splits hold different images of the same classes, drawn with the seeds 101, 202
    and 303. The first call draws; later calls return a fresh copy, so nobody's edits reach
    anybody else.

    Args:
        family: as in `draw`.
        split: "train", "val" or "test".
        size: pixels along each side, at least 14.

    Raises:
        ValueError: an unknown family or split, or `size` below 14.
    """
    find_family(family)
    if split not in SPLIT_SEEDS:
        raise ValueError(f"No split is called {split!r}. Splits: {', '.join(SPLIT_SEEDS)}.")
    check_numbers(size=size)
    kept = _drawn_once(family, split, size)
    return kept._replace(images=kept.images.clone(), labels=kept.labels.clone())
