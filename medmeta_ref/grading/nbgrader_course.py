"""nbgrader's own interface to this course, in surroundings that it can work in."""

import os
import shutil
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from medmeta_ref.authoring.course_files import CONFIG


class GradingError(Exception):
    """Grading could not do its part; the message says why, and what to do."""


@contextmanager
def nbgrader_course(root: Path, *, gradebook: str = "") -> Iterator[Any]:
    """Give nbgrader's interface, an `NbGraderAPI`, for the course in `root`.

    Args:
        root: the course folder; its `nbgrader_config.py` is read.
        gradebook: URL of the database; by default what the settings say, or `gradebook.db`.
    """
    # Here, because nbgrader takes two seconds and the checks in a notebook have no use for it.
    from nbgrader.apps import NbGraderAPI
    from traitlets.config.loader import PyFileConfigLoader

    config = PyFileConfigLoader(CONFIG, path=str(root)).load_config()
    config.CourseDirectory.root = str(root)
    if gradebook:
        config.CourseDirectory.db_url = gradebook
    config.NbGraderAPI.log_level = "ERROR"
    with warnings.catch_warnings():
        # Objects that nbgrader adds in another order than SQLAlchemy 2 likes; harmless.
        warnings.filterwarnings("ignore", message=".*not in session.*")
        yield NbGraderAPI(config=config)


def find_alembic() -> None:
    """Put the folder of this Python last on PATH, if there is no `alembic` on it.

    nbgrader calls a bare `alembic` for a new gradebook. It stands beside this Python, where nobody
    looks unless the virtual environment is activated. `nbgrader_config.py` calls this.
    """
    if shutil.which("alembic") is None:
        path = os.environ.get("PATH", "")
        os.environ["PATH"] = os.pathsep.join([path, str(Path(sys.executable).parent)])


def require(outcome: dict[str, Any], doing: str) -> None:
    """Raise what nbgrader said, if it failed.

    Raises:
        GradingError: with nbgrader's own words.
    """
    if not outcome["success"]:
        raise GradingError(f"{doing} failed. nbgrader says:\n{outcome.get('log', '').strip()}")
