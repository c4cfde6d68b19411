"""Which sandbox: the strictest one that works here, or a refusal that says what is missing."""

import json
import shutil
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

from medmeta_ref.grading.sandbox import bubblewrap, landlock, seccomp
from medmeta_ref.grading.sandbox.visible import ENVIRONMENT, GRADER_FOLDER, visible

BACKENDS = ("bubblewrap", "landlock", "podman", "docker", "unsafe")

WAY_OUT = (
    "Install bubblewrap (Debian and Ubuntu: apt install bubblewrap; it also needs unprivileged "
    "user namespaces), or grade in containers (--sandbox podman or --sandbox docker), or, for "
    "work that you trust like your own, without a sandbox (--unsafe)."
)


class SandboxError(Exception):
    """No sandbox: nothing can be graded, and nothing was."""


class Backend(NamedTuple):
    """How to start a sandbox.

    Attributes:
        name: one of `BACKENDS`.
        zygote: file descriptor of the control socket -> command line of a zygote. None for a
            container, which is a worker and lives for one submission.
    """

    name: str
    zygote: Callable[[int], list[str]] | None


def backends(name: str) -> list[Backend]:
    """Return the back-ends to try, the strictest first.

    Args:
        name: "auto", or one of `BACKENDS`. "auto" never comes to "unsafe".

    Raises:
        ValueError: if there is no such back-end.
        SandboxError: if there is none to try on this machine.
    """
    if name not in ("auto", *BACKENDS):
        raise ValueError(f"no sandbox {name!r}; there are auto, {', '.join(BACKENDS)}")
    if name == "unsafe":
        return [Backend("unsafe", _unconfined)]
    if name in ("podman", "docker"):
        if shutil.which(name) is None:
            raise refusal([f"the program `{name}` is not there"])
        return [Backend(name, None)]
    found, missing = [], []
    if not sys.platform.startswith("linux") or not seccomp.supported():
        missing.append("this is no Linux on x86_64 or aarch64, so there is no seccomp")
    else:
        if name in ("auto", "bubblewrap"):
            if bubblewrap.available():
                found.append(Backend("bubblewrap", bubblewrap.command))
            else:
                missing.append("the program `bwrap` is not there")
        if name in ("auto", "landlock"):
            if landlock.version() > 0:
                found.append(Backend("landlock", _landlock_alone))
            else:
                missing.append("this kernel has no Landlock (Linux 5.13, and switched on)")
    if not found:
        raise refusal(missing)
    return found


def refusal(missing: list[str]) -> SandboxError:
    """Return the error that names what is missing, and the way out."""
    reasons = "; ".join(missing)
    return SandboxError(f"No sandbox can be started here: {reasons}. {WAY_OUT}")


def _landlock_alone(control: int) -> list[str]:
    seen = visible()
    paths = (*seen.stdlib_parts, *seen.libraries, *seen.package_paths, "/dev/null", "/dev/urandom")
    config = _config(control) | {
        "confined": True,
        "landlock": True,
        "readable": list(paths),
        # Names only: to find a module Python lists the folder that it is in.
        "listable": [seen.stdlib],
        "writable": ["/dev/null"],
    }
    return _python(config)


def _unconfined(control: int) -> list[str]:
    return _python(_config(control) | {"confined": False, "landlock": False})


def _config(control: int) -> dict[str, Any]:
    return {
        "control": control,
        "packages": visible().packages,
        "environment": ENVIRONMENT,
        "namespaces": False,
        "readable": [],
        "listable": [],
        "writable": [],
    }


def _python(config: dict[str, Any]) -> list[str]:
    bootstrap = str(GRADER_FOLDER / "bootstrap.py")
    return [visible().python, "-I", "-S", "-B", bootstrap, json.dumps(config)]
