"""How far from the floor: the time that the convolutions of a meta-gradient need at the least.

A second-order inner step runs each convolution forward, differentiates it by input and weight, and
differentiates those three again: nine convolutions for one, less in the first layer, whose input
needs no gradient. Everything else (normalisation, pooling, the head, Python) counts as nothing,
so no implementation with these kernels reaches 1.
"""

import torch
import torch.nn.functional as F

from medmeta_ref.bench.measure import Clock
from medmeta_ref.bench.workload import N_CHANNELS, SIDE, Setting

N_BLOCKS = 4
FIRST_ORDER, FIRST_ORDER_FIRST_LAYER = 3, 2
# Each of forward, by-input and by-weight is bilinear, and its backward pass two convolutions. In
# the first layer there is no by-input, and no gradient by the images in the other two.
SECOND_ORDER, SECOND_ORDER_FIRST_LAYER = 9, 4


def maml_flops(setting: Setting) -> int:
    """Return the floating-point operations of the convolutions of one MAML gradient.

    Each multiplication and each addition counts, padding included.

    Example:
        >>> round(maml_flops(Setting(width=32, k_shot=1, n_tasks=4, threads=1)) / 1e9, 1)
        9.8
    """
    first, *others = _flops_per_image(setting.width)
    rest = sum(others)
    inner = SECOND_ORDER_FIRST_LAYER * first + SECOND_ORDER * rest
    outer = FIRST_ORDER_FIRST_LAYER * first + FIRST_ORDER * rest
    n_support, n_query = setting.n_way * setting.k_shot, setting.n_way * setting.n_query
    return setting.n_tasks * (n_support * setting.inner_steps * inner + n_query * outer)


def convolution_peak(*, threads: int, clock: Clock, repeats: int = 5) -> float:
    """Return the most floating-point operations per second that a convolution reaches here.

    Args:
        threads: cores to use.
        clock: returns seconds.
        repeats: attempts for each of three sizes; the best counts.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    best = 0.0
    for width, n_images in ((32, 100), (64, 50), (64, 100)):
        x = torch.ones(n_images, width, SIDE, SIDE).to(memory_format=torch.channels_last)
        w = torch.ones(width, width, 3, 3).to(memory_format=torch.channels_last)
        flops = n_images * SIDE**2 * 2 * 9 * width**2
        F.conv2d(x, w, padding=1)
        for _ in range(repeats):
            start = clock()
            for _ in range(5):
                F.conv2d(x, w, padding=1)
            best = max(best, 5 * flops / (clock() - start))
    torch.set_num_threads(before)
    return best


def _flops_per_image(width: int) -> list[int]:
    sides = [SIDE // 2**block for block in range(N_BLOCKS)]
    ins = [N_CHANNELS] + [width] * (N_BLOCKS - 1)
    return [
        2 * side**2 * 9 * in_channels * width for side, in_channels in zip(sides, ins, strict=True)
    ]
