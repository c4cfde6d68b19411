"""What the checks of random answers share: labels, many draws, plain integers, errors."""

import re
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from medmeta_ref.grading.learner import LearnerError

CLASSES = (2, 3, 5, 7, 11, 13)  # codes that nobody mistakes for slots or positions


def archive(per_class: int, *, generator: torch.Generator) -> Tensor:
    """Return labels, `per_class` of every code, in random order."""
    labels = torch.tensor(CLASSES).repeat_interleave(per_class)
    return labels[torch.randperm(len(labels), generator=generator)]


def seed_from(generator: torch.Generator) -> int:
    """Return a random seed."""
    return int(torch.randint(2**40, (), generator=generator))


def draws(
    yours: Any,
    *inputs: Any,
    times: int,
    generator: torch.Generator,
    adapter: str = "draws",
    **settings: Any,
) -> list[Any]:
    """Return what `times` calls with one generator return; see `assert_generator_decides`."""
    seed, surroundings = seed_from(generator), seed_from(generator)
    how = {"seed": seed, "times": times, "surroundings": surroundings}
    drawn: list[Any] = yours.through(adapter, *inputs, **how, **settings)[0]
    return drawn


def integers(got: Any, what: str) -> list[int]:
    """Return the learner's tensor or list as plain integers."""
    if type(got) is Tensor:
        _require_ordinary(got)
        assert got.ndim == 1, f"{what} should have one axis, yours has shape {tuple(got.shape)}."
        is_whole = not (got.is_floating_point() or got.dtype == torch.bool)
        assert is_whole, f"{what} should hold integers, yours holds {got.dtype}."
        got = got.tolist()
    missing = " Is the return statement missing?" if got is None else ""
    assert type(got) in (list, tuple), (
        f"{what} should be a tensor or list of integers, yours is {type(got).__name__}.{missing}"
    )
    plain: list[Any] = [
        each.item() if type(each) is Tensor and each.ndim == 0 else each for each in got
    ]
    assert all(type(each) is int for each in plain), f"{what} should hold integers, got {got!r:.80}"
    return plain


def assert_generator_decides(
    yours: Any,
    *inputs: Any,
    generator: torch.Generator,
    adapter: str = "draws",
    by: str = "torch.randperm",
    **settings: Any,
) -> None:
    """The same seed gives the same, another seed another, and the global generators stay put.

    Args:
        yours: the learner's function.
        inputs: its arguments, or what the adapter makes them from.
        generator: of the check.
        adapter: "draws", or another that returns the same.
        by: what draws in a usual answer.
        settings: of the function.
    """
    one, other, calm, stormy = (seed_from(generator) for _ in range(4))
    results = {}
    for seed, surroundings in ((one, calm), (one, stormy), (other, calm)):
        how = {"seed": seed, "times": 4, "surroundings": surroundings}
        drawn, following = yours.through(adapter, *inputs, **how, **settings)
        results[seed, surroundings] = [_plain(each) for each in drawn]
        assert _near(following[0], _first_number(surroundings)), (
            "Your function draws from torch's global generator, or seeds it. Pass "
            f"generator=generator to {by}, and leave torch.manual_seed alone."
        )
    first = results[one, calm]
    assert first == results[one, stormy], (
        "Two calls with the same seed give different results: something in your function is "
        f"random without the generator. Pass generator=generator to {by}."
    )
    assert first != results[other, calm], (
        "Another seed gives the very same result: your function does not use its generator."
    )
    assert any(each != first[0] for each in first), (
        "Four calls in a row with one generator give the same four times. Draw from the generator "
        "you are given; do not seed it, and do not make one of your own."
    )


def assert_refuses(call: Callable[[], Any], *numbers: int, what: str) -> None:
    """The call raises a ValueError whose message has all these numbers in it."""
    error = _error_of(call)
    assert error is not None, f"{what} should raise a ValueError that says so; yours did not."
    kind = type(error.original).__name__
    assert kind == "ValueError", f"{what} should raise a ValueError; yours raised {error}"
    told = {int(number) for number in re.findall(r"\d+", str(error.original))}
    missing = [number for number in numbers if number not in told]
    assert not missing, (
        f"{what}: your message ({error.original!s:.120}) does not say "
        f"{' or '.join(map(str, missing))}. Name what was asked for and what there is."
    )


def _error_of(call: Callable[[], Any]) -> LearnerError | None:
    try:
        call()
    except LearnerError as error:
        return error
    return None


def _first_number(seed: int) -> float:
    """Return the first number of a generator with that seed."""
    return float(torch.rand((), generator=torch.Generator().manual_seed(seed)))


def _near(a: Any, b: float) -> bool:
    return type(a) is float and abs(a - b) < 1e-9


def _require_ordinary(tensor: Tensor) -> None:
    """Sparse, nested and meta tensors have no numbers to look at."""
    ordinary = tensor.layout == torch.strided and not (tensor.is_nested or tensor.is_meta)
    assert ordinary, "An ordinary tensor of integers was expected, yours is of another kind."


def _plain(value: Any) -> Any:
    """Return a result in a form that == compares by value."""
    if type(value) is Tensor:
        _require_ordinary(value)
        return value.tolist()
    if type(value) is dict:
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    known = value is None or type(value) in (int, float, bool, str)
    assert known, f"Tensors or lists of integers were expected, yours is {type(value).__name__}."
    return value
