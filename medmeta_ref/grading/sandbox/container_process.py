"""Workers in containers, from the grader's end: every worker is a container of its own."""

import os
import subprocess
import tempfile

from medmeta_ref.grading.sandbox import container
from medmeta_ref.grading.sandbox.asking import Ended, Worker
from medmeta_ref.grading.sandbox.backend import Backend, SandboxError
from medmeta_ref.grading.sandbox.confine import Limits
from medmeta_ref.grading.sandbox.pipe import Pipe


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
