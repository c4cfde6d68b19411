"""nbgrader's settings for this course. nbgrader reads this file when it runs in this folder."""

from medmeta_ref.grading.nbgrader_course import find_alembic
from medmeta_ref.grading.rebuilding_autograde import take_over

find_alembic()

c = get_config()

c.CourseDirectory.course_id = "medmeta"

# The names that a visitor of the repository understands; nbgrader's own are "source" and "release".
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "exercises"

# One line that says what to do and cannot be mistaken for an answer: a cell left as it is stops
# with these words. nbgrader's own stub has a second line, which learners leave above their answer.
c.ClearSolutions.code_stub = {"python": 'raise NotImplementedError("your code goes here")'}

# Feedback shows what learners wrote, and an instructor opens it in a browser: no script survives.
c.HTMLExporter.sanitize_html = True

# Grading: a submission is rebuilt from the release and the text of its answers, learners' code runs
# in a sandbox, and the check cells get what their specs found. No kernel starts. Without a sandbox
# nothing is graded; c.SandboxGrade.sandbox = "unsafe" is for work that you trust like your own.
take_over()
c.Autograde.autograde_preprocessors = [
    "medmeta_ref.grading.sandbox_grade.SandboxGrade",
    "nbgrader.preprocessors.LimitOutput",
    "nbgrader.preprocessors.SaveAutoGrades",
    "nbgrader.preprocessors.AssignLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata",
]

# The gradebook is gradebook.db in this folder. When several people grade at once, PostgreSQL:
# c.CourseDirectory.db_url = "postgresql+psycopg://user:password@host/medmeta"

# Seconds per cell when a learner validates a notebook, which runs it. The default of 30 is short
# for a cell that trains a small network on a busy machine.
c.Execute.timeout = 180

# Without this, every kernel warns that it talks to nbgrader without encryption. It does so within
# one machine; kernels that talk through files (transport "ipc") do not always start here.
c.Execute.extra_arguments = ["--IPKernelApp.log_level=ERROR"]
