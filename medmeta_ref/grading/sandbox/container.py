r"""The container back-end, for systems without bubblewrap and Landlock: macOS, Windows, others.

One container per submission. The questions come in over its standard input and the answers leave
over its standard output, so all it takes is `podman run -i` or `docker run -i`. Inside, seccomp and
the limits apply as everywhere; Landlock where the machine that runs the container has it.

The image needs Python 3.11 or newer with torch, numpy and safetensors, and nothing of the course::

    FROM python:3.11-slim
    RUN pip install --no-cache-dir torch numpy safetensors \
        --extra-index-url https://download.pytorch.org/whl/cpu

built once with `docker build -t medmeta-sandbox .`; `MEDMETA_SANDBOX_IMAGE` names another one.
"""

import json
import os

from medmeta_ref.grading.sandbox.confine import Limits
from medmeta_ref.grading.sandbox.visible import ENVIRONMENT, GRADER_FOLDER

IMAGE = "medmeta-sandbox"
_INSIDE = "/grader"
_MEMORY = "4g"


def command(engine: str, limits: Limits) -> list[str]:
    """Return the command that runs one worker in a container.

    Args:
        engine: "podman" or "docker".
        limits: what the worker sets itself.
    """
    image = os.environ.get("MEDMETA_SANDBOX_IMAGE", IMAGE)
    options = ["--rm", "--interactive", "--network", "none", "--read-only", "--cap-drop", "ALL"]
    options += ["--security-opt", "no-new-privileges", "--pids-limit", "64", "--memory", _MEMORY]
    options += ["--memory-swap", _MEMORY, "--user", "65534:65534", "--workdir", "/"]
    options += ["--volume", f"{GRADER_FOLDER}:{_INSIDE}:ro"]
    config = {
        "control": None,
        "limits": list(limits),
        "packages": {},
        "environment": ENVIRONMENT,
        "confined": True,
        "namespaces": False,
        "landlock": None,
        "readable": ["/usr", "/lib", "/dev/null", "/dev/urandom"],
        "listable": [],
        "writable": ["/dev/null"],
    }
    python = ["python", "-I", "-B", f"{_INSIDE}/bootstrap.py", json.dumps(config)]
    return [engine, "run", *options, image, *python]
