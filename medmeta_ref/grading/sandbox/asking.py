"""One worker from the grader's end: ask it, wait no longer than agreed, say how it ended."""

import secrets
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from torch import Tensor

from medmeta_ref.grading.sandbox.backend import SandboxError
from medmeta_ref.grading.sandbox.pipe import Closed, Late, Pipe
from medmeta_ref.grading.sandbox.wire import BadFrame, Frame, Message, pack

FORK_SECONDS = 60.0
_MAX_CALLBACKS = 10_000  # in one call


class WorkerDied(Exception):
    """The worker has ended, or had to be ended; the message tells a learner why."""


class Ended(NamedTuple):
    """How a worker ended.

    Attributes:
        code: its exit code, or minus the signal that ended it; None if nobody knows.
        cpu_seconds: the CPU time it took.
    """

    code: int | None
    cpu_seconds: float


class Worker:
    """One worker: the process that holds a submission's cells.

    Args:
        pipe: the way to it and back.
        stop: ends the process if it has not ended, and returns how it did.
    """

    def __init__(self, pipe: Pipe, stop: Callable[[], Ended]) -> None:
        self._pipe, self._stop = pipe, stop
        self._ended: Ended | None = None

    def greet(self, *, confined: bool) -> None:
        """Wait until the worker is ready, before it has seen a line of the learner's.

        Raises:
            SandboxError: if it is not, or if it found a way out.
        """
        try:
            hello, _ = self._pipe.receive(time.monotonic() + FORK_SECONDS)
        except (Late, Closed, BadFrame) as error:
            raise SandboxError(f"the worker did not get ready: {error}") from None
        if hello.get("status") != "ready":
            raise SandboxError(f"the worker did not get ready: {hello!s:.200}")
        if confined and hello["ways_out"]:
            raise SandboxError(f"the sandbox does not hold: {', '.join(hello['ways_out'])}")

    def ask(
        self,
        question: Message,
        tensors: Sequence[Tensor],
        *,
        deadline: float,
        seconds: float,
        answer_callback: Callable[[Message, list[Tensor]], tuple[Message, list[Tensor]]],
    ) -> Frame:
        """Return the answer to a question.

        Args:
            question: its "do" and what belongs to it.
            tensors: its tensors.
            deadline: a time of `time.monotonic`.
            seconds: what the deadline was, for the message.
            answer_callback: carries out a function of the spec that the learner's code calls.

        Raises:
            WorkerDied: if there is no right answer in time. The worker is ended then.
            ValueError: if the question is too large.
        """
        asked = secrets.token_hex(16)
        frame = pack(question | {"id": asked}, tensors)
        try:
            if self._pipe.anything_waits():
                raise BadFrame("something was sent that nobody had asked for")
            self._pipe.send(frame, deadline)
            for _ in range(_MAX_CALLBACKS):
                answer, got = self._pipe.receive(deadline)
                if answer.get("id") != asked:
                    raise BadFrame("it answers another question")
                if answer.get("status") != "callback":
                    return answer, got
                reply, sent = answer_callback(answer, got)
                self._pipe.send(pack(reply | {"id": asked}, sent), deadline)
            raise BadFrame(f"it called the check's function more than {_MAX_CALLBACKS:,} times")
        except Late:
            self.stop()
            raise WorkerDied(f"it took longer than {seconds:g} seconds, and was ended") from None
        except BadFrame as error:
            self.stop()
            raise WorkerDied(
                f"something other than its answer was written to the grader ({error})"
            ) from None
        except Closed:
            raise WorkerDied(_cause(self.stop())) from None

    def stop(self) -> Ended:
        """End the process; how it ended, if it had already."""
        if self._ended is None:
            self._pipe.close()
            self._ended = self._stop()
        return self._ended


def _cause(ended: Ended) -> str:
    match ended.code:
        case -24:
            return "it computed for longer than it may, and was ended"
        case -9:
            return "it used more than it may, and was ended"
        case int(code) if code < 0:
            return f"it crashed (signal {-code})"
        case code:
            return f"it ended the process (exit code {code})"
