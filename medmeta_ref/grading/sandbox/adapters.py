"""Signatures that do not cross, by name: models, losses, generators, gradients, modules.

A spec that needs more of the learner's function than its value asks for it through an adapter. The
adapter runs where the function is, in the notebook or in the sandbox, and returns plain tensors.
Models and losses that the function takes are named from a fixed registry (`Fn`), generators by
their seed (`Gen`); both sides have the same registry.

What an adapter reports about the function ("it is cut off from its inputs") is the sandbox's own
word. Only values decide points.
"""

import itertools
import random
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Fn(NamedTuple):
    """A function of the registry, its first arguments already given.

    Attributes:
        name: its name in `FUNCTIONS`.
        bound: the arguments it gets before those that the learner's function gives it.
    """

    name: str
    bound: tuple[Any, ...] = ()


class Gen(NamedTuple):
    """A fresh `torch.Generator` with this seed, for every call."""

    seed: int


class Refused(Exception):
    """The function's result cannot be adapted; `code` says why, a key of `REFUSALS`."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(REFUSALS[code])


REFUSALS = {
    "not scalar": "A tensor without axes (a scalar loss) was expected.",
    "cut off": (
        "Your result is cut off from its inputs, so nothing could be trained with it. "
        "Look for .item(), .detach(), torch.no_grad() or torch.tensor(...)."
    ),
    "no tensors": "A dict from names to tensors was expected.",
    "no module": "A torch.nn.Module was expected.",
    "no iterator": "Something to iterate over was expected.",
    "no memory": (
        "A list of tensors was expected: the memory, each of its items like those of the stream. "
        "Is the return statement missing?"
    ),
    "other weights": "The module's parameters have other names or shapes than asked for.",
}


def linear(params: Mapping[str, Tensor], x: Tensor) -> Tensor:
    """Return x @ weight.T + bias, [n, n_out]."""
    return F.linear(x, params["weight"], params["bias"])


def two_layers(params: Mapping[str, Tensor], x: Tensor) -> Tensor:
    """Return the logits of a tanh network with parameters weight1, bias1, weight2, bias2."""
    hidden = torch.tanh(F.linear(x, params["weight1"], params["bias1"]))
    return F.linear(hidden, params["weight2"], params["bias2"])


def quadratic(matrix: Tensor, centre: Tensor, params: Mapping[str, Tensor]) -> Tensor:
    """Return (theta - centre)' matrix (theta - centre) / 2."""
    away = params["theta"] - centre
    return 0.5 * away @ matrix @ away


def bowl(params: Mapping[str, Tensor], curvature: Tensor, centre: Tensor) -> Tensor:
    """Return `quadratic` as a loss of parameters and data: "x" is the matrix, "y" the centre."""
    return quadratic(curvature, centre, params)


def quadratic_of_all(matrix: Tensor, centre: Tensor, params: Mapping[str, Tensor]) -> Tensor:
    """Return `quadratic` of all parameters in one vector, in the order of their sorted names."""
    theta = torch.cat([params[name].flatten() for name in sorted(params)])
    return quadratic(matrix, centre, {"theta": theta})


def bowl_of_all(params: Mapping[str, Tensor], curvature: Tensor, centre: Tensor) -> Tensor:
    """Return `quadratic_of_all` as a loss of parameters and data, as `bowl` does."""
    return quadratic_of_all(curvature, centre, params)


def network_loss(params: Mapping[str, Tensor], x: Tensor, y: Tensor) -> Tensor:
    """Return `two_layers_cross_entropy` as a loss of parameters and data."""
    return two_layers_cross_entropy(x, y, params)


def weighted_sum(weights: Tensor, values: Tensor) -> Tensor:
    """Return the sum of the products of two tensors of one shape."""
    return (weights * values).sum()


def neighbour_vote(n_classes: int, train_x: Tensor, train_labels: Tensor, new_x: Tensor) -> Tensor:
    """Return probabilities: every training example votes for its label, near ones louder."""
    loudness = -(new_x[:, None] - train_x).square().sum(2)
    return loudness.softmax(1) @ F.one_hot(train_labels, n_classes).to(loudness.dtype)


def tanh_step(weight: Tensor, recurrent: Tensor, x: Tensor, state: Tensor) -> Tensor:
    """Return the next state of a recurrent cell, tanh(x weight' + state recurrent')."""
    return torch.tanh(x @ weight.T + state @ recurrent.T)


def sum_of_present(weights: Tensor, biases: Tensor, features: Tensor, mask: Tensor) -> Tensor:
    """Return logits `[n_examples, n_classes]`: every present view adds its own."""
    logits = torch.einsum("vnf,vfc->vnc", features, weights) + biases[:, None]
    return logits.masked_fill(~mask[..., None], 0.0).sum(0)


def linear_cross_entropy(x: Tensor, y: Tensor, params: Mapping[str, Tensor]) -> Tensor:
    """Return the mean cross-entropy of `linear`."""
    return F.cross_entropy(linear(params, x), y)


def two_layers_cross_entropy(x: Tensor, y: Tensor, params: Mapping[str, Tensor]) -> Tensor:
    """Return the mean cross-entropy of `two_layers`."""
    return F.cross_entropy(two_layers(params, x), y)


