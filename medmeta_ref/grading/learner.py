"""The learner's function as the checks see it: called on copies, its failures told apart.

A check never touches the function itself. It calls it through `Learner`, which hands it copies
(so that it cannot change what the oracle sees later), turns its exceptions into one of two kinds,
and keeps its warnings and its stderr as notes.
"""

import contextlib
import io
import os
import sys
import sysconfig
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from medmeta_ref.grading.sandbox.adapters import ADAPTERS, Refused, resolve

# Code in these folders is nobody's answer: Python's own, installed packages, this package.
_NOT_THE_LEARNERS = (
    sysconfig.get_path("stdlib"),
    *(sysconfig.get_path(name) for name in ("purelib", "platlib")),
    str(Path(__file__).parent.parent),
)


class NotAttempted(Exception):
    """The function still raises NotImplementedError, as it was handed out."""


class LearnerError(Exception):
    """The learner's code raised.

    Args:
        original: the exception.
        where: the line of the learner's code that raised it, or "".
    """

    def __init__(self, original: BaseException, where: str) -> None:
        self.original = original
        at = f" at `{where}`" if where else ""
        super().__init__(f"{type(original).__name__}: {original}{at}")


class Learner:
    """A callable that stands for the learner's function.

    Args:
        function: the learner's function.

    Attributes:
        notes: its warnings, and what it wrote to stderr.
        kept: what the checks of one run found out together, under names of their own.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self.notes: list[str] = []
        self.kept: dict[str, Any] = {}

    def begin(self, seed: int) -> None:
        """Prepare for the checks of an exercise: an answer that draws at random is reproducible."""
        torch.default_generator.manual_seed(seed)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return what the function returns on copies of the arguments.

        Raises:
            NotAttempted: if it raises NotImplementedError itself.
            LearnerError: if it raises anything else.
        """
        return self.through("call", *args, **kwargs)

    def gradient(self, *args: Any, wrt: int, **kwargs: Any) -> Tensor | None:
        """Return the gradient of the function's 0-dim result in its argument number `wrt`.

        None stands for "no gradient gets there".

        Raises:
            NotAttempted, LearnerError: as calling does.
            AssertionError: if the result is not a 0-dim tensor that can be differentiated.
        """
        gradient: Tensor | None = self.through("gradient", *args, wrt=wrt, **kwargs)
        return gradient

    def through(self, adapter: str, *args: Any, **kwargs: Any) -> Any:
        """Return what an adapter of `sandbox.adapters` makes of the function.

        Args:
            adapter: its name.
            args: the adapter's arguments after the function. Copies are passed on; `Fn` and `Gen`
                become what they name.
            kwargs: its settings, and the function's.

        Raises:
            NotAttempted, LearnerError: as calling does.
            AssertionError: if the adapter has no use for what the function returns.
        """
        copies, settings = resolve(_copy(args)), resolve(_copy(kwargs))
        return self._run(ADAPTERS[adapter], self._function, *copies, **settings)

    def _run(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        with (
            contextlib.redirect_stderr(io.StringIO()) as stderr,
            warnings.catch_warnings(record=True) as caught,
        ):
            warnings.simplefilter("always")
            try:
                return function(*args, **kwargs)
            except KeyboardInterrupt:
                raise
            except Refused as refused:
                raise AssertionError(str(refused)) from None
            except BaseException as error:  # SystemExit as well: it is a failure of the answer
                where = _where(error)
                # torch raises NotImplementedError too, given integers where it needs floats.
                is_placeholder = not where or "raise NotImplementedError" in where
                if isinstance(error, NotImplementedError) and is_placeholder:
                    raise NotAttempted from error
                raise LearnerError(error, where) from error
            finally:
                said = [f"{w.category.__name__}: {w.message}" for w in caught]
                for note in (*said, _on_screen(stderr.getvalue())):
                    if note and note not in self.notes:
                        self.notes.append(note)


@contextlib.contextmanager
def quiet_stderr() -> Iterator[list[str]]:
    """Keep stderr from reaching the notebook; the list yielded holds afterwards what was written.

    nbgrader gives a check cell with anything on stderr 0 points. Libraries in C write to file
    descriptor 2 without asking Python; a handler of `logging` writes to the stream that was there
    when it was made, which in a notebook is an object and no file.
    """
    said: list[str] = []
    stream, written = sys.stderr, io.StringIO()
    with tempfile.TemporaryFile() as sink:
        saved = os.dup(2)
        try:
            os.dup2(sink.fileno(), 2)
            stream.write = written.write  # type: ignore[method-assign]
            yield said
        finally:
            del stream.write
            os.dup2(saved, 2)
            os.close(saved)
            sink.seek(0)
            texts = (written.getvalue(), sink.read().decode(errors="replace"))
            said += [_on_screen(text) for text in texts if text.strip()]


def _copy(value: Any) -> Any:
    """Return copies of all tensors in a value, also of those in tuples, lists and dicts."""
    match value:
        case Tensor():
            return value.detach().clone()
        case dict():
            return {key: _copy(each) for key, each in value.items()}
        case tuple() if hasattr(value, "_fields"):
            return type(value)(*map(_copy, value))
        case tuple() | list():
            return type(value)(map(_copy, value))
    return value


def _on_screen(text: str) -> str:
    """Return what a terminal would show in the end: a progress bar redraws its line many times."""
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n")).strip()


def _where(error: BaseException) -> str:
    """Return the last line of the learner's own code in the traceback of `error`."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if frame.line and not frame.filename.startswith(_NOT_THE_LEARNERS):
            return frame.line.strip()
    return ""
