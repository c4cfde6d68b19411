"""A cartoon of an adrenal gland in 3-D: two limbs on a stem, with or without a mass.

No medical data. Like AdrenalMNIST3D, which it stands in for, a volume shows the gland's shape
and little else.
"""

import math

import torch
from torch import Tensor

from medmeta_ref.synthetic.shapes import inside

N_ADRENAL_ATTRIBUTES = 5


def _rotations(n: int, *, generator: torch.Generator) -> Tensor:
    """Return random rotations, `[n, 3, 3]`: any turn in the slice, up to 0.5 rad out of it."""
    turn = 2 * math.pi * torch.rand(n, generator=generator)
    tilt = torch.rand(n, generator=generator) - 0.5
    zero, one = torch.zeros(n), torch.ones(n)
    cos, sin = torch.cos(turn), torch.sin(turn)
    in_slice = torch.stack([cos, -sin, zero, sin, cos, zero, zero, zero, one], 1).view(n, 3, 3)
    cos, sin = torch.cos(tilt), torch.sin(tilt)
    out_of_slice = torch.stack([one, zero, zero, zero, cos, -sin, zero, sin, cos], 1)
    return in_slice @ out_of_slice.view(n, 3, 3)


def _limb_distance(points: Tensor, tips: Tensor) -> Tensor:
    """Return how far each point lies from the nearest limb, `[n, m]`.

    Args:
        points: [n, 3, m]
        tips: [n, n_limbs, 3]; each limb is the segment from the origin to its tip.
    """
    along = tips @ points
    squared_length = tips.square().sum(2, keepdim=True)
    share = (along / squared_length).clamp(0, 1)
    # |p - s t|² multiplied out: no [n, n_limbs, 3, m] tensor is built.
    beside = share * (share * squared_length - 2 * along)
    squared = points.square().sum(1) + beside.amin(1)
    return squared.clamp(min=0).sqrt()


def draw_adrenal(attributes: Tensor, *, size: int, generator: torch.Generator) -> Tensor:
    """Return gland volumes, float `[n, 1, size, size, size]` in 0..1.

    Args:
        attributes: [n, 5] in 0..1, which are the class: size of the mass (0 is none), thickness
            of the limbs, angle between them, their length, and where along a limb the mass sits.
        size: voxels along each side.
        generator: draws all that is not the class: place, turn, size, brightness.
    """
    n, edge = len(attributes), 3.0 / size
    mass, thick, angle, long, where = attributes.unbind(1)
    centres = (torch.arange(size) + 0.5) / size * 2 - 1
    z, y, x = torch.meshgrid(centres, centres, centres, indexing="ij")
    grid = torch.stack([x, y, z]).flatten(1)

    scale = 0.9 + 0.25 * torch.rand((n, 1, 1), generator=generator)
    place = 0.4 * torch.rand((n, 3, 1), generator=generator) - 0.2
    points = _rotations(n, generator=generator) @ ((grid - place) / scale)

    # Each limb's length varies inside a class, so that size alone does not give the class away.
    length = (0.5 + 0.25 * long)[:, None] * (0.85 + 0.3 * torch.rand((n, 3), generator=generator))
    half = 0.35 + 0.45 * angle + 0.15 * (torch.rand(n, generator=generator) - 0.5)
    lift = 0.3 * torch.rand((n, 3), generator=generator) - 0.15
    zero = torch.zeros(n)
    ways = torch.stack(
        [
            torch.stack([torch.sin(half), torch.cos(half), lift[:, 0]], 1),
            torch.stack([-torch.sin(half), torch.cos(half), lift[:, 1]], 1),
            torch.stack([zero, -torch.ones(n), lift[:, 2]], 1),
        ],
        1,
    )
    tips = ways * length[:, :, None] * torch.tensor([1.0, 1.0, 0.6])[:, None]
    thickness = (0.10 + 0.06 * thick) * (0.85 + 0.3 * torch.rand(n, generator=generator))
    gland = inside(_limb_distance(points, tips) - thickness[:, None], edge=edge)

    centre = tips[:, 0] * (0.2 + 0.8 * where)[:, None]
    radius = (0.34 * mass)[:, None] * (0.8 + 0.4 * torch.rand((n, 1), generator=generator))
    # Not linalg.vector_norm: over a middle axis it took three quarters of the drawing time.
    from_mass = (points - centre[:, :, None]).square().sum(1).sqrt()
    lump = inside(from_mass - radius, edge=edge)
    # A mass of size 0 would leave a half-lit dot, for the soft edge is 0.5 at the rim.
    lump = lump * (mass[:, None] * 5).clamp(0, 1)
    bright = 0.65 + 0.25 * torch.rand((n, 1), generator=generator)
    volume = 0.05 + bright * torch.maximum(gland, lump)
    return volume.view(n, 1, size, size, size)