# None of these is an answer to an exercise: the sandbox holds no reference.
FUNCTIONS: dict[str, Callable[..., Any]] = {
    f.__name__: f
    for f in (
        linear,
        two_layers,
        quadratic,
        linear_cross_entropy,
        two_layers_cross_entropy,
        bowl,
        quadratic_of_all,
        bowl_of_all,
        network_loss,
        weighted_sum,
        neighbour_vote,
        tanh_step,
        sum_of_present,
    )
} | {"cross_entropy": F.cross_entropy, "mse_loss": F.mse_loss}


def resolve(value: Any) -> Any:
    """Return `value` with every `Fn` and `Gen` in it replaced by what it names.

    Raises:
        ValueError: if there is no such function.
    """
    match value:
        case Fn(name, bound):
            if name not in FUNCTIONS:
                raise ValueError(f"no function {name!r}; there are {', '.join(FUNCTIONS)}")
            function, first = FUNCTIONS[name], resolve(bound)
            return lambda *args, **kwargs: function(*first, *args, **kwargs)
        case Gen(seed):
            return torch.Generator().manual_seed(seed)
        case dict():
            return {key: resolve(each) for key, each in value.items()}
        case tuple() if hasattr(value, "_fields"):
            return type(value)(*map(resolve, value))
        case list() | tuple() if type(value) in (list, tuple):
            return type(value)(map(resolve, value))
    return value


def call(function: Callable[..., Any], *args: Any, **settings: Any) -> Any:
    """Return what the function returns."""
    return function(*args, **settings)


def gradient(function: Callable[..., Any], *args: Any, wrt: int, **settings: Any) -> Tensor | None:
    """Return the gradient of the 0-dim result in argument number `wrt`; None if none gets there."""
    return grad(function, *args, wrt=[wrt], **settings)[1][0]


def grad(
    function: Callable[..., Any], *args: Any, wrt: list[int], **settings: Any
) -> tuple[Tensor, list[Tensor | None]]:
    """Return the 0-dim result, and its gradients in the arguments number `wrt`."""
    # The other arguments could carry gradient too; that another one is asked for is fine.
    for each in args:
        if isinstance(each, Tensor) and each.is_floating_point():
            each.requires_grad_()
    result = _scalar(function(*args, **settings))
    got = torch.autograd.grad(result, [args[i] for i in wrt], allow_unused=True)
    return result.detach(), list(got)


def meta_gradient(
    function: Callable[..., Any],
    params: dict[str, Tensor],
    *args: Any,
    outer: Callable[..., Any],
    before: tuple[Any, ...] = (),
    **settings: Any,
) -> tuple[Tensor, dict[str, Tensor | None]]:
    """Return `outer` of the parameters that the function adapts, and its gradient in `params`.

    The function is called as function(*before, params, *args, **settings) and returns adapted
    parameters, so the gradient goes through its inner loop: a detached or first-order one gives
    other numbers.
    """
    for each in params.values():
        each.requires_grad_()
    adapted = function(*before, params, *args, **settings)
    if type(adapted) is not dict or not all(isinstance(v, Tensor) for v in adapted.values()):
        raise Refused("no tensors")
    result = _scalar(outer(adapted))
    got = torch.autograd.grad(result, list(params.values()), allow_unused=True)
    return result.detach(), dict(zip(params, got, strict=True))


def on_leaves(
    function: Callable[..., Any],
    loss: Callable[..., Any],
    params: dict[str, Tensor],
    *args: Any,
    times: int = 1,
    **settings: Any,
) -> list[Any]:
    """Return what `times` calls of function(loss, params, *args, **settings) return, in a list.

    All calls get the same objects, and the parameters require gradient as a module's do. So a
    function that changes its arguments gives itself away: its second result differs.
    """
    for each in params.values():
        each.requires_grad_()
    return [function(loss, params, *args, **settings) for _ in range(times)]


def loss_gradient(
    function: Callable[..., Any],
    loss: Callable[..., Any],
    params: dict[str, Tensor],
    *args: Any,
    **settings: Any,
) -> tuple[Tensor, dict[str, Tensor | None]]:
    """Return the 0-dim function(loss, params, *args, **settings), and its gradient in `params`."""
    [result] = on_leaves(function, loss, params, *args, **settings)
    got = torch.autograd.grad(_scalar(result), list(params.values()), allow_unused=True)
    return result.detach(), dict(zip(params, got, strict=True))


def loss_gradients(
    function: Callable[..., Any],
    loss: Callable[..., Any],
    params: dict[str, Tensor],
    rates: dict[str, Tensor],
    *args: Any,
    **settings: Any,
) -> tuple[Tensor, list[dict[str, Tensor | None]]]:
    """Return the 0-dim function(loss, params, rates, ...), and its gradients in both dicts."""
    for each in rates.values():
        each.requires_grad_()
    [result] = on_leaves(function, loss, params, rates, *args, **settings)
    leaves = [*params.values(), *rates.values()]
    got = iter(torch.autograd.grad(_scalar(result), leaves, allow_unused=True))
    return result.detach(), [{name: next(got) for name in names} for names in (params, rates)]


