"""The small convolutional networks of the few-shot papers.

Vinyals et al. 2016 (arXiv 1606.04080) and Finn et al. 2017 (arXiv 1703.03400) use four blocks of
3x3 convolution, batch norm, ReLU and 2x2 max pooling, with 64 or 32 channels. Two things differ
here, neither of which changes a value: pooling comes before ReLU (the maximum of the rectified is
the rectified maximum, on a quarter of the pixels), and there are no running statistics, which
`torch.func` could not differentiate through.
"""

from collections.abc import Sequence
from typing import Literal

from torch import Tensor, nn

Norm = Literal["batch", "group"]


class ConvNet(nn.Module):
    """Blocks of convolution, normalisation, max pooling and ReLU; then, if asked, a linear head.

    With `norm="batch"` every forward pass normalises by the statistics of the images it is given,
    so a prediction depends on the images beside it: that is *transductive*, and has to be said
    beside each number. With `norm="group"` each image is normalised by itself, over all of its
    channels at once: one group, because networks this narrow lose accuracy with more.

    Args:
        in_channels: 1 for grey images, 3 for colour.
        widths: channels after each block. Every block halves height and width.
        n_outputs: size of the linear layer named `head`; without it the features are returned.
        norm: "batch" (the papers') or "group" (Wu and He 2018, arXiv 1803.08494).

    Raises:
        ValueError: if `widths` is empty or `norm` is unknown.

    Shapes:
        input `[n, in_channels, height, width]`; output `[n, n_outputs]`, or the flattened
        features `[n, widths[-1] * (height // 2**n_blocks) * (width // 2**n_blocks)]`.
    """

    def __init__(
        self,
        in_channels: int,
        widths: Sequence[int],
        *,
        n_outputs: int | None = None,
        norm: Norm = "batch",
    ) -> None:
        super().__init__()
        if not widths:
            raise ValueError("widths must name at least one block, for instance (32, 32, 32, 32)")
        ins = (in_channels, *widths[:-1])
        self.blocks = nn.Sequential(*(_block(i, o, norm) for i, o in zip(ins, widths, strict=True)))
        self.head = nn.Linear(widths[-1], n_outputs) if n_outputs is not None else None

    @property
    def batch_norms(self) -> list[nn.BatchNorm2d]:
        """The batch norm of every block; none with `norm="group"`."""
        return [m for m in self.blocks.modules() if isinstance(m, nn.BatchNorm2d)]

    def forward(self, x: Tensor) -> Tensor:
        """Return features or logits of `x`, as the class describes."""
        features = self.blocks(x)
        if self.head is None:
            return features.flatten(1)  # type: ignore[no-any-return]
        return self.head(features.mean((-2, -1)))  # type: ignore[no-any-return]


def conv4(
    in_channels: int, *, width: int, n_outputs: int | None = None, norm: Norm = "batch"
) -> ConvNet:
    """Return the four-block network of the few-shot papers, with 32 or 64 channels.

    Args:
        in_channels: 1 for grey images, 3 for colour.
        width: channels of every block; on 28-pixel images also the number of features.
        n_outputs: size of a linear head; without it the features are returned.
        norm: see `ConvNet`.

    Example:
        >>> import torch
        >>> conv4(3, width=32)(torch.zeros(2, 3, 28, 28)).shape
        torch.Size([2, 32])
    """
    return ConvNet(in_channels, (width,) * 4, n_outputs=n_outputs, norm=norm)


def _block(in_channels: int, out_channels: int, norm: Norm) -> nn.Sequential:
    """Return one block; the convolution has no bias because the normalisation would remove it."""
    if norm == "batch":
        normalise: nn.Module = nn.BatchNorm2d(out_channels, track_running_stats=False)
    elif norm == "group":
        normalise = nn.GroupNorm(1, out_channels)
    else:
        raise ValueError(f'norm must be "batch" or "group", got {norm!r}')
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False),
        normalise,
        nn.MaxPool2d(2),
        nn.ReLU(),
    )
