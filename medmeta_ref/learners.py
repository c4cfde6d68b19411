"""The few-shot methods behind one face: a network, what it is trained by, how it answers.

A learner is what `few_shot.study` trains and compares. Its answer to an episode may look at the
support set and its labels, and at the query images; never at the query labels.
"""

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor

from medmeta_ref.backbones import ConvNet, conv4
from medmeta_ref.episodes import Episode
from medmeta_ref.inner_loop import adapt
from medmeta_ref.maml import maml_loss
from medmeta_ref.params import Params, forward
from medmeta_ref.prototypical import episode_logits, prototypical_loss


class Learner(NamedTuple):
    """A few-shot method with its network.

    Attributes:
        title: what to call it in a table.
        model: the architecture.
        loss: parameters and one episode to the 0-dim outer loss.
        logits: parameters and one episode to query logits `[n_way * n_query, n_way]`.
        batch_norm: which statistics the network normalises by when it answers.
    """

    title: str
    model: ConvNet
    loss: Callable[[Params, Episode], Tensor]
    logits: Callable[[Params, Episode], Tensor]
    batch_norm: str


def prototypical_learner(in_channels: int, n_way: int, *, width: int) -> Learner:
    """Return a prototypical network (Snell et al. 2017) on conv4.

    Args:
        in_channels: 1 for grey images, 3 for colour.
        n_way: classes per episode; the network itself does not depend on it.
        width: channels of every block.
    """
    model = conv4(in_channels, width=width)
    return Learner(
        "prototypical network",
        model,
        lambda params, episode: prototypical_loss(model, params, episode),
        lambda params, episode: episode_logits(model, params, episode),
        "transductive: statistics of all support and query images of the episode",
    )


def maml_learner(
    in_channels: int,
    n_way: int,
    *,
    width: int,
    inner_lr: float,
    inner_steps: int,
    first_order: bool = False,
    head_only: bool = False,
) -> Learner:
    """Return MAML (Finn et al. 2017) on conv4 with a linear head; or FOMAML, or ANIL.

    Args:
        in_channels: 1 for grey images, 3 for colour.
        n_way: outputs of the head.
        width: channels of every block.
        inner_lr: the inner step size (α).
        inner_steps: inner steps, in training and in the test alike.
        first_order: FOMAML.
        head_only: ANIL (Raghu et al. 2020).
    """
    model = conv4(in_channels, width=width, n_outputs=n_way)
    head = "head" if head_only else None

    def loss(params: Params, episode: Episode) -> Tensor:
        return maml_loss(
            model,
            params,
            episode,
            inner_lr=inner_lr,
            inner_steps=inner_steps,
            first_order=first_order,
            head=head,
        )

    def logits(params: Params, episode: Episode) -> Tensor:
        adapted = adapt(
            model,
            params,
            episode.support_x,
            episode.support_y,
            inner_lr=inner_lr,
            inner_steps=inner_steps,
            first_order=True,  # nothing is differentiated further
            head=head,
        )
        return forward(model, adapted, episode.query_x)

    title = "ANIL" if head_only else "FOMAML" if first_order else "MAML"
    return Learner(
        title,
        model,
        loss,
        logits,
        "transductive: statistics of the support images while adapting, of all query images after",
    )
