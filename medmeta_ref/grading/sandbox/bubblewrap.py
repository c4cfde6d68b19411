"""The outer wall: bubblewrap's command line, and the configuration of the zygote behind it.

Bubblewrap gives the sandbox a root folder of its own, in which nothing but the listed paths exists,
and namespaces for users, processes, network, shared memory and host name. It is started with an
empty environment: `--clearenv` empties that of its child alone.
"""

import json
import os
import shutil
from typing import Any

from medmeta_ref.grading.sandbox import landlock
from medmeta_ref.grading.sandbox.visible import ENVIRONMENT, GRADER_FILES, GRADER_FOLDER, visible

_INSIDE = "/grader"
_NOBODY = "65534"
# torch chooses its kernels by these; without them it takes slow ones. Random numbers and nothing.
_MACHINE = ("/proc/cpuinfo", "/sys/devices/system/cpu")
_DEVICES = ("/dev/null", "/dev/urandom")
_OUTER_TMP_BYTES = 1 << 20


def available() -> bool:
    """Return whether there is a bubblewrap to try."""
    return shutil.which("bwrap") is not None


def command(control: int) -> list[str]:
    """Return the command that starts a zygote inside bubblewrap.

    Args:
        control: the file descriptor of its socket, inherited.
    """
    program = shutil.which("bwrap") or "bwrap"
    seen = visible()
    options = ["--unshare-all", "--unshare-user", "--uid", _NOBODY, "--gid", _NOBODY]
    options += ["--hostname", "sandbox", "--die-with-parent", "--new-session", "--clearenv"]
    # For the zygote alone, which gives every worker namespaces of its own; workers drop it.
    options += ["--cap-drop", "ALL", "--cap-add", "CAP_SYS_ADMIN"]
    shown = (seen.python, *seen.stdlib_parts, *seen.libraries, *seen.package_paths, *_MACHINE)
    for path in shown:
        if os.path.exists(path):
            options += ["--ro-bind", path, path]
    for device in _DEVICES:
        options += ["--dev-bind", device, device]
    for name in GRADER_FILES:
        options += ["--ro-bind", str(GRADER_FOLDER / name), f"{_INSIDE}/{name}"]
    options += ["--size", str(_OUTER_TMP_BYTES), "--tmpfs", "/tmp", "--chdir", "/"]
    options += ["--remount-ro", "/"]
    return [
        program, *options, seen.python, "-I", "-S", "-B", f"{_INSIDE}/bootstrap.py",
        json.dumps(config(control)),
    ]  # fmt: skip


def config(control: int) -> dict[str, Any]:
    """Return the configuration of the zygote; see `zygote.main`."""
    seen = visible()
    shown = (seen.python, *seen.stdlib_parts, *seen.libraries, *seen.package_paths)
    tops = {"/" + path.split("/")[1] for path in shown if not path.startswith("/etc/")}
    return {
        "control": control,
        "packages": seen.packages,
        "environment": ENVIRONMENT,
        "confined": True,
        "namespaces": True,
        "landlock": landlock.version() > 0,
        # Nothing else is there; /proc and /sys are left out on purpose.
        "readable": [*sorted(tops), *_DEVICES],
        "listable": [],
        "writable": ["/tmp", "/dev/null"],
    }
