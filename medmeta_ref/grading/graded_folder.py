"""The files of a graded submission: `autograded/STUDENT/UNIT/` and `feedback/STUDENT/UNIT/`.

They are what nbgrader's converters leave there, so that formgrader and the exchange find theirs.
The graded notebook is written last and carries the key of its verdicts: where it stands, all is
done.
"""

import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from medmeta_ref.grading.graded_notebook import write_verdicts
from medmeta_ref.grading.hand_in_time import FILE_NAME, write_time
from medmeta_ref.grading.intake import SECRET, TakenIn
from medmeta_ref.grading.result_files import write_whole
from medmeta_ref.grading.stored_result import StoredResult


class GradedFolder:
    """The files of one submission.

    Args:
        api: an `NbGraderAPI`.
        unit: for instance "03_distillation".
        student: whose submission.
    """

    def __init__(self, api: Any, unit: str, student: str) -> None:
        course = api.coursedir
        graded = Path(course.format_path(course.autograded_directory, student, unit))
        feedback = Path(course.format_path(course.feedback_directory, student, unit))
        self.notebook, self.page = graded / f"{unit}.ipynb", feedback / f"{unit}.html"
        self._modes = (0o664, 0o664) if course.groupshared else (0o444, 0o644)

    def holds(self, stored: StoredResult) -> bool:
        """Return whether these verdicts have been written here, all of it."""
        if not (self.notebook.is_file() and self.page.is_file()):
            return False
        try:
            metadata = json.loads(self.notebook.read_bytes())["metadata"]
            return bool(metadata["medmeta"]["key"] == stored.key)
        except (KeyError, TypeError, ValueError):  # nbgrader's, or torn by a power cut
            return False

    def write(self, taken: TakenIn, notebook: Mapping[str, Any], page: str) -> None:
        """Write all files.

        Args:
            taken: what was handed in.
            notebook: `graded_notebook` of it.
            page: the feedback.

        Raises:
            OSError: if they cannot be written.
        """
        hidden, shown = self._modes
        kept = self.notebook.with_name(SECRET)
        # nbgrader cannot release feedback without a secret. A student who never had one cannot
        # fetch the page either way, so any will do.
        secret = taken.secret or (kept.read_text() if kept.exists() else secrets.token_hex(64))
        for folder, mode in ((self.page.parent, shown), (self.notebook.parent, hidden)):
            write_whole(folder / FILE_NAME, write_time(taken.handed_in).encode(), mode=mode)
            write_whole(folder / SECRET, secret.encode(), mode=mode)
        write_whole(self.page, page.encode(), mode=shown)
        # In one line: with nbformat's indentation this would take ten times as long.
        text = json.dumps(notebook, sort_keys=True, ensure_ascii=False) + "\n"
        write_whole(self.notebook, text.encode(), mode=hidden)


def graded_notebook(taken: TakenIn, stored: StoredResult) -> dict[str, Any]:
    """Return what was handed in, with the verdicts in its check cells and their key.

    Raises:
        MismatchError: if the released notebook and the specs do not belong together.
    """
    # As deep a copy as what is changed.
    handed_in = taken.rebuilt.notebook
    notebook = handed_in | {
        "cells": [dict(cell) for cell in handed_in["cells"]],
        "metadata": handed_in["metadata"] | {"medmeta": {"key": stored.key}},
    }
    write_verdicts(notebook, stored)
    return notebook
