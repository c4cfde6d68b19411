"""Landlock: from here on, this process reads the paths it was given and no others.

Needs no privileges and no namespaces, so it works where bubblewrap does not: in containers, and
where unprivileged user namespaces are shut. Linux 5.13 and newer.

Reference: the kernel's Documentation/userspace-api/landlock.rst.
"""

import ctypes
import os
import struct
from collections.abc import Iterable

_CREATE, _ADD, _RESTRICT = 444, 445, 446  # the same numbers on every architecture
_VERSION_FLAG = 1
_RULE_PATH_BENEATH = 1
_O_PATH = 0o10000000

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1, 2, 4, 8
_TRUNCATE, _IOCTL_DEV = 1 << 14, 1 << 15
_ON_FILES = EXECUTE | WRITE_FILE | READ_FILE | _TRUNCATE | _IOCTL_DEV
# How many kinds of access to files each version knows, from the lowest bit up.
_N_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}
_N_RIGHTS_LATEST = 16
_ALL_NETWORK = 0b11  # bind and connect, TCP
_ALL_SCOPES = 0b11  # abstract sockets of, and signals to, processes outside

_libc = ctypes.CDLL(None, use_errno=True)


def version() -> int:
    """Return the version of Landlock's interface in this kernel; 0 if there is none."""
    return max(0, int(_libc.syscall(_CREATE, None, ctypes.c_size_t(0), _VERSION_FLAG)))


def make_rules(
    *, readable: Iterable[str], listable: Iterable[str] = (), writable: Iterable[str] = ()
) -> int:
    """Return a file descriptor of rules that `restrict` takes.

    Args:
        readable: files, and folders with all that is in them.
        listable: folders whose names may be listed, and those of the folders in them.
        writable: files, and folders with all that is in them; readable as well.

    Raises:
        OSError: if Landlock is missing, or a path is.
    """
    level = version()
    files = (1 << _N_RIGHTS.get(level, _N_RIGHTS_LATEST)) - 1
    fields = [files, _ALL_NETWORK if level >= 4 else None, _ALL_SCOPES if level >= 6 else None]
    wanted = struct.pack(f"={'Q' * sum(f is not None for f in fields)}", *filter(None, fields))
    rules = _call(_CREATE, wanted, ctypes.c_size_t(len(wanted)), 0)
    os.set_inheritable(rules, False)
    for paths, rights in (
        (readable, READ_FILE | READ_DIR),
        (listable, READ_DIR),
        (writable, files & ~EXECUTE & ~_IOCTL_DEV),
    ):
        for path in paths:
            _allow(rules, path, rights)
    return rules


def restrict(rules: int) -> None:
    """Hold this process, and its children, to the rules. There is no way back.

    Raises:
        OSError: if the kernel refuses, as it does without no_new_privs.
    """
    _call(_RESTRICT, rules, 0)


def _allow(rules: int, path: str, rights: int) -> None:
    target = os.open(path, _O_PATH | os.O_CLOEXEC)
    try:
        if not os.path.isdir(path):
            rights &= _ON_FILES
        _call(_ADD, rules, _RULE_PATH_BENEATH, struct.pack("=Qi", rights, target), 0)
    finally:
        os.close(target)


def _call(number: int, *args: object) -> int:
    result = int(_libc.syscall(number, *args))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"landlock: {os.strerror(code)}")
    return result
