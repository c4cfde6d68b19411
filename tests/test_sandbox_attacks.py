"""The sandbox under attack: nothing gets out, nothing gets in, and only the attacker pays."""

import os
import socket
import threading
from pathlib import Path

import pytest

from medmeta_ref.grading.learner import LearnerError
from medmeta_ref.grading.results import State
from medmeta_ref.grading.sandbox.confine import Limits
from medmeta_ref.grading.sandbox.grade import Sandbox
from tests.sandboxed import BACKENDS, FULL, ROOT, graded, points, run, solutions

# Every attack that waits for its end takes this long; honest answers take milliseconds.
LIMITS = Limits(call_seconds=4, memory_mib=512, tmpfs_mib=4, deaths=1)


@pytest.fixture(scope="module", params=BACKENDS)
def sandbox(request):
    os.environ["MEDMETA_CANARY"] = "the instructor's environment"
    with Sandbox(request.param, limits=LIMITS) as made:
        yield made
    del os.environ["MEDMETA_CANARY"]


# ---- nothing gets out ----


def test_no_connection_reaches_a_listener_on_this_machine(sandbox):
    reached = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.2)

        def accept():
            while not done.is_set():
                try:
                    reached.append(listener.accept())
                except TimeoutError:
                    pass

        done = threading.Event()
        thread = threading.Thread(target=accept)
        thread.start()
        tried = run(
            f"""
import ctypes, socket
def f():
    said = []
    for make in (
        lambda: socket.create_connection(("127.0.0.1", {listener.getsockname()[1]}), timeout=1),
        lambda: socket.socketpair(),
        lambda: socket.socket(socket.AF_UNIX),
        lambda: socket.getaddrinfo("localhost", 80),
    ):
        try:
            make()
            said.append("worked")
        except OSError as error:
            said.append(error.errno)
    return said
""",
            sandbox,
        )
        done.set()
        thread.join()
    assert reached == []
    assert "worked" not in tried[:3]


def test_files_of_the_course_the_neighbours_and_the_machine_are_not_there(sandbox, tmp_path):
    (tmp_path / "gradebook.db").write_text("points")
    wanted = [
        ROOT / "solutions" / "03_distillation.py",
        ROOT / "exercises" / "03_distillation" / "03_distillation.ipynb",
        ROOT / "medmeta_ref" / "distillation.py",
        ROOT / "medmeta_ref" / "grading" / "specs" / "unit_03" / "bug_lines.py",
        ROOT / "tests" / "test_wire.py",
        ROOT / ".git" / "HEAD",
        tmp_path / "gradebook.db",
        Path("/etc/passwd"),
        Path("/etc/shadow"),
        Path.home() / ".bashrc",
        *(Path("/proc") / who / what for who in ("1", "self") for what in ("environ", "maps")),
        Path("/dev/shm"),
        Path("/dev/tty"),
        Path("/proc"),
        Path("/sys/kernel"),
    ]
    opened = run(
        f"""
import os
def f():
    opened = []
    for path in {[str(path) for path in wanted]}:
        try:
            os.close(os.open(path, os.O_RDONLY))
            opened.append(path)
        except OSError:
            pass
    return opened
""",
        sandbox,
    )
    assert opened == []


def test_names_in_the_sandbox_are_those_that_are_shown(sandbox):
    if sandbox.name != "bubblewrap":
        pytest.skip("Landlock hides the content of files, not whether they exist")
    found = run(
        """
import os
def f(root):
    return {path: os.path.exists(path) for path in root}
""",
        sandbox,
        [str(ROOT / "medmeta_ref"), str(ROOT / "solutions"), "/etc/passwd", "/home", "/usr/bin"],
    )
    assert set(found.values()) == {False}


def test_nothing_can_be_written_but_a_little_that_goes_away(sandbox, tmp_path):
    source = f"""
import os
def f():
    written = []
    for folder in ("/", "/tmp", "/dev", "/dev/shm", "/grader", "/usr", {str(tmp_path)!r},
                   {str(ROOT)!r}, os.path.dirname(os.__file__), "."):
        path = os.path.join(folder, "left_behind")
        try:
            with open(path, "w") as file:
                file.write("x")
            written.append(os.path.abspath(path))
        except OSError:
            pass
    return written
"""
    written = run(source, sandbox)
    assert set(written) <= ({"/tmp/left_behind"} if sandbox.name == "bubblewrap" else set())
    assert not Path("/tmp/left_behind").exists()
    assert list(tmp_path.iterdir()) == []
    # And the next submission finds nothing of it.
    assert (
        run("import os\ndef f():\n    return os.path.exists('/tmp/left_behind')", sandbox) is False
    )


