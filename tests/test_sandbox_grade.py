"""nbgrader's steps of grading: none of them runs a notebook, and none takes one past intake."""

import pytest
from nbformat.v4 import new_notebook
from nbgrader.converters import Autograde
from traitlets.config.loader import PyFileConfigLoader

from medmeta_ref.authoring.builder import course_root
from medmeta_ref.grading.rebuilding_autograde import RebuildingAutograde, take_over
from medmeta_ref.grading.sandbox_grade import SandboxGrade


@pytest.fixture
def settings():
    return PyFileConfigLoader("nbgrader_config.py", path=str(course_root())).load_config()


def test_settings_leave_out_whatever_runs_a_notebook(settings):
    steps = settings.Autograde.autograde_preprocessors
    assert steps[0] == "medmeta_ref.grading.sandbox_grade.SandboxGrade"
    assert not any("Execute" in step for step in steps)


def test_settings_put_intake_before_nbgraders_command_and_formgrader(settings):
    import nbgrader.apps.api
    import nbgrader.apps.autogradeapp

    take_over()
    assert nbgrader.apps.autogradeapp.Autograde is RebuildingAutograde
    assert nbgrader.apps.api.Autograde is RebuildingAutograde
    assert issubclass(RebuildingAutograde, Autograde)


def test_notebook_that_has_not_been_through_intake_is_refused():
    resources = {"nbgrader": {"student": "ada", "assignment": "03_x", "notebook": "03_x"}}
    with pytest.raises(RuntimeError, match="has not been through intake"):
        SandboxGrade().preprocess(new_notebook(), resources)
