"""Does training with the methods here end as well as with a peer's?

Both sides start from the same weights, see the same training episodes and take the same Adam steps;
each computes its gradients its own way. Then both answer the same episodes of unseen classes.
Gradients agree to rounding, but training magnifies rounding, so what is asked of the accuracies is
that they differ by no more than chance makes them.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from medmeta_ref.bench import designs
from medmeta_ref.bench.workload import Setting, workload_of
from medmeta_ref.datasets import load_or_synthetic
from medmeta_ref.episodes import Episode, EpisodeSampler, each_episode
from medmeta_ref.held_out import held_out_split
from medmeta_ref.learners import TRANSDUCTIVE, Learner, maml_learner, prototypical_learner
from medmeta_ref.metrics import Interval, accuracy, mean_and_ci95_of_few
from medmeta_ref.params import Params
from medmeta_ref.train import cosine

Say = Callable[[str], None]
# Who computes the same gradients; higher and TorchOpt do too, but one library with its own
# training loop says as much, and each takes its minutes.
EQUALS = (designs.PLAIN, "learn2learn")


class Budget(NamedTuple):
    """What both sides may spend.

    Attributes:
        n_steps: outer steps.
        n_episodes: test episodes.
        outer_lr: Adam's first rate; it falls along a cosine.
        setting: the network and the episodes; `n_tasks` of them make an outer step.
    """

    n_steps: int
    n_episodes: int
    outer_lr: float
    setting: Setting


class Comparison(NamedTuple):
    """What came out for one data set and method.

    Attributes:
        data: name of the data set.
        family: "maml" or "prototypical".
        source: where the images came from, in words.
        n_way: classes per episode.
        ours: `[n_seeds, n_episodes]`, query accuracies.
        peers: peer -> the same, on the same episodes.
    """

    data: str
    family: str
    source: str
    n_way: int
    ours: Tensor
    peers: dict[str, Tensor]

    def gain(self, peer: str) -> Interval:
        """Return the mean of (ours - peer's), with its 95 % interval over seeds."""
        return mean_and_ci95_of_few((self.ours - self.peers[peer]).mean(1))


def compare(
    data: str,
    family: str,
    peers: Sequence[str],
    *,
    budget: Budget,
    n_seeds: int,
    errors: dict[str, str],
    say: Say = lambda text: None,
) -> Comparison:
    """Meta-train one method with this package and with each peer, and test them on unseen classes.

    Args:
        data: name of a data set.
        family: "maml" or "prototypical".
        peers: names of designs of that family, `designs.PLAIN` among them if wanted.
        budget: the same for all.
        n_seeds: seeds 0, 1, ...: each has its own weights and episodes.
        errors: peer -> why it could not be used; filled on the way.
        say: told what is being done.

    Raises:
        ValueError: if there is no such family, or as `held_out_split` and `EpisodeSampler`.
    """
    if family not in LEARNERS:
        raise ValueError(f"no family {family!r} to train; there are {', '.join(LEARNERS)}")
    train, test = (load_or_synthetic(data, split) for split in ("train", "test"))
    scores: dict[str, list[Tensor]] = {}
    for seed in range(n_seeds):
        generator = torch.Generator().manual_seed(seed)
        split = held_out_split(data, train.labels, generator=generator)
        n_way = min(budget.setting.n_way, len(split.train), len(split.test))
        setting = budget.setting._replace(n_way=n_way)
        sizes = {"n_way": n_way, "k_shot": setting.k_shot, "n_query": setting.n_query}
        training = EpisodeSampler(train.images, train.labels, classes=split.train, **sizes)
        testing = EpisodeSampler(test.images, test.labels, classes=split.test, **sizes)
        tests = testing.episodes(budget.n_episodes, generator)
        learner = LEARNERS[family](tests.support_x.shape[2], setting)
        start = learner.start(generator)
        after_start = generator.get_state()
        for name in (designs.OURS, *(p for p in peers if p not in errors)):
            say(f"{family}, {data}, seed {seed}: {name}")
            generator.set_state(after_start)  # the same training episodes for everybody
            try:
                params = meta_train(
                    (family, name),
                    learner.model,
                    start,
                    lambda: training.episodes(setting.n_tasks, generator),  # noqa: B023 - used now
                    setting=setting,
                    budget=budget,
                )
            except RuntimeError as error:
                if name in (designs.OURS, designs.PLAIN):
                    raise
                errors[name] = str(error)
            else:
                scores.setdefault(name, []).append(_accuracies(learner, params, tests))
    stacked = {name: torch.stack(rows) for name, rows in scores.items()}
    return Comparison(data, family, train.source, n_way, stacked.pop(designs.OURS), stacked)


def meta_train(
    design: tuple[str, str],
    model: nn.Module,
    start: Params,
    draw: Callable[[], Episode],
    *,
    setting: Setting,
    budget: Budget,
) -> Params:
    """Return the parameters after Adam steps along the gradients of one design.

    Args:
        design: a family of `designs.FAMILIES`, and the name of one of its designs.
        model: the architecture, `conv4`.
        start: its parameters. Not changed.
        draw: returns a batch of training episodes.
        setting: the configuration.
        budget: number of steps, and the rate.

    Raises:
        RuntimeError: if the peer's library cannot be used.
    """
    rate = cosine(budget.outer_lr, budget.n_steps)
    dtype = getattr(torch, setting.dtype)
    params = {name: p.detach().clone().to(dtype) for name, p in start.items()}
    adam = torch.optim.Adam(list(params.values()), lr=budget.outer_lr)
    for step in range(budget.n_steps):
        work = workload_of(setting, model, params, draw())
        gradient = designs.build(*design, work)()
        for p, g in zip(params.values(), gradient, strict=True):
            p.grad = g.detach().clone()
        adam.param_groups[0]["lr"] = rate(step)
        adam.step()
        adam.zero_grad()
    return {name: p.detach().to(start[name].dtype) for name, p in params.items()}


def _accuracies(learner: Learner, params: Params, tests: Episode) -> Tensor:
    """Return `[n_episodes]`, transductive, as MAML is tested in its paper."""
    with torch.no_grad():
        return torch.tensor(
            [
                accuracy(learner.answers(params, episode)[TRANSDUCTIVE], episode.query_y)
                for episode in each_episode(tests)
            ],
            dtype=torch.float64,
        )


def _maml(in_channels: int, setting: Setting) -> Learner:
    return maml_learner(
        in_channels,
        setting.n_way,
        width=setting.width,
        inner_lr=setting.inner_lr,
        inner_steps=setting.inner_steps,
    )


def _prototypical(in_channels: int, setting: Setting) -> Learner:
    return prototypical_learner(in_channels, setting.n_way, width=setting.width)


LEARNERS: dict[str, Callable[[int, Setting], Learner]] = {
    "maml": _maml,
    "prototypical": _prototypical,
}