def test_the_small_folder_is_small(sandbox):
    if sandbox.name != "bubblewrap":
        pytest.skip("Landlock alone gives no folder at all")
    total = run(
        """
def f():
    total = 0
    try:
        for i in range(100):
            with open(f"/tmp/{i}", "wb", buffering=0) as file:
                for _ in range(32):
                    total += file.write(bytes(1 << 16))
    except OSError:
        pass
    return total
""",
        sandbox,
    )
    assert 1 << 20 < total <= LIMITS.tmpfs_mib << 20


def test_environment_and_arguments_are_empty(sandbox):
    environment, arguments, canary = run(
        """
import ctypes, os, sys
def f():
    environ = ctypes.POINTER(ctypes.c_char_p).in_dll(ctypes.CDLL(None), "environ")
    raw = []
    while environ and environ[len(raw)]:
        raw.append(environ[len(raw)].decode())
    return [dict(os.environ), raw], sys.argv, os.environb.get(b"MEDMETA_CANARY")
""",
        sandbox,
    )
    assert environment == [{}, []]
    assert arguments == [""]
    assert canary is None


@pytest.mark.parametrize(
    "statement",
    [
        "import medmeta_ref",
        "import medmeta_ref.distillation",
        "from medmeta_ref.grading.specs.unit_03 import bug_lines",
        "import importlib; importlib.import_module('medmeta_ref.distillation')",
        "import importlib.util; assert importlib.util.find_spec('medmeta_ref')",
        "import pytest",
        "import nbgrader",
        "import medmnist",
    ],
)
def test_reference_and_tools_cannot_be_imported(sandbox, statement):
    with pytest.raises(LearnerError) as refused:
        run(f"def f():\n    {statement}\n    return 1", sandbox)
    assert type(refused.value.original) is ModuleNotFoundError


def test_own_process_ids(sandbox):
    if sandbox.name != "bubblewrap":
        pytest.skip("Landlock gives no process ids of one's own; there, signals are refused")
    assert run("import os\ndef f():\n    return os.getpid(), os.getppid()", sandbox) == (1, 0)


# Numbers on x86_64; each with arguments that would do something if it were let through.
REFUSED = {
    "fork": (57,),
    "vfork": (58,),
    "clone": (56, 17, 0, 0, 0, 0),
    "clone of a thread": (56, 0x00010F00, 0, 0, 0, 0),
    "execve": (59, 0, 0, 0),
    "execveat": (322, -100, 0, 0, 0, 0),
    "socket": (41, 2, 1, 0),
    "socketpair": (53, 1, 1, 0, 0),
    "connect": (42, 3, 0, 0),
    "sendmsg": (46, 3, 0, 0),
    "ptrace": (101, 0, 0, 0, 0),
    "process_vm_readv": (310, 1, 0, 0, 0, 0, 0),
    "kill": (62, -1, 0),
    "tkill": (200, 1, 0),
    "tgkill": (234, 1, 1, 0),
    "rt_sigqueueinfo": (129, 1, 0, 0),
    "pidfd_open": (434, 1, 0),
    "mount": (165, 0, 0, 0, 0, 0),
    "umount2": (166, 0, 0),
    "pivot_root": (155, 0, 0),
    "chroot": (161, 0),
    "unshare": (272, 0x10000000),
    "setns": (308, 3, 0),
    "bpf": (321, 0, 0, 0),
    "io_uring_setup": (425, 1, 0),
    "memfd_create": (319, 0, 0),
    "userfaultfd": (323, 0),
    "perf_event_open": (298, 0, 0, -1, -1, 0),
    "keyctl": (250, 0, 0),
    "add_key": (248, 0, 0, 0, 0, 0),
    "shmget": (29, 0, 4096, 0o1600),
    "msgget": (68, 0, 0o1600),
    "semget": (64, 0, 1, 0o1600),
    "mq_open": (240, 0, 0o100, 0o600, 0),
    "personality": (135, 0xFFFFFFFF),
    "prctl": (157, 1, 0, 0, 0, 0),
    "seccomp": (317, 1, 0, 0),
    "setuid": (105, 0),
    "setresuid": (117, 0, 0, 0),
    "capset": (126, 0, 0),
    "chmod": (90, 0, 0o777),
    "chown": (92, 0, 0, 0),
    "symlink": (88, 0, 0),
    "link": (86, 0, 0),
    "mknod": (133, 0, 0, 0),
    "truncate": (76, 0, 0),
    "utimensat": (280, -100, 0, 0, 0),
    "setxattr": (188, 0, 0, 0, 0, 0),
    "name_to_handle_at": (303, -100, 0, 0, 0, 0),
    "open_by_handle_at": (304, -1, 0, 0),
    "setpriority": (141, 0, 1, 19),
    "sched_setaffinity": (203, 1, 0, 0),
    "reboot": (169, 0, 0, 0, 0),
    "syslog": (103, 3, 0, 0),
    "inotify_init1": (294, 0),
    "fanotify_init": (300, 0, 0),
    "limits of another process": (302, 2, 0, 0, 0),
    "signals by way of fcntl": (72, 3, 8, 1),
    "choice of that signal": (72, 3, 10, 9),
    "asynchronous input": (72, 3, 4, 0o20000),
    "fork by its 32-bit-pointer number": (0x40000000 + 57,),
    "socket by its 32-bit-pointer number": (0x40000000 + 41, 2, 1, 0),
}


