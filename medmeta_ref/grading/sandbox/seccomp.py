"""seccomp: from here on, this process makes the system calls in a list and no others.

The list is what Python and torch need to compute with one thread, and to read files that are open
to them. No process, no thread, no program, no socket, no signal to another process, no mount.
A call that is not in it fails with EPERM, so Python raises an exception that the learner can read.
"""

import ctypes
import errno
import os
import struct

# name -> number on x86_64, number on aarch64 (None: that architecture has no such call)
_ALLOWED = {
    "read": (0, 63), "write": (1, 64), "readv": (19, 65), "writev": (20, 66),
    "pread64": (17, 67), "pwrite64": (18, 68), "lseek": (8, 62), "close": (3, 57),
    "open": (2, None), "openat": (257, 56), "stat": (4, None), "fstat": (5, 80),
    "lstat": (6, None), "newfstatat": (262, 79), "statx": (332, 291), "access": (21, None),
    "faccessat": (269, 48), "faccessat2": (439, 439), "readlink": (89, None),
    "readlinkat": (267, 78), "getdents64": (217, 61), "getcwd": (79, 17), "chdir": (80, 49),
    "dup": (32, 23), "dup2": (33, None), "dup3": (292, 24), "pipe": (22, None), "pipe2": (293, 59),
    # in the small folder of its own
    "mkdir": (83, None), "mkdirat": (258, 34), "rmdir": (84, None), "unlink": (87, None),
    "unlinkat": (263, 35), "rename": (82, None), "renameat": (264, 38), "renameat2": (316, 276),
    "ftruncate": (77, 46), "fsync": (74, 82), "fdatasync": (75, 83),
    # memory
    "mmap": (9, 222), "munmap": (11, 215), "mremap": (25, 216), "mprotect": (10, 226),
    "madvise": (28, 233), "brk": (12, 214),
    # waiting and time
    "futex": (202, 98), "poll": (7, None), "ppoll": (271, 73), "select": (23, None),
    "pselect6": (270, 72), "nanosleep": (35, 101), "clock_nanosleep": (230, 115),
    "clock_gettime": (228, 113), "clock_getres": (229, 114), "gettimeofday": (96, 169),
    "time": (201, None), "times": (100, 153), "restart_syscall": (219, 128),
    "sched_yield": (24, 124), "setitimer": (38, 103), "getitimer": (36, 102), "alarm": (37, None),
    # itself
    "rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135), "rt_sigreturn": (15, 139),
    "sigaltstack": (131, 132), "getpid": (39, 172), "getppid": (110, 173), "gettid": (186, 178),
    "getuid": (102, 174), "geteuid": (107, 175), "getgid": (104, 176), "getegid": (108, 177),
    "getrusage": (98, 165), "getrlimit": (97, 163), "setrlimit": (160, 164), "uname": (63, 160),
    "sysinfo": (99, 179), "sched_getaffinity": (204, 123), "getcpu": (309, 168),
    "getrandom": (318, 278), "exit": (60, 93), "exit_group": (231, 94),
}  # fmt: skip
_FCNTL, _PRLIMIT, _IOCTL, _CLONE3 = (72, 25), (302, 261), (16, 29), (435, 435)
# F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_DUPFD_CLOEXEC. Not F_SETOWN: with it, and F_SETSIG, a
# process has the kernel send a signal of its choice to any process of the same user.
_FCNTL_COMMANDS = (0, 1, 2, 3, 1030)

_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
_X32 = 0x40000000  # on x86_64: the same calls under other numbers

_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_AT_NUMBER, _AT_ARCHITECTURE, _AT_ARGUMENTS = 0, 4, 16

_PR_SET_SECCOMP, _MODE_FILTER = 22, 2

# An instruction of classic BPF: code, jump if true, jump if false, operand.
_Line = tuple[int, int, int, int]


def supported() -> bool:
    """Return whether this machine's system calls are in the list."""
    return os.uname().machine in _ARCHITECTURES


def program(machine: str) -> bytes:
    """Return the filter, as the kernel's classic BPF.

    Args:
        machine: "x86_64" or "aarch64".
    """
    column, architecture = _ARCHITECTURES[machine]
    lines: list[_Line] = [
        (_LOAD, 0, 0, _AT_ARCHITECTURE),
        (_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _AT_NUMBER),
        (_AT_LEAST, 0, 1, _X32),
        (_RETURN, 0, 0, _ERRNO | errno.EPERM),
    ]
    for numbers in _ALLOWED.values():
        number = numbers[column]
        if number is not None:
            lines += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _ALLOW)]
    # prlimit64 on itself only, that is on process 0: another's limits can end it.
    lines += _by_argument(_PRLIMIT[column], 0, (0,))
    lines += _by_argument(_FCNTL[column], 1, _FCNTL_COMMANDS)
    # Python asks whether a file is a terminal, and takes this for no.
    lines += [(_EQUAL, 0, 1, _IOCTL[column]), (_RETURN, 0, 0, _ERRNO | errno.ENOTTY)]
    # The C library then tries `clone`, and reports that one's EPERM.
    lines += [(_EQUAL, 0, 1, _CLONE3[column]), (_RETURN, 0, 0, _ERRNO | errno.ENOSYS)]
    lines += [(_RETURN, 0, 0, _ERRNO | errno.EPERM)]
    return b"".join(struct.pack("=HBBI", *line) for line in lines)


def _by_argument(number: int, argument: int, allowed: tuple[int, ...]) -> list[_Line]:
    """Return lines that allow a call if one of its arguments (32 bits of it) is in a list."""
    test = [(_LOAD, 0, 0, _AT_ARGUMENTS + 8 * argument)]
    for value in allowed:
        test += [(_EQUAL, 0, 1, value), (_RETURN, 0, 0, _ALLOW)]
    test += [(_RETURN, 0, 0, _ERRNO | errno.EPERM)]
    return [(_EQUAL, 0, len(test), number), *test]


def restrict() -> None:
    """Hold this process to the list. There is no way back.

    Raises:
        OSError: if the kernel refuses, as it does without no_new_privs.
    """
    code = program(os.uname().machine)
    buffer = ctypes.create_string_buffer(code, len(code))
    filter_ = struct.pack("@HP", len(code) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, filter_, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "seccomp: " + os.strerror(ctypes.get_errno()))
