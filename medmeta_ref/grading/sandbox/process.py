"""The sandbox's processes from the grader's end: start them, ask, count the seconds, end them."""

import contextlib
import json
import os
import secrets
import select
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from torch import Tensor

from medmeta_ref.grading.sandbox import container
from medmeta_ref.grading.sandbox.backend import Backend, SandboxError
from medmeta_ref.grading.sandbox.confine import Limits
from medmeta_ref.grading.sandbox.pipe import Closed, Late, Pipe
from medmeta_ref.grading.sandbox.wire import BadFrame, Frame, Message, pack
from medmeta_ref.grading.sandbox.zygote import MAX_CONTROL

START_SECONDS = 120.0  # a cold torch on a busy machine
FORK_SECONDS = 60.0
_MAX_CALLBACKS = 10_000  # in one call
_PIPE_BYTES = 1 << 20
_F_SETPIPE_SZ = 1031


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


class Zygote:
    """A running sandbox that forks a worker per submission.

    Start it in a thread that lives as long as it does: the kernel ends it with its thread.

    Args:
        backend: how to start it.

    Raises:
        SandboxError: if it does not start.
    """

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self._stderr = tempfile.TemporaryFile()
        self._control, far_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        assert backend.zygote is not None
        command = backend.zygote(far_end.fileno())
        try:
            self._process = subprocess.Popen(
                command,
                env={},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._stderr,
                pass_fds=[far_end.fileno()],
                cwd="/",
            )
        except OSError as error:
            raise SandboxError(f"{command[0]}: {error}") from None
        finally:
            far_end.close()
        self._event("ready", START_SECONDS)

    def fork(self, limits: Limits) -> Worker:
        """Return a new worker. The one before has to be stopped.

        Raises:
            SandboxError: if the zygote is gone, or the worker is not confined.
        """
        to_worker, from_worker = os.pipe(), os.pipe()
        for _, write in (to_worker, from_worker):
            with contextlib.suppress(OSError):  # a user's pipes may be used up: then it is slower
                import fcntl

                fcntl.fcntl(write, _F_SETPIPE_SZ, _PIPE_BYTES)
        order = json.dumps({"do": "fork", "limits": list(limits)}).encode()
        try:
            socket.send_fds(self._control, [order], [to_worker[0], from_worker[1]])
        except OSError as error:
            raise SandboxError(f"the sandbox has ended: {error}") from None
        finally:
            os.close(to_worker[0])
            os.close(from_worker[1])
        worker = Worker(Pipe(from_worker[0], to_worker[1]), self._stop_worker)
        try:
            worker.greet(confined=self.backend.name != "unsafe")
        except SandboxError as error:
            with contextlib.suppress(SandboxError):
                worker.stop()
            raise SandboxError(f"{error}{self._said()}") from None
        return worker

    def close(self) -> None:
        """End the sandbox and whatever runs in it."""
        self._control.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._stderr.close()

    def _stop_worker(self) -> Ended:
        with contextlib.suppress(OSError):
            self._control.send(json.dumps({"do": "kill"}).encode())
        event = self._event("ended", FORK_SECONDS)
        return Ended(event["code"], event["cpu"])

    def _event(self, name: str, seconds: float) -> dict[str, Any]:
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        text = self._control.recv(MAX_CONTROL) if poll.poll(seconds * 1000) else b""
        event: dict[str, Any] = json.loads(text) if text else {}
        if event.get("event") != name:
            said = self._said()
            self.close()
            raise SandboxError(f"{self.backend.name} did not start, or has ended{said}")
        return event

    def _said(self) -> str:
        self._stderr.seek(0)
        lines = self._stderr.read().decode(errors="replace").strip().splitlines()
        return f": {lines[-1][:300]}" if lines else ""


class Container:
    """A container engine: every worker is a container.

    Args:
        backend: which.
    """

    def __init__(self, backend: Backend) -> None:
        self.backend = backend

    def fork(self, limits: Limits) -> Worker:
        """Return a new worker.

        Raises:
            SandboxError: if it does not start.
        """
        with tempfile.TemporaryFile() as stderr:
            process = subprocess.Popen(
                container.command(self.backend.name, limits),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
            )
            assert process.stdin is not None
            assert process.stdout is not None
            pipe = Pipe(os.dup(process.stdout.fileno()), os.dup(process.stdin.fileno()))
            process.stdin.close()
            process.stdout.close()

            def stop() -> Ended:
                try:
                    code = process.wait(2)  # its standard input is closed: it ends by itself
                except subprocess.TimeoutExpired:
                    process.kill()
                    code = process.wait()
                return Ended(128 - code if code > 128 else code, 0.0)

            worker = Worker(pipe, stop)
            try:
                worker.greet(confined=True)
            except SandboxError as error:
                worker.stop()
                stderr.seek(0)
                said = stderr.read().decode(errors="replace").strip()[-300:]
                raise SandboxError(f"{self.backend.name}: {error}: {said}") from None
            return worker

    def close(self) -> None:
        """Nothing is left between two workers."""


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
