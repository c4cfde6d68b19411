"""Which version of a unit a learner was given: so that an update can name what changed since."""

import hashlib
from pathlib import Path

import medmeta_ref
from medmeta_ref.progress.units import points_of, released

NOTEBOOK = "notebook"

_PACKAGE = Path(medmeta_ref.__file__).parent


def versions(root: Path, unit: str) -> dict[str, str]:
    """Return exercise -> a short hash of the file of its checks, and `NOTEBOOK` -> the release's.

    Args:
        root: the course folder.
        unit: for instance "03_distillation".
    """
    found = {NOTEBOOK: _hash(released(root, unit))}
    try:
        exercises = points_of(released(root, unit))
    except ValueError:  # no notebook of the course; then nothing is known of its checks
        exercises = {}
    for exercise in exercises:
        number, _, name = exercise.partition(".")
        files = [_PACKAGE / "grading" / "specs" / f"unit_{number}" / f"{name}.py"]
        if name == "questions":
            files.append(_PACKAGE / "questions" / f"unit_{number}.py")
        found[exercise] = _hash(*files)
    return found


def _hash(*files: Path) -> str:
    data = b"".join(path.read_bytes() for path in files if path.is_file())
    return hashlib.sha256(data).hexdigest()[:12]
