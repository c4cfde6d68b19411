"""The learner's functions, seen from the grader: the cells run in the sandbox, values come out.

`Submission` loads the answer cells into a worker, one question per cell, so that it is known which
cell does what. A cell or a call that ends the worker costs its own exercise; the others go on in a
new worker, into which the cells are loaded again, the deadly one left out.
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from medmeta_ref.grading.learner import Learner, LearnerError, NotAttempted
from medmeta_ref.grading.sandbox.adapters import REFUSALS
from medmeta_ref.grading.sandbox.answer_form import well_formed
from medmeta_ref.grading.sandbox.asking import Worker, WorkerDied
from medmeta_ref.grading.sandbox.backend import SandboxError
from medmeta_ref.grading.sandbox.callbacks import carry_out
from medmeta_ref.grading.sandbox.confine import Limits
from medmeta_ref.grading.sandbox.forms import fits
from medmeta_ref.grading.sandbox.messages import as_exception, clean, named
from medmeta_ref.grading.sandbox.values import flatten, restore
from medmeta_ref.grading.sandbox.wire import BadFrame, Message

_PREAMBLE = "the unit's import cell"
_MAX_NOTES = 10
_Dead = LearnerError | NotAttempted


class Submission:
    """A learner's answer cells in a sandbox.

    Args:
        cells: grade id -> source, in the order of the notebook.
        start_worker: starts a new worker.
        preamble: what the notebook imports above the answers.
        limits: what the submission may use.
    """

    def __init__(
        self,
        cells: Mapping[str, str],
        start_worker: Callable[[], Worker],
        *,
        preamble: str,
        limits: Limits,
    ) -> None:
        self.cells, self.limits = dict(cells), limits
        self.cpu_seconds = 0.0
        self._start_worker, self._preamble = start_worker, preamble
        self._worker: Worker | None = None
        self._end = time.monotonic() + limits.submission_seconds
        self._deaths: Counter[str] = Counter()
        self._failed: dict[str, _Dead] = {}  # cell -> what keeps it from being loaded

    def answer(self, name: str) -> Any:
        """Return a `RemoteLearner`, or the value, that a cell of that name defines.

        Where there is none, what comes back is the exception that says why.

        Raises:
            SandboxError: if the sandbox itself fails.
        """
        if not self.cells.get(name, "").strip():
            return NotAttempted("the cell is empty")
        try:
            self._load()
            if name in self._failed:
                return self._failed[name]
            answer, tensors = self._ask({"do": "get", "name": name}, name)
            if answer["status"] == "function":
                return RemoteLearner(self, name)
            if answer["status"] == "ok":
                return restore(answer["value"], tensors)
        except BadFrame as error:
            return self._broken(name, error)
        except LearnerError as error:
            return error
        return LearnerError(NameError(f"the cell defines no {name!r}"), f"cell {name}")

    def begin(self, name: str, seed: int) -> None:
        """Part the checks of one exercise from those before; what was sent in between is dropped.

        Raises:
            SandboxError: if the sandbox itself fails.
        """
        try:
            self._load()
            self._ask({"do": "begin", "seed": seed}, "")
        except LearnerError:  # left behind by the exercise before: a new worker knows nothing of it
            self._load()
            self._ask({"do": "begin", "seed": seed}, name)

    def call(
        self, name: str, adapter: str, args: Any, settings: Any
    ) -> tuple[Message, list[Tensor]]:
        """Return the answer to a call of the function `name`.

        Raises:
            NotAttempted, LearnerError: if it failed.
        """
        self._load()
        if name in self._failed:
            raise self._failed[name]
        tensors: list[Tensor] = []
        functions: list[Callable[..., Any]] = []
        question: Message = {
            "do": "call",
            "name": name,
            "adapter": adapter,
            "cpu": self.limits.call_seconds,
            "args": flatten(list(args), tensors, functions),
            "settings": flatten(settings, tensors, functions),
        }
        return self._ask(question, name, tensors, functions)

    def error(self, answer: Message) -> _Dead:
        """Return the exception that an answer of status "raised" tells of."""
        cell, line = clean(answer["cell"], 60), answer["line"]
        lines = self.cells.get(cell, "").splitlines()
        where = source = ""
        if type(line) is int and 0 < line <= len(lines):
            source = lines[line - 1].strip()
            where = f"cell {cell} line {line}: {clean(source, 120)}"
        error = as_exception(answer["type"], answer["message"], answer["base"])
        # torch raises NotImplementedError too, given integers where it needs floats.
        if isinstance(error, NotImplementedError):
            if not where or "raise NotImplementedError" in source:
                return NotAttempted()
        return LearnerError(error, where)

    def broken(self, name: str, error: Exception) -> LearnerError:
        """Give up a worker that answers what no answer looks like; it costs that exercise."""
        return self._broken(name, error)

    def close(self) -> None:
        """End the worker."""
        if self._worker is not None:
            self.cpu_seconds += self._worker.stop().cpu_seconds
            self._worker = None

    def _load(self) -> None:
        """Start a worker, if there is none, and run the cells in it."""
        while self._worker is None:
            self._worker = self._start_worker()
            if self._preamble:
                self._load_preamble()
            for name, source in self.cells.items():
                if name in self._failed and self._deaths[name]:
                    continue
                try:
                    answer, _ = self._ask(
                        {"do": "cell", "name": name, "source": source, "cpu": 10}, name
                    )
                except LearnerError as error:
                    # It ended the worker: the next one is started without it.
                    self._failed[name] = error
                    break
                self._failed.pop(name, None)
                if answer["status"] == "raised":
                    self._failed[name] = self.error(answer)

    def _load_preamble(self) -> None:
        question = {"do": "cell", "name": "", "source": self._preamble, "cpu": 60}
        answer, _ = self._ask(question, "")
        if answer["status"] != "ok":
            raise SandboxError(
                f"{_PREAMBLE} does not run in the sandbox: {self.error(answer)}. Only torch and "
                "numpy, with what they need, are there."
            )

    def _ask(
        self,
        question: Message,
        name: str,
        tensors: list[Tensor] | None = None,
        functions: list[Callable[..., Any]] | None = None,
    ) -> tuple[Message, list[Tensor]]:
        """Ask the worker; if that ends it, count the death of `name`, and raise a LearnerError."""
        assert self._worker is not None
        left = self._end - time.monotonic()
        if left <= 0:
            seconds = self.limits.submission_seconds
            raise LearnerError(named("TimeLimit")(f"{seconds:g} seconds are over, for all"), "")
        if self._deaths[name] >= self.limits.deaths and question["do"] == "call":
            times = self.limits.deaths
            raise LearnerError(named("Stopped")(f"not called again, after {times} such ends"), "")
        seconds = min(left, self.limits.call_seconds)
        try:
            answer, got = self._worker.ask(
                question,
                tensors or [],
                deadline=time.monotonic() + seconds,
                seconds=seconds,
                answer_callback=lambda asked, got: carry_out(asked, got, functions or []),
            )
            if not well_formed(answer, question["do"]):
                raise BadFrame("it lacks what belongs to an answer")
        except WorkerDied as died:
            raise self._lost(name, str(died)) from None
        except BadFrame as error:
            raise self._broken(name, error) from None
        return answer, got

    def _broken(self, name: str, error: Exception) -> LearnerError:
        said = f"something other than its answer was written to the grader ({error})"
        return self._lost(name, said)

    def _lost(self, name: str, why: str) -> LearnerError:
        self.close()
        self._deaths[name] += 1
        return LearnerError(named("Stopped")(why), "")


class RemoteLearner(Learner):
    """A learner's function in the sandbox, called like one in the notebook.

    Args:
        submission: where it is.
        name: its name.
    """

    def __init__(self, submission: Submission, name: str) -> None:
        self._submission, self._name = submission, name
        self.notes: list[str] = []
        self.kept: dict[str, Any] = {}

    def begin(self, seed: int) -> None:
        """See `Learner.begin`."""
        self._submission.begin(self._name, seed)

    def through(self, adapter: str, *args: Any, **kwargs: Any) -> Any:
        """See `Learner.through`."""
        answer, tensors = self._submission.call(self._name, adapter, args, kwargs)
        for note in answer["notes"][:_MAX_NOTES]:
            if (text := clean(note)) and text not in self.notes and len(self.notes) < _MAX_NOTES:
                self.notes.append(text)
        match answer["status"]:
            case "ok":
                try:
                    result = restore(answer["value"], tensors)
                    if not fits(adapter, result, args, kwargs):
                        raise BadFrame("it is not of the form that was asked for")
                    return result
                except BadFrame as error:
                    raise self._submission.broken(self._name, error) from None
            case "refused":
                raise AssertionError(REFUSALS[answer["code"]])
        raise self._submission.error(answer)
