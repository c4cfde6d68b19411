"""Let nbgrader make the exercises: its own generate_assignment, on a temporary course folder.

nbgrader takes the answers out, locks the cells and adds its checksums, so what a learner opens is
what nbgrader later expects back. The temporary folder keeps it away from the course: it reads the
settings of `nbgrader_config.py` and touches neither the gradebook nor anybody's work.
"""

import logging
import tempfile
import textwrap
from collections.abc import Mapping
from pathlib import Path

from medmeta_ref.authoring.problems import Problem


def release(
    sources: Mapping[str, bytes], *, config_file: Path
) -> tuple[dict[str, bytes], list[Problem]]:
    """Return the released notebook of every unit, and why nbgrader refused the units left out.

    nbgrader changes the working directory while it works, and changes it back: do not call this
    from two threads.

    Args:
        sources: unit -> nbgrader source notebook.
        config_file: the course's `nbgrader_config.py`.
    """
    if not sources:
        return {}, []
    # Here, because nbgrader takes two seconds and `medmeta --help` has no use for it.
    from nbgrader.converters import GenerateAssignment
    from nbgrader.converters.base import NbGraderException
    from nbgrader.coursedir import CourseDirectory
    from traitlets.config.loader import PyFileConfigLoader

    config = PyFileConfigLoader(config_file.name, path=str(config_file.parent)).load_config()
    # What `nbgrader generate_assignment --no-db` sets: no gradebook, hence no need for alembic.
    config.SaveCells.enabled = False
    config.GenerateAssignment.no_database = True
    released, problems = {}, []
    with tempfile.TemporaryDirectory(prefix="medmeta-") as folder:
        # nbgrader makes paths absolute, and on some systems the temporary folder is a link.
        config.CourseDirectory.root = str(Path(folder).resolve())
        for unit, source in sorted(sources.items()):
            course = CourseDirectory(config=config, assignment_id=unit)
            given = Path(course.format_path(course.source_directory, ".", unit))
            given.mkdir(parents=True)
            (given / f"{unit}.ipynb").write_bytes(source)
            said = _Said()
            try:
                GenerateAssignment(coursedir=course, config=config, log=said.logger).start()
            except NbGraderException:  # its own text only points at the log
                what = f"nbgrader refuses the unit; it says:\n{said.words}"
                problems.append(Problem(f"solutions/{unit}.py", 1, what))
                continue
            made = Path(course.format_path(course.release_directory, ".", unit), f"{unit}.ipynb")
            # Read as text: line ends are "\n" in the course, whatever the system prefers.
            released[unit] = made.read_text(encoding="utf-8").encode()
    return released, problems


class _Said(logging.Handler):
    """Keeps nbgrader's errors; its exceptions only point at them."""

    def __init__(self) -> None:
        super().__init__(level=logging.ERROR)
        self.errors: list[str] = []
        self.logger = logging.Logger("medmeta.release")  # of its own: nothing reaches the screen
        self.logger.addHandler(self)

    @property
    def words(self) -> str:
        """Everything nbgrader said, indented below the message that quotes it."""
        return textwrap.indent("\n".join(self.errors), "    ")

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one message."""
        self.errors.append(record.getMessage())
