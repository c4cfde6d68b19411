"""A cartoon of an eye fundus: optic disc, vessels and spots. No medical data."""

import math

import torch
from torch import Tensor

from medmeta_ref.synthetic.shapes import (
    between,
    colour,
    disc,
    inside,
    moved,
    paint,
    pixel_grid,
    ridge,
    smooth_noise,
    uniform,
)

N_RETINA_ATTRIBUTES = 7
MAX_SPOTS = 10


def draw_retina(attributes: Tensor, *, size: int, generator: torch.Generator) -> Tensor:
    """Return fundus photographs, float `[n, 3, size, size]` in 0..1.

    Args:
        attributes: [n, 7] in 0..1, which are the class: number of spots (0 is none), their tint
            from dark bleeding to bright exudate, their size, width and winding of the vessels,
            size of the optic disc, and pigment of the background.
        size: pixels along each side.
        generator: draws all that is not the class: where the eye looks, left or right eye,
            illumination, and where the spots fall.
    """
    n, edge = len(attributes), 3.0 / size
    number, spot_tint, spot_size, vessel, winding, cup, pigment = attributes.unbind(1)
    x, y = pixel_grid(size)
    field = inside(torch.hypot(x, y) - 0.97, edge=edge)

    left_or_right = torch.sign(uniform(n, -1, 1, generator=generator))
    x_eye, y_eye = moved(
        x * left_or_right,
        y,
        centre_x=uniform(n, -0.15, 0.15, generator=generator),
        centre_y=uniform(n, -0.15, 0.15, generator=generator),
        angle=uniform(n, -0.5, 0.5, generator=generator),
        scale=uniform(n, 0.9, 1.1, generator=generator),
    )
    orange = torch.lerp(colour(0.86, 0.46, 0.22), colour(0.62, 0.26, 0.14), between(pigment, 0, 1))
    lit = 1 + 0.10 * smooth_noise(n, size, cells=3, generator=generator)
    lit = lit + 0.25 * (x * uniform(n, -1, 1, generator=generator))
    canvas = orange * lit * (1.05 - 0.30 * (x * x + y * y))
    macula = ridge(torch.hypot(x_eye - 0.25, y_eye), width=0.28)
    canvas = paint(canvas, colour(0.45, 0.16, 0.10), 0.5 * macula)

    # Vessels leave the optic disc, at x = -0.5, and bend around the macula.
    along = (x_eye + 0.5).abs()
    wave = between(winding, 0.0, 0.16) * torch.sin(
        9 * along + uniform(n, 0, 2 * math.pi, generator=generator)
    )
    width = between(vessel, 0.035, 0.085)
    root = torch.sqrt(along + 0.01)
    vessels = torch.zeros((n, 1, size, size))
    for reach in (-0.80, -0.38, 0.38, 0.80):
        bend = reach * uniform(n, 0.85, 1.15, generator=generator)
        vessels = torch.maximum(vessels, ridge(y_eye - bend * root - wave * root, width=width))
    canvas = paint(canvas, colour(0.42, 0.08, 0.08), 0.75 * vessels)
    nerve = inside(torch.hypot(x_eye + 0.5, y_eye) - between(cup, 0.14, 0.27), edge=edge)
    canvas = paint(canvas, colour(0.98, 0.85, 0.55), 0.95 * nerve)

    spot = torch.lerp(colour(0.28, 0.03, 0.05), colour(1.0, 0.93, 0.55), between(spot_tint, 0, 1))
    n_spots = between(number, 0, MAX_SPOTS)
    for k in range(MAX_SPOTS):
        bearing = uniform(n, 0, 2 * math.pi, generator=generator)
        away = 0.85 * uniform(n, 0, 1, generator=generator).sqrt()
        radius = between(spot_size, 0.05, 0.10) * uniform(n, 0.8, 1.2, generator=generator)
        mask = disc(
            x,
            y,
            centre_x=away * torch.cos(bearing),
            centre_y=away * torch.sin(bearing),
            radius=radius,
            edge=edge,
        )
        canvas = paint(canvas, spot, 0.9 * mask * (n_spots - k).clamp(0, 1))
    return canvas * field
