"""What the worker does to itself before it sees a line of the learner's: limits, and no way out.

Everything here takes effect for good. `self_test` then tries to break out, so that a kernel which
accepts a rule and does not apply it is noticed before anything is graded.
"""

import ctypes
import mmap
import os
import resource
import signal
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from medmeta_ref.grading.sandbox import landlock, seccomp

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38
_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 47, 4
_CAPSET = {"x86_64": 126, "aarch64": 91}
_CAPABILITY_VERSION_3 = 0x20080522
_CLONE_NEWNS, _CLONE_NEWIPC, _CLONE_NEWPID = 0x00020000, 0x08000000, 0x20000000
_MS_NOSUID, _MS_NODEV, _MS_NOEXEC = 2, 4, 8

_libc = ctypes.CDLL(None, use_errno=True)


class Limits(NamedTuple):
    """What one submission may use.

    Attributes:
        call_seconds: wall time of one call, and CPU time as well.
        submission_seconds: wall time of everything.
        cpu_seconds: CPU time of one process.
        memory_mib: memory on top of what Python and torch have at the start.
        tmpfs_mib: the size of /tmp, where there is one.
        deaths: how often one exercise may end its process before it is not called any more.
    """

    call_seconds: float = 10.0
    submission_seconds: float = 300.0
    cpu_seconds: int = 120
    memory_mib: int = 2048
    tmpfs_mib: int = 16
    deaths: int = 2


@contextmanager
def next_child_counts_anew() -> Iterator[None]:
    """Give the child that is forked inside process ids of its own: it is 1, and sees no others.

    Raises:
        OSError: if this process may not.
    """
    _check(_libc.unshare(_CLONE_NEWPID), "unshare")
    try:
        yield
    finally:
        this = os.pidfd_open(os.getpid())
        try:
            _check(_libc.setns(this, _CLONE_NEWPID), "setns")
        finally:
            os.close(this)


def own_mounts() -> None:
    """Give this process mounts and shared memory of its own.

    Raises:
        OSError: if it may not.
    """
    _check(_libc.unshare(_CLONE_NEWNS | _CLONE_NEWIPC), "unshare")


def own_tmp(mib: int) -> None:
    """Mount a small, empty /tmp that goes away with this process, and go there."""
    options = f"size={mib}m,nr_inodes=1000,mode=700".encode()
    flags = _MS_NOSUID | _MS_NODEV | _MS_NOEXEC
    _check(_libc.mount(b"tmpfs", b"/tmp", b"tmpfs", flags, options), "mount")
    os.chdir("/tmp")


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent ends."""
    _check(_libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "prctl")


def drop_privileges() -> None:
    """Give up all capabilities, and the chance to get any back by running a program."""
    machine = os.uname().machine
    _libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    _check(_libc.syscall(_CAPSET[machine], header, bytes(24)), "capset")
    _check(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl")
    _check(_libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0), "prctl")


def limit_resources(limits: Limits) -> None:
    """Set hard limits on memory, CPU, files and their size."""
    memory = limits.memory_mib << 20
    for kind, value in (
        (resource.RLIMIT_AS, address_space() + memory),
        (resource.RLIMIT_FSIZE, limits.tmpfs_mib << 20),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
    ):
        resource.setrlimit(kind, (value, value))
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_seconds, limits.cpu_seconds))


def limit_cpu_of_call(seconds: float) -> None:
    """Let the kernel end this process (SIGXCPU) if it computes for this long from now on."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = int(used.ru_utime + used.ru_stime + seconds) + 1
    if hard != resource.RLIM_INFINITY:
        soft = min(soft, hard)
    resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def address_space() -> int:
    """Return the bytes of address space in use, to the mebibyte, without asking /proc."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    low, high = 0, 1 << 26  # mebibytes
    while high - low > 1:
        middle = (low + high) // 2
        try:
            resource.setrlimit(resource.RLIMIT_AS, (middle << 20, hard))
            mmap.mmap(-1, mmap.PAGESIZE).close()
            high = middle
        except (OSError, ValueError):
            low = middle
        finally:
            resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
    return high << 20


def close_descriptors(keep: int) -> None:
    """Close every file descriptor from `keep` on; 0 and 1 lead nowhere from now on."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1):
        os.dup2(nowhere, descriptor)
    os.closerange(keep, 1 << 20)


def restrict(rules: int | None) -> None:
    """Apply Landlock's rules, if there are any, and the list of system calls."""
    if rules is not None:
        landlock.restrict(rules)
        os.close(rules)
    seccomp.restrict()


def self_test() -> list[str]:
    """Return which ways out are open; there should be none."""
    attempts: dict[str, Callable[[], None]] = {
        "a socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM).close(),
        "a process": _fork,
        "a program": lambda: os.execv("/bin/sh", ["sh", "-c", "exit 77"]),
        "a signal": lambda: os.kill(os.getpid(), 0),
        "the password file": lambda: os.close(os.open("/etc/passwd", os.O_RDONLY)),
        "other processes": lambda: os.close(os.open("/proc/1/environ", os.O_RDONLY)),
        "a file in /": lambda: os.close(os.open("/medmeta", os.O_CREAT | os.O_WRONLY, 0o600)),
        "a namespace": lambda: _check(_libc.unshare(_CLONE_NEWNS), "unshare"),
        "a mount": lambda: _check(_libc.mount(b"x", b"/tmp", b"tmpfs", 0, None), "mount"),
    }
    found = []
    for name, attempt in attempts.items():
        try:
            attempt()
        except OSError:
            continue
        found.append(name)
    return found


def _fork() -> None:
    if os.fork() == 0:
        os._exit(77)


def _check(result: int, name: str) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")
