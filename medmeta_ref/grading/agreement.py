"""Compare a learner's value with the right one, and name the mistake that would explain it.

Every value test ends here. Beside the right value the author hands in the values that well-known
mistakes would give; when the learner's value is one of those, the message says so instead of
showing two numbers.
"""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


def assert_agrees(
    got: Any,
    want: Tensor | float,
    *,
    mistakes: Mapping[str, Tensor | float],
    look_at: str,
    rtol: float = 1e-5,
    atol: float = 1e-7,
) -> None:
    """Raise an AssertionError with a helpful message unless `got` is `want`.

    Type, shape and finiteness are looked at first and with the exact type, so that an object with
    an obliging `__eq__` gets nothing.

    Args:
        got: what the learner's function returned.
        want: the right value.
        mistakes: what went wrong, as a sentence -> the value that would then come out.
        look_at: advice if no known mistake fits.
        rtol: relative tolerance; fits float64 inputs.
        atol: absolute tolerance.
    """
    want = torch.as_tensor(want)
    _assert_plain_tensor(got, want, look_at)
    if _close(got, want, rtol, atol):
        return
    for sentence, value in mistakes.items():
        if _close(got, torch.as_tensor(value), rtol, atol):
            raise AssertionError(f"{_numbers(got, want)} {sentence}")
    raise AssertionError(f"{_numbers(got, want)} {look_at}")


def _assert_plain_tensor(got: Any, want: Tensor, look_at: str) -> None:
    if type(got) in (int, float) and want.ndim == 0:
        got = torch.tensor(float(got), dtype=torch.float64)
    if type(got) not in (Tensor, torch.nn.Parameter):
        raise AssertionError(
            f"A tensor of shape {tuple(want.shape)} was expected, your function returned "
            f"{type(got).__name__}. {'Is the return statement missing?' if got is None else ''}"
        )
    if got.shape != want.shape:
        raise AssertionError(
            f"Shape {tuple(want.shape)} was expected, yours is {tuple(got.shape)}. {look_at}"
        )
    if got.is_complex() or not torch.isfinite(got).all():
        raise AssertionError(f"Your result holds nan or infinite values. {look_at}")


def _close(got: Any, value: Tensor, rtol: float, atol: float) -> bool:
    got = torch.as_tensor(got).detach().to(torch.float64)
    value = value.detach().to(torch.float64)
    return got.shape == value.shape and bool(torch.allclose(got, value, rtol=rtol, atol=atol))


def _numbers(got: Any, want: Tensor) -> str:
    """Return both values, or where they differ most."""
    got = torch.as_tensor(got).detach().to(torch.float64)
    want = want.detach().to(torch.float64)
    if want.ndim == 0:
        return f"Expected {want.item():.6g}, got {got.item():.6g}."
    where = int((got - want).abs().argmax())
    index = []
    for size in reversed(want.shape):
        index.append(where % size)
        where = math.floor(where / size)
    position = ", ".join(str(i) for i in reversed(index))
    here = tuple(reversed(index))
    return f"At [{position}]: expected {want[here].item():.6g}, got {got[here].item():.6g}."
