"""The network of the few-shot papers as anybody would write it."""

from torch import Tensor, nn


class PlainConvNet(nn.Module):
    """Four blocks of convolution, batch norm, ReLU and max pooling; then, if asked, a linear head.

    It computes what `medmeta_ref.backbones.conv4` does, the way tutorials do it: images stay
    channels-first in memory, and ReLU comes before pooling.

    Args:
        in_channels: 1 for grey images, 3 for colour.
        width: channels of every block; with 28-pixel images also the number of features.
        n_outputs: size of the layer named `head`; without it the features are returned.
    """

    def __init__(self, in_channels: int, width: int, *, n_outputs: int | None = None) -> None:
        super().__init__()
        blocks = []
        for channels in (in_channels, width, width, width):
            blocks += [
                nn.Conv2d(channels, width, 3, padding=1, bias=False),
                nn.BatchNorm2d(width, track_running_stats=False),
                nn.ReLU(),
                nn.MaxPool2d(2),
            ]
        self.features = nn.Sequential(*blocks, nn.Flatten())
        self.head = nn.Linear(width, n_outputs) if n_outputs is not None else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Return features or logits of `x`, `[n, in_channels, 28, 28]`."""
        return self.head(self.features(x))  # type: ignore[no-any-return]
