"""Compare a learner's value with the right one, and name the mistake that would explain it.

Every value test ends here. Beside the right value the author hands in the values that well-known
mistakes would give; when the learner's value is one of those, the message says so instead of
showing two numbers.
"""

import math
import sys
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
    an obliging `__eq__` gets nothing. Precision is not asked for: all is compared in float64, and
    the tolerance lets a right value pass that was computed in float32.

    Args:
        got: what the learner's function returned.
        want: the right value.
        mistakes: what went wrong, as a sentence -> the value that would then come out.
        look_at: advice if no known mistake fits.
        rtol: relative tolerance; about a hundred roundings of float32.
        atol: absolute tolerance.
    """
    want = _float64(want)
    got = _plain_tensor(got, want, look_at)
    if torch.allclose(got, want, rtol=rtol, atol=atol):
        return
    for sentence, value in mistakes.items():
        value = _float64(value)
        if value.shape == got.shape and torch.allclose(got, value, rtol=rtol, atol=atol):
            raise AssertionError(f"{_numbers(got, want)} {sentence}")
    raise AssertionError(f"{_numbers(got, want)} {look_at}")


def _float64(value: Tensor | float) -> Tensor:
    return torch.as_tensor(value, dtype=torch.float64, device="cpu").detach()


def _plain_tensor(got: Any, want: Tensor, look_at: str) -> Tensor:
    """Return the learner's value in float64; whatever cannot be compared is an AssertionError."""
    if type(got) in (int, float) and want.ndim == 0:
        # Integers of Python may be larger than any float.
        got = _float64(got if abs(got) <= sys.float_info.max or got != got else math.inf)
    if type(got) not in (Tensor, torch.nn.Parameter):
        missing = " Is the return statement missing?" if got is None else ""
        raise AssertionError(
            f"A tensor of shape {tuple(want.shape)} was expected, your function returned "
            f"{type(got).__name__}.{missing}"
        )
    if got.is_complex() or got.dtype == torch.bool:
        raise AssertionError(f"Real numbers were expected, yours are {got.dtype}. {look_at}")
    if got.layout != torch.strided or got.is_nested or got.is_meta:
        raise AssertionError(f"An ordinary tensor was expected, yours is not. {look_at}")
    if got.shape != want.shape:
        raise AssertionError(
            f"Shape {tuple(want.shape)} was expected, yours is {tuple(got.shape)}. {look_at}"
        )
    if not torch.isfinite(got).all():
        raise AssertionError(f"Your result holds nan or infinite values. {look_at}")
    return _float64(got)


def _numbers(got: Tensor, want: Tensor) -> str:
    """Return both values, or where they differ most."""
    if want.ndim == 0:
        return f"Expected {want.item():.6g}, got {got.item():.6g}."
    here = [int(i) for i in torch.unravel_index((got - want).abs().argmax(), want.shape)]
    theirs, yours = want[tuple(here)].item(), got[tuple(here)].item()
    return f"At {here}: expected {theirs:.6g}, got {yours:.6g}."
