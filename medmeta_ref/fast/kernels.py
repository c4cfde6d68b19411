"""Loops over images, compiled by numba: what norm, pooling and ReLU need of their derivatives.

An array of images is `[n, height, width, channels]`, contiguous, so that the innermost loops run
over channels and become vector instructions. Sums are taken in the precision of the images along
one row of pixels and in float64 over rows, or a mean over 100 000 pixels would lose digits. An odd
last row or column belongs to no pooling window but counts in the moments.

A pooling window's four pixels are numbered 0 1 / 2 3; `where` holds the number of the greatest,
the first of equals.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[Any]

# nogil: threads over tasks run side by side. contract: a product and a sum may be one instruction.
_compiled = njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract", "nsz"})


@_compiled
def pool(images: Array, sign: Array, pooled: Array, where: Array) -> None:
    """Fill `pooled` with every window's greatest pixel, the least where `sign` is -1."""
    n, height, width, channels = pooled.shape
    for i in range(n):
        for y in range(height):
            for x in range(width):
                upper, lower = images[i, 2 * y], images[i, 2 * y + 1]
                p0, p1, p2, p3 = upper[2 * x], upper[2 * x + 1], lower[2 * x], lower[2 * x + 1]
                for c in range(channels):
                    best, number = sign[c] * p0[c], np.uint8(0)
                    if sign[c] * p1[c] > best:
                        best, number = sign[c] * p1[c], np.uint8(1)
                    if sign[c] * p2[c] > best:
                        best, number = sign[c] * p2[c], np.uint8(2)
                    if sign[c] * p3[c] > best:
                        best, number = sign[c] * p3[c], np.uint8(3)
                    pooled[i, y, x, c] = sign[c] * best
                    where[i, y, x, c] = number


@_compiled
def moments(images: Array, mean: Array, variance: Array) -> None:
    """Fill `mean` and the biased `variance` of every channel."""
    n, height, width, channels = images.shape
    # Subtracting any one pixel first keeps the difference of squares from cancelling.
    shift = images[0, 0, 0].copy()
    total, total_squares = np.zeros(channels), np.zeros(channels)
    row, row_squares = np.empty_like(shift), np.empty_like(shift)
    for i in range(n):
        for y in range(height):
            row[:], row_squares[:] = 0, 0
            for x in range(width):
                pixel = images[i, y, x]
                for c in range(channels):
                    row[c] += pixel[c] - shift[c]
                    row_squares[c] += (pixel[c] - shift[c]) * (pixel[c] - shift[c])
            for c in range(channels):
                total[c] += row[c]
                total_squares[c] += row_squares[c]
    count = n * height * width
    for c in range(channels):
        offset = total[c] / count
        mean[c] = shift[c] + offset
        variance[c] = total_squares[c] / count - offset * offset


@_compiled
def spread(
    where: Array,
    gradient: Array,
    weight: Array,
    images: Array,
    slope: Array,
    constant: Array,
    vector: Array,
    scale: Array,
    out: Array,
) -> None:
    """Fill `out` with slope * images + constant + scale * vector (+ weight * gradient).

    The last term only at every window's greatest pixel.
    """
    n, height, width, channels = images.shape
    rows, columns = 2 * where.shape[1], 2 * where.shape[2]
    zero = images.dtype.type(0)  # a plain 0 would make float64 of its line
    for i in range(n):
        for y in range(rows):
            for x in range(columns):
                pixel, v, result = images[i, y, x], vector[i, y, x], out[i, y, x]
                number, g = where[i, y >> 1, x >> 1], gradient[i, y >> 1, x >> 1]
                here = np.uint8((y & 1) << 1 | (x & 1))
                for c in range(channels):
                    at = weight[c] * g[c] if number[c] == here else zero
                    result[c] = slope[c] * pixel[c] + constant[c] + scale[c] * v[c] + at
        for y in range(height):
            for x in range(columns if y < rows else 0, width):
                pixel, v, result = images[i, y, x], vector[i, y, x], out[i, y, x]
                for c in range(channels):
                    result[c] = slope[c] * pixel[c] + constant[c] + scale[c] * v[c]


@_compiled
def gather(vector: Array, where: Array, taken: Array) -> None:
    """Fill `taken` with `vector` at every window's greatest pixel."""
    n, height, width, channels = where.shape
    for i in range(n):
        for y in range(height):
            for x in range(width):
                upper, lower = vector[i, 2 * y], vector[i, 2 * y + 1]
                p0, p1, p2, p3 = upper[2 * x], upper[2 * x + 1], lower[2 * x], lower[2 * x + 1]
                number, result = where[i, y, x], taken[i, y, x]
                for c in range(channels):
                    v0, v1, v2, v3 = p0[c], p1[c], p2[c], p3[c]
                    v = v0 if number[c] == np.uint8(0) else v1
                    v = v if number[c] < np.uint8(2) else v2
                    result[c] = v if number[c] < np.uint8(3) else v3


@_compiled
def sums(vector: Array, images: Array, total: Array, product: Array) -> None:
    """Sum `vector`, and `vector` times `images`, over all pixels of every channel."""
    n, height, width, channels = images.shape
    totals, products = np.zeros(channels), np.zeros(channels)
    row, row_products = np.empty_like(total), np.empty_like(total)
    for i in range(n):
        for y in range(height):
            row[:], row_products[:] = 0, 0
            for x in range(width):
                v, pixel = vector[i, y, x], images[i, y, x]
                for c in range(channels):
                    row[c] += v[c]
                    row_products[c] += v[c] * pixel[c]
            for c in range(channels):
                totals[c] += row[c]
                products[c] += row_products[c]
    total[:], product[:] = totals, products
