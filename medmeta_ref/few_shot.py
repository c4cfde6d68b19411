"""How well does a few-shot method do on classes it has never seen, and is it better than nothing?

Every method, trained or not, answers the same episodes, so differences between them are paired.
The baselines are what a reviewer asks for first: chance, the nearest class mean of raw pixels, and
the same network before training.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor
from tqdm.auto import tqdm

from medmeta_ref.episodes import ClassSplit, Episode, sample_episode, split_classes
from medmeta_ref.image_set import ImageSet
from medmeta_ref.learners import Learner
from medmeta_ref.metrics import accuracy
from medmeta_ref.params import initial_params
from medmeta_ref.prototypical import prototypes, prototypical_logits
from medmeta_ref.train import cosine, fit

# Held-out classes of the sets with a natural choice. Organs that come left and right stay
# together, or the twin of a test class would be trained on; PathMNIST's background and adipose
# are trivially recognised and split between the two sides.
HELD_OUT = {
    "bloodmnist": (0, 3, 4, 5),
    "dermamnist": (0, 3, 6),
    "organamnist": (1, 2, 3, 7, 8, 9),
    "organcmnist": (1, 2, 3, 7, 8, 9),
    "organsmnist": (1, 2, 3, 7, 8, 9),
    "pathmnist": (1, 4, 6, 7, 8),
}


class Study(NamedTuple):
    """What came out.

    Attributes:
        accuracies: method -> `[n_episodes]`, all on the same episodes.
        history: the training loss before every step.
        split: which classes were trained on and which tested.
        n_way: classes per test episode; chance is one over it.
        batch_norm: which statistics the networks normalised by.
    """

    accuracies: dict[str, Tensor]
    history: list[float]
    split: ClassSplit
    n_way: int
    batch_norm: str


def held_out_split(name: str, labels: Tensor, *, generator: torch.Generator) -> ClassSplit:
    """Return which classes of a data set to train on and which to keep for the test.

    Args:
        name: of the data set; some have a fixed split, the others get a random 60 : 40 one.
        labels: `[n_images]`.
        generator: draws the random split.

    Raises:
        ValueError: if there are fewer than 4 classes, 2 to train on and 2 to test on.
    """
    if labels.ndim != 1:
        raise ValueError(f"{name} has several labels per image; choose a set with one, bloodmnist")
    present = torch.unique(labels).tolist()
    if len(present) < 4:
        raise ValueError(
            f"{name} has {len(present)} classes; 2 to train on and 2 others to test on need 4, "
            "as bloodmnist, organamnist or synthetic-blood have"
        )
    if name in HELD_OUT:
        test = HELD_OUT[name]
        return ClassSplit(tuple(c for c in present if c not in test), (), test)
    n_test = max(2, round(0.4 * len(present)))
    return split_classes(
        labels, n_train=len(present) - n_test, n_val=0, n_test=n_test, generator=generator
    )


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
    n_episodes: int,
    outer_lr: float,
    generator: torch.Generator,
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
        n_steps: training episodes.
        n_episodes: test episodes.
        outer_lr: Adam's first learning rate; it falls along a cosine.
        generator: the only source of randomness.
        progress: whether to show progress bars.

    Raises:
        ValueError: as `held_out_split` and `sample_episode`, and if the images are volumes.
    """
    in_colour = train.images.ndim == 4 and train.images.shape[-1] == 3
    if train.images.ndim != 3 and not in_colour:
        raise ValueError(
            f"{name} has images of shape {tuple(train.images.shape[1:])}, but conv4 takes flat "
            "ones; choose a set such as bloodmnist, organamnist or synthetic-blood"
        )
    split = held_out_split(name, train.labels, generator=generator)
    n_way = min(n_way, len(split.train), len(split.test))
    learner = build(3 if in_colour else 1, n_way)
    untrained = initial_params(learner.model, generator=generator)

    def draw(images: ImageSet, classes: tuple[int, ...], generator: torch.Generator) -> Episode:
        return sample_episode(
            images.images,
            images.labels,
            n_way=n_way,
            k_shot=k_shot,
            n_query=n_query,
            generator=generator,
            classes=classes,
        )

    trained, history = fit(
        learner.loss,
        untrained,
        lambda generator: draw(train, split.train, generator),
        n_steps=n_steps,
        outer_lr=cosine(outer_lr, n_steps),
        generator=generator,
        progress="training" if progress else None,
    )
    methods = {
        learner.title: lambda episode: learner.logits(trained, episode),
        f"{learner.title}, untrained": lambda episode: learner.logits(untrained, episode),
        "raw pixels": _raw_pixel_logits,
    }
    accuracies = episode_accuracies(
        methods,
        lambda: draw(test, split.test, generator),
        n_episodes=n_episodes,
        progress=progress,
    )
    return Study(accuracies, history, split, n_way, learner.batch_norm)


def episode_accuracies(
    methods: Mapping[str, Callable[[Episode], Tensor]],
    draw: Callable[[], Episode],
    *,
    n_episodes: int,
    progress: bool = True,
) -> dict[str, Tensor]:
    """Return the query accuracy of every method on the same episodes.

    Args:
        methods: name -> function from an episode to query logits `[n_way * n_query, n_way]`.
        draw: returns a new episode at every call.
        n_episodes: how many.
        progress: whether to show a progress bar.

    Returns:
        name -> `[n_episodes]`, float64.
    """
    scores: dict[str, list[float]] = {name: [] for name in methods}
    with torch.no_grad():  # not inference_mode: some learners take gradient steps to answer
        for _ in tqdm(range(n_episodes), desc="testing", disable=not progress, mininterval=0.5):
            episode = draw()
            for name, logits in methods.items():
                scores[name].append(accuracy(logits(episode), episode.query_y))
    return {name: torch.tensor(values, dtype=torch.float64) for name, values in scores.items()}


def _raw_pixel_logits(episode: Episode) -> Tensor:
    n_way = int(episode.support_y.max()) + 1
    means = prototypes(episode.support_x.flatten(1), episode.support_y, n_way)
    return prototypical_logits(episode.query_x.flatten(1), means)
