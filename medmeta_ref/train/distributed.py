"""Several processes, one gradient: each takes a share of the episodes, one sum joins them.

Every process draws the same batch, differentiates its share of it (`shares.share_of`) and takes the
same step (Goyal et al. 2017, "Accurate, Large Minibatch SGD", arXiv 1706.02677, section 2.3). No
parameters travel, only one flat vector per step.

`torchrun --nproc-per-node 2 script.py` starts such processes. PyTorch's DistributedDataParallel is
not used: its hooks sit on a module's own parameters, which these methods never look at.
"""

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.distributed as dist
from torch import Tensor

from medmeta_ref.params import Params

LAUNCHER_VARIABLES = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
_groups = itertools.count()


@contextmanager
def process_group() -> Iterator[None]:
    """Join the processes that `torchrun` started, and part with them at the end.

    Does nothing where there is one process, or where a group has been joined already. Tensors on
    the CPU travel by gloo, those on a GPU by nccl.

    Example:
        >>> with process_group():
        ...     world_size()
        1
    """
    if _joined() or world_size() == 1:
        yield
        return
    store, rank_here, size = next(iter(dist.rendezvous("env://")))  # type: ignore[attr-defined]
    # A name for each group: the addresses that an earlier one left in the store are dead.
    attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")  # of torchrun --max-restarts
    name = f"attempt {attempt}, group {next(_groups)}"
    store = dist.PrefixStore(name, store)  # type: ignore[attr-defined]
    backend = "cpu:gloo,cuda:nccl" if dist.is_nccl_available() else "gloo"
    dist.init_process_group(backend, store=store, rank=rank_here, world_size=size)
    try:
        yield
    finally:
        dist.destroy_process_group()


def world_size() -> int:
    """Return the number of processes that train together; 1 without `torchrun`."""
    if _joined():
        return int(dist.get_world_size())
    return int(os.environ["WORLD_SIZE"]) if _launched() else 1


def rank() -> int:
    """Return the number of this process, from 0."""
    if _joined():
        return int(dist.get_rank())
    return int(os.environ["RANK"]) if _launched() else 0


def is_main() -> bool:
    """Return whether this process is the one that prints and saves: number 0, or the only one."""
    return rank() == 0


def sum_over_processes(loss: Tensor, gradient: Params, *, weight: float) -> tuple[Tensor, Params]:
    """Return the weighted sums of all processes' losses and gradients, the same on each of them.

    One call of all-reduce for everything: latency is paid once, not once per parameter.

    Args:
        loss: 0-dim, of this process's share.
        gradient: name -> gradient of it.
        weight: of this process; the fractions of `share_of` turn the sum into the batch's mean.
    """
    device = next(iter(gradient.values())).device
    tensors = [loss.to(device), *gradient.values()]
    flat = torch.cat([(weight * t).reshape(-1) for t in tensors])
    dist.all_reduce(flat)
    parts = torch.split(flat, [t.numel() for t in tensors])
    loss, *grads = (part.view(t.shape).to(t.dtype) for part, t in zip(parts, tensors, strict=True))
    return loss, dict(zip(gradient, grads, strict=True))


def from_main(content: bytes | None, *, device: torch.device) -> bytes | None:
    """Return what process 0 has: bytes, or None.

    Args:
        content: what process 0 sends; of no account on the others.
        device: where the messages travel, that of the parameters.
    """
    if world_size() == 1:
        return content
    own = content if is_main() else None
    length = torch.tensor(-1 if own is None else len(own), device=device)
    dist.broadcast(length, src=0)
    message = torch.zeros(max(0, int(length)), dtype=torch.uint8, device=device)
    if own:
        message = torch.frombuffer(bytearray(own), dtype=torch.uint8).to(device)
    dist.broadcast(message, src=0)
    return None if length < 0 else message.cpu().numpy().tobytes()


def require_alike(digest: bytes, *, device: torch.device) -> None:
    """Raise a ValueError on every process unless all of them have the same digest.

    Args:
        digest: of whatever has to be the same, of one length everywhere.
        device: where the messages travel, that of the parameters.

    Raises:
        ValueError: naming the processes that differ from process 0.
    """
    if world_size() == 1:
        return
    own = torch.frombuffer(bytearray(digest), dtype=torch.uint8).to(device)
    everyone = [torch.empty_like(own) for _ in range(world_size())]
    dist.all_gather(everyone, own)
    odd = [str(i) for i, other in enumerate(everyone) if not torch.equal(other, everyone[0])]
    if odd:
        raise ValueError(
            f"process {', '.join(odd)} has other parameters, another generator or other settings "
            "than process 0; seed and set all of them alike"
        )


def _joined() -> bool:
    return dist.is_available() and dist.is_initialized()


def _launched() -> bool:
    return dist.is_available() and all(os.environ.get(name) for name in LAUNCHER_VARIABLES)
