"""Batch norm by the statistics of the support set: a prediction that no other query can touch.

With query-batch statistics a few-shot network sees all queries before it answers one, which is
*transductive* and worth several points of accuracy (Nichol, Achiam and Schulman 2018, arXiv
1803.02999, Table 1; Bronskill et al. 2020, "TaskNorm", arXiv 2003.03284, section 3). Here each
layer takes the mean and the variance that it sees while the support set passes through, and
normalises every query image by them: *inductive*, as in a clinic where patients come one by one
(MetaBN in Bronskill et al.).
"""

import copy
from typing import TypeVar

import torch
from torch import Tensor, nn

from medmeta_ref.params import Params, forward

Network = TypeVar("Network", bound=nn.Module)


class SupportBatchNorm2d(nn.Module):
    """Batch norm whose statistics come from the first `n_support` images of what passes through.

    Args:
        norm: the layer that it stands in for; gives names and sizes of scale and shift.
        n_support: images at the front that count; the others are normalised, and change nothing.

    Shapes:
        input and output `[n, channels, height, width]`, n at least `n_support`.
    """

    def __init__(self, norm: nn.BatchNorm2d, n_support: int) -> None:
        super().__init__()
        self.weight, self.bias, self.eps = norm.weight, norm.bias, norm.eps
        self.n_support = n_support

    def forward(self, x: Tensor) -> Tensor:
        """Return `x` normalised, scaled and shifted per channel."""
        seen = x[: self.n_support]
        # The variance over n, not n - 1: what batch norm normalises by while training.
        mean, var = seen.mean((0, 2, 3)), seen.var((0, 2, 3), correction=0)
        # Written out, because F.batch_norm lets no gradient into statistics that it is given.
        scale = self.weight * (var + self.eps).rsqrt()
        return (x - mean[:, None, None]) * scale[:, None, None] + self.bias[:, None, None]


def with_support_statistics(model: Network, *, n_support: int) -> Network:
    """Return a copy of the model whose batch norms take their statistics from the support set.

    Pass support and query through it together, support first; parameters keep their names.

    Args:
        model: the architecture. Not changed. Layers other than `nn.BatchNorm2d` stay as they are:
            group norm looks at one image at a time anyway.
        n_support: how many images at the front are the support set.

    Raises:
        ValueError: if `n_support` is below 1, or a batch norm keeps running statistics.

    Example:
        >>> norm = nn.BatchNorm2d(1, track_running_stats=False)
        >>> x = torch.tensor([1.0, 3.0, 9.0]).reshape(3, 1, 1, 1)
        >>> with_support_statistics(nn.Sequential(norm), n_support=2)(x).flatten().round().tolist()
        [-1.0, 1.0, 7.0]
    """
    if n_support < 1:
        raise ValueError(f"n_support must be at least 1, got {n_support}; there is no mean of none")
    # The parameters themselves are shared: `forward` puts others in their place anyway.
    copied = copy.deepcopy(model, {id(p): p for p in model.parameters()})
    for name, layer in list(copied.named_modules()):
        if not isinstance(layer, nn.BatchNorm2d):
            continue
        if layer.track_running_stats:
            raise ValueError(
                f"the batch norm {name!r} keeps running statistics, of images that are not in this "
                "episode; make it with track_running_stats=False"
            )
        above, _, last = name.rpartition(".")
        setattr(copied.get_submodule(above), last, SupportBatchNorm2d(layer, n_support))
    return copied


def support_statistics_forward(
    model: nn.Module, params: Params, support_x: Tensor, query_x: Tensor
) -> Tensor:
    """Return what the model makes of the queries, normalised by the support set's statistics.

    Args:
        model: the architecture, `[n, channels, height, width]` to `[n, ...]`. Not changed.
        params: its parameters, adapted to the support set if the method adapts.
        support_x: `[n_support, channels, height, width]`.
        query_x: `[n_query, channels, height, width]`; one image is enough.

    Returns:
        `[n_query, ...]`, logits or features; no row depends on the other queries.

    Raises:
        ValueError: if support and query differ in more than their number, or as
            `with_support_statistics`.

    Example:
        >>> from medmeta_ref.backbones import conv4
        >>> from medmeta_ref.params import initial_params
        >>> model = conv4(1, width=8, n_outputs=3)
        >>> params = initial_params(model, generator=torch.Generator().manual_seed(0))
        >>> one = torch.zeros(1, 1, 28, 28)
        >>> support_statistics_forward(model, params, torch.zeros(6, 1, 28, 28), one).shape
        torch.Size([1, 3])
    """
    if support_x.shape[1:] != query_x.shape[1:]:
        raise ValueError(
            f"support images are {tuple(support_x.shape[1:])}, query images "
            f"{tuple(query_x.shape[1:])}; both must be [channels, height, width] of one size"
        )
    n_support = len(support_x)
    together = torch.cat([support_x, query_x])
    return forward(with_support_statistics(model, n_support=n_support), params, together)[
        n_support:
    ]
