"""What tells one training run from another, so that none goes on from a stranger's checkpoint."""

import hashlib
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from medmeta_ref.params import Params


def describe_run(
    params: Params,
    schedule: Callable[[int], float],
    *,
    n_steps: int,
    generator: torch.Generator,
    settings: Mapping[str, object],
) -> dict[str, str]:
    """Return what tells this run from others, name -> text.

    The generator counts by its seed, not by where it stands: after an interruption the same call
    may be made again with the same generator.

    Args:
        params: where training starts.
        schedule: the learning rate of every step.
        n_steps: number of steps.
        generator: of the batches.
        settings: whatever else decides the outcome.
    """
    rates = [float(schedule(step)) for step in range(n_steps)]
    constant = len(set(rates)) == 1
    return {
        **{f"parameter {n}": f"{tuple(p.shape)} {p.dtype}" for n, p in params.items()},
        "n_steps": str(n_steps),
        "outer_lr": str(rates[0])
        if constant
        else f"a schedule {digest(repr(rates).encode()).hex()[:12]}",
        "the generator's seed": str(generator.initial_seed()),
        **{name: repr(value) for name, value in settings.items()},
        "the start": f"parameters {digest(*params.values()).hex()[:12]}",
    }


def digest(*parts: bytes | Tensor) -> bytes:
    """Return 32 bytes that other bytes, or tensors with other values, do not have."""
    joined = hashlib.sha256()
    for part in parts:
        if isinstance(part, Tensor):
            flat = part.detach().cpu().contiguous().reshape(-1)
            part = flat.view(torch.uint8).numpy().tobytes()
        joined.update(part)
    return joined.digest()
