"""The parent of all workers: it imports torch once, and forks a confined child per submission.

It never runs a learner's line, and it is the only process in the sandbox with a capability: to give
each child namespaces of its own. The grader sends it "fork" and "kill" over a socket, a fork with
the two pipes of the new worker; it tells when a worker ended, how, and what CPU time it took.
"""

import fcntl
import gc
import json
import os
import select
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import torch

from medmeta_ref.grading.sandbox import confine, landlock, worker
from medmeta_ref.grading.sandbox.confine import Limits
from medmeta_ref.grading.sandbox.pipe import Pipe
from medmeta_ref.grading.sandbox.wire import pack

MAX_CONTROL = 1 << 16
QUESTIONS, ANSWERS, FIRST_FREE = 3, 4, 5  # the file descriptors of a worker


def main(config: dict[str, Any]) -> None:
    """Serve the grader over a socket until it hangs up; without a socket, be a worker on 0 and 1.

    Args:
        config: `control`, the socket's descriptor or None; `namespaces`, `landlock` and `confined`,
            the means to use; `readable`, `listable`, `writable`, paths for Landlock; without a
            socket also `limits`.
    """
    _warm_up()
    if config["control"] is None:
        gc.collect()
        _serve_alone(Limits(*config["limits"]), config)
        return
    control = socket.socket(fileno=config["control"])
    if config["confined"]:
        confine.die_with_parent()
    gc.collect()
    gc.disable()
    gc.freeze()  # the collector would write to, and so copy, every page of every child
    control.send(json.dumps({"event": "ready"}).encode())
    _Zygote(control, config).serve()


class _Zygote:
    def __init__(self, control: socket.socket, config: dict[str, Any]) -> None:
        self._control, self._config = control, config
        self._worker = 0
        self._ended = -1  # a descriptor that becomes readable when the worker has ended
        self._leash = -1  # the worker sees from its other end that we are there

    def serve(self) -> None:
        while True:
            poll = select.poll()
            poll.register(self._control, select.POLLIN)
            if self._ended >= 0:
                poll.register(self._ended, select.POLLIN)
            for descriptor, _ in poll.poll():
                if descriptor == self._ended:
                    self._report_end()
                elif not self._obey():
                    if self._worker:
                        os.kill(self._worker, signal.SIGKILL)
                    return

    def _obey(self) -> bool:
        text, descriptors, _, _ = socket.recv_fds(self._control, MAX_CONTROL, 2)
        if not text:
            return False
        order = json.loads(text)
        if order["do"] == "fork":
            self._fork(Limits(*order["limits"]), *descriptors)
            for descriptor in descriptors:
                os.close(descriptor)
        elif self._worker:
            os.kill(self._worker, signal.SIGKILL)
        return True

    def _fork(self, limits: Limits, questions: int, answers: int) -> None:
        far_end, self._leash = os.pipe()

        def be_worker() -> None:
            os.close(self._leash)
            _become_worker(limits, questions, answers, far_end, self._config)

        inside = confine.next_child_counts_anew if self._config["namespaces"] else nullcontext
        with inside():
            self._worker = _fork(be_worker)
        os.close(far_end)
        os.write(self._leash, b"!")
        self._ended = os.pidfd_open(self._worker)

    def _report_end(self) -> None:
        _, status, used = os.wait4(self._worker, 0)
        os.close(self._ended)
        os.close(self._leash)
        self._worker, self._ended = 0, -1
        event = {
            "event": "ended",
            "code": os.waitstatus_to_exitcode(status),
            "cpu": used.ru_utime + used.ru_stime,
        }
        self._control.send(json.dumps(event).encode())


def _fork(be_worker: Callable[[], None]) -> int:
    pid = os.fork()
    if pid == 0:
        _run_and_exit(be_worker)
    return pid


def _run_and_exit(act: Callable[[], None]) -> None:
    code = 70
    try:
        act()
        code = 0
    except BaseException as error:  # noqa: BLE001 - whatever it is, this process goes no further
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        sys.stderr.flush()
    finally:
        os._exit(code)


def _become_worker(
    limits: Limits, questions: int, answers: int, leash: int, config: dict[str, Any]
) -> None:
    """Wait for the zygote, give everything up, and serve."""
    os.read(leash, 1)
    if config["confined"]:
        confine.die_with_parent()
    gone = select.poll()
    gone.register(leash, 0)
    if gone.poll(0):
        return  # the zygote ended before it could take this process with it
    if config["namespaces"]:
        confine.own_mounts()
        confine.own_tmp(limits.tmpfs_mib)
    else:
        os.chdir("/")
    _give_up_and_serve(limits, questions, answers, config)


def _serve_alone(limits: Limits, config: dict[str, Any]) -> None:
    os.chdir("/")
    _give_up_and_serve(limits, 0, 1, config)


def _give_up_and_serve(
    limits: Limits, questions: int, answers: int, config: dict[str, Any]
) -> None:
    moved = [fcntl.fcntl(d, fcntl.F_DUPFD, 64) for d in (questions, answers)]
    os.dup2(moved[0], QUESTIONS)
    os.dup2(moved[1], ANSWERS)
    confine.close_descriptors(FIRST_FREE)
    pipe = Pipe(QUESTIONS, ANSWERS)
    if config["confined"]:
        rules = landlock_rules(config)
        confine.limit_resources(limits)
        confine.drop_privileges()
        if config["control"] is not None:
            confine.die_with_parent()  # giving up privileges has cancelled it
        confine.restrict(rules)
    os.dup2(0, 2)  # until here an error could be told
    worker.run(pipe, confined=config["confined"])


def landlock_rules(config: dict[str, Any]) -> int | None:
    """Return a descriptor of the rules in `config`; None where Landlock is not to be used."""
    wanted = config["landlock"]
    if wanted is None:  # in a container: whatever the machine that runs it has
        wanted = landlock.version() > 0
    if not wanted:
        return None
    readable = [path for path in config["readable"] if os.path.exists(path)]
    return landlock.make_rules(
        readable=readable, listable=config["listable"], writable=config["writable"]
    )


def _warm_up() -> None:
    """Touch what answers will use, so that children share it instead of loading it each."""
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(4, 3, generator=generator, dtype=torch.float64)
    pack({"warm": 1}, [x, x.long(), x > 0])
    labels = torch.tensor([0, 1, 2, 0])
    weight = torch.rand(3, 3, generator=generator, dtype=torch.float64, requires_grad=True)
    functional = torch.nn.functional
    p = (x @ weight).softmax(1)
    loss = functional.cross_entropy(p, labels) + functional.mse_loss(p, x)
    loss = loss + functional.kl_div(p.log_softmax(1), p, reduction="batchmean")
    torch.autograd.grad(loss, weight)
