"""The learner's function as the checks see it: called on copies, its failures told apart.

A check never touches the function itself. It calls it through `Learner`, which hands it copies
(so that it cannot change what the oracle sees later), turns its exceptions into one of two kinds,
and keeps its warnings and its stderr as notes.
"""

import contextlib
import io
import linecache
import os
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor


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
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self.notes: list[str] = []

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return what the function returns on copies of the arguments.

        Raises:
            NotAttempted: if it raises NotImplementedError.
            LearnerError: if it raises anything else.
        """
        return self._call([_copy(a) for a in args], {k: _copy(v) for k, v in kwargs.items()})

    def gradient(self, *args: Any, wrt: int, **kwargs: Any) -> Tensor | None:
        """Return the gradient of the function's 0-dim result in its argument number `wrt`.

        None stands for "no gradient gets there".

        Raises:
            NotAttempted, LearnerError: as calling does; also if the result is not a 0-dim tensor
                that can be differentiated.
        """
        copies = [_copy(a) for a in args]
        copies[wrt].requires_grad_()
        # The other arguments could carry gradient too; that another one is asked for is fine.
        others = [a for a in copies if isinstance(a, Tensor) and a.is_floating_point()]
        for other in others:
            other.requires_grad_()
        result = self._call(copies, {k: _copy(v) for k, v in kwargs.items()})
        if type(result) is not Tensor or result.ndim != 0:
            raise AssertionError("A tensor without axes (a scalar loss) was expected.")
        if not result.requires_grad:
            raise AssertionError(
                "Your result is cut off from its inputs, so nothing could be trained with it. "
                "Look for .item(), .detach(), torch.no_grad() or torch.tensor(...)."
            )
        gradient: Tensor | None = torch.autograd.grad(result, copies[wrt], allow_unused=True)[0]
        return gradient

    def _call(self, args: list[Any], kwargs: dict[str, Any]) -> Any:
        with contextlib.redirect_stderr(io.StringIO()) as stderr, warnings.catch_warnings():
            warnings.simplefilter("always")
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                try:
                    return self._function(*args, **kwargs)
                except KeyboardInterrupt:
                    raise
                except NotImplementedError as error:
                    raise NotAttempted from error
                except BaseException as error:  # SystemExit as well: it is a failure of the answer
                    raise LearnerError(error, _where(error)) from error
                finally:
                    self._note(*(f"{w.category.__name__}: {w.message}" for w in caught))
                    self._note(stderr.getvalue().strip())

    def _note(self, *notes: str) -> None:
        self.notes += [note for note in notes if note and note not in self.notes]


@contextlib.contextmanager
def quiet_stderr() -> Iterator[None]:
    """Keep what is written to file descriptor 2 from reaching the notebook.

    nbgrader gives a check cell with anything on stderr 0 points; libraries in C write there
    without asking Python.
    """
    with tempfile.TemporaryFile() as sink:
        saved = os.dup(2)
        try:
            os.dup2(sink.fileno(), 2)
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)


def _copy(value: Any) -> Any:
    return value.detach().clone() if isinstance(value, Tensor) else value


def _where(error: BaseException) -> str:
    """Return the last line of the learner's own code in the traceback of `error`."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        # Cells and files of learners lie outside every installed package.
        if "site-packages" not in frame.filename and frame.filename != __file__:
            return (frame.line or linecache.getline(frame.filename, frame.lineno or 0)).strip()
    return ""
