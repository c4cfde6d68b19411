"""Rows of nbgrader's gradebook, as `nbgrader autograde` would write them, from one open session.

nbgrader opens the gradebook ten times for one submission and asks for every cell by itself. The
rows, and what is said in them, are the same here.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from nbformat import from_dict
from nbgrader import utils
from nbgrader.api import (
    Assignment,
    Comment,
    Grade,
    Gradebook,
    InvalidEntry,
    SubmittedAssignment,
    SubmittedNotebook,
)
from nbgrader.preprocessors import AssignLatePenalties
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import joinedload, undefer

from medmeta_ref.grading.intake import TakenIn
from medmeta_ref.grading.nbgrader_course import GradingError


class Standing(NamedTuple):
    """What the gradebook says about one submitted notebook.

    Attributes:
        score: the points, before a penalty.
        max_score: the points there are.
        penalty: what a late submission loses.
        scores: grade id -> (points, points there are), of cells with points.
        comments: grade id -> what the learner is told about an answer, or None.
    """

    score: float
    max_score: float
    penalty: float
    scores: dict[str, tuple[float, float]]
    comments: dict[str, str | None]


class GradebookRows:
    """Writes the rows of one unit; a context manager.

    Args:
        api: an `NbGraderAPI`.
        unit: for instance "03_distillation"; the gradebook has to know it.

    Raises:
        GradingError: if the gradebook cannot be opened.
    """

    def __init__(self, api: Any, unit: str) -> None:
        self._unit = unit
        self._late = AssignLatePenalties(parent=api)
        self._late.init_plugin()
        self._url = api.coursedir.db_url
        try:
            self._gradebook = Gradebook(self._url, api.coursedir.course_id)
        except SQLAlchemyError as error:
            raise self._refused("opened", error) from error

    def record(self, taken: TakenIn, notebook: Mapping[str, Any]) -> Standing:
        """Write the rows of a graded submission, all or none; return what they say.

        A score or a comment that a person gave stays, and is marked to be looked at again.

        Args:
            taken: what was handed in, and when.
            notebook: the same with verdicts in its check cells.

        Raises:
            GradingError: if the gradebook cannot be written.
        """
        book = self._gradebook
        try:
            book.update_or_create_student(taken.student)
            submission = book.update_or_create_submission(
                self._unit, taken.student, timestamp=taken.handed_in.replace(tzinfo=None)
            )
            (rows,) = submission.notebooks
            self._grade(rows, notebook)
            book.db.flush()
            self._penalise(submission, rows, taken.student)
            book.db.commit()
            standing = self.find(taken.student)
        except (SQLAlchemyError, InvalidEntry) as error:
            book.db.rollback()
            raise self._refused("written", error) from error
        assert standing is not None
        return standing

    def find(self, student: str) -> Standing | None:
        """Return what the gradebook says about a student's notebook, or None.

        Raises:
            GradingError: if the gradebook cannot be read.
        """
        db = self._gradebook.db
        try:
            db.expunge_all()  # nothing is kept from one student to the next
            rows = (
                db.query(SubmittedNotebook)
                .join(SubmittedNotebook.assignment)
                .join(SubmittedAssignment.assignment)
                .filter(Assignment.name == self._unit, SubmittedAssignment.student_id == student)
                .options(undefer(SubmittedNotebook.score), undefer(SubmittedNotebook.max_score))
                .one_or_none()
            )
            if rows is None:
                return None
            grades = _with_names(db, Grade, rows, Grade.score, Grade.max_score)
            comments = _with_names(db, Comment, rows, Comment.comment)
        except SQLAlchemyError as error:
            db.rollback()
            raise self._refused("read", error) from error
        return Standing(
            rows.score,
            rows.max_score,
            rows.late_submission_penalty or 0.0,
            {grade.name: (grade.score, grade.max_score) for grade in grades},
            {comment.name: comment.comment for comment in comments},
        )

    def close(self) -> None:
        """Close the gradebook."""
        self._gradebook.close()

    def __enter__(self) -> "GradebookRows":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _grade(self, rows: SubmittedNotebook, notebook: Mapping[str, Any]) -> None:
        """Do what nbgrader's SaveAutoGrades does, with the rows at hand."""
        grades = {grade.name: grade for grade in rows.grades}
        comments = {comment.name: comment for comment in rows.comments}
        for plain in notebook["cells"]:
            if "nbgrader" not in plain["metadata"]:
                continue
            cell = from_dict(plain)
            cell.source = "".join(cell.source)
            fields = cell.metadata.nbgrader
            if utils.is_grade(cell):
                grade = grades[fields.grade_id]
                grade.auto_score, _ = utils.determine_grade(cell)
                by_hand = grade.manual_score is not None or grade.auto_score is None
                grade.needs_manual_grade = by_hand
            if utils.is_solution(cell):
                untouched = fields.get("checksum") == utils.compute_checksum(cell)
                comments[fields.grade_id].auto_comment = "No response." if untouched else None

    def _penalise(self, submission: Any, rows: SubmittedNotebook, student: str) -> None:
        """Do what nbgrader's AssignLatePenalties does, by the plugin of the settings."""
        rows.late_submission_penalty = None
        seconds = submission.total_seconds_late
        if seconds > 0:
            penalty = self._late.plugin_inst.late_submission_penalty(student, rows.score, seconds)
            if penalty is not None:
                rows.late_submission_penalty = self._late._check_late_penalty(rows, penalty)

    def _refused(self, doing: str, error: Exception) -> GradingError:
        why = str(getattr(error, "orig", None) or error).splitlines()[0]
        url = self._gradebook.engine.url if hasattr(self, "_gradebook") else self._url
        return GradingError(
            f"the gradebook {url!s} cannot be {doing}: {why}. Nothing is lost: the results are in "
            "results/, and the next run writes them into the gradebook"
        )


def _with_names(db: Any, kind: Any, rows: SubmittedNotebook, *columns: Any) -> Any:
    """Return the rows of a notebook's cells, in one question to the database."""
    wanted = [joinedload(kind.cell), *map(undefer, columns)]
    return db.query(kind).filter(kind.notebook_id == rows.id).options(*wanted).all()
