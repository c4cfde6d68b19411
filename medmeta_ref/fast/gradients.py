"""The gradients of the episodic methods over a batch of tasks, in chunks and threads."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from typing_extensions import TypeIs

from medmeta_ref.backbones import ConvNet
from medmeta_ref.episode_gradients import EpisodeLoss, one_by_one
from medmeta_ref.episodes import Episode
from medmeta_ref.fast.adaptation import adapt_chunk, maml_chunk
from medmeta_ref.fast.chunks import CACHE_BYTES, chunk_slices, over_chunks
from medmeta_ref.fast.frozen_body import anil_chunk
from medmeta_ref.fast.tasks import fold
from medmeta_ref.params import Params

Chunk = Callable[[Episode], tuple[Tensor, Params]]


def runs(model: nn.Module, params: Params, episodes: Episode) -> TypeIs[ConvNet]:
    """Return whether this module can take the place of the readable functions.

    It can for a `ConvNet` with batch norm and parameters and images that lie on the CPU, all of
    them float32 or all float64, if the images survive the pooling.
    """
    if not (isinstance(model, ConvNet) and model.batch_norms):
        return False
    tensors = [*params.values(), episodes.support_x, episodes.query_x]
    smallest = min(*episodes.support_x.shape[-2:], *episodes.query_x.shape[-2:])
    return (
        params.keys() == dict(model.named_parameters()).keys()
        and {t.device.type for t in tensors} == {"cpu"}
        and {t.dtype for t in tensors} in ({torch.float32}, {torch.float64})
        and smallest >= 2 ** len(model.blocks)
    )


def maml(
    model: ConvNet,
    params: Params,
    episodes: Episode,
    *,
    inner_lr: float,
    inner_steps: int,
    first_order: bool,
    recompute: bool,
    threads: int | None,
) -> tuple[Tensor, Params]:
    """Return the MAML loss and its gradient; see `maml.maml_gradient` and `maml_chunk`."""

    def chunk(episodes: Episode) -> tuple[Tensor, Params]:
        return maml_chunk(
            model,
            params,
            episodes,
            inner_lr=inner_lr,
            inner_steps=inner_steps,
            first_order=first_order,
            recompute=recompute,
        )

    return _mean(chunk, params, episodes, threads=threads, one_task=recompute)


def reptile(
    model: ConvNet,
    params: Params,
    episodes: Episode,
    *,
    inner_lr: float,
    inner_steps: int,
    threads: int | None,
) -> tuple[Tensor, Params]:
    """Return the last inner loss and params - adapted, both means over tasks."""

    def chunk(episodes: Episode) -> tuple[Tensor, Params]:
        x, y = fold(episodes.support_x), episodes.support_y
        settings = {"inner_lr": inner_lr, "inner_steps": inner_steps, "keep_graphs": False}
        adapted, _, loss = adapt_chunk(model, params, x, y, **settings)  # type: ignore[arg-type]
        return loss, {name: (p.detach() - adapted[name]).sum(0) for name, p in params.items()}

    return _mean(chunk, params, episodes, threads=threads)


def anil(
    model: ConvNet,
    params: Params,
    episodes: Episode,
    *,
    inner_lr: float,
    inner_steps: int,
    threads: int | None,
) -> tuple[Tensor, Params]:
    """Return the ANIL loss and its gradient; see `anil.anil_gradient`."""

    def chunk(episodes: Episode) -> tuple[Tensor, Params]:
        return anil_chunk(model, params, episodes, inner_lr=inner_lr, inner_steps=inner_steps)

    return _mean(chunk, params, episodes, threads=threads)


def without_inner_loop(
    loss: EpisodeLoss, params: Params, episodes: Episode, *, threads: int | None
) -> tuple[Tensor, Params]:
    """Return the mean of a loss over episodes, and its gradient, one episode at a time a thread."""

    def chunk(episodes: Episode) -> tuple[Tensor, Params]:
        value, gradient = one_by_one(loss, params, episodes)
        n_tasks = len(episodes.support_y)
        return value * n_tasks, {name: g * n_tasks for name, g in gradient.items()}

    return _mean(chunk, params, episodes, threads=threads, one_task=True)


def _mean(
    chunk: Chunk, params: Params, episodes: Episode, *, threads: int | None, one_task: bool = False
) -> tuple[Tensor, Params]:
    """Return the mean over tasks of what `chunk` sums up for some of them.

    Args:
        chunk: takes a batch of a few episodes.
        params: the meta-parameters.
        episodes: one episode or a batch.
        threads: how many chunks at a time; by default as many as PyTorch may use threads.
        one_task: make every chunk a single task.

    Raises:
        ValueError: if `threads` is below 1.
    """
    if threads is None:
        threads = torch.get_num_threads()
    if threads < 1:
        raise ValueError(f"threads must be at least 1, got {threads}")
    if episodes.support_y.ndim == 1:
        episodes = Episode(*(field[None] for field in episodes))
    n_tasks, n_support, _, height, width = episodes.support_x.shape
    first = next(iter(params.values()))  # the first convolution makes the largest images
    bytes_per_task = n_support * len(first) * height * width * first.element_size()
    chunks = chunk_slices(
        n_tasks, bytes_per_task=CACHE_BYTES if one_task else bytes_per_task, threads=threads
    )
    results = over_chunks(
        lambda tasks: chunk(Episode(*(field[tasks] for field in episodes))), chunks, threads=threads
    )
    losses, gradients = zip(*results, strict=True)
    total = {name: torch.stack([g[name] for g in gradients]).sum(0) for name in params}
    return sum(losses, torch.zeros(())) / n_tasks, {n: g / n_tasks for n, g in total.items()}
