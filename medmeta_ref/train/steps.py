"""From one state of training to the next: a step of the outer loop, and a look at validation."""

import struct
from collections.abc import Callable
from typing import TypeVar

import torch

from medmeta_ref.params import Params
from medmeta_ref.train.adam import adam_step
from medmeta_ref.train.distributed import from_main, rank, sum_over_processes, world_size
from medmeta_ref.train.gradients import Objective, loss_and_gradient, require_finite
from medmeta_ref.train.shares import share_of
from medmeta_ref.train.state import State
from medmeta_ref.train.stopping import Score, best_score, require_number

Batch = TypeVar("Batch")


def one_step(
    state: State,
    objective: Objective[Batch],
    sample: Callable[[torch.Generator], Batch],
    *,
    outer_lr: float,
    generator: torch.Generator,
) -> State:
    """Return the state after one batch, shared with the other processes if there are any.

    Args:
        state: not changed, but for a loss behind its history.
        objective: see `fit`.
        sample: draws the batch, the same one in every process.
        outer_lr: of this step.
        generator: where `state` left it; it moves on.

    Raises:
        ValueError: as `loss_and_gradient` and `share_of`.
        FloatingPointError: if the loss or its gradient is nan or infinite.
    """
    batch, n_processes = sample(generator), world_size()
    if n_processes == 1:
        loss, gradient = loss_and_gradient(objective, state.params, batch)
    else:
        share, fraction = share_of(batch, index=rank(), n_shares=n_processes)
        loss, gradient = loss_and_gradient(objective, state.params, share)
        loss, gradient = sum_over_processes(loss, gradient, weight=fraction)
    # Only now: if one process raised by itself, the others would wait for it for ever.
    require_finite(loss, gradient, step=state.step, outer_lr=outer_lr)
    params, moments = adam_step(
        state.params, gradient, state.moments, step=state.step, outer_lr=outer_lr
    )
    # An interrupted step may have left its loss there; copying the list would cost n_steps^2.
    state.history[state.step :] = [loss.item()]
    return state._replace(
        step=state.step + 1, params=params, moments=moments, generator=generator.get_state()
    )


def validated(
    state: State, validate: Callable[[Params], float], *, generator: torch.Generator
) -> State:
    """Return the state with one more score, and with its parameters as the best if they are.

    Args:
        state: not changed.
        validate: see `fit`. Every process calls it; what process 0 finds counts for all, so that
            all of them stop together.
        generator: stands where it stood afterwards, whatever `validate` drew from it.

    Raises:
        FloatingPointError: if the score is nan.
    """
    packed = struct.pack("d", float(validate(dict(state.params))))
    generator.set_state(state.generator)
    device = next(iter(state.params.values())).device
    [value] = struct.unpack("d", from_main(packed, device=device) or packed)
    scores = (*state.scores, require_number(Score(state.step, value)))
    is_best = best_score(scores) is scores[-1]
    return state._replace(scores=scores, best=state.params if is_best else state.best)
