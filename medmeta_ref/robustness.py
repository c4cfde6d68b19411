"""Wrong labels, spoilt images and strangers: how to make them, and two ways to bear them.

Meta-learning is not robust by itself (Goldblum et al. 2020, Guo et al. 2020), so it is measured.
Corruptions: Hendrycks and Dietterich 2019, "Benchmarking Neural Network Robustness to Common
Corruptions and Perturbations", arXiv 1903.12261; Di Salvo et al. 2024, "MedMNIST-C", arXiv
2406.17536. The kinds are theirs in spirit, the strengths our own, for small images: results here
do not compare with theirs. Loss: Zhang and Sabuncu 2018, "Generalized Cross Entropy Loss for
Training Deep Neural Networks with Noisy Labels", arXiv 1805.07836.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from medmeta_ref.prototypical import prototypical_logits

# kind -> strength at severity 0..5
SEVERITIES = {
    "gaussian_noise": (0.0, 0.04, 0.08, 0.12, 0.18, 0.26),  # standard deviation; black to white: 1
    "blur": (0.0, 0.5, 0.8, 1.2, 1.8, 2.6),  # standard deviation in 28ths of the height
    "contrast": (1.0, 0.75, 0.6, 0.45, 0.3, 0.15),  # what is left of the distance to the mean
    "brightness": (0.0, 0.1, 0.2, 0.3, 0.4, 0.5),  # added; black to white is 1
    "pixelate": (1.0, 4.0, 8.0, 16.0, 32.0, 64.0),  # pixels merged into one, at 28 x 28
}


def flip_labels(
    labels: Tensor, *, rate: float, n_classes: int, generator: torch.Generator
) -> Tensor:
    """Return labels of which exactly round(rate * n) are wrong, each other class as likely.

    Args:
        labels: `[n_examples]`, integers in `0..n_classes-1`. Not changed.
        rate: share to be made wrong, in 0..1; a count of exactly one half more goes to the even.
        n_classes: at least 2.
        generator: the only source of randomness.

    Returns:
        `[n_examples]`, of the same type.

    Raises:
        ValueError: if `rate` is outside 0..1, `n_classes` below 2, or a label out of range.

    Example:
        >>> g = torch.Generator().manual_seed(0)
        >>> flipped = flip_labels(torch.zeros(10).long(), rate=0.3, n_classes=4, generator=g)
        >>> int((flipped != 0).sum())
        3
    """
    if not 0 <= rate <= 1:
        raise ValueError(f"rate must be between 0 and 1, got {rate}; divide percent by 100")
    if n_classes < 2:
        raise ValueError(f"n_classes must be at least 2, got {n_classes}; 1 leaves no other class")
    _require_labels(labels, n_classes)
    chosen = torch.randperm(len(labels), generator=generator)[: round(rate * len(labels))]
    # A step of 1..n_classes-1 around the circle of classes never comes back to the same one.
    steps = torch.randint(1, n_classes, (len(chosen),), generator=generator)
    flipped = labels.clone()
    flipped[chosen] = ((labels[chosen].long() + steps) % n_classes).to(labels.dtype)
    return flipped


def corrupt(images: Tensor, kind: str, *, severity: int, generator: torch.Generator) -> Tensor:
    """Return damaged copies of stored images.

    Corrupt test images only, and tune nothing on them.

    Args:
        images: uint8, `[n, height, width]` or `[n, height, width, 3]`. Not changed.
        kind: "gaussian_noise", "blur", "contrast", "brightness" or "pixelate".
        severity: 0 (unchanged) to 5 (worst); see `SEVERITIES`.
        generator: what the noise is drawn from; the other kinds draw nothing.

    Returns:
        uint8, of the same shape.

    Raises:
        ValueError: if `images`, `kind` or `severity` are other than these.

    Example:
        >>> g = torch.Generator().manual_seed(0)
        >>> corrupt(torch.tensor([[[0, 200]]], dtype=torch.uint8), "contrast", severity=4,
        ...         generator=g)
        tensor([[[ 70, 130]]], dtype=torch.uint8)
    """
    in_colour = images.ndim == 4 and images.shape[-1] == 3
    if images.dtype != torch.uint8 or not (images.ndim == 3 or in_colour):
        raise ValueError(
            f"images must be uint8 [n, height, width] or [n, height, width, 3], got {images.dtype} "
            f"{tuple(images.shape)}; corrupt before as_float, and volumes slice by slice"
        )
    if kind not in SEVERITIES:
        raise ValueError(f"kind must be one of {', '.join(SEVERITIES)}; got {kind!r}")
    if severity not in range(6):
        raise ValueError(f"severity must be a whole number in 0..5, got {severity}")
    if severity == 0 or images.numel() == 0:
        return images.clone()
    strength = SEVERITIES[kind][int(severity)]
    x = images.float() / 255
    x = x.movedim(-1, 1) if in_colour else x.unsqueeze(1)  # [n, channels, height, width]
    if kind == "gaussian_noise":
        x = x + strength * torch.randn(x.shape, generator=generator)
    elif kind == "blur":
        x = _blur(x, strength * x.shape[2] / 28)
    elif kind == "contrast":
        mean = x.mean((1, 2, 3), keepdim=True)
        x = mean + strength * (x - mean)
    elif kind == "brightness":
        x = x + strength
    else:
        x = _pixelate(x, int(strength))
    stored = (x * 255).round().clamp(0, 255).to(torch.uint8)
    return stored.movedim(1, -1).contiguous() if in_colour else stored.squeeze(1)


def generalised_cross_entropy(logits: Tensor, labels: Tensor, *, q: float) -> Tensor:
    """Return the batch mean of (1 - p^q) / q, p the probability of the label (eq. 6).

    Between cross-entropy (q → 0), which wrong labels dominate, and 1 - p (q = 1, half the mean
    absolute error), which bears them but learns slowly. At most 1 / q per example.

    Args:
        logits: `[n_examples, n_classes]`, finite.
        labels: `[n_examples]`, int64 in `0..n_classes-1`.
        q: above 0 and at most 1; the paper uses 0.7.

    Returns:
        a 0-dim tensor.

    Raises:
        ValueError: if `q` is outside (0, 1], shapes or labels do not fit, or a logit not finite.

    Example:
        >>> generalised_cross_entropy(torch.zeros(5, 4), torch.zeros(5).long(), q=1.0)
        tensor(0.7500)
    """
    if not 0 < q <= 1:
        raise ValueError(f"q must be above 0 and at most 1, got {q}; for 0 use F.cross_entropy")
    if logits.ndim != 2 or logits.numel() == 0 or labels.shape != logits.shape[:1]:
        raise ValueError(
            "expected logits [n_examples, n_classes] and labels [n_examples], got "
            f"{tuple(logits.shape)} and {tuple(labels.shape)}"
        )
    if not torch.isfinite(logits).all():
        n_bad = int((~torch.isfinite(logits)).sum())
        raise ValueError(f"{n_bad} logits are nan or infinite; try a smaller learning rate")
    _require_labels(labels, logits.shape[1])
    log_p = F.log_softmax(logits, dim=1).gather(1, labels.long()[:, None])
    # expm1, since 1 - p^q would lose every digit for a small q.
    return (-torch.expm1(q * log_p) / q).mean()


def outlier_scores(query_features: Tensor, prototypes: Tensor) -> Tensor:
    """Return the distance of every query to its nearest prototype: large for what fits no class.

    Args:
        query_features: `[n_queries, n_features]`.
        prototypes: `[n_way, n_features]`.

    Returns:
        `[n_queries]`, Euclidean (not squared), in the units of the features.

    Raises:
        ValueError: if the numbers of features differ or a feature is nan.

    Example:
        >>> outlier_scores(torch.tensor([[0.0, 1.0], [3.0, 4.0]]), torch.zeros(1, 2))
        tensor([1., 5.])
    """
    n_bad = int(torch.isnan(query_features).sum() + torch.isnan(prototypes).sum())
    if n_bad:
        raise ValueError(f"{n_bad} features are nan; look for a diverged model")
    return (-prototypical_logits(query_features, prototypes)).min(1).values.sqrt()


def _blur(x: Tensor, deviation: float) -> Tensor:
    """Return `[n, channels, height, width]` after a Gaussian blur, edges continued outwards."""
    radius = max(1, math.ceil(3 * deviation))
    offsets = torch.arange(-radius, radius + 1, dtype=x.dtype)
    weights = torch.exp(-0.5 * (offsets / deviation) ** 2)
    weights = (weights / weights.sum()).repeat(x.shape[1], 1, 1, 1)  # [channels, 1, 1, taps]
    x = F.pad(x, (radius, radius, radius, radius), mode="replicate")
    x = F.conv2d(x, weights, groups=x.shape[1])
    return F.conv2d(x, weights.transpose(2, 3), groups=x.shape[1])


def _pixelate(x: Tensor, n_merged: int) -> Tensor:
    """Return `[n, channels, height, width]` as means of blocks, cut off at the far edges.

    Blocks are 2 x 2, 2 x 4, 4 x 4 ... so that each is made of whole smaller ones: then, and only
    then, more merging never brings an image nearer to the original.
    """
    down = 2 ** ((n_merged.bit_length() - 1) // 2)
    scale = max(1, round(x.shape[2] / 28))
    rows, columns = min(scale * down, x.shape[2]), min(scale * n_merged // down, x.shape[3])
    means = F.avg_pool2d(x, (rows, columns), ceil_mode=True)
    blocks = means.repeat_interleave(rows, 2).repeat_interleave(columns, 3)
    return blocks[:, :, : x.shape[2], : x.shape[3]]


def _require_labels(labels: Tensor, n_classes: int) -> None:
    if labels.ndim != 1 or labels.is_floating_point() or labels.dtype == torch.bool:
        raise ValueError(
            f"labels must be integers [n_examples], got {labels.dtype} {tuple(labels.shape)}; "
            "labels.long() may help"
        )
    # As Python integers: a tensor of bytes would hold 256 for 0.
    low, high = (int(labels.min()), int(labels.max())) if len(labels) else (0, 0)
    if low < 0 or high >= n_classes:
        raise ValueError(
            f"labels must be in 0..{n_classes - 1} for n_classes={n_classes}, got {low}..{high}; "
            "did you relabel the classes?"
        )