def gradient_of(
    function: Callable[..., Any], *args: Any, outer: Callable[..., Any], wrt: int, **settings: Any
) -> Tensor | None:
    """Return the gradient of the 0-dim outer(function(...)) in argument number `wrt`."""
    return gradient(lambda *a, **s: outer(function(*a, **s)), *args, wrt=wrt, **settings)


def draws(
    function: Callable[..., Any],
    *args: Any,
    seed: int,
    times: int,
    surroundings: int,
    **settings: Any,
) -> tuple[list[Any], list[float]]:
    """Return what `times` calls with one generator return, and what the global generators say next.

    Args:
        function: called as function(*args, generator=..., **settings).
        args: its arguments.
        seed: of the generator, which goes on from call to call.
        times: how often the function is called.
        surroundings: seeds torch's and Python's global generators beforehand. A function that
            leaves them alone also leaves their next numbers, which are returned, as they would be.
        settings: its settings.
    """
    with torch.random.fork_rng(devices=[]):
        saved = random.getstate()
        torch.manual_seed(surroundings)
        random.seed(surroundings)
        try:
            generator = torch.Generator().manual_seed(seed)
            drawn = [function(*args, generator=generator, **settings) for _ in range(times)]
            return drawn, [float(torch.rand(())), random.random()]
        finally:
            random.setstate(saved)


def streams(
    function: Callable[..., Any],
    items: Tensor,
    *,
    seed: int,
    times: int,
    surroundings: int,
    reused: bool = False,
    **settings: Any,
) -> tuple[list[Any], list[float]]:
    """Return the memory that a stream of items leaves, `times` times, and what `draws` returns.

    The memory begins as an empty list. For every item the function is called as function(memory,
    item, n_seen=..., generator=..., **settings), and what it returns is the memory from then on.

    Args:
        function: adds an item to a memory.
        items: `[n_items, ...]`, offered one after another.
        seed: of the generator, which goes on from stream to stream.
        times: how often the stream passes by.
        surroundings: see `draws`.
        reused: hand over every item in one and the same tensor, as a loader does that fills its
            array anew. A memory that stores the tensor itself ends with the last item everywhere.
        settings: of the function.
    """

    def once(stream: Tensor, *, generator: torch.Generator) -> Tensor:
        memory: Any = []
        shelf = torch.empty_like(stream[0])
        for n_seen, item in enumerate(stream):
            handed = shelf.copy_(item) if reused else item.clone()
            memory = function(memory, handed, n_seen=n_seen, generator=generator, **settings)
            if type(memory) is not list or not all(_is_like(item, each) for each in memory):
                raise Refused("no memory")
        return torch.stack(memory) if memory else stream[:0]

    return draws(once, items, seed=seed, times=times, surroundings=surroundings)


def first_items(
    function: Callable[..., Any], *args: Any, n_items: int, **settings: Any
) -> list[Any]:
    """Return the first items of the iterable that the function returns."""
    made = function(*args, **settings)
    try:
        return list(itertools.islice(made, n_items))
    except TypeError:
        if hasattr(made, "__iter__") or hasattr(made, "__getitem__"):
            raise
        raise Refused("no iterator") from None


def module(
    function: Callable[..., Any],
    *args: Any,
    weights: dict[str, Tensor] | None,
    inputs: tuple[Any, ...],
    training: bool = False,
    **settings: Any,
) -> tuple[Any, dict[str, Tensor]]:
    """Return what the module that the function builds makes of `inputs`, and its state after that.

    Args:
        function: builds the module, from `args` and `settings`.
        args: its arguments.
        weights: loaded into the module first; None leaves it as it was built.
        inputs: what the module is called on.
        training: whether the module is in training mode.
        settings: its settings.
    """
    made = function(*args, **settings)
    if not isinstance(made, nn.Module):
        raise Refused("no module")
    if weights is not None:
        try:
            made.load_state_dict(weights)
        except RuntimeError:
            raise Refused("other weights") from None
    made.train(training)
    return made(*inputs), dict(made.state_dict())


def made_function(function: Callable[..., Any], *args: Any, inputs: tuple[Any, ...]) -> Any:
    """Return what the function that the learner's function returns makes of `inputs`."""
    return function(*args)(*inputs)


ADAPTERS: dict[str, Callable[..., Any]] = {
    f.__name__: f
    for f in (
        call,
        gradient,
        grad,
        meta_gradient,
        on_leaves,
        loss_gradient,
        loss_gradients,
        gradient_of,
        draws,
        streams,
        first_items,
        module,
        made_function,
    )
}


def _is_like(item: Tensor, stored: Any) -> bool:
    return (
        type(stored) is Tensor
        and (stored.shape, stored.dtype) == (item.shape, item.dtype)
        and (stored.layout, stored.device) == (item.layout, item.device)
    )


def _scalar(result: Any) -> Tensor:
    if type(result) is not Tensor or result.ndim != 0:
        raise Refused("not scalar")
    if not result.requires_grad:
        raise Refused("cut off")
    return result
