"""What each adapter's result looks like, checked on the grader's side.

In the sandbox the learner's code may have changed any adapter. A check that asked for a gradient
and gets text would stumble over it, and look broken itself.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor

_Call = tuple[Sequence[Any], Mapping[str, Any]]  # the adapter's arguments and settings


def fits(adapter: str, result: Any, args: Sequence[Any], settings: Mapping[str, Any]) -> bool:
    """Return whether a result is one that the adapter can have returned.

    Args:
        adapter: a name in `adapters.ADAPTERS`.
        result: what came out of the sandbox.
        args: the adapter's arguments after the function.
        settings: its settings, and the function's.
    """
    form = _FORMS.get(adapter)
    return form is None or form(result, (args, settings))


def _gradient(result: Any, call: _Call) -> bool:
    args, settings = call
    return _belongs_to(args[settings["wrt"]], result)


def _grad(result: Any, call: _Call) -> bool:
    args, settings = call
    wrt = settings["wrt"]
    if not _is_pair(result) or not _is_scalar(result[0]) or type(result[1]) is not list:
        return False
    gradients = result[1]
    return len(gradients) == len(wrt) and all(
        _belongs_to(args[i], each) for i, each in zip(wrt, gradients, strict=True)
    )


def _meta_gradient(result: Any, call: _Call) -> bool:
    params: Mapping[str, Tensor] = call[0][0]
    if not _is_pair(result) or not _is_scalar(result[0]) or type(result[1]) is not dict:
        return False
    gradients = result[1]
    return list(gradients) == list(params) and all(
        _belongs_to(params[name], each) for name, each in gradients.items()
    )


def _streams(result: Any, call: _Call) -> bool:
    (items,), settings = call
    if not _is_pair(result) or not all(type(part) is list for part in result):
        return False
    memories, following = result
    return (
        len(memories) == settings["times"]
        and all(
            type(m) is Tensor and m.dtype == items.dtype and m.shape[1:] == items.shape[1:]
            for m in memories
        )
        and all(m.ndim == items.ndim for m in memories)
        and [type(number) for number in following] == [float, float]
    )


def _first_items(result: Any, call: _Call) -> bool:
    return type(result) is list and len(result) <= call[1]["n_items"]


def _module(result: Any, _: _Call) -> bool:
    return _is_pair(result) and type(result[1]) is dict and all(type(n) is str for n in result[1])


def _is_pair(result: Any) -> bool:
    return type(result) is tuple and len(result) == 2


def _is_scalar(value: Any) -> bool:
    return type(value) is Tensor and value.ndim == 0


def _belongs_to(argument: Tensor, gradient: Any) -> bool:
    """Return whether a value can be the gradient in an argument; None means that none got there."""
    return gradient is None or (type(gradient) is Tensor and gradient.shape == argument.shape)


_FORMS: dict[str, Callable[[Any, _Call], bool]] = {
    "gradient": _gradient,
    "grad": _grad,
    "meta_gradient": _meta_gradient,
    "streams": _streams,
    "first_items": _first_items,
    "module": _module,
}
