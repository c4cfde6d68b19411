"""How well does a few-shot method do on classes it has never seen, and is it better than nothing?

Every method, trained or not, in every batch-norm mode, answers the same episodes, so differences
between them are paired. The baselines are what a reviewer asks for first: chance, the nearest class
mean of raw pixels, and the same network before training.
"""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor
from tqdm.auto import tqdm

from medmeta_ref.episodes import ClassSplit, Episode, EpisodeSampler, each_episode
from medmeta_ref.held_out import held_out_split
from medmeta_ref.image_set import ImageSet
from medmeta_ref.learners import ROW_WORDS, Learner
from medmeta_ref.metrics import accuracy
from medmeta_ref.params import Params
from medmeta_ref.prototypical import prototypes, prototypical_logits
from medmeta_ref.train import cosine, fit, is_main

VALIDATION_EPISODES = 50


class Study(NamedTuple):
    """What came out.

    Attributes:
        accuracies: row -> `[n_episodes]`, all on the same episodes. A row is a method, and after
            a comma its batch-norm mode if it has one.
        batch_norm: row -> batch-norm mode, for the rows that have one; see `learners.BATCH_NORM`.
        history: the training loss before every step.
        split: which classes were trained on and which tested.
        n_way: classes per test episode; chance is one over it.
    """

    accuracies: dict[str, Tensor]
    batch_norm: dict[str, str]
    history: list[float]
    split: ClassSplit
    n_way: int


def study(
    build: Callable[[int, int], Learner],
    name: str,
    train: ImageSet,
    test: ImageSet,
    *,
    n_way: int,
    k_shot: int,
    n_query: int,
    n_steps: int,
    meta_batch_size: int,
    n_episodes: int,
    outer_lr: float,
    generator: torch.Generator,
    batch_norm: str | None = None,
    val: ImageSet | None = None,
    patience: int | None = None,
    checkpoint: Path | None = None,
    progress: bool = True,
) -> Study:
    """Meta-train a learner and compare it with its baselines on unseen classes.

    Args:
        build: takes the number of channels and of classes per episode and returns the learner, as
            the functions of `medmeta_ref.learners` do once their settings are given.
        name: of the data set, for `held_out_split`.
        train: the official training split: images to train on.
        test: the official test split: support and query images of the held-out classes.
        n_way: classes per episode; fewer where a side of the split has fewer.
        k_shot: support images per class.
        n_query: query images per class.
        n_steps: outer steps.
        meta_batch_size: training episodes per outer step.
        n_episodes: test episodes.
        outer_lr: Adam's first learning rate; it falls along a cosine.
        generator: the only source of randomness.
        batch_norm: test in this mode only; by default in all that the learner has.
        val: the official validation split, needed for `patience`. Its images of the *training*
            classes are used, so the held-out classes stay unseen.
        patience: see `train.fit`; the score is the accuracy on validation episodes.
        checkpoint: see `train.fit`.
        progress: whether to show progress bars.

    Returns:
        a `Study`; of several processes the first one alone tests, the others have no accuracies.

    Raises:
        ValueError: as `held_out_split`, `sample_episode` and `train.fit`; if the images are
            volumes, `meta_batch_size` is below 1, there is `patience` without `val`, or the
            learner has no such batch-norm mode.
    """
    in_colour = train.images.ndim == 4 and train.images.shape[-1] == 3
    if train.images.ndim != 3 and not in_colour:
        raise ValueError(
            f"{name} has images of shape {tuple(train.images.shape[1:])}, but conv4 takes flat "
            "ones; choose a set such as bloodmnist, organamnist or synthetic-blood"
        )
    if meta_batch_size < 1:
        raise ValueError(f"meta_batch_size must be at least 1 episode, got {meta_batch_size}")
    split = held_out_split(name, train.labels, generator=generator)
    n_way = min(n_way, len(split.train), len(split.test))
    learner = build(3 if in_colour else 1, n_way)
    modes = learner.modes if batch_norm is None else (batch_norm,)
    if not set(modes) <= set(learner.modes):
        raise ValueError(
            f"{learner.title} has no batch-norm mode {batch_norm!r}; it has "
            f"{', '.join(learner.modes)}"
        )
    if patience is not None and val is None:
        raise ValueError(f"patience={patience} needs val, images to see when it gets no better")
    sizes: dict[str, Any] = {"n_way": n_way, "k_shot": k_shot, "n_query": n_query}

    def sampler(images: ImageSet, classes: tuple[int, ...]) -> EpisodeSampler:
        return EpisodeSampler(images.images, images.labels, classes=classes, **sizes)

    # Both now: what is wrong with the test split is better known before the training.
    training, testing = sampler(train, split.train), sampler(test, split.test)
    untrained = learner.start(generator)
    validate = None
    if patience is not None and val is not None:
        episodes = sampler(val, split.train).episodes(VALIDATION_EPISODES, generator)
        validate = partial(_mean_accuracy, learner, episodes)
    trained, history = meta_train(
        learner,
        untrained,
        partial(training.episodes, meta_batch_size),
        n_steps=n_steps,
        outer_lr=outer_lr,
        generator=generator,
        progress="training" if progress else None,
        validate=validate,
        patience=patience,
        checkpoint=checkpoint,
        settings={**learner.settings, **sizes, "data": name, "meta_batch_size": meta_batch_size},
    )
    if not is_main():
        return Study({}, {}, history, split, n_way)

    def answer(params: Params, episode: Episode) -> dict[str, Tensor]:
        logits = learner.answers(params, episode)
        return {ROW_WORDS[mode]: logits[mode] for mode in modes}

    methods: dict[str, Callable[[Episode], Tensor | Mapping[str, Tensor]]] = {
        learner.title: partial(answer, trained),
        f"{learner.title} untrained": partial(answer, untrained),
        "raw pixels": _raw_pixel_logits,
    }
    accuracies = episode_accuracies(
        methods,
        partial(testing.episode, generator),
        n_episodes=n_episodes,
        progress=progress,
    )
    rows = {
        f"{method}, {ROW_WORDS[mode]}": mode
        for method in methods
        for mode in modes
        if f"{method}, {ROW_WORDS[mode]}" in accuracies
    }
    return Study(accuracies, rows, history, split, n_way)


