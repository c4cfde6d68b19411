"""Fusing views: slices of a volume, or images of one patient of which some may be missing.

Gates: softmax attention as in Ilse et al. 2018, "Attention-based Deep Multiple Instance Learning",
arXiv 1802.04712, eq. 8, over the views that are there. Dropping whole modalities in training:
Neverova et al. 2016, "ModDrop", arXiv 1501.00102. GRU: Cho et al. 2014, "Learning Phrase
Representations using RNN Encoder-Decoder", arXiv 1406.1078, section 2.3.

Views must belong to the same patient, row by row. OrganA-, OrganC- and OrganSMNIST do not: row 7
of one is another organ than row 7 of the next. The three slices of one volume do.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from medmeta_ref.backbones import ConvNet


class Views(NamedTuple):
    """Three slices through every volume.

    Attributes:
        axial: `[n, height, width]`, seen along the depth.
        coronal: `[n, depth, width]`, seen along the height.
        sagittal: `[n, depth, height]`, seen along the width.
    """

    axial: Tensor
    coronal: Tensor
    sagittal: Tensor


def orthogonal_views(volume: Tensor) -> Views:
    """Return the three slices through the voxel (depth // 2, height // 2, width // 2).

    The axes that are left keep their order, and nothing is flipped: voxel (z, y, x) is at axial
    (y, x) if z is the centre, at coronal (z, x) if y is, at sagittal (z, y) if x is. The names
    take for granted that depth runs along the body and height from front to back.

    Args:
        volume: `[n, depth, height, width]`, any dtype. The slices share its memory.

    Raises:
        ValueError: if `volume` has another number of axes, or an empty one.

    Example:
        >>> [tuple(view.shape) for view in orthogonal_views(torch.zeros(2, 3, 4, 5))]
        [(2, 4, 5), (2, 3, 5), (2, 3, 4)]
    """
    if volume.ndim != 4 or volume.numel() == 0:
        raise ValueError(
            f"volume must be [n, depth, height, width], got {volume.ndim} axes with shape "
            f"{tuple(volume.shape)}"
        )
    _, depth, height, width = volume.shape
    return Views(volume[:, depth // 2], volume[:, :, height // 2], volume[:, :, :, width // 2])


def view_gates(mask: Tensor, gate_logits: Tensor) -> Tensor:
    """Return the softmax of the gate logits over the views that are present.

    Args:
        mask: `[n_views, n_examples]`, bool: which views are present.
        gate_logits: `[n_views, n_examples]`; those of missing views are not looked at.

    Returns:
        `[n_views, n_examples]`: 0 for missing views; the others sum to 1 for every example.

    Raises:
        ValueError: if shapes or dtype do not fit, an example has no view, or the logit of a
            present view is not finite.

    Example:
        >>> mask = torch.tensor([[True], [True], [False]])
        >>> view_gates(mask, torch.zeros(3, 1)).flatten()
        tensor([0.5000, 0.5000, 0.0000])
    """
    _require_mask(mask)
    if gate_logits.shape != mask.shape:
        raise ValueError(
            f"gate_logits must be one per view and example, {tuple(mask.shape)} as the mask, got "
            f"{tuple(gate_logits.shape)}"
        )
    _require_finite("gate_logits", gate_logits[mask])
    logits = gate_logits.masked_fill(~mask, -torch.inf)
    raised = (logits - logits.detach().amax(0)).exp()
    return raised / _sum_of_views(raised)


def gated_fusion(features: Tensor, mask: Tensor, gate_logits: Tensor) -> Tensor:
    """Return the gated mean of the features of the views that are present.

    A missing view may hold anything, also nan: the result, to the last bit, and the gradient are
    those without it. (An encoder before this function sees its own inputs, and a gradient of 0
    times a nan is nan; so give missing images to an encoder as zeros.)

    Args:
        features: `[n_views, n_examples, n_features]`.
        mask: `[n_views, n_examples]`, bool.
        gate_logits: `[n_views, n_examples]`, for instance a linear layer on the features.

    Returns:
        `[n_examples, n_features]`.

    Raises:
        ValueError: as `view_gates`, or if features do not fit the mask or a present one is not
            finite.

    Example:
        >>> features = torch.tensor([[[2.0]], [[4.0]], [[torch.nan]]])
        >>> gated_fusion(features, torch.tensor([[True], [True], [False]]), torch.zeros(3, 1))
        tensor([[3.]])
    """
    gates = view_gates(mask, gate_logits)
    if features.ndim != 3 or features.shape[:2] != mask.shape:
        raise ValueError(
            f"features must be [n_views, n_examples, n_features] with {tuple(mask.shape)} as the "
            f"mask first, got {tuple(features.shape)}"
        )
    _require_finite("features", features[mask])
    return _sum_of_views(gates[..., None] * features.masked_fill(~mask[..., None], 0.0))


def modality_dropout(mask: Tensor, *, rate: float, generator: torch.Generator) -> Tensor:
    """Return `mask` without some of its views, so that a network learns to do with what is left.

    Every present view is dropped with probability `rate`, but where that would drop them all, one
    of them, drawn at random, stays: of k views, each stays with 1 - rate + rate^k / k.

    Args:
        mask: `[n_views, n_examples]`, bool. Not changed; missing views stay missing.
        rate: between 0, which drops nothing, and 1, which leaves one view.
        generator: draws.

    Returns:
        `[n_views, n_examples]`, bool, with at least one view for every example.

    Raises:
        ValueError: if `mask` is not as described, an example has no view, or `rate` is outside
            0..1.

    Example:
        >>> mask = torch.ones(3, 4, dtype=torch.bool)
        >>> g = torch.Generator().manual_seed(0)
        >>> modality_dropout(mask, rate=1.0, generator=g).sum(0)
        tensor([1, 1, 1, 1])
    """
    _require_mask(mask)
    if not 0 <= rate <= 1:
        raise ValueError(f"rate must be between 0 and 1, got {rate}")
    luck = torch.rand(mask.shape, generator=generator, dtype=torch.float64).to(mask.device)
    luck = luck.masked_fill(~mask, -1.0)  # below every rate
    # Among views that are all dropped, the luckiest is a uniform draw; elsewhere it stays anyway.
    return (luck >= rate) | (luck == luck.amax(0))


class SliceCNNGRU(nn.Module):
    """A small network for every slice of a volume, and a GRU that reads their features in order.

    The slices are read from the first to the last, and the state after an example's last one is
    classified. PyTorch's cell applies the reset gate after the recurrent product, Cho et al.
    before it. Slices are normalised one by one, so an example does not depend on the others.

    Args:
        widths: channels of the blocks of the slice network, a `ConvNet` with `norm="group"`.
        n_hidden: size of the features of a slice and of the state of the GRU.
        n_outputs: number of classes.

    Raises:
        ValueError: if the volume is not as below, or a length is not in 1..depth.

    Shapes:
        volume `[n, 1, depth, height, width]`, and lengths `[n]` or None: integers, how many slices
        of each example count. The others, at the end, may hold anything. Output `[n, n_outputs]`.
    """

    def __init__(self, widths: Sequence[int], *, n_hidden: int, n_outputs: int) -> None:
        super().__init__()
        self.slice_net = ConvNet(1, widths, n_outputs=n_hidden, norm="group")
        self.cell = nn.GRUCell(n_hidden, n_hidden)
        self.head = nn.Linear(n_hidden, n_outputs)

    def forward(self, volume: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Return the logits of `volume`, as the class describes."""
        if volume.ndim != 5 or volume.shape[1] != 1 or volume.numel() == 0:
            raise ValueError(
                f"volume must be [n, 1, depth, height, width], got shape {tuple(volume.shape)}"
            )
        n, _, depth, height, width = volume.shape
        if lengths is None:
            lengths = torch.full((n,), depth, device=volume.device)
        _require_lengths(lengths, n, depth)
        counts = torch.arange(depth, device=volume.device) < lengths[:, None]  # [n, depth]
        # Zeros first: the gradient of a nan that is thrown away later would still be nan.
        slices = volume[:, 0].masked_fill(~counts[..., None, None], 0.0)
        features = self.slice_net(slices.reshape(n * depth, 1, height, width)).reshape(n, depth, -1)
        state = torch.zeros_like(features[:, 0])
        for i in range(depth):
            state = torch.where(counts[:, i, None], self.cell(features[:, i], state), state)
        return self.head(state)  # type: ignore[no-any-return]


def _sum_of_views(values: Tensor) -> Tensor:
    """Return the sum over the first axis, one by one: adding a 0 then changes no bit."""
    total = torch.zeros_like(values[0])
    for value in values:
        total = total + value
    return total


def _require_mask(mask: Tensor) -> None:
    if mask.ndim != 2 or mask.dtype != torch.bool or mask.numel() == 0:
        raise ValueError(
            f"mask must be bool [n_views, n_examples], got {mask.dtype} with shape "
            f"{tuple(mask.shape)}"
        )
    empty = torch.nonzero(~mask.any(0)).flatten().tolist()
    if empty:
        shown = ", ".join(map(str, empty[:10])) + (", ..." if len(empty) > 10 else "")
        raise ValueError(
            f"{len(empty)} of {mask.shape[1]} examples have none of the {len(mask)} views: {shown}"
        )


def _require_finite(name: str, present: Tensor) -> None:
    n_bad = int((~torch.isfinite(present)).sum())
    if n_bad:
        raise ValueError(
            f"{name} of present views hold {n_bad} values of {present.numel()} that are not "
            "finite; mark a missing view as missing in the mask"
        )


def _require_lengths(lengths: Tensor, n: int, depth: int) -> None:
    if lengths.shape != (n,) or lengths.dtype != torch.int64:
        raise ValueError(
            f"lengths must be int64 of shape ({n},), got {lengths.dtype} with shape "
            f"{tuple(lengths.shape)}"
        )
    low, high = int(lengths.min()), int(lengths.max())
    if low < 1 or high > depth:
        raise ValueError(f"lengths must be in 1..{depth}, the depth, got {low}..{high}")
