"""The outer loop, written once: draw a batch, take the loss, step with Adam.

Every method here is trained by `fit`; only the objective and the way batches are drawn differ.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple, TypeVar

import torch
from tqdm.auto import tqdm

from medmeta_ref.params import Params
from medmeta_ref.train import checkpoints
from medmeta_ref.train.distributed import (
    from_main,
    is_main,
    process_group,
    require_alike,
    world_size,
)
from medmeta_ref.train.fingerprints import describe_run, digest
from medmeta_ref.train.gradients import Objective
from medmeta_ref.train.state import State, initial_state
from medmeta_ref.train.steps import one_step, validated
from medmeta_ref.train.stopping import Score, best_score, out_of_patience

Batch = TypeVar("Batch")


class _Trained(NamedTuple):
    params: Params
    history: list[float]


class Fit(_Trained):
    """What training left behind; `params, history = fit(...)` takes the two that always matter.

    Attributes:
        params: the trained parameters, detached.
        history: the loss before every step.
        scores: what validation found, in order.
        best: the highest score, the earliest of equals; None without validation.
        stopped_early: whether patience ran out before the last step.
    """

    scores: tuple[Score, ...] = ()
    best: Score | None = None
    stopped_early: bool = False

    def __new__(
        cls,
        params: Params,
        history: list[float],
        scores: tuple[Score, ...] = (),
        stopped_early: bool = False,
    ) -> "Fit":
        """Return both, and what validation has to say about them."""
        made = super().__new__(cls, params, history)
        made.scores, made.best, made.stopped_early = scores, best_score(scores), stopped_early
        return made


def fit(
    objective: Objective[Batch],
    params: Params,
    sample: Callable[[torch.Generator], Batch],
    *,
    n_steps: int,
    outer_lr: float | Callable[[int], float],
    generator: torch.Generator,
    progress: str | None = "training",
    validate: Callable[[Params], float] | None = None,
    validate_every: int = 100,
    patience: int | None = None,
    checkpoint: Path | str | None = None,
    checkpoint_every: int = 100,
    settings: Mapping[str, object] | None = None,
) -> Fit:
    """Return parameters trained with Adam for `n_steps` steps.

    The arguments up to `progress` are all that most training needs. The others add early stopping
    and checkpoints. Under `torchrun` the episodes of every batch are shared by the processes, and
    each of them returns the same (see `distributed`); the objective then has to be a mean over
    episodes, and every process has to be seeded alike.

    Args:
        objective: takes parameters and a batch, returns a 0-dim loss; or a pair of the loss and
            name -> gradient, where a method has a faster way to it, as `maml.maml_gradient`.
        params: where to start. Not changed.
        sample: draws one batch (an episode, a few episodes, a minibatch) from the generator.
        n_steps: number of steps.
        outer_lr: Adam's learning rate, or a function of the step (0 is the first) that returns it.
        generator: handed to `sample`; the only source of randomness.
        progress: label of the progress bar; None for silence.
        validate: takes parameters, returns a score of which higher is better, for instance the
            accuracy on validation episodes. It should seed its own generator in every call, so
            that all parameters answer the same episodes; `generator` is not disturbed.
        validate_every: steps from one validation to the next; there is one after the last step.
        patience: stop after so many validations in a row without a new best, and return the best
            parameters instead of the last.
        checkpoint: a file to go on from if it is there, bit by bit as if training had never
            stopped. It is written every `checkpoint_every` steps, at the end, and on Ctrl-C.
        checkpoint_every: steps from one writing to the next.
        settings: what else decides the outcome (`inner_lr`, the data), name -> value. A checkpoint
            made with others is refused.

    Raises:
        ValueError: if `n_steps` or one of the intervals is below 1, `patience` has nothing to
            validate, the objective does not return what it should, or processes do not agree.
        FloatingPointError: if the loss, its gradient or a score becomes nan or infinite.
        CheckpointError: (a ValueError) if the checkpoint is damaged or of another run.

    Example:
        >>> g = torch.Generator().manual_seed(0)
        >>> bowl = lambda params, target: (params["w"] - target).square().sum()
        >>> trained = fit(bowl, {"w": torch.zeros(1)}, lambda _: torch.ones(1), n_steps=200,
        ...               outer_lr=0.1, generator=g, progress=None)
        >>> round(trained.params["w"].item(), 2)
        1.0
    """
    _require_positive(
        n_steps=n_steps,
        validate_every=validate_every,
        patience=patience,
        checkpoint_every=checkpoint_every,
    )
    if patience is not None and validate is None:
        raise ValueError(f"patience={patience} has nothing to go by; pass validate as well")
    if not params:
        raise ValueError("params is empty; there is nothing to train")

    path = None if checkpoint is None else Path(checkpoint)
    schedule = outer_lr if callable(outer_lr) else lambda _: outer_lr
    with process_group():
        run: dict[str, str] = {}
        if path is not None or world_size() > 1:
            stopping = (validate_every, patience) if validate else None
            run = describe_run(
                params,
                schedule,
                n_steps=n_steps,
                generator=generator,
                settings={"(validate_every, patience)": stopping, **(settings or {})},
            )
        state = _first_state(params, generator, path, run)
        saved = state.step  # a file that was there, or nothing worth a file

        def save() -> None:
            nonlocal saved
            if path is not None and is_main() and state.step != saved:
                checkpoints.save(path, state, run)
                saved = state.step

        bar = tqdm(
            total=n_steps,
            initial=state.step,
            desc=progress,
            disable=progress is None or not is_main(),
            mininterval=0.5,
        )
        try:
            with bar:
                while state.step < n_steps and not out_of_patience(state.scores, patience):
                    rate = schedule(state.step)
                    after = one_step(state, objective, sample, outer_lr=rate, generator=generator)
                    if validate and (after.step % validate_every == 0 or after.step == n_steps):
                        after = validated(after, validate, generator=generator)
                    state = after  # here the step has happened; an interruption before undoes it
                    bar.set_postfix(loss=f"{state.history[-1]:.3f}", refresh=False)
                    bar.update()
                    if state.step % checkpoint_every == 0:
                        save()
            save()
        except KeyboardInterrupt:
            save()
            raise
    chosen = state.params if patience is None or state.best is None else state.best
    return Fit(chosen, state.history, state.scores, stopped_early=state.step < n_steps)


def _first_state(
    params: Params, generator: torch.Generator, path: Path | None, run: dict[str, str]
) -> State:
    """Return where to begin: what the checkpoint holds, or before the first step."""
    device = next(iter(params.values())).device
    state = initial_state(params, generator=generator)
    require_alike(digest(repr(run).encode(), state.generator), device=device)
    if path is None:
        return state
    raw = from_main(checkpoints.read(path) if is_main() else None, device=device)
    if raw is None:
        path.parent.mkdir(parents=True, exist_ok=True)  # fails now if it fails
        return state
    state = checkpoints.restore(raw, path, run, device=device)
    generator.set_state(state.generator)
    return state


def _require_positive(**numbers: int | None) -> None:
    for name, number in numbers.items():
        if number is not None and number < 1:
            raise ValueError(f"{name} must be at least 1, got {number}")
