"""What happens before the test: on episodes, on labelled images, or nothing at all.

All start from the same He-normal weights of the same network, draw from the same classes, and see
equally many images.
"""

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F

from medmeta_ref import learners
from medmeta_ref.backbones import ConvNet, conv4
from medmeta_ref.benchmark.method import Kit, Trainer
from medmeta_ref.benchmark.sources import Source
from medmeta_ref.episodes import Episode, each_episode
from medmeta_ref.few_shot import meta_train
from medmeta_ref.inner_loop import task_loss
from medmeta_ref.learners import Learner
from medmeta_ref.params import Params, forward, initial_params
from medmeta_ref.train import cosine, fit

BUILDERS: dict[str, Callable[..., Learner]] = {
    "maml": learners.maml_learner,
    "fomaml": partial(learners.maml_learner, first_order=True),
    "anil": partial(learners.maml_learner, head_only=True),
    "reptile": learners.reptile_learner,
    "maml++": learners.maml_pp_learner,
}


def network(kit: Kit) -> ConvNet:
    """Return the architecture with a head of `n_way` outputs."""
    return conv4(kit.in_channels, width=kit.preset.width, n_outputs=kit.n_way)


def learner_of(name: str, kit: Kit) -> Learner:
    """Return the learner of a meta-learning method; its setting is the inner rate.

    Args:
        name: "protonet" or a key of `BUILDERS`.
        kit: of the method.
    """
    width = kit.preset.width
    if name == "protonet":
        return learners.prototypical_learner(kit.in_channels, kit.n_way, width=width)
    inner = {"inner_lr": kit.value, "inner_steps": kit.preset.inner_steps}
    return BUILDERS[name](kit.in_channels, kit.n_way, width=width, **inner)


def _meta(name: str, kit: Kit, source: Source, generator: torch.Generator) -> Params:
    learner = learner_of(name, kit)
    params, _ = meta_train(
        learner,
        _on(kit.device, learner.start(generator)),
        partial(source.episodes, kit.preset.meta_batch_size),
        n_steps=kit.preset.n_steps,
        outer_lr=kit.value if name == "protonet" else kit.preset.outer_lr,
        settings={},
        generator=generator,
        progress=name if kit.progress else None,
    )
    return params


def _joint(kit: Kit, source: Source, generator: torch.Generator) -> Params:
    """Train one network on all episodes at once, support and query alike, without adapting."""
    model = network(kit)

    def loss(params: Params, episodes: Episode) -> torch.Tensor:
        losses = []
        for e in each_episode(episodes):
            x, y = torch.cat([e.support_x, e.query_x]), torch.cat([e.support_y, e.query_y])
            losses.append(task_loss(model, params, x, y))
        return torch.stack(losses).mean()

    return fit(
        loss,
        _on(kit.device, initial_params(model, generator=generator)),
        partial(source.episodes, kit.preset.meta_batch_size),
        n_steps=kit.preset.n_steps,
        outer_lr=cosine(kit.preset.outer_lr, kit.preset.n_steps),
        generator=generator,
        progress="joint" if kit.progress else None,
    ).params


def _supervised(kit: Kit, source: Source, generator: torch.Generator) -> Params:
    """Train a plain classifier of all training classes; its head is thrown away."""
    model = conv4(kit.in_channels, width=kit.preset.width, n_outputs=source.n_classes)
    n_steps = kit.preset.n_minibatches(kit.n_way)
    fitted = fit(
        lambda params, batch: F.cross_entropy(forward(model, params, batch[0]), batch[1]),
        _on(kit.device, initial_params(model, generator=generator)),
        partial(source.minibatch, kit.preset.batch_size),
        n_steps=n_steps,
        outer_lr=cosine(kit.preset.outer_lr, n_steps),
        generator=generator,
        progress="supervised" if kit.progress else None,
    )
    return {name: p for name, p in fitted.params.items() if not name.startswith("head.")}


def _random(kit: Kit, source: Source, generator: torch.Generator) -> Params:
    return _on(kit.device, initial_params(network(kit), generator=generator))


def _on(device: str, params: Params) -> Params:
    return {name: p.to(device) for name, p in params.items()}


TRAINERS: dict[str, Trainer] = {
    "nothing": lambda kit, source, generator: {},
    "random": _random,
    "supervised": _supervised,
    "joint": _joint,
    **{name: partial(_meta, name) for name in ("protonet", *BUILDERS)},
}
