"""ANIL: adapt the head only, because the body hardly moves anyway.

Raghu, Raghu, Bengio and Vinyals 2020, "Rapid Learning or Feature Reuse? Towards Understanding the
Effectiveness of MAML", arXiv 1909.09157. "Almost No Inner Loop": in the inner loop only the last
layer learns; the outer gradient still reaches the body, through the query loss.
"""

from torch import Tensor, nn

from medmeta_ref.episodes import Episode
from medmeta_ref.inner_loop import InnerRate, Loss, task_loss
from medmeta_ref.maml import maml_loss
from medmeta_ref.params import Params


def anil_loss(
    model: nn.Module,
    params: Params,
    episodes: Episode,
    *,
    inner_lr: InnerRate,
    inner_steps: int,
    head: str,
    loss: Loss = task_loss,
) -> Tensor:
    """Return the query loss after adapting the head to the support set, averaged over episodes.

    Args:
        model: the architecture.
        params: the meta-parameters of body and head. Not changed.
        episodes: one episode, or a batch with a leading `[n_episodes]` axis.
        inner_lr: the inner step size (α), see `inner_loop.adapt`.
        inner_steps: inner steps of the head.
        head: name of the submodule that adapts, "head" in `backbones.ConvNet`.
        loss: of the inner and of the outer problem; cross-entropy by default.

    Returns:
        a 0-dim tensor, differentiable in all of `params`.

    Raises:
        ValueError: if no parameter belongs to `head`, or `inner_steps` is negative.
    """
    return maml_loss(
        model, params, episodes, inner_lr=inner_lr, inner_steps=inner_steps, head=head, loss=loss
    )
