"""The process that holds a learner's cells: it runs them, and answers the grader's questions.

All of this runs beside the learner's code, which may change any of it. So nothing here decides
anything: it reports values, and the grader judges them.
"""

import contextlib
import gc
import io
import math
import os
import random
import sys
import traceback
import types
import warnings
from collections.abc import Callable, Iterator
from importlib.abc import MetaPathFinder
from typing import Any

import torch
from torch import Tensor

from medmeta_ref.grading.sandbox import confine
from medmeta_ref.grading.sandbox.adapters import ADAPTERS, Refused, resolve
from medmeta_ref.grading.sandbox.pipe import Closed, Pipe
from medmeta_ref.grading.sandbox.values import flatten, restore
from medmeta_ref.grading.sandbox.wire import Message, pack

FOREVER = math.inf
MAX_NOTE = 1000
_MAX_NOTES = 10
CELL_MARK = "<cell "  # the name of a compiled cell begins with it


class Worker:
    """The learner's names, and the questions about them.

    Args:
        pipe: questions come in, answers go out.
    """

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        main = types.ModuleType("__main__")
        sys.modules["__main__"] = main  # where dataclasses look for the names of their fields
        self._names = vars(main)
        self._id = ""

    def serve(self) -> None:
        """Answer questions until nobody asks any more."""
        actions = {"cell": self._cell, "begin": self._begin, "call": self._call, "get": self._get}
        while True:
            try:
                question, tensors = self._pipe.receive(FOREVER)
            except Closed:
                return
            self._id = question["id"]
            tensors_out: list[Tensor] = []
            try:
                answer = actions[question["do"]](question, tensors, tensors_out)
                frame = pack(answer | {"id": self._id}, tensors_out)
            except Exception as error:  # noqa: BLE001 - objects of the learner's can raise anything
                frame = pack(self._raised(error) | {"id": self._id, "notes": []})
            self._pipe.send(frame, FOREVER)

    def _cell(self, question: Message, *_: Any) -> Message:
        confine.limit_cpu_of_call(question["cpu"])

        def run() -> None:
            code = compile(question["source"], f"{CELL_MARK}{question['name']}>", "exec")
            exec(code, self._names)

        return self._outcome(run, [])

    def _begin(self, question: Message, *_: Any) -> Message:
        # torch.manual_seed would note the caller down for each kind of device that is not there.
        torch.default_generator.manual_seed(question["seed"])
        random.seed(question["seed"])
        return {"status": "ok", "value": None}

    def _get(self, question: Message, _: list[Tensor], out: list[Tensor]) -> Message:
        """Say what a name stands for; of a value, the value."""
        if question["name"] not in self._names:
            return {"status": "missing"}
        value = self._names[question["name"]]
        if callable(value):
            return {"status": "function"}
        return {"status": "ok", "value": flatten(value, out)}

    def _call(self, question: Message, tensors: list[Tensor], out: list[Tensor]) -> Message:
        confine.limit_cpu_of_call(question["cpu"])
        args = restore(question["args"], tensors, self._callback)
        settings = restore(question["settings"], tensors, self._callback)
        function = self._names[question["name"]]
        adapter = ADAPTERS[question["adapter"]]
        return self._outcome(lambda: adapter(function, *resolve(args), **resolve(settings)), out)

    def _outcome(self, run: Callable[[], Any], out: list[Tensor]) -> Message:
        """Run something of the learner's; say how it went and what it said on the way."""
        notes: list[str] = []
        with _listening(notes):
            try:
                answer = {"status": "ok", "value": flatten(run(), out)}
            except Refused as refused:
                answer = {"status": "refused", "code": refused.code}
            except BaseException as error:  # noqa: BLE001 - SystemExit too is the learner's failure
                out.clear()
                answer = self._raised(error)
        return answer | {"notes": notes}

    @staticmethod
    def _raised(error: BaseException) -> Message:
        cell, line = "", 0
        if isinstance(error, SyntaxError) and str(error.filename).startswith(CELL_MARK):
            cell, line = str(error.filename), error.lineno or 0
        for frame, number in traceback.walk_tb(error.__traceback__):
            if frame.f_code.co_filename.startswith(CELL_MARK):
                cell, line = frame.f_code.co_filename, number
        builtin = [kind.__name__ for kind in type(error).__mro__ if kind.__module__ == "builtins"]
        text = error.msg if isinstance(error, SyntaxError) else str(error)
        return {
            "status": "raised",
            "type": type(error).__name__,
            "base": builtin[0],
            "message": _text(text),
            "cell": cell[len(CELL_MARK) : -1],
            "line": line,
        }

    def _callback(self, number: int) -> Callable[..., Any]:
        """Return a function that is carried out on the grader's side."""

        def function(*args: Any, **settings: Any) -> Any:
            trained = [a for a in args if isinstance(a, Tensor) and a.requires_grad]
            if trained and torch.is_grad_enabled():
                return _Remote.apply(ask, args, settings, *trained)  # type: ignore[no-untyped-call]
            return ask(args, settings, None)

        def ask(args: Any, settings: Any, cotangent: Tensor | None) -> Any:
            out: list[Tensor] = []
            values = flatten([list(args), settings, cotangent], out)
            wrt = [i for i, a in enumerate(args) if isinstance(a, Tensor) and a.requires_grad]
            ask = {"id": self._id, "status": "callback", "function": number, "value": values}
            self._pipe.send(pack(ask | {"wrt": wrt, "notes": []}, out), FOREVER)
            reply, tensors = self._pipe.receive(FOREVER)
            if reply["status"] != "ok":
                raise RuntimeError(reply["message"])
            return restore(reply["value"], tensors)

        return function


