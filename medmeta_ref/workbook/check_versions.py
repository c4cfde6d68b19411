"""Which version of its checks an exercise had: so that an update can name those that changed."""

import hashlib
from pathlib import Path

import medmeta_ref
from medmeta_ref.progress.units import points_of, released

_PACKAGE = Path(medmeta_ref.__file__).parent


def check_versions(root: Path, unit: str) -> dict[str, str]:
    """Return exercise -> a short hash of the file of its checks, and of its questions.

    Args:
        root: the course folder.
        unit: for instance "03_distillation".
    """
    try:
        exercises = points_of(released(root, unit))
    except ValueError:  # no notebook of the course; then nothing is known of its checks
        return {}
    versions = {}
    for exercise in exercises:
        number, _, name = exercise.partition(".")
        files = [_PACKAGE / "grading" / "specs" / f"unit_{number}" / f"{name}.py"]
        if name == "questions":
            files.append(_PACKAGE / "questions" / f"unit_{number}.py")
        data = b"".join(path.read_bytes() for path in files if path.is_file())
        versions[exercise] = hashlib.sha256(data).hexdigest()[:12]
    return versions
