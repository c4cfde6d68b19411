"""From a clean drawing to a stored image: what the scanner and the clinic do. No medical data.

Three steps: each image gets its own brightness and stain, the whole set gets the domain shift of
another clinic, and the sensor adds noise. The shift draws no random number. So the same seed
with shift 0 and with shift 1 gives the same subjects, seen in two clinics.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

SHIFT_GAMMA = 1.5  # the other clinic's images are darker in the middle greys
SHIFT_TINT = (1.10, 0.88, 0.80)  # and its stain is redder
SHIFT_LAMP = 0.30  # and its lamp is this much brighter on the right than in the middle
SHIFT_BLUR = 0.6  # and this share of each pixel comes from its 3 × 3 neighbourhood


def _shifted(canvas: Tensor, shift: float) -> Tensor:
    """Return the canvas, `[n, channels, (depth,) height, width]`, as the other clinic sees it."""
    if shift == 0:
        return canvas
    volume = canvas.ndim == 5
    pool = F.avg_pool3d if volume else F.avg_pool2d
    # Without count_include_pad the border would darken, and a border gives a shift away.
    blurred = pool(canvas, 3, stride=1, padding=1, count_include_pad=False)
    canvas = canvas + SHIFT_BLUR * shift * (blurred - canvas)
    canvas = canvas ** (1 + (SHIFT_GAMMA - 1) * shift)
    canvas = canvas * (1 + SHIFT_LAMP * shift * torch.linspace(-1, 1, canvas.shape[-1]))
    if canvas.shape[1] == 3:
        tint = torch.tensor(SHIFT_TINT).view(1, 3, 1, 1)
        canvas = canvas * (1 + shift * (tint - 1))
    return canvas


def acquire(
    canvas: Tensor, *, variation: float, noise: float, shift: float, generator: torch.Generator
) -> Tensor:
    """Return stored images, uint8 `[n, (depth,) height, width(, 3)]`, channels last.

    Args:
        canvas: float [n, channels, (depth,) height, width]; 1 or 3 channels, values outside
            0..1 are cut.
        variation: half range of the brightness factor that each image gets; its channels
            differ by a third of that, as a stain differs between slides.
        noise: standard deviation of the pixel noise, 1 = from black to white.
        shift: 0 = the clinic of the training images, 1 = the other clinic.
        generator: draws brightness, stain and noise; it always draws as many numbers.
    """
    n, channels = canvas.shape[:2]
    flat = (1,) * (canvas.ndim - 2)
    gain = 1 + variation * (2 * torch.rand((n, 1, *flat), generator=generator) - 1)
    stain = 1 + variation / 3 * (2 * torch.rand((n, channels, *flat), generator=generator) - 1)
    canvas = _shifted((canvas * gain * stain).clamp(0, 1), shift)
    canvas = canvas + noise * torch.randn(canvas.shape, generator=generator)
    images = (canvas * 255).round().clamp(0, 255).to(torch.uint8)
    return images.movedim(1, -1).contiguous() if channels == 3 else images[:, 0]
