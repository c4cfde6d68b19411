"""How a method answers a task: by distance, by a head on frozen features, by gradient steps.

Frozen features are those of the conv4 body, batch norm by the support set's statistics. Their
classifiers are scikit-learn's where it has them.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from medmeta_ref.backbones import conv4
from medmeta_ref.benchmark.method import Answers, Kit
from medmeta_ref.benchmark.tasks import Task
from medmeta_ref.benchmark.training import learner_of, network
from medmeta_ref.episodes import Episode
from medmeta_ref.inner_loop import adapt
from medmeta_ref.learners.learner import SUPPORT
from medmeta_ref.params import Params, forward
from medmeta_ref.prototypical import prototypes, prototypical_logits
from medmeta_ref.support_statistics import support_statistics_forward, with_support_statistics

COSINE_STEPS, COSINE_LR = 100, 0.1


def by_chance(kit: Kit, params: Params, task: Task, *, generator: torch.Generator) -> Tensor:
    """Return even odds, the tie broken by a coin: guessing, by somebody who knows that he does."""
    coin = torch.rand(len(task.query_x), kit.n_way, generator=generator) * 1e-6
    return coin.to(task.query_x)


def by_majority(kit: Kit, params: Params, task: Task, *, generator: torch.Generator) -> Tensor:
    """Return the log frequencies in the official training split, whatever the image."""
    shares = task.frequencies.to(task.query_x) / task.frequencies.sum()
    return shares.log().expand(len(task.query_x), -1)


def by_pixel_centroid(
    kit: Kit, params: Params, task: Task, *, generator: torch.Generator
) -> Tensor:
    """Return minus the squared distance to each class's mean image, times the setting."""
    return kit.value * _centroid(task.support_x.flatten(1), task, task.query_x.flatten(1))


def by_nearest_pixels(
    kit: Kit, params: Params, task: Task, *, generator: torch.Generator
) -> Tensor:
    """Return minus the squared distance to the nearest image of each class, times the setting."""
    from sklearn.neighbors import NearestNeighbors  # here, as it takes a second to import

    support, query = _array(task.support_x), _array(task.query_x)
    slots = task.support_y.cpu().numpy()
    nearest = [
        NearestNeighbors(n_neighbors=1, algorithm="brute").fit(support[slots == slot])
        for slot in range(kit.n_way)
    ]
    distances = np.concatenate([each.kneighbors(query)[0] for each in nearest], axis=1)
    return -kit.value * torch.from_numpy(distances).square().to(task.query_x)


def by_feature_centroid(
    kit: Kit, params: Params, task: Task, *, generator: torch.Generator
) -> Tensor:
    """Return minus the squared distance to each class's mean feature, times the setting.

    Features have length one, as in Wang et al. 2019, "SimpleShot", arXiv 1911.04623.
    """
    support, query = _features(kit, params, task)
    return kit.value * _centroid(support, task, query)


def by_logistic_regression(
    kit: Kit, params: Params, task: Task, *, generator: torch.Generator
) -> Tensor:
    """Return the log odds of a logistic regression on the features; the setting is its C.

    Tian et al. 2020, "Rethinking Few-Shot Image Classification", arXiv 2003.11539.
    """
    from sklearn.linear_model import LogisticRegression

    support, query = _features(kit, params, task)
    fitted = LogisticRegression(C=kit.value, max_iter=1000)
    fitted.fit(_array(support), task.support_y.cpu().numpy())
    return torch.from_numpy(fitted.predict_log_proba(_array(query))).to(task.query_x)


def by_cosine_head(kit: Kit, params: Params, task: Task, *, generator: torch.Generator) -> Tensor:
    """Return scaled cosines to one trained vector per class; the setting is the scale.

    The head of Baseline++ (Chen et al. 2019, arXiv 1904.04232), from the class means on. Unlike
    there, the body was trained under an ordinary head, the one that the other rows start from too.
    """
    support, query = _features(kit, params, task)
    start = {"weight": prototypes(support, task.support_y, kit.n_way)}

    def loss(_: torch.nn.Module, p: Params, x: Tensor, y: Tensor) -> Tensor:
        return F.cross_entropy(kit.value * x @ F.normalize(p["weight"]).T, y)

    head = adapt(
        torch.nn.Identity(),
        start,
        support,
        task.support_y,
        inner_lr=COSINE_LR,
        inner_steps=COSINE_STEPS,
        first_order=True,
        loss=loss,
    )
    return kit.value * query @ F.normalize(head["weight"]).T


def by_support_cosines(
    kit: Kit, params: Params, task: Task, *, generator: torch.Generator
) -> Tensor:
    """Return ten times the mean cosine to the support images of each class: no head, no step.

    NIL, "no inner loop": Raghu et al. 2020, arXiv 1909.09157, section 5.
    """
    support, query = _features(kit, params, task)
    return 10 * query @ prototypes(support, task.support_y, kit.n_way).T


def by_fine_tuning(kit: Kit, params: Params, task: Task, *, generator: torch.Generator) -> Tensor:
    """Return what the whole network says after gradient steps on the support set.

    A body without a head gets one of zeros. The setting is the step size.
    """
    model = network(kit)
    empty = {
        f"head.{name}": torch.zeros_like(p).to(task.query_x)
        for name, p in model.head.named_parameters()  # type: ignore[union-attr]
    }
    tuned = adapt(
        model,
        {name: p.detach() for name, p in (empty | params).items()},
        task.support_x,
        task.support_y,
        inner_lr=kit.value,
        inner_steps=kit.preset.fine_tune_steps,
        first_order=True,
    )
    return support_statistics_forward(model, tuned, task.support_x, task.query_x)


def by_learner(name: str) -> Answers:
    """Return how a meta-learned method answers, by the support set's statistics."""

    def answers(kit: Kit, params: Params, task: Task, *, generator: torch.Generator) -> Tensor:
        # A learner takes an episode; it may not look at the query labels, and here it cannot.
        hidden = torch.full((len(task.query_x),), -1, device=task.query_x.device)
        episode = Episode(task.support_x, task.support_y, task.query_x, hidden)
        return learner_of(name, kit).answers(params, episode)[SUPPORT]

    return answers


def _features(kit: Kit, params: Params, task: Task) -> tuple[Tensor, Tensor]:
    """Return features of length one of the support and of the query images."""
    n_support = len(task.support_y)
    body = conv4(kit.in_channels, width=kit.preset.width)
    own = {name: p for name, p in params.items() if not name.startswith("head.")}
    inductive = with_support_statistics(body, n_support=n_support)
    features = forward(inductive, own, torch.cat([task.support_x, task.query_x]))
    features = F.normalize(features)
    return features[:n_support], features[n_support:]


def _centroid(support: Tensor, task: Task, query: Tensor) -> Tensor:
    n_way = int(task.support_y.max()) + 1
    return prototypical_logits(query, prototypes(support, task.support_y, n_way))


def _array(x: Tensor) -> np.ndarray:
    return x.flatten(1).double().cpu().numpy()
