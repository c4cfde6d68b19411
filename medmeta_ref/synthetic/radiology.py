"""Cartoons of two grey scans: an abdominal CT slice and a chest X-ray. No medical data.

Each function draws one image per row of `attributes`, which is the class. Everything else
(place, turn, size, neighbours) comes from the generator and tells nothing about the class.
"""

import math

import torch
from torch import Tensor

from medmeta_ref.synthetic.shapes import (
    between,
    disc,
    inside,
    moved,
    paint,
    pixel_grid,
    ridge,
    smooth_noise,
    uniform,
)

N_ORGAN_ATTRIBUTES = 8
N_LUNG_ATTRIBUTES = 8


def draw_organ(attributes: Tensor, *, size: int, generator: torch.Generator) -> Tensor:
    """Return one organ in an abdominal slice, float `[n, 1, size, size]` in 0..1.

    Args:
        attributes: [n, 8] in 0..1: size, elongation, bend, three-fold bumps of the outline,
            brightness of the rim, of the whole and of the core, and inner texture.
        size: pixels along each side.
        generator: draws all that is not the class.
    """
    n, edge = len(attributes), 3.0 / size
    large, oblong, bend, bumps, rim, bright, textured, core = attributes.unbind(1)
    x, y = pixel_grid(size)

    # Fat and bowel around the organ, in soft patches.
    canvas = 0.27 + 0.07 * smooth_noise(n, size, cells=5, generator=generator)
    # A body wall with ribs: bright dashes along a large circle that cuts one corner.
    side = uniform(n, 0, 2 * math.pi, generator=generator)
    wall_x, wall_y = -0.5 * torch.cos(side), -0.5 * torch.sin(side)
    from_wall = torch.hypot(x - wall_x, y - wall_y) - 1.45
    canvas = paint(canvas, 0.04, inside(-from_wall, edge=edge))
    along = torch.atan2(y - wall_y, x - wall_x)
    dashes = inside(0.2 - torch.cos(9 * along + uniform(n, 0, 6.3, generator=generator)), edge=0.9)
    canvas = paint(canvas, 0.85, ridge(from_wall + 0.16, width=0.07) * dashes)
    # A vertebra: bright ring, greyer marrow.
    spine = side + math.pi + uniform(n, -0.9, 0.9, generator=generator)
    away = uniform(n, 0.75, 0.95, generator=generator)
    cx, cy = away * torch.cos(spine), away * torch.sin(spine)
    radius = uniform(n, 0.18, 0.28, generator=generator)
    canvas = paint(canvas, 0.95, disc(x, y, centre_x=cx, centre_y=cy, radius=radius, edge=edge))
    canvas = paint(
        canvas, 0.65, disc(x, y, centre_x=cx, centre_y=cy, radius=0.55 * radius, edge=edge)
    )

    x, y = moved(
        x,
        y,
        centre_x=uniform(n, -0.25, 0.25, generator=generator),
        centre_y=uniform(n, -0.25, 0.25, generator=generator),
        angle=uniform(n, 0, 2 * math.pi, generator=generator),
        scale=uniform(n, 0.85, 1.15, generator=generator),
    )
    y = y + between(bend, 0.0, 1.0) * (x * x - 0.12)
    stretch = between(oblong, 1.0, 1.4)
    x, y = x / stretch, y * stretch
    theta = torch.atan2(y, x)
    outline = between(large, 0.36, 0.62) * (1 + between(bumps, 0.0, 0.22) * torch.cos(3 * theta))
    distance = torch.hypot(x, y) - outline
    wobble = 0.03 * smooth_noise(n, size, cells=5, generator=generator)
    organ = inside(distance + wobble, edge=edge)
    texture = between(textured, 0.0, 0.20) * smooth_noise(
        n, size, cells=max(6, size // 3), generator=generator
    )
    grey = between(bright, 0.48, 0.82) + texture
    canvas = paint(canvas, grey, organ)
    canvas = paint(canvas, grey + between(rim, 0.0, 0.3), organ * ridge(distance, width=0.08))
    centre = inside(distance + 0.55 * outline, edge=2 * edge)
    return paint(canvas, grey + between(core, -0.42, 0.18), centre * organ)


def draw_lung(attributes: Tensor, *, size: int, generator: torch.Generator) -> Tensor:
    """Return a chest X-ray with or without a finding, float `[n, 1, size, size]` in 0..1.

    Args:
        attributes: [n, 8] in 0..1: how dense the finding is (0 is none), its size, the number
            of foci, how soft their edges are, how patchy they are, from solid to ring, fluid at
            the base of one lung, and from upper to lower zone.
        size: pixels along each side.
        generator: draws all that is not the class.
    """
    n, edge = len(attributes), 3.0 / size
    dense, large, number, soft, patchy, ringed, fluid, zone = attributes.unbind(1)
    x, y = moved(
        *pixel_grid(size),
        centre_x=uniform(n, -0.10, 0.10, generator=generator),
        centre_y=uniform(n, -0.10, 0.10, generator=generator),
        angle=uniform(n, -0.12, 0.12, generator=generator),
        scale=uniform(n, 0.88, 1.08, generator=generator),
    )
    tissue = 0.62 + 0.04 * smooth_noise(n, size, cells=5, generator=generator)
    body = inside(torch.hypot(x / 1.25, (y - 0.55) / 1.45) - 1.0, edge=2 * edge)
    canvas = 0.08 + body * (tissue - 0.08)

    width = uniform(n, 0.30, 0.36, generator=generator)
    fields = torch.zeros((n, 1, size, size))
    for side in (-1.0, 1.0):
        # A lung is an ellipse that leans outwards at its base.
        x_side = (x - side * (0.44 + 0.12 * y)) / width
        fields = torch.maximum(
            fields, inside(torch.hypot(x_side, (y - 0.02) / 0.74) - 1.0, edge=3 * edge)
        )
    dome = inside(uniform(n, 0.50, 0.66, generator=generator) - y - 0.3 * x * x, edge=3 * edge)
    fields = fields * (1 - dome)
    # How deep the breath was: how dark the fields are is no sign of the class.
    canvas = paint(canvas, uniform(n, 0.09, 0.20, generator=generator), fields)
    # Ribs: arcs that fall away from the spine.
    rib_phase = uniform(n, 0, 2 * math.pi, generator=generator)
    ribs = torch.sin(16.0 * (y - 0.55 * x * x) + rib_phase)
    canvas = canvas + 0.16 * ribs.clamp(min=0) * body * (0.3 + 0.7 * fields)
    spine = ridge(x, width=0.10) * (0.10 + 0.03 * torch.sin(22 * y))
    canvas = canvas + spine * body
    heart_x = uniform(n, 0.10, 0.20, generator=generator)
    heart = torch.hypot((x - heart_x) / 0.34, (y - 0.34) / 0.32) - 1.0
    canvas = paint(canvas, 0.74, inside(heart, edge=5 * edge))

    finding = torch.zeros((n, 1, size, size))
    n_foci = between(number, 1.0, 4.0)
    clouds = smooth_noise(n, size, cells=max(5, size // 4), generator=generator)
    blur = between(soft, 0.08, 0.30)
    first_side = torch.sign(uniform(n, -1, 1, generator=generator))
    for k in range(4):
        present = (n_foci - k).clamp(0, 1)
        # Foci alternate between the lungs.
        cx = first_side * (-1) ** k * uniform(n, 0.34, 0.58, generator=generator)
        cy = between(zone, -0.42, 0.32) + uniform(n, -0.16, 0.16, generator=generator)
        radius = between(large, 0.10, 0.30) * uniform(n, 0.8, 1.2, generator=generator)
        distance = torch.hypot(x - cx, y - cy)
        focus = inside(distance - radius, edge=blur)
        hollow = inside(distance - 0.6 * radius, edge=edge) * between(ringed, 0.0, 0.9)
        finding = torch.maximum(finding, present * focus * (1 - hollow))
    patches = 1 + between(patchy, 0.0, 0.7) * clouds
    density = between(dense, 0.0, 1.0) * uniform(n, 0.25, 1.0, generator=generator)
    level = 0.75 - between((fluid - 0.25).clamp(min=0), 0.0, 1.0)
    effusion = inside(level - y - 0.25 * (x * first_side), edge=2 * edge) * (x * first_side > 0)
    finding = torch.maximum((finding * patches).clamp(0, 1), effusion)
    return paint(canvas, 0.82, density * finding * fields)
