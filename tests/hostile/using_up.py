"""Attacks on what a machine has: time, memory, processes, disk, the patience of a reader."""

from tests.hostile import code

SOFT = "def soft_targets(logits, *, temperature):\n"
RIGHT = "    return torch.softmax(logits / temperature, dim=1)\n"

code("sys_exit", "It leaves when its cell is loaded.", soft_targets="import sys\nsys.exit(0)")
code(
    "os_exit", "It ends its process when its cell is loaded.", soft_targets="import os\nos._exit(0)"
)
code(
    "os_exit_in_call",
    "It ends its process when it is called.",
    soft_targets="import os\n" + SOFT + "    os._exit(0)",
    says="it ended the process (exit code 0)",
)
code(
    "os_exit_everywhere",
    "Four answers end the process, to use up the restarts of the honest ones.",
    **{
        name: f"import os\ndef {name}(*args, **settings):\n    os._exit(9)"
        for name in ("soft_targets", "distillation_loss", "label_weight", "bug_lines")
    },
)
code(
    "infinite_loop",
    "It never comes back.",
    soft_targets=SOFT + "    while True: pass",
    says="and was ended",
    waits=True,
)
code(
    "infinite_uninterruptible",
    "It never comes back, and catches whatever would stop it.",
    soft_targets="""
import signal
def soft_targets(logits, *, temperature):
    for number in range(1, 65):
        try: signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError): pass
    while True:
        try:
            while True: pass
        except BaseException: pass
""",
    says="and was ended",
    waits=True,
)
code(
    "catch_all",
    "It blocks every signal and sleeps for a week.",
    soft_targets="""
import signal, time
def soft_targets(logits, *, temperature):
    signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
    time.sleep(7 * 24 * 3600)
""",
    says="and was ended",
    waits=True,
)
code(
    "infinite_cell",
    "Its cell never gets loaded.",
    soft_targets="while True: pass\n" + SOFT + RIGHT,
    says="and was ended",
    waits=True,
)
code(
    "memory_bomb",
    "It takes all the memory there is.",
    soft_targets=SOFT + "    kept = []\n    while True: kept.append(torch.ones(1 << 22))",
)
code(
    "memory_leak",
    "It keeps 100 MiB more at every call, and gives right answers.",
    spoils="-soft_targets",
    soft_targets="kept = []\n"
    + SOFT
    + "    if len(kept) < 3: kept.append(torch.ones(100 << 18))\n"
    + RIGHT,
)
code(
    "fork_bomb",
    "It forks as often as it can.",
    soft_targets="""
import os
def soft_targets(logits, *, temperature):
    for _ in range(1000):
        try:
            if os.fork() == 0:
                while True: pass
        except OSError:
            pass
    return logits
""",
)
code(
    "use_up_descriptors",
    "It opens pipes and files until there are no more, and keeps them.",
    spoils="-soft_targets",
    soft_targets="""
import os
kept = []
def soft_targets(logits, *, temperature):
    try:
        while True: kept.append(os.pipe())
    except OSError:
        pass
"""
    + RIGHT,
)
code(
    "disk_fill",
    "It writes files wherever it may, until the disk is full.",
    soft_targets="""
def soft_targets(logits, *, temperature):
    for folder in ("/tmp", ".", "COURSE", "/dev/shm", "/var/tmp"):
        for i in range(64):
            try:
                with open(f"{folder}/fill{i}", "wb") as file:
                    for _ in range(64): file.write(bytes(1 << 20))
            except OSError:
                pass
    return logits
""",
)
code(
    "tmpfs_fill",
    "It fills the one small folder it has with a hundred thousand empty files.",
    soft_targets="""
import os
def soft_targets(logits, *, temperature):
    for i in range(100_000):
        try: os.close(os.open(f"/tmp/{i}", os.O_CREAT | os.O_WRONLY))
        except OSError: break
    return logits
""",
)
code(
    "huge_stdout",
    "Its cell prints 40 MB when it is loaded, and its answer is no answer.",
    soft_targets="for _ in range(40): print('x' * 10**6)\n" + SOFT + "    return logits",
)
code(
    "huge_stdout_in_call",
    "It prints 40 MB, on every channel there is, and gives a right answer.",
    spoils="-soft_targets",
    soft_targets="""
import os, sys
def soft_targets(logits, *, temperature):
    text = "x" * 10**6
    for _ in range(10):
        print(text)
        sys.stderr.write(text)
        sys.__stdout__.write(text)
        os.write(1, text.encode())
        os.write(2, text.encode())
"""
    + RIGHT,
)
code(
    "huge_return",
    "It returns 400 MB.",
    soft_targets=SOFT + "    return torch.ones(10_000, 10_000, dtype=torch.uint8)",
)
code(
    "huge_text",
    "It returns a text of 50 MB, and a list of a million numbers.",
    soft_targets=SOFT + "    return 'x' * (50 << 20)",
    label_weight="def label_weight(labels):\n    return list(range(10**6))",
)
code(
    "slow_drip",
    "It writes its answer byte by byte, each just before anybody would give up.",
    soft_targets="""
import os, struct, time
def soft_targets(logits, *, temperature):
    for byte in struct.pack("!4sII", b"MMG1", 10**6, 0) + b" " * 10**6:
        os.write(4, bytes([byte]))
        time.sleep(0.2)
""",
    says="and was ended",
    waits=True,
)
code(
    "cpu_threads",
    "It starts threads that compute for ever, and asks torch for a hundred more.",
    soft_targets="""
import threading
def soft_targets(logits, *, temperature):
    torch.set_num_threads(100)
    torch.ones(1000, 1000) @ torch.ones(1000, 1000)
    for _ in range(100):
        threading.Thread(target=lambda: [0 for _ in iter(int, 1)], daemon=True).start()
    return logits
""",
)
code(
    "crash",
    "It reads from address 0.",
    soft_targets="import ctypes\n" + SOFT + "    ctypes.string_at(0)",
    says="it crashed (signal 11)",
)
code(
    "lower_its_limits",
    "It takes from itself the right to open files, so that it cannot be asked again.",
    soft_targets="""
import resource
def soft_targets(logits, *, temperature):
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (1 << 20, 1 << 20))
    return [0] * 10**7
""",
)
code(
    "endless_recursion",
    "It calls itself until the stack is full, with the limit on that taken away.",
    soft_targets="import sys\nsys.setrecursionlimit(10**9)\n"
    + SOFT
    + "    return soft_targets(logits, temperature=temperature)",
)
