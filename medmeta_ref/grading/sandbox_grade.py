"""nbgrader's step between a submitted and a scored notebook, without a kernel.

It stands in the list `autograde_preprocessors` where nbgrader's own Execute would run the notebook.
"""

from typing import Any

from nbformat import NotebookNode, from_dict
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Bool, Enum

from medmeta_ref.grading.graded_notebook import write_verdicts
from medmeta_ref.grading.sandbox.backend import BACKENDS


class SandboxGrade(NbGraderPreprocessor):  # type: ignore[misc]
    """Writes the verdicts that were reached in the sandbox into the check cells."""

    sandbox = Enum(
        ["auto", *BACKENDS],
        default_value="auto",
        help="Where learners' code runs; see `medmeta grade --help`. 'unsafe' is no sandbox.",
    ).tag(config=True)
    fresh = Bool(False, help="Whether every submission gets a whole new sandbox.").tag(config=True)

    def preprocess(
        self, nb: NotebookNode, resources: dict[str, Any]
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Return the notebook with outputs in its check cells.

        Args:
            nb: what nbgrader has sanitised.
            resources: nbgrader's; the converter has put the verdicts there.

        Raises:
            RuntimeError: if there are no verdicts, because the notebook did not come by intake.
            MismatchError: if the notebook and the specs do not belong together.
        """
        stored = resources["nbgrader"].get("verdicts")
        if stored is None:
            raise RuntimeError(
                "this notebook has not been through intake; nbgrader_config.py has to call "
                "medmeta_ref.grading.rebuilding_autograde.take_over()"
            )
        write_verdicts(nb, stored)
        nb.metadata["medmeta"] = {"key": stored.key}
        return from_dict(nb), resources  # the outputs, too, are to be read as nbformat reads them
