"""orthogonal_views(volume) -> (axial, coronal, sagittal)."""

import pytest
import torch

from medmeta_ref.grading.agreement import assert_agrees
from medmeta_ref.grading.specs.unit_10 import _oracle

NAMES = ("axial", "coronal", "sagittal")


def _three(yours, volume):
    got = yours(volume)
    kind = type(got).__name__
    assert isinstance(got, tuple | list), f"Three views were expected, in a tuple; yours is {kind}."
    assert len(got) == 3, f"Three views were expected, in a tuple; yours holds {len(got)}."
    return got


def _at(volume, middle):
    """Return the three slices through the voxel `middle`, voxel by voxel."""
    n, depth, height, width = volume.shape
    z0, y0, x0 = middle

    def image(rows, columns, voxel):
        found = torch.empty(n, rows, columns, dtype=volume.dtype)
        for i in range(n):
            for row in range(rows):
                for column in range(columns):
                    found[i, row, column] = volume[(i, *voxel(row, column))]
        return found

    return (
        image(height, width, lambda y, x: (z0, y, x)),
        image(depth, width, lambda z, x: (z, y0, x)),
        image(depth, height, lambda z, y: (z, y, x0)),
    )


def _judge(yours, volume):
    sizes = volume.shape[1:]
    want = _at(volume, [size // 2 for size in sizes])
    early = _at(volume, [(size - 1) // 2 for size in sizes])
    first = _at(volume, [0, 0, 0])
    for axis, (got, right, name) in enumerate(zip(_three(yours, volume), want, NAMES, strict=True)):
        mistakes = {
            "It is transposed: the axes that are left keep their order.": right.transpose(1, 2),
            "Its rows are flipped. Nothing is to be flipped.": right.flip(1),
            "Its columns are flipped. Nothing is to be flipped.": right.flip(2),
            "It is not the middle slice: of n voxels the one with number n // 2.": early[axis],
            "It is the first slice; the middle one was asked for.": first[axis],
            "It is the mean over all slices; one slice was asked for.": volume.mean(axis + 1),
            "It is the brightest voxel of all slices; one slice was asked for.": volume.amax(
                axis + 1
            ),
        }
        for other, value in zip(NAMES, want, strict=True):
            if other != name:
                mistakes[f"That is the {other} view."] = value
        assert_agrees(
            got,
            right,
            mistakes=mistakes,
            look_at=f"This is the {name} view of volumes {tuple(volume.shape)}, number {axis + 1} "
            f"of the three: it fixes axis {axis + 1} of the batch of volumes.",
        )


@pytest.mark.points(7)
def test_every_voxel_is_where_it_should_be(yours, generator):
    """Cubes, where no shape tells what is wrong, and volumes with three unequal sides."""
    for shape in ((2, 4, 4, 4), (2, 3, 4, 5), (3, 4, 2, 6)):
        _judge(yours, _oracle.draw(*shape, generator=generator))


@pytest.mark.points(3)
def test_axes_of_length_one_stay(yours, generator):
    """A single volume is a batch, too, and a volume may be one voxel thick."""
    for shape in ((1, 3, 4, 5), (2, 1, 4, 3), (1, 2, 1, 3)):
        _judge(yours, _oracle.draw(*shape, generator=generator))
