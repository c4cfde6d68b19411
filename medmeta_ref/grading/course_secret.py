"""The course's secret: who has it can foresee the inputs of every check; nobody else can.

It is taken from the environment variable `MEDMETA_SECRET`, if that is set. Otherwise it is the
file `medmeta/course_secret` in the user's folder of settings (`XDG_CONFIG_HOME`, or `~/.config`),
made on first use and readable for nobody else. It is outside the course folder, so it never gets
into git or into an archive of the course. Instructors who want the same points from the same
submissions on two machines copy the file, or set the variable.
"""

import contextlib
import hashlib
import os
import secrets
import stat
from pathlib import Path

from medmeta_ref.grading.sandbox.seeds import MIN_SECRET_BYTES

VARIABLE = "MEDMETA_SECRET"


class SecretError(Exception):
    """The course's secret cannot be used; the message says why, and what to do."""


def course_secret() -> bytes:
    """Return the course's secret; the first call on a machine makes one.

    Raises:
        SecretError: if it is too short, cannot be read or written, or others may read it.
    """
    if VARIABLE in os.environ:
        return _long_enough(os.environ[VARIABLE].encode(), f"the variable {VARIABLE}")
    path = secret_file()
    try:
        if not path.exists():
            _make(path)
        mode = stat.S_IMODE(path.stat().st_mode)
        if os.name == "posix" and mode & 0o077:
            raise SecretError(f"others may read {path} (mode {mode:o}); run: chmod 600 {path}")
        return _long_enough(path.read_bytes().strip(), str(path))
    except OSError as error:
        raise SecretError(
            f"the course's secret: {error}. Set {VARIABLE} to 16 characters or more instead."
        ) from None


def secret_file() -> Path:
    """Return where the secret is kept; the file need not be there."""
    folder = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(folder) / "medmeta" / "course_secret"


def fingerprint(secret: bytes) -> str:
    """Return a name for the secret that does not give it away."""
    return hashlib.sha256(b"medmeta course secret\0" + secret).hexdigest()[:16]


def _make(path: Path) -> None:
    """Write a new secret, whole or not at all; of two runs that do so at once, one wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".course_secret.{secrets.token_hex(8)}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32) + "\n")
        with contextlib.suppress(FileExistsError):
            os.link(part, path)
    finally:
        part.unlink()


def _long_enough(secret: bytes, where: str) -> bytes:
    if len(secret) < MIN_SECRET_BYTES:
        raise SecretError(
            f"{where} holds {len(secret)} bytes, {MIN_SECRET_BYTES} are the least; "
            "make one with python -c 'import secrets; print(secrets.token_hex())'"
        )
    return secret
