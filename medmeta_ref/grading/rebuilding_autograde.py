"""`nbgrader autograde`, with intake before it and the sandbox in the place of a kernel.

nbgrader's converter reads the folder that a learner has filled, and copies every file in it. Here
it reads a temporary folder with what intake made of that. All verdicts are there before nbgrader
touches anything, so a sandbox that does not start leaves everything as it was.

What needs torch is imported inside the methods: most of nbgrader's commands have no use for it.
"""

import glob
import os
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbgrader.apps.api
import nbgrader.apps.autogradeapp
from nbgrader.converters import Autograde
from nbgrader.converters.base import NbGraderException

from medmeta_ref.grading.intake import TakenIn, hand_on, take_in
from medmeta_ref.grading.submission_files import NO_PLAIN_NAME, is_plain_name, shown

if TYPE_CHECKING:
    from medmeta_ref.grading.grade_one import GradingTask
    from medmeta_ref.grading.stored_result import StoredResult


def take_over() -> None:
    """Have nbgrader, its commands and its formgrader, grade by `RebuildingAutograde`.

    nbgrader has a setting for the steps of grading, but none for what reads the submissions.
    """
    for module in (nbgrader.apps.autogradeapp, nbgrader.apps.api):
        module.Autograde = RebuildingAutograde


class RebuildingAutograde(Autograde):  # type: ignore[misc]
    """nbgrader's converter, on rebuilt submissions. Settings are those of `Autograde`."""

    def start(self) -> None:
        """Grade, as nbgrader does; what stops everybody is said in one line.

        Raises:
            NbGraderException: if submissions could not be graded.
        """
        from medmeta_ref.grading.course_secret import SecretError
        from medmeta_ref.grading.grade_one import close_sandbox
        from medmeta_ref.grading.result_files import BusyError
        from medmeta_ref.grading.sandbox.backend import SandboxError
        from medmeta_ref.grading.spec_runner import SpecError

        self._verdicts: dict[tuple[str, str], StoredResult] = {}
        with tempfile.TemporaryDirectory(prefix="medmeta-") as folder:
            self._rebuilt = Path(folder).resolve()
            try:
                super().start()
            except (SandboxError, SpecError, SecretError, BusyError) as error:
                self.log.error("%s", error)
                raise NbGraderException(str(error)) from error
            finally:
                close_sandbox()

    @property
    def _input_directory(self) -> str:
        # nbgrader joins this to the course folder, and an absolute path wins.
        return str(self._rebuilt) if self._sanitizing else self.coursedir.autograded_directory

    def init_notebooks(self) -> None:
        """Take in what is asked for, grade what has no verdicts yet, and hand it on to nbgrader."""
        from medmeta_ref.grading.course_secret import course_secret
        from medmeta_ref.grading.grade_one import SandboxChoice, task_of
        from medmeta_ref.grading.sandbox_grade import SandboxGrade

        settings = SandboxGrade(parent=self)
        choice = SandboxChoice(settings.sandbox, settings.fresh)
        secret = course_secret()
        for student, unit in self._handed_in():
            taken = take_in(
                Path(self.coursedir.root),
                unit,
                student,
                submitted=self.coursedir.submitted_directory,
            )
            if self._is_done(taken):
                continue
            hand_on(taken, self._rebuilt)
            task = task_of(taken, secret=secret, sandbox=choice)
            self._verdicts[student, unit] = self._verdict(task)
        if self._verdicts or not self._handed_in():
            super().init_notebooks()
        else:
            self.log.info("All of them have been graded; --force grades them again")

    def init_single_notebook_resources(self, notebook_filename: str) -> dict[str, Any]:
        """Add the verdicts to what nbgrader tells its preprocessors."""
        resources: dict[str, Any] = super().init_single_notebook_resources(notebook_filename)
        told = resources["nbgrader"]
        told["verdicts"] = self._verdicts.get((told["student"], told["assignment"]))
        return resources

    def _handed_in(self) -> list[tuple[str, str]]:
        """Return (student, unit) of the folders that the command line asks for."""
        course = self.coursedir
        path = course.format_path(
            course.submitted_directory, course.student_id, course.assignment_id
        )
        form = course.format_path(
            course.submitted_directory, "(?P<student>[^/]+)", "(?P<unit>[^/]+)", escape=True
        )
        excluded = course.student_id_exclude.split(",")
        found = [re.fullmatch(form, folder) for folder in sorted(glob.glob(path))]
        names = [(match["student"], match["unit"]) for match in found if match]
        for student in sorted({student for student, _ in names}):
            if not is_plain_name(student):
                self.log.warning("%s: %s", shown(student), NO_PLAIN_NAME)
        return [(s, unit) for s, unit in names if s not in excluded and is_plain_name(s)]

    def _is_done(self, taken: TakenIn) -> bool:
        """Return whether nbgrader would skip this: graded, not handed in again, and no --force."""
        folder = self._format_dest(taken.unit, taken.student)
        if self.force or not os.path.exists(os.path.join(folder, f"{taken.unit}.ipynb")):
            return False
        before = self.coursedir.get_existing_timestamp(folder)
        return before is not None and taken.handed_in.replace(tzinfo=None) <= before

    def _verdict(self, task: "GradingTask") -> "StoredResult":
        from medmeta_ref.grading.grade_one import grade_one
        from medmeta_ref.grading.result_files import (
            ResultError,
            only_run,
            read_result,
            result_file,
            write_result,
        )

        root = Path(self.coursedir.root)
        path = result_file(root, task.unit, task.student)
        try:
            stored = read_result(path)
        except ResultError as error:
            self.log.warning("%s; it is graded again", error)
            stored = None
        if stored is None or stored.key != task.key:
            with only_run(root, task.unit):
                stored = grade_one(task)
                write_result(path, stored)
        return stored