class _Remote(torch.autograd.Function):
    """A function on the grader's side, differentiable once."""

    @staticmethod
    def forward(ctx: Any, ask: Any, args: Any, settings: Any, *trained: Tensor) -> Any:
        ctx.ask, ctx.args, ctx.settings = ask, args, settings
        return ask(args, settings, None)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, cotangent: Tensor) -> Any:
        return (None, None, None, *ctx.ask(ctx.args, ctx.settings, cotangent))


class _NoReference(MetaPathFinder):
    """Says why the course's own package cannot be imported."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> None:
        """Refuse `medmeta_ref`, and leave every other name to the other finders."""
        if fullname.partition(".")[0] == "medmeta_ref":
            raise ModuleNotFoundError(
                "medmeta_ref is not there at grading: an answer stands on its own", name=fullname
            )


def run(pipe: Pipe, *, confined: bool) -> None:
    """Greet the grader, then serve it. The process is confined already.

    Args:
        pipe: the way to the grader and back.
        confined: whether to try the ways out first, and report those that are open.
    """
    ways_out = confine.self_test() if confined else []
    forget_the_grader()
    gc.enable()
    pipe.send(pack({"id": "", "status": "ready", "ways_out": ways_out}), FOREVER)
    Worker(pipe).serve()


def forget_the_grader() -> None:
    """Leave the learner's code a plain Python: no environment, no arguments, no course package."""
    os.environ.clear()
    sys.argv = [""]
    for name in [n for n in sys.modules if n.partition(".")[0] == "medmeta_ref"]:
        del sys.modules[name]
    sys.meta_path.insert(0, _NoReference())


@contextlib.contextmanager
def _listening(notes: list[str]) -> Iterator[None]:
    """Collect warnings, and what is written to stderr; drop what is written to stdout."""
    stderr = io.StringIO()
    with (
        contextlib.redirect_stderr(stderr),
        contextlib.redirect_stdout(_Nowhere()),
        warnings.catch_warnings(record=True) as caught,
    ):
        warnings.simplefilter("always")
        try:
            yield
        finally:
            said = [f"{w.category.__name__}: {w.message}" for w in caught[:_MAX_NOTES]]
            notes += [_text(note) for note in (*said, _on_screen(stderr.getvalue())) if note]


class _Nowhere(io.TextIOBase):
    def write(self, text: str) -> int:
        return len(text)


def _on_screen(text: str) -> str:
    """Return what a terminal would show in the end: a progress bar redraws its line many times."""
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n")).strip()


def _text(value: Any) -> str:
    return str(value)[:MAX_NOTE].encode(errors="replace").decode()
