"""Prototypical networks: classify by the nearest class mean in a learned embedding.

Snell, Swersky and Zemel 2017, "Prototypical Networks for Few-shot Learning", arXiv 1703.05175.
The embedding is learned; the prototypes are computed. (Algorithm 1 of the paper prints 1/N_C in
front of the sum over support examples where 1/N_S is meant.)
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from medmeta_ref.episodes import Episode, each_episode
from medmeta_ref.params import Params, forward


def prototypes(features: Tensor, labels: Tensor, n_way: int) -> Tensor:
    """Return the mean feature vector of every class (eq. 1).

    Args:
        features: `[n_examples, n_features]`, in any order; classes may differ in size.
        labels: `[n_examples]`, integers in `0..n_way-1`.
        n_way: number of classes.

    Returns:
        `[n_way, n_features]`.

    Raises:
        ValueError: if a label is out of range or a class has no example.

    Example:
        >>> prototypes(torch.tensor([[0.0], [2.0], [5.0]]), torch.tensor([0, 0, 1]), 2)
        tensor([[1.],
                [5.]])
    """
    if len(features) != len(labels):
        raise ValueError(f"{len(features)} features but {len(labels)} labels; they must pair up")
    if len(labels) and not 0 <= labels.min() <= labels.max() < n_way:
        raise ValueError(
            f"labels must be in 0..{n_way - 1} for n_way={n_way}, got {labels.min()}.."
            f"{labels.max()}; did you relabel the classes of the episode?"
        )
    members = F.one_hot(labels, n_way).to(features.dtype)  # [n_examples, n_way]
    counts = members.sum(0)
    if (counts == 0).any():
        missing = torch.nonzero(counts == 0).flatten().tolist()
        raise ValueError(f"no support example of class {missing}, so it has no prototype")
    return members.T @ features / counts[:, None]


def prototypical_logits(query_features: Tensor, prototypes: Tensor) -> Tensor:
    """Return minus the *squared* Euclidean distance of every query to every prototype (eq. 2).

    Squared, because then the class mean is the minimiser and the classifier is linear (section
    2.4); with the plain distance the prediction is the same but the probabilities are not.

    Args:
        query_features: `[n_queries, n_features]`.
        prototypes: `[n_way, n_features]`.

    Returns:
        `[n_queries, n_way]`.

    Raises:
        ValueError: if the numbers of features differ.

    Example:
        >>> prototypical_logits(torch.tensor([[0.0, 0.0]]), torch.tensor([[3.0, 4.0], [0.0, 1.0]]))
        tensor([[-25.,  -1.]])
    """
    if query_features.shape[1] != prototypes.shape[1]:
        raise ValueError(
            f"queries have {query_features.shape[1]} features, prototypes {prototypes.shape[1]}; "
            "both must come from the same embedding"
        )
    # Differences first: |q|² - 2 q·c + |c|² would lose the small distances to rounding.
    return -(query_features[:, None] - prototypes[None]).square().sum(-1)


def as_linear(prototypes: Tensor) -> tuple[Tensor, Tensor]:
    """Return the linear layer that gives the same probabilities (section 2.4).

    -|q - c|² = 2 c·q - |c|² - |q|², and the last term is the same for every class.

    Args:
        prototypes: `[n_way, n_features]`.

    Returns:
        weight `[n_way, n_features]` and bias `[n_way]`.

    Example:
        >>> as_linear(torch.tensor([[1.0, 2.0]]))
        (tensor([[2., 4.]]), tensor([-5.]))
    """
    return 2 * prototypes, -prototypes.square().sum(1)


def episode_logits(model: nn.Module, params: Params, episode: Episode) -> Tensor:
    """Return the query logits of one episode, `[n_way * n_query, n_way]`.

    Support and query go through the network together, as in the authors' code; with batch norm
    their statistics are therefore shared (transductive).
    """
    n_support = len(episode.support_y)
    n_way = int(episode.support_y.max()) + 1
    features = forward(model, params, torch.cat([episode.support_x, episode.query_x]))
    features = features.flatten(1)
    means = prototypes(features[:n_support], episode.support_y, n_way)
    return prototypical_logits(features[n_support:], means)


def prototypical_loss(model: nn.Module, params: Params, episodes: Episode) -> Tensor:
    """Return the cross-entropy of the queries, averaged over episodes (Algorithm 1).

    Args:
        model: an embedding, `[n, channels, height, width]` to `[n, n_features]`.
        params: its parameters.
        episodes: one episode, or a batch with a leading `[n_episodes]` axis.

    Returns:
        a 0-dim tensor, in nats.
    """
    losses = [
        F.cross_entropy(episode_logits(model, params, episode), episode.query_y)
        for episode in each_episode(episodes)
    ]
    return torch.stack(losses).mean()
