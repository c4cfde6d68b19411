"""Rows of nbgrader's gradebook, as `nbgrader autograde` would write them, from one open session.

nbgrader opens the gradebook ten times for one submission and asks for every cell by itself. The
rows, and what is said in them, are the same here.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from nbgrader import utils
from nbgrader.api import (
    Comment,
    Grade,
    Gradebook,
    Student,
    SubmittedAssignment,
    SubmittedNotebook,
    new_uuid,
)
from nbgrader.preprocessors import AssignLatePenalties
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import undefer

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


# The rows of one submission.
_Rows = tuple[SubmittedAssignment, SubmittedNotebook, list[Grade], list[Comment]]


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
            self._read_structure()
        except SQLAlchemyError as error:
            raise self._refused("opened", error) from error

    def record(self, taken: TakenIn, notebook: Mapping[str, Any]) -> Standing:
        """Write the rows of a graded submission, all or none; return what they say.

        A score or a comment that a person gave stays, and is marked to be looked at again.

        Args:
            taken: what was handed in, and when.
            notebook: the same with verdicts in its check cells, as nbformat reads it.

        Raises:
            GradingError: if the gradebook cannot be written.
        """
        db = self._gradebook.db
        try:
            db.expunge_all()  # nothing is kept from one student to the next
            submission, rows, grades, comments = self._found(taken.student) or self._new(
                taken.student
            )
            submission.timestamp = taken.handed_in.replace(tzinfo=None)
            self._grade(notebook, grades, comments)
            db.flush()
            self._penalise(submission, rows, taken.student)
            db.commit()
        except SQLAlchemyError as error:
            db.rollback()
            raise self._refused("written", error) from error
        standing = self.find(taken.student)
        assert standing is not None
        return standing

    def find(self, student: str) -> Standing | None:
        """Return what the gradebook says about a student's notebook, or None.

        Raises:
            GradingError: if the gradebook cannot be read.
        """
        db = self._gradebook.db
        try:
            db.expunge_all()
            rows = (
                db.query(SubmittedNotebook)
                .join(SubmittedNotebook.assignment)
                .filter(
                    SubmittedNotebook.notebook_id == self._notebook_id,
                    SubmittedAssignment.student_id == student,
                )
                .options(undefer(SubmittedNotebook.score), undefer(SubmittedNotebook.max_score))
                .one_or_none()
            )
            if rows is None:
                return None
            of_rows = db.query(Grade).filter(Grade.notebook_id == rows.id)
            grades = of_rows.options(undefer(Grade.score), undefer(Grade.max_score)).all()
            comments = db.query(Comment).filter(Comment.notebook_id == rows.id).all()
            names = self._names
            return Standing(
                rows.score,
                rows.max_score,
                rows.late_submission_penalty or 0.0,
                {names[grade.cell_id]: (grade.score, grade.max_score) for grade in grades},
                {names[comment.cell_id]: comment.comment for comment in comments},
            )
        except SQLAlchemyError as error:
            db.rollback()
            raise self._refused("read", error) from error

    def close(self) -> None:
        """Close the gradebook."""
        self._gradebook.close()

    def __enter__(self) -> "GradebookRows":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read_structure(self) -> None:
        """Read once which cells of the unit have points, and which take comments."""
        assignment = self._gradebook.find_assignment(self._unit)
        notebook = self._gradebook.find_notebook(self._unit, self._unit)
        self._assignment_id, self._notebook_id = assignment.id, notebook.id
        with_points = [*notebook.grade_cells, *notebook.task_cells]
        with_comment = [*notebook.solution_cells, *notebook.task_cells]
        self._names = {cell.id: cell.name for cell in (*with_points, *with_comment)}
        self._with_points = [cell.id for cell in with_points]
        self._with_comment = [cell.id for cell in with_comment]

    def _found(self, student: str) -> _Rows | None:
        """Return the rows of a student's submission, if there are any."""
        db = self._gradebook.db
        submission = (
            db.query(SubmittedAssignment)
            .filter_by(assignment_id=self._assignment_id, student_id=student)
            .one_or_none()
        )
        if submission is None:
            return None
        rows = (
            db.query(SubmittedNotebook)
            .filter_by(assignment_id=submission.id, notebook_id=self._notebook_id)
            .one()
        )
        grades, comments = (
            db.query(kind).filter_by(notebook_id=rows.id).all() for kind in (Grade, Comment)
        )
        return submission, rows, grades, comments

    def _new(self, student: str) -> _Rows:
        """Add what `Gradebook.add_student` and `add_submission` would, without the commits."""
        db = self._gradebook.db
        if db.get(Student, student) is None:
            db.add(Student(id=student))
            db.flush()
        submission = SubmittedAssignment(
            id=new_uuid(), assignment_id=self._assignment_id, student_id=student
        )
        rows = SubmittedNotebook(
            id=new_uuid(), assignment_id=submission.id, notebook_id=self._notebook_id
        )
        grades = [Grade(notebook_id=rows.id, cell_id=cell) for cell in self._with_points]
        comments = [Comment(notebook_id=rows.id, cell_id=cell) for cell in self._with_comment]
        for added in ([submission], [rows], [*grades, *comments]):
            db.add_all(added)
            db.flush()  # in this order: a row names the one before by its id alone
        return submission, rows, grades, comments

    def _grade(
        self, notebook: Mapping[str, Any], grades: list[Grade], comments: list[Comment]
    ) -> None:
        """Do what nbgrader's SaveAutoGrades does, with the rows at hand."""
        grade_of = {self._names[grade.cell_id]: grade for grade in grades}
        comment_of = {self._names[comment.cell_id]: comment for comment in comments}
        for cell in notebook["cells"]:
            fields = cell.metadata.get("nbgrader")
            if not fields:
                continue
            if utils.is_grade(cell):
                grade = grade_of[fields.grade_id]
                grade.auto_score, _ = utils.determine_grade(cell)
                by_hand = grade.manual_score is not None or grade.auto_score is None
                grade.needs_manual_grade = by_hand
            if utils.is_solution(cell):
                untouched = fields.get("checksum") == utils.compute_checksum(cell)
                comment_of[fields.grade_id].auto_comment = "No response." if untouched else None

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