def meta_train(
    learner: Learner,
    untrained: Params,
    sample: Callable[[torch.Generator], Episode],
    *,
    n_steps: int,
    outer_lr: float,
    settings: Mapping[str, object],
    **how: Any,
) -> tuple[Params, list[float]]:
    """Return the trained parameters and the loss before every step.

    Args:
        learner: what is trained.
        untrained: where to start. Not changed.
        sample: draws the episodes of one step.
        n_steps: outer steps.
        outer_lr: Adam's first learning rate; it falls along a cosine.
        settings: what else decides the outcome, for a checkpoint.
        how: further arguments of `train.fit`, the generator among them.
    """
    schedule, now = cosine(outer_lr, n_steps), 0

    def rate(step: int) -> float:
        # `fit` asks for the rate of a step right before its loss, also where it resumes: so this
        # is how an objective that changes as training goes on, MAML++'s, learns where it stands.
        nonlocal now
        now = step
        return schedule(step)

    fitted = fit(
        lambda params, episodes: learner.objective(now / n_steps)(params, episodes),
        untrained,
        sample,
        n_steps=n_steps,
        outer_lr=rate,
        settings={"method": learner.title, **settings},
        **how,
    )
    return fitted.params, fitted.history


def episode_accuracies(
    methods: Mapping[str, Callable[[Episode], Tensor | Mapping[str, Tensor]]],
    draw: Callable[[], Episode],
    *,
    n_episodes: int,
    progress: bool = True,
) -> dict[str, Tensor]:
    """Return the query accuracy of every method on the same episodes.

    Args:
        methods: name -> function from an episode to query logits `[n_way * n_query, n_way]`; or
            to several of them by mode, which become rows "name, mode".
        draw: returns a new episode at every call.
        n_episodes: how many.
        progress: whether to show a progress bar.

    Returns:
        row -> `[n_episodes]`, float64.
    """
    scores: dict[str, list[float]] = {}
    with torch.no_grad():  # not inference_mode: some learners take gradient steps to answer
        for _ in tqdm(range(n_episodes), desc="testing", disable=not progress, mininterval=0.5):
            episode = draw()
            for name, method in methods.items():
                answer = method(episode)
                by_mode = {name: answer} if isinstance(answer, Tensor) else answer
                for mode, logits in by_mode.items():
                    row = name if isinstance(answer, Tensor) else f"{name}, {mode}"
                    scores.setdefault(row, []).append(accuracy(logits, episode.query_y))
    return {row: torch.tensor(values, dtype=torch.float64) for row, values in scores.items()}


def _mean_accuracy(learner: Learner, episodes: Episode, params: Params) -> float:
    """Return the accuracy on validation episodes, in the learner's first batch-norm mode."""
    mode, batch = learner.modes[0], each_episode(episodes)
    right = [accuracy(learner.answers(params, e)[mode], e.query_y) for e in batch]
    return sum(right) / len(right)


def _raw_pixel_logits(episode: Episode) -> Tensor:
    n_way = int(episode.support_y.max()) + 1
    means = prototypes(episode.support_x.flatten(1), episode.support_y, n_way)
    return prototypical_logits(episode.query_x.flatten(1), means)
