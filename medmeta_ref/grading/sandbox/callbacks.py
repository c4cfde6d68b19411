"""Functions of a spec that the learner's code calls: its arguments are a stranger's."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from medmeta_ref.grading.sandbox.messages import clean
from medmeta_ref.grading.sandbox.own_memory import at_most
from medmeta_ref.grading.sandbox.values import flatten, restore
from medmeta_ref.grading.sandbox.wire import BadFrame, Message

# What the learner's code may hand to a function of the spec. Two such tensors, broadcast against
# each other by that function, are this number squared: that has to fit into the grader's memory.
MAX_CALLBACK_ELEMENTS = 2000
_CALLBACK_MIB = 512  # and what it computes from them, whatever else they are


def carry_out(
    asked: Message, tensors: list[Tensor], functions: list[Callable[..., Any]]
) -> tuple[Message, list[Tensor]]:
    """Call a function of the spec for the learner's code, or return its gradients.

    Raises:
        BadFrame: if there is no such function, or no such argument.
    """
    if sum(t.numel() for t in tensors) > MAX_CALLBACK_ELEMENTS:
        what = f"the function takes {MAX_CALLBACK_ELEMENTS:,} numbers at most at grading"
        return {"status": "raised", "message": what}, []
    number, wrt = asked.get("function"), asked.get("wrt")
    if type(number) is not int or not 0 <= number < len(functions) or type(wrt) is not list:
        raise BadFrame("a function that nobody gave it")
    value = restore(asked.get("value"), tensors)
    if type(value) is not list or len(value) != 3:
        raise BadFrame("no arguments")
    args, settings, cotangent = value
    out: list[Tensor] = []
    try:
        with at_most(_CALLBACK_MIB):
            trained = [args[i].requires_grad_() for i in wrt] if cotangent is not None else []
            result = functions[number](*args, **settings)
            if trained:
                result = list(torch.autograd.grad(result, trained, cotangent, allow_unused=True))
        return {"status": "ok", "value": flatten(result, out)}, out
    except Exception as error:  # noqa: BLE001 - whatever hostile arguments bring about
        return {"status": "raised", "message": clean(f"{type(error).__name__}: {error}")}, []
