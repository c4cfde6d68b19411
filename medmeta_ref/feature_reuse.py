"""How much a network's features change: linear centred kernel alignment (CKA), layer by layer.

Kornblith, Norouzi, Lee and Hinton 2019, "Similarity of Neural Network Representations Revisited",
arXiv 1905.00414, section 3. Raghu et al. 2020, arXiv 1909.09157, ask with it whether MAML learns
new features for a task or reuses those that it has.
"""

from torch import Tensor

from medmeta_ref.backbones import ConvNet
from medmeta_ref.params import Params, forward


def linear_cka(x: Tensor, y: Tensor) -> Tensor:
    """Return how alike two sets of features of the same examples are, between 0 and 1.

    1 if one is the other turned, reflected, shifted or scaled as a whole; 0 if, after centring, no
    feature of one is correlated with a feature of the other. With fewer examples than features even
    unrelated features get a value well above 0: compare with a yardstick of the same size.

    Args:
        x: `[n, p]`, features of n examples.
        y: `[n, q]`, other features of the same examples in the same order.

    Returns:
        a 0-dim tensor of the inputs' dtype.

    Raises:
        ValueError: if the shapes do not fit, or one set of features does not vary at all.

    Example:
        >>> import torch
        >>> x = torch.tensor([[0.0, 1.0], [2.0, 0.0], [1.0, 5.0]])
        >>> round(linear_cka(x, 3 * x.flip(1) + 7).item(), 6)  # mirrored, scaled and shifted
        1.0
    """
    if x.ndim != 2 or y.ndim != 2 or len(x) != len(y):
        raise ValueError(
            f"features must be [n, p] and [n, q] of the same n examples, got {tuple(x.shape)} and "
            f"{tuple(y.shape)}"
        )
    gram_x, gram_y = _centred_gram(x), _centred_gram(y)
    sizes = gram_x.norm() * gram_y.norm()
    if not sizes > 0:
        raise ValueError("one set of features is the same for all examples; there is no likeness")
    likeness: Tensor = (gram_x * gram_y).sum() / sizes
    return likeness


def layer_features(model: ConvNet, params: Params, x: Tensor) -> dict[str, Tensor]:
    """Return the output of every block, and of the head, for the same images.

    Args:
        model: the architecture.
        params: its parameters.
        x: `[n, channels, height, width]`. Batch norm takes its statistics from these images.

    Returns:
        "block 1", "block 2", ..., "head" -> `[n, features]`, one row per image.
    """
    found: dict[str, Tensor] = {}
    for number, block in enumerate(model.blocks):
        prefix = f"blocks.{number}."
        own = {n.removeprefix(prefix): p for n, p in params.items() if n.startswith(prefix)}
        x = forward(block, own, x)
        found[f"block {number + 1}"] = x.flatten(1)
    if model.head is not None:
        own = {n.removeprefix("head."): p for n, p in params.items() if n.startswith("head.")}
        found["head"] = forward(model.head, own, x.mean((-2, -1)))
    return found


def feature_reuse(model: ConvNet, before: Params, after: Params, x: Tensor) -> dict[str, float]:
    """Return the linear CKA between two states of a network, for every layer.

    Args:
        model: the architecture.
        before: parameters before adaptation.
        after: parameters after it.
        x: `[n, channels, height, width]`, images that both see.

    Returns:
        "block 1", ..., "head" -> CKA; 1 where the layer's features are reused as they are.
    """
    old, new = (layer_features(model, params, x) for params in (before, after))
    return {layer: float(linear_cka(old[layer].double(), new[layer].double())) for layer in old}


def _centred_gram(features: Tensor) -> Tensor:
    """Return the inner products of all pairs of centred examples, `[n, n]`."""
    centred = features - features.mean(0)
    gram: Tensor = centred @ centred.T
    return gram
