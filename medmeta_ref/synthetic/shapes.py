"""Soft shapes and textures on a pixel grid: the pens that the synthetic families draw with.

Canvases are float, `[n, channels, size, size]`, 0 = black and 1 = white. Coordinates run from
-1 (left, top) to 1 (right, bottom). A number that differs from image to image is
`[n, 1, 1, 1]`, so it broadcasts over the pixels and no function loops over images.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def uniform(n: int, low: float, high: float, *, generator: torch.Generator) -> Tensor:
    """Return one random number in `low..high` per image, `[n, 1, 1, 1]`."""
    return low + (high - low) * torch.rand((n, 1, 1, 1), generator=generator)


def between(attribute: Tensor, low: float, high: float) -> Tensor:
    """Return the attribute, `[n]` in 0..1, stretched to `low..high`, as `[n, 1, 1, 1]`."""
    return (low + (high - low) * attribute)[:, None, None, None]


def colour(red: float, green: float, blue: float) -> Tensor:
    """Return a colour, each part in 0..1, as `[1, 3, 1, 1]`."""
    return torch.tensor([red, green, blue])[None, :, None, None]


def pixel_grid(size: int) -> tuple[Tensor, Tensor]:
    """Return x and y of the pixel centres, each `[1, 1, size, size]` within -1..1."""
    centres = (torch.arange(size) + 0.5) / size * 2 - 1
    y, x = torch.meshgrid(centres, centres, indexing="ij")
    return x[None, None], y[None, None]


def moved(
    x: Tensor, y: Tensor, *, centre_x: Tensor, centre_y: Tensor, angle: Tensor, scale: Tensor
) -> tuple[Tensor, Tensor]:
    """Return x and y in the frame of a shape that was placed, turned and scaled.

    Args:
        x: [n or 1, 1, size, size]
        y: [n or 1, 1, size, size]
        centre_x: [n, 1, 1, 1], where the shape's centre lies.
        centre_y: [n, 1, 1, 1]
        angle: [n, 1, 1, 1], radians.
        scale: [n, 1, 1, 1], above 1 draws the shape larger.
    """
    x, y = x - centre_x, y - centre_y
    cos, sin = torch.cos(angle) / scale, torch.sin(angle) / scale
    return x * cos + y * sin, y * cos - x * sin


def inside(distance: Tensor, *, edge: float | Tensor) -> Tensor:
    """Return 1 where a signed distance is well below 0, 0 well above, soft over about `edge`."""
    return torch.sigmoid(distance * (-3.0 / edge))


def disc(
    x: Tensor, y: Tensor, *, centre_x: Tensor, centre_y: Tensor, radius: Tensor, edge: float
) -> Tensor:
    """Return the mask of a soft disc, `[n, 1, size, size]` in 0..1; sizes in half images."""
    return inside(torch.hypot(x - centre_x, y - centre_y) - radius, edge=edge)


def ridge(distance: Tensor, *, width: float | Tensor) -> Tensor:
    """Return a line seen across: 1 at distance 0, falling as a Gaussian of scale `width`."""
    return torch.exp(-((distance / width) ** 2))


def paint(canvas: Tensor, ink: Tensor | float, mask: Tensor) -> Tensor:
    """Return the canvas with `ink` laid over it where the mask, 0..1, is high.

    Args:
        canvas: [n or 1, channels, size, size]
        ink: a grey level, or a colour [n or 1, channels, 1, 1].
        mask: [n, 1, size, size]
    """
    return canvas + mask * (ink - canvas)


def smooth_noise(n: int, size: int, *, cells: int, generator: torch.Generator) -> Tensor:
    """Return a random field of blobs about `size / cells` pixels wide, `[n, 1, size, size]`.

    Values have mean 0 and a standard deviation a little below 1: a coarse grid of normal
    numbers, interpolated.
    """
    coarse = torch.randn((n, 1, cells, cells), generator=generator)
    return F.interpolate(coarse, size=(size, size), mode="bilinear", align_corners=True)


def plane_waves(
    x: Tensor,
    y: Tensor,
    *,
    frequency: Tensor,
    direction: Tensor,
    spread: Tensor,
    n_waves: int,
    generator: torch.Generator,
) -> Tensor:
    """Return a sum of random waves, `[n, 1, size, size]`, with standard deviation near 1.

    Args:
        x: [1, 1, size, size]
        y: [1, 1, size, size]
        frequency: [n, 1, 1, 1], mean number of periods across the image.
        direction: [n, 1, 1, 1], radians: where the waves point.
        spread: [n, 1, 1, 1], radians around it: 0 gives parallel fibres, π a field of blobs.
        n_waves: how many waves are added.
        generator: draws their directions, lengths and phases.
    """
    n = len(frequency)
    total = torch.zeros((n, 1, x.shape[-2], x.shape[-1]))
    for _ in range(n_waves):
        angle = direction + spread * uniform(n, -1, 1, generator=generator)
        pulse = math.pi * frequency * uniform(n, 0.7, 1.3, generator=generator)
        phase = uniform(n, 0, 2 * math.pi, generator=generator)
        total += torch.cos(pulse * torch.cos(angle) * x + pulse * torch.sin(angle) * y + phase)
    return total * math.sqrt(2 / n_waves)
