"""What makes a synthetic class a class: a fixed vector of attributes, such as size or tint.

Class k takes point k of the Richtmyer sequence, `frac((k + 1) * sqrt(p_j))` with p_j the j-th
prime (R. D. Richtmyer, 1951): a low-discrepancy sequence, so even many classes keep apart. A
point depends on nothing but k and j. So class 3 is the same kind of cell in every split, for
every generator, and however many classes are drawn beside it.
"""

import torch
from torch import Tensor

PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37)


def class_signatures(
    n_classes: int, *, n_attributes: int, class_distance: float, first_is_clear: bool
) -> Tensor:
    """Return the attributes of each class, `[n_classes, n_attributes]` in 0..1.

    Args:
        n_classes: how many classes, from class 0 on.
        n_attributes: how many attributes the family reads, 1..12.
        class_distance: 1 keeps the sequence as it is, 0 puts every class at the middle (0.5),
            above 1 pushes attributes towards the ends 0 and 1, where they stay.
        first_is_clear: the first attribute is how much of a finding there is. Class 0 then has
            0, every other class at least 0.7.
    """
    # float64: (k + 1) * sqrt(p) loses digits of its fraction as k grows.
    k = torch.arange(1, n_classes + 1, dtype=torch.float64)
    roots = torch.tensor(PRIMES[:n_attributes], dtype=torch.float64).sqrt()
    points = (k[:, None] * roots).frac()
    if first_is_clear:
        points[:, 0] = 0.7 + 0.3 * points[:, 0]
        points[0, 0] = 0.0
    return (0.5 + class_distance * (points - 0.5)).clamp(0, 1).float()
