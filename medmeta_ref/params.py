"""Parameters as plain dictionaries: what every method here takes and returns.

A model is only an architecture. Its parameters travel beside it, so that "the parameters after
three inner steps" is an ordinary value that can be compared, averaged or differentiated.
`torch.func.functional_call` brings the two together again.
"""

import math

import torch
from torch import Tensor, nn
from torch.func import functional_call

Params = dict[str, Tensor]


def initial_params(model: nn.Module, *, generator: torch.Generator) -> Params:
    """Return fresh parameters for `model`: He-normal weights, unit norm scales, zero biases.

    He et al. 2015, "Delving Deep into Rectifiers", arXiv 1502.01852, equation 10.

    Args:
        model: gives names and shapes. Its own parameters are neither read nor changed.
        generator: the only source of randomness; the global one stays untouched.

    Returns:
        name -> float32 tensor, in the order of `model.named_parameters()`.

    Example:
        >>> params = initial_params(nn.Linear(3, 2), generator=torch.Generator().manual_seed(0))
        >>> {name: tuple(p.shape) for name, p in params.items()}
        {'weight': (2, 3), 'bias': (2,)}
    """
    params: Params = {}
    for name, p in model.named_parameters():
        if p.ndim >= 2:  # convolution or linear weight: [out, in, ...]
            fan_in = p[0].numel()
            values = torch.randn(p.shape, generator=generator) * math.sqrt(2 / fan_in)
            if p.ndim == 4:  # the layout the CPU convolutions are fastest in
                values = values.contiguous(memory_format=torch.channels_last)
        elif name.endswith("weight"):  # the scale of a normalisation layer
            values = torch.ones(p.shape)
        else:
            values = torch.zeros(p.shape)
        params[name] = values
    return params


def forward(model: nn.Module, params: Params, x: Tensor) -> Tensor:
    """Return `model(x)` computed with `params` in place of the model's own parameters.

    Args:
        model: the architecture.
        params: name -> tensor, as from `initial_params`.
        x: `[n, channels, height, width]`, or whatever the model takes.
    """
    out: Tensor = functional_call(model, params, (x,))
    return out
