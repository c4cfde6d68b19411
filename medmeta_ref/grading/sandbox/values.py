"""Values as JSON and tensors, and back: what may cross, and what stands in for what may not.

Numbers, text, lists and tensors cross as they are; tuples, sets, dicts and named tuples by a tag.
Whatever else the sandbox returns arrives as an `Opaque` that knows the name of its type and no
more. In the other direction functions cross by name (`Fn`), generators by seed (`Gen`), and any
other function of a spec as a number that the sandbox calls back with.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from medmeta_ref.grading.sandbox.adapters import Fn, Gen
from medmeta_ref.grading.sandbox.wire import DTYPES, MAX_AXES, BadFrame

MAX_NESTING = 40
MAX_LENGTH = 100_000
_MAX_BITS = 10_000  # of an integer: Python itself refuses to read 4,300 digits and more
_MAX_ALIKE = 100
_FLOATS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


class Opaque:
    """Stands for an object that does not cross; the name of its class is that of the object's."""

    def __repr__(self) -> str:
        """Return the name alone: an address would differ in every run, and is the grader's."""
        return f"<{type(self).__name__}>"


class Record(tuple[Any, ...]):
    """A named tuple on the other side: values by position, and by name."""

    fields: tuple[str, ...] = ()

    def __getattr__(self, name: str) -> Any:
        if name in self.fields:
            return self[self.fields.index(name)]
        raise AttributeError(name)


def flatten(
    value: Any, tensors: list[Tensor], functions: list[Callable[..., Any]] | None = None
) -> Any:
    """Return `value` as JSON; its tensors are appended to `tensors`.

    Args:
        value: anything.
        tensors: what "tensor" tags count in.
        functions: what "callback" tags count in; None sends functions as opaque.

    Raises:
        ValueError: if it is nested too deep.
    """
    return _flatten(value, tensors, functions, MAX_NESTING)


def _flatten(value: Any, tensors: list[Tensor], functions: Any, depth: int) -> Any:
    if depth < 0:
        raise ValueError(f"lists in lists, more than {MAX_NESTING} deep")

    def each(values: Any) -> list[Any]:
        if len(values) > MAX_LENGTH:
            raise ValueError(f"{len(values):,} values in one list; {MAX_LENGTH:,} are the most")
        return [_flatten(v, tensors, functions, depth - 1) for v in list(values)]

    # By exact type: a subclass may lie about everything else.
    kind = type(value)
    if value is None or kind in (bool, str):
        return value if kind is not str else value.encode(errors="replace").decode()
    if kind is int and value.bit_length() <= _MAX_BITS:
        return value
    if kind is float:
        return value if math.isfinite(value) else {"float": str(value)}
    if kind in (Tensor, torch.nn.Parameter) and _crosses(value):
        tensors.append(value)
        return {"tensor": len(tensors) - 1}
    if kind is list:
        return each(value)
    if kind in (tuple, set, frozenset):
        return {"tuple" if kind is tuple else "set": each(value)}
    if kind is dict:
        return {"dict": [each(pair) for pair in list(value.items())]}
    if kind is Fn:
        return {"fn": [value.name, each(value.bound)]}
    if kind is Gen:
        return {"gen": value.seed}
    if isinstance(value, Record):
        return {"record": [kind.__name__, list(value.fields), each(tuple(value))]}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return {"record": [kind.__name__, list(value._fields), each(tuple(value))]}
    if functions is not None and callable(value):
        functions.append(value)
        return {"callback": len(functions) - 1}
    return {"opaque": _name_of(value)}


def _crosses(tensor: Tensor) -> bool:
    return (
        tensor.layout == torch.strided
        and tensor.device.type == "cpu"
        and not tensor.is_nested
        and tensor.dtype in DTYPES
        and tensor.ndim <= MAX_AXES
    )


def _name_of(value: Any) -> str:
    name = type(value).__name__
    return f"{name} of {value.dtype}, {value.layout}" if isinstance(value, Tensor) else name


def restore(
    data: Any,
    tensors: Sequence[Tensor],
    callback: Callable[[int], Callable[..., Any]] | None = None,
) -> Any:
    """Return the value that `flatten` wrote.

    Args:
        data: JSON.
        tensors: what its "tensor" tags count in.
        callback: makes the function for a "callback" tag; None refuses such tags, and "fn" and
            "gen" with them: nothing that comes out of the sandbox is ever called.

    Raises:
        BadFrame: if `data` is nothing that `flatten` writes.
    """
    try:
        return _restore(data, tensors, callback)
    except (TypeError, ValueError, IndexError, KeyError, RecursionError) as error:
        raise BadFrame(f"a value that cannot be read: {error!s:.80}") from None


def _restore(data: Any, tensors: Sequence[Tensor], callback: Any) -> Any:
    def each(values: Any) -> list[Any]:
        if type(values) is not list:
            raise BadFrame("a list was expected")
        return [_restore(v, tensors, callback) for v in values]

    if data is None or type(data) in (bool, int, float, str):
        return data
    if type(data) is list:
        return each(data)
    [(tag, held)] = data.items()
    match tag:
        case "tensor":
            if type(held) is not int or not 0 <= held < len(tensors):
                raise BadFrame("a tensor that did not come along")
            return tensors[held]
        case "float":
            return _FLOATS[held]
        case "tuple":
            return tuple(each(held))
        case "set":
            values = each(held)
            _require_unlike(values)
            return set(values)
        case "dict":
            pairs = [each(pair) for pair in held]
            _require_unlike([key for key, _ in pairs])
            return dict(pairs)
        case "record":
            name, fields, values = held
            if type(fields) is not list or not all(type(f) is str for f in fields):
                raise BadFrame("names of fields were expected")
            if len(fields) != len(values):
                raise BadFrame("as many values as fields were expected")
            kind = type(_identifier(name), (Record,), {"fields": tuple(fields)})
            return kind(each(values))
        case "opaque":
            return type(_identifier(held), (Opaque,), {})()
        case "fn" if callback is not None:
            return Fn(held[0], tuple(each(held[1])))
        case "gen" if callback is not None:
            return Gen(held)
        case "callback" if callback is not None:
            return callback(held)
    raise BadFrame(f"an unknown kind of value: {tag!r:.40}")


def _require_unlike(values: list[Any]) -> None:
    """Refuse what a set would search for minutes: thousands of numbers of the same hash."""
    if values and max(Counter(map(hash, values)).values()) > _MAX_ALIKE:
        raise BadFrame("a set of values that are all alike")


def _identifier(name: Any) -> str:
    """Return a name that came in, fit to be shown: short, and letters only where they belong."""
    if type(name) is not str:
        raise BadFrame("a name was expected")
    return "".join(c if c.isalnum() or c in "_., " else "_" for c in name[:60])