def test_system_calls_that_lead_out_are_refused(sandbox):
    if os.uname().machine != "x86_64":
        pytest.skip("the numbers are those of x86_64")
    said = run(
        """
import ctypes, os
def f(calls):
    libc = ctypes.CDLL(None, use_errno=True)
    said = {}
    for name, (number, *args) in calls.items():
        ctypes.set_errno(0)
        result = libc.syscall(ctypes.c_long(number), *(ctypes.c_long(a) for a in args))
        if "fork" in name and result == 0:
            os._exit(77)
        said[name] = ctypes.get_errno() if result < 0 else "done"
    return said
""",
        sandbox,
        REFUSED,
    )
    assert {name: code for name, code in said.items() if code != 1} == {}  # EPERM, every one


def test_new_kind_of_clone_and_terminals_look_missing(sandbox):
    said = run(
        """
import ctypes
def f():
    libc = ctypes.CDLL(None, use_errno=True)
    said = []
    for call in ((435, 0, 0), (16, 0, 0x5412, 0)):
        libc.syscall(*call)
        said.append(ctypes.get_errno())
    return said
""",
        sandbox,
    )
    assert said == [38, 25]  # ENOSYS: the C library tries the old one; ENOTTY: no terminal


@pytest.mark.parametrize(
    "statement",
    [
        "import os; os.system('true') and 1 / 0",
        "import subprocess; subprocess.run(['true'])",
        "import os; os.fork()",
        "import os; os.kill(os.getppid(), 9)",
        "import multiprocessing; multiprocessing.Process(target=print).start()",
        "import threading; threading.Thread(target=print).start()",
        "import concurrent.futures as c; c.ThreadPoolExecutor(2).submit(print).result()",
        "import ctypes; ctypes.CDLL('/tmp/evil.so')",
        "import resource; resource.setrlimit(resource.RLIMIT_CPU, (-1, -1))",
        "import resource; resource.setrlimit(resource.RLIMIT_AS, (-1, -1))",
        "import resource; resource.setrlimit(resource.RLIMIT_NPROC, (9, 9))",
    ],
)
def test_python_says_so_when_a_way_out_is_tried(sandbox, statement):
    with pytest.raises(LearnerError):
        run(f"def f():\n    {statement}\n    return 1", sandbox)


# ---- it costs the attacker his own exercise, and nobody anything else ----

HONEST = solutions()

# Cells for soft_targets (8 points); what is left over for the others has to stay whole.
ATTACKS = {
    "ends the process when it is loaded": "import os\nos._exit(0)",
    "ends the process": "import os\ndef soft_targets(logits, *, temperature):\n    os._exit(0)",
    "leaves": "def soft_targets(logits, *, temperature):\n    raise SystemExit(0)",
    "crashes": (
        "import ctypes\ndef soft_targets(logits, *, temperature):\n    ctypes.string_at(0)"
    ),
    "runs for ever": "def soft_targets(logits, *, temperature):\n    while True: pass",
    "runs for ever and does not stop": """
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
    "takes all memory": """
def soft_targets(logits, *, temperature):
    kept = []
    while True: kept.append(torch.ones(1 << 24))
""",
    "takes all memory in lists": """
def soft_targets(logits, *, temperature):
    kept = []
    while True: kept.append(bytearray(1 << 24))
""",
    "recurses": (
        "def soft_targets(logits, *, temperature):\n    return soft_targets(logits, temperature=1)"
    ),
    "returns too much": (
        "def soft_targets(logits, *, temperature):\n    return torch.zeros(1 << 25)"
    ),
    "returns a long text": "def soft_targets(logits, *, temperature):\n    return 'x' * (1 << 22)",
    "returns a long list": "def soft_targets(logits, *, temperature):\n    return [0] * (1 << 20)",
    "returns a deep list": """
def soft_targets(logits, *, temperature):
    value = []
    for _ in range(100_000): value = [value]
    return value
""",
    "returns itself in a list": """
def soft_targets(logits, *, temperature):
    value = []
    value.append(value)
    return value
""",
    "returns an endless number": (
        "def soft_targets(logits, *, temperature):\n    return 10 ** 100_000"
    ),
    "returns nan": "def soft_targets(logits, *, temperature):\n    return logits * float('nan')",
    "returns what equals everything": """
class Yes(torch.Tensor):
    def __eq__(self, other): return True
    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None): return True
