"""Prototypical networks: classify by the nearest class mean in a learned embedding.

Snell, Swersky and Zemel 2017, "Prototypical Networks for Few-shot Learning", arXiv 1703.05175.
The embedding is learned; the prototypes are computed. (Algorithm 1 of the paper prints 1/N_C in
front of the sum over support examples where 1/N_S is meant.)
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from medmeta_ref.episode_gradients import one_by_one
from medmeta_ref.episodes import Episode, each_episode
from medmeta_ref.fast import gradients as fast
from medmeta_ref.fast.frozen_body import embed
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
    members = F.one_hot(labels.long(), n_way).to(features.dtype)  # [n_examples, n_way]
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
    features = forward(model, params, torch.cat([episode.support_x, episode.query_x]))
    return _logits_of_features(features.flatten(1), episode)


def _logits_of_features(features: Tensor, episode: Episode) -> Tensor:
    """Return the query logits, given the features of the support and then the query images."""
    n_support = len(episode.support_y)
    n_way = int(episode.support_y.max()) + 1
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


def prototypical_gradient(
    model: nn.Module, params: Params, episodes: Episode, *, threads: int | None = None
) -> tuple[Tensor, Params]:
    """Return the loss and its gradient: what differentiating `prototypical_loss` would, but sooner.

    A headless `ConvNet` with batch norm on the CPU is computed by `medmeta_ref.fast`.

    Args:
        model: an embedding, `[n, channels, height, width]` to `[n, n_features]`.
        params: its parameters. Not changed.
        episodes: one episode, or a batch with a leading `[n_episodes]` axis.
        threads: see `maml.maml_gradient`.

    Returns:
        the loss, a 0-dim tensor without graph, and name -> gradient, shaped like `params`.

    Raises:
        ValueError: if `threads` is below 1.
    """
    if not fast.runs(model, params, episodes) or model.head:
        return one_by_one(lambda p, e: prototypical_loss(model, p, e), params, episodes)

    def one(params: Params, episode: Episode) -> Tensor:
        features = embed(model, params, torch.cat([episode.support_x, episode.query_x]))
        return F.cross_entropy(_logits_of_features(features, episode), episode.query_y)

    return fast.without_inner_loop(one, params, episodes, threads=threads)


def robust_prototypes(features: Tensor, labels: Tensor, n_way: int, *, method: str) -> Tensor:
    """Return one centre per class that single wrong or strange support examples hardly move.

    "mean": as `prototypes`; one example can move it anywhere. "median": of every feature alone,
    the mid-point of the two middle values if their number is even. "trimmed": the mean of every
    feature without its ceil(n / 5) lowest and highest values; 1 or 2 in the middle always stay.
    "geometric_median": the point with the least sum of distances, which turns with the features,
    by Weiszfeld's steps (as repaired in Vardi and Zhang 2000, PNAS 97:1423) from the median or a
    better example, until one is shorter than 1e-6 of the harmonic mean distance, 200 at most. Both
    medians bear any minority of a class, "trimmed" a fifth on each side. Up to 2 examples all are
    the mean.

    Args:
        features: `[n_examples, n_features]`, floating point and finite.
        labels: `[n_examples]`, integers in `0..n_way-1`.
        n_way: number of classes.
        method: "mean", "median", "trimmed" or "geometric_median".

    Returns:
        `[n_way, n_features]`.

    Raises:
        ValueError: if `method` is unknown or a feature not finite, or as `prototypes`.

    Example:
        >>> features, labels = torch.tensor([[0.0], [1.0], [2.0], [97.0]]), torch.zeros(4).long()
        >>> [robust_prototypes(features, labels, 1, method=m).item() for m in ("mean", "median")]
        [25.0, 1.5]
    """
    centre_of = {
        "mean": lambda rows: rows.mean(0),
        "median": lambda rows: _middle(rows, (len(rows) - 1) // 2),
        "trimmed": lambda rows: _middle(rows, min(-(-len(rows) // 5), (len(rows) - 1) // 2)),
        "geometric_median": _geometric_median,
    }
    if method not in centre_of:
        raise ValueError(f"method must be one of {', '.join(centre_of)}; got {method!r}")
    if not torch.isfinite(features).all():
        n_bad = int((~torch.isfinite(features)).sum())
        raise ValueError(f"{n_bad} features are nan or infinite; leave these examples out")
    prototypes(features, labels, n_way)  # for its checks
    return torch.stack([centre_of[method](features[labels == c]) for c in range(n_way)])


def _middle(rows: Tensor, n_cut: int) -> Tensor:
    """Return the mean of every column without its `n_cut` lowest and `n_cut` highest values."""
    return rows.sort(0).values[n_cut : len(rows) - n_cut].mean(0)


def _geometric_median(rows: Tensor) -> Tensor:
    # An example may be the answer; the steps would only creep towards it, so it is tried first.
    starts = torch.cat([_middle(rows, (len(rows) - 1) // 2)[None], rows])
    totals = (starts[:, None] - rows).norm(dim=2).sum(1)
    best = totals.argmin()
    centre = starts[best if totals[best] < (1 - 1e-6) * totals[0] else 0]
    for _ in range(200):
        squared = (rows - centre).square().sum(1)
        apart = squared > 0
        if not apart.any():
            break
        weights = apart / torch.where(apart, squared, 1.0).sqrt()  # 1 / distance, 0 at the centre
        step = weights @ rows / weights.sum() - centre
        if not step.any():
            break
        # Examples at the centre hold it back, and hold it for good if the others pull less.
        n_here = len(rows) - apart.sum()
        step = step * (1 - n_here / (step.norm() * weights.sum())).clamp(0, 1)
        centre = centre + step
        if step.norm() * weights.sum() <= 1e-6 * apart.sum():
            break
    return centre
