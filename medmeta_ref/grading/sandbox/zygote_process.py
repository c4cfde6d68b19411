"""The sandbox's zygote from the grader's end: start it, have it fork a worker, end it."""

import contextlib
import json
import os
import select
import socket
import subprocess
import tempfile
from typing import Any

from medmeta_ref.grading.sandbox.asking import FORK_SECONDS, Ended, Worker
from medmeta_ref.grading.sandbox.backend import Backend, SandboxError
from medmeta_ref.grading.sandbox.confine import Limits
from medmeta_ref.grading.sandbox.pipe import Pipe
from medmeta_ref.grading.sandbox.zygote import MAX_CONTROL

START_SECONDS = 120.0  # a cold torch on a busy machine
_PIPE_BYTES = 1 << 20
_F_SETPIPE_SZ = 1031


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
