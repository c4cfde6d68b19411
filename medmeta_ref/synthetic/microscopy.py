"""Cartoons of two kinds of stained slide: blood cells and tissue. No medical data.

Each function draws one image per row of `attributes`, which is the class. Everything else
(place, turn, size, neighbours) comes from the generator and tells nothing about the class.
"""

import math

import torch
from torch import Tensor

from medmeta_ref.synthetic.shapes import (
    between,
    colour,
    inside,
    moved,
    paint,
    pixel_grid,
    plane_waves,
    smooth_noise,
    uniform,
)

N_BLOOD_ATTRIBUTES = 8
N_TISSUE_ATTRIBUTES = 8


def draw_blood(attributes: Tensor, *, size: int, generator: torch.Generator) -> Tensor:
    """Return white blood cells among red ones, float `[n, 3, size, size]` in 0..1.

    Args:
        attributes: [n, 8] in 0..1: cell size, nucleus size, number of lobes, how far the lobes
            stand apart, eccentricity, granules, and the tints of granules and nucleus.
        size: pixels along each side.
        generator: draws all that is not the class.
    """
    n, edge = len(attributes), 3.0 / size
    cell, nucleus, lobes, apart, oblong, granular, granule_tint, tint = attributes.unbind(1)
    x, y = pixel_grid(size)

    plasma = colour(0.95, 0.90, 0.85)
    canvas = plasma + 0.02 * smooth_noise(n, size, cells=4, generator=generator)
    red_cell, pallor = colour(0.88, 0.64, 0.62), colour(0.93, 0.76, 0.73)
    start = uniform(n, 0, 2 * math.pi, generator=generator)
    for k in range(6):
        bearing = start + 2 * math.pi * k / 6 + uniform(n, -0.4, 0.4, generator=generator)
        away = uniform(n, 0.75, 1.25, generator=generator)
        radius = uniform(n, 0.26, 0.36, generator=generator)
        cx, cy = away * torch.cos(bearing), away * torch.sin(bearing)
        distance = torch.hypot(x - cx, y - cy)
        canvas = paint(canvas, red_cell, inside(distance - radius, edge=edge))
        canvas = paint(canvas, pallor, inside(distance - 0.45 * radius, edge=4 * edge))

    x, y = moved(
        x,
        y,
        centre_x=uniform(n, -0.25, 0.25, generator=generator),
        centre_y=uniform(n, -0.25, 0.25, generator=generator),
        angle=uniform(n, 0, 2 * math.pi, generator=generator),
        scale=uniform(n, 0.85, 1.15, generator=generator),
    )
    wobble = 0.05 * smooth_noise(n, size, cells=4, generator=generator)
    body = inside(torch.hypot(x, y) + wobble - between(cell, 0.45, 0.75), edge=edge)
    cytoplasm = torch.lerp(
        colour(0.70, 0.74, 0.90), colour(0.90, 0.76, 0.82), between(granule_tint, 0, 1)
    )
    canvas = paint(canvas, cytoplasm, body)
    grain = smooth_noise(n, size, cells=max(6, size // 2), generator=generator)
    grains = inside(between(granular, 1.6, -0.4) - grain, edge=0.8) * body
    granule = torch.lerp(
        colour(0.36, 0.22, 0.55), colour(0.90, 0.42, 0.42), between(granule_tint, 0, 1)
    )

    # The nucleus is a union of discs on a ring. Four are always computed; with fewer lobes the
    # last ones fall on the first, so that images with 1 and with 4 lobes share one batch.
    n_lobes = (1 + 3.99 * lobes).clamp(1, 4).floor()[:, None, None, None]
    ring = between(apart, 0.10, 0.24) * (n_lobes > 1)
    radius = between(nucleus, 0.24, 0.42) / n_lobes.pow(0.3)
    stretch = between(oblong, 1.0, 1.5)
    nucleus_distance = torch.full((n, 1, size, size), 9.0)
    for k in range(4):
        bearing = 2 * math.pi * torch.remainder(torch.tensor(float(k)), n_lobes) / n_lobes
        cx = ring * torch.cos(bearing) + uniform(n, -0.03, 0.03, generator=generator)
        cy = ring * torch.sin(bearing) + uniform(n, -0.03, 0.03, generator=generator)
        lobe = torch.hypot(x / stretch - cx, y * stretch - cy)
        nucleus_distance = torch.minimum(nucleus_distance, lobe - radius)
    chromatin = torch.lerp(
        colour(0.32, 0.16, 0.52), colour(0.60, 0.38, 0.70), between(tint, 0, 1)
    ) + 0.04 * smooth_noise(n, size, cells=9, generator=generator)
    canvas = paint(canvas, chromatin, inside(nucleus_distance, edge=edge) * body)
    # Granules lie over the nucleus too, thinner, as in a basophil.
    over = 1 - 0.6 * inside(nucleus_distance, edge=edge)
    return paint(canvas, granule, 0.9 * grains * over)


def draw_tissue(attributes: Tensor, *, size: int, generator: torch.Generator) -> Tensor:
    """Return stained tissue, float `[n, 3, size, size]` in 0..1.

    Args:
        attributes: [n, 8] in 0..1: fibre frequency, fibre disorder, how many glands, gland size,
            wall thickness, nuclei, stain (pink to purple) and clear lumen.
        size: pixels along each side.
        generator: draws all that is not the class.
    """
    n, edge = len(attributes), 3.0 / size
    frequency, disorder, glands, gland, wall, nuclei, stain, lumen = attributes.unbind(1)
    x, y = pixel_grid(size)

    fibres = plane_waves(
        x,
        y,
        frequency=between(frequency, 2.0, 7.0),
        direction=uniform(n, 0, 2 * math.pi, generator=generator),
        spread=between(disorder, 0.1, math.pi),
        n_waves=5,
        generator=generator,
    )
    eosin = torch.lerp(colour(0.92, 0.66, 0.78), colour(0.76, 0.54, 0.78), between(stain, 0, 1))
    haematoxylin = colour(0.40, 0.24, 0.58)
    canvas = eosin + colour(0.05, 0.10, 0.06) * fibres

    grain = smooth_noise(n, size, cells=max(6, size // 2), generator=generator)
    dots = inside(between(nuclei, 1.9, 0.3) - grain, edge=0.8)
    canvas = paint(canvas, haematoxylin, 0.85 * dots)

    n_glands = between(glands, 0, 4)
    radius, thick = between(gland, 0.22, 0.50), between(wall, 0.08, 0.22)
    inner = torch.lerp(eosin, colour(0.97, 0.95, 0.96), between(lumen, 0.1, 1.0))
    start = uniform(n, 0, 2 * math.pi, generator=generator)
    for k in range(4):
        # A gland fades in over one step of the attribute, so classes change by degrees.
        present = (n_glands - k).clamp(0, 1)
        bearing = start + 2 * math.pi * k / 4 + uniform(n, -0.3, 0.3, generator=generator)
        away = uniform(n, 0.4, 0.8, generator=generator)
        this_radius = radius * uniform(n, 0.85, 1.15, generator=generator)
        x_k, y_k = moved(
            x,
            y,
            centre_x=away * torch.cos(bearing),
            centre_y=away * torch.sin(bearing),
            angle=uniform(n, 0, math.pi, generator=generator),
            scale=torch.ones(()),
        )
        oblong = uniform(n, 1.0, 1.25, generator=generator)
        distance = torch.hypot(x_k * oblong, y_k / oblong) - this_radius
        outer, hole = inside(distance, edge=edge), inside(distance + thick, edge=edge)
        canvas = paint(canvas, haematoxylin, 0.8 * outer * present)
        canvas = paint(canvas, inner, hole * present)
    return canvas