def soft_targets(logits, *, temperature):
    return torch.zeros_like(logits).as_subclass(Yes)
""",
    "returns what raises when looked at": """
class No:
    @property
    def __class__(self): raise ValueError("no")
    def __getattr__(self, name): raise KeyError(name)
    def __repr__(self): raise TypeError("no")
def soft_targets(logits, *, temperature):
    return {"a": No()}
""",
    "raises what cannot be told": """
class Bad(Exception):
    def __str__(self): raise RuntimeError("no")
def soft_targets(logits, *, temperature):
    raise Bad
""",
    "raises at length": (
        "def soft_targets(logits, *, temperature):\n    raise ValueError('\\x1b[31m' * 10**6)"
    ),
    "raises half a character": (
        "def soft_targets(logits, *, temperature):\n    raise ValueError(chr(0xd800))"
    ),
    "warns half a character": """
import warnings
def soft_targets(logits, *, temperature):
    warnings.warn(chr(0xdfff))
    return None
""",
    "cannot be read": "def soft_targets(:",
    "is binary": "\x00",
    "is deep": "(" * 5000 + ")" * 5000,
    "is something else": "soft_targets = 3",
    "is nothing": "pass",
    "patches what compares": """
import torch.testing, builtins
torch.allclose = torch.equal = lambda *args, **kwargs: True
torch.testing.assert_close = lambda *args, **kwargs: None
builtins.isinstance = lambda *args: True
def soft_targets(logits, *, temperature):
    return logits
""",
    "says it has not been attempted": (
        "def soft_targets(logits, *, temperature):\n    raise NotImplementedError"
    ),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_attack_costs_its_own_exercise_alone(sandbox, name):
    if name == "patches what compares":
        answers = {"soft_targets": ATTACKS[name]}
        assert points(answers, sandbox)["soft_targets"] == 0
        return
    got = points(HONEST | {"soft_targets": ATTACKS[name]}, sandbox)
    assert got == FULL | {"soft_targets": 0}


@pytest.mark.parametrize("where", ["sys.stdout", "sys.__stdout__", "sys.stderr", "1", "2"])
def test_flood_of_output_changes_nothing(sandbox, where):
    """The answer is right, and 40 MB come with it."""
    write = f"{where}.write(text)" if "." in where else f"os.write({where}, text.encode())"
    flood = f"""
import os, sys
def soft_targets(logits, *, temperature):
    text = "x" * (1 << 20)
    for _ in range(20):
        {write}
    return torch.softmax(logits / temperature, dim=1)
"""
    result = graded({"soft_targets": flood}, sandbox)["soft_targets"]
    assert result.points == 8
    assert sum(map(len, result.notes)) < 5000


def test_loud_and_warning_answer_keeps_its_points_and_its_notes(sandbox):
    loud = """
import sys, warnings
def soft_targets(logits, *, temperature):
    print("on stderr", file=sys.stderr)
    warnings.warn("mind the rows")
    return torch.softmax(logits / temperature, dim=1)
"""
    result = graded({"soft_targets": loud}, sandbox)["soft_targets"]
    assert result.points == 8
    assert result.notes == ("UserWarning: mind the rows", "on stderr")


def test_one_exercise_cannot_use_up_the_restarts_of_another(sandbox):
    deadly = {
        name: f"import os\ndef {name}(*args, **settings):\n    os._exit(3)"
        for name in list(FULL)[:4]
    }
    expected = {name: 0 if name in deadly else full for name, full in FULL.items()}
    assert points(HONEST | deadly, sandbox) == expected


def test_death_is_told_with_its_cause(sandbox):
    cell = "import os\ndef soft_targets(logits, *, temperature):\n    os._exit(3)"
    first, second = graded({"soft_targets": cell}, sandbox)["soft_targets"].checks
    assert first.state is second.state is State.RAISED
    assert first.message == "Stopped: it ended the process (exit code 3)"
    assert "not called again" in second.message
