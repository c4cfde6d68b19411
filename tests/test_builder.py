import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbgrader.nbgraderformat import MetadataValidator
from nbgrader.preprocessors import CheckCellMetadata, ClearSolutions
from nbgrader.utils import compute_checksum
from traitlets.config.loader import PyFileConfigLoader

from medmeta_ref.authoring.builder import BuildError, build, check, course_root
from tests.small_course import (
    CONFIG,
    LESSON,
    LESSON_FILE,
    NOTEBOOKS,
    SOLUTIONS,
    SOLUTIONS_FILE,
    make_course,
    replaced,
    write,
)

EXERCISE, LESSON_NOTEBOOK, SOURCE = NOTEBOOKS


@pytest.fixture
def course(tmp_path: Path) -> Path:
    root = make_course(tmp_path / "course")
    build(root)
    return root


def bytes_of(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*.ipynb")}


def read(root: Path, name: str) -> nbformat.NotebookNode:
    return nbformat.read(root / name, as_version=4)


# What is built


def test_three_notebooks_are_built_and_nothing_else_is_left_behind(tmp_path: Path):
    root = make_course(tmp_path / "course")
    before = {path for path in root.rglob("*") if path.is_file()}
    assert build(root) == [root / name for name in NOTEBOOKS]
    after = {path for path in root.rglob("*") if path.is_file()}
    assert after - before == {root / name for name in NOTEBOOKS}


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebooks_are_valid_and_written_the_way_nbformat_writes(course: Path, name):
    notebook = read(course, name)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert nbformat.writes(notebook) + "\n" == (course / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebooks_hold_no_outputs_and_nothing_that_changes_by_itself(course: Path, name):
    notebook = read(course, name)
    assert notebook.metadata == {
        "kernelspec": {
            "display_name": "Python 3 (ipykernel)",
            "language": "python",
            "name": "python3",
        },
        "language_info": {"name": "python"},
    }
    for cell in notebook.cells:
        assert set(cell.metadata) <= {"nbgrader", "deletable", "editable"}
        assert cell.get("outputs", []) == []
        assert cell.get("execution_count") is None


@pytest.mark.parametrize(
    ("name", "text"),
    [(EXERCISE, SOLUTIONS_FILE), (LESSON_NOTEBOOK, LESSON_FILE), (SOURCE, SOLUTIONS_FILE)],
)
def test_the_first_cell_names_the_file_to_edit(course: Path, name, text):
    first = read(course, name).cells[0]
    assert first.cell_type == "markdown"
    assert first.source.splitlines()[0] == (
        f'<!-- Generated from {text} by "medmeta build". Edit that file, then build again. -->'
    )
    assert first.source.splitlines()[2].startswith("# Distillation")


def test_ids_come_from_the_exercise_the_heading_or_the_position(course: Path):
    assert [cell.id for cell in read(course, SOURCE).cells] == [
        "read-distillation-exercises-1",
        "read-distillation-exercises-2",
        "read-soften-1",
        "soft_targets_card",
        "soft_targets",
        "soft_targets_check",
        "cell-07",
    ]
    assert [cell.id for cell in read(course, LESSON_NOTEBOOK).cells] == [
        "cell-01",
        "cell-02",
        "cell-03",
        "cell-04",
    ]


def test_a_new_cell_renames_no_cell_of_another_section(course: Path):
    text = replaced(
        SOLUTIONS, "# %% [markdown]\n# ## Soften", "# %%\nx = 1\n\n# %% [markdown]\n# ## Soften"
    )
    before = [cell.id for cell in read(course, SOURCE).cells]
    write(course, SOLUTIONS_FILE, text)
    build(course)
    after = [cell.id for cell in read(course, SOURCE).cells]
    assert [id_ for id_ in after if id_ not in before] == [
        "read-distillation-exercises-3",
        "cell-08",
    ]


# What nbgrader thinks of it


@pytest.mark.parametrize("name", [EXERCISE, SOURCE])
def test_nbgrader_accepts_the_metadata(course: Path, name):
    notebook = read(course, name)
    MetadataValidator().validate_nb(notebook)
    CheckCellMetadata().preprocess(notebook, {})


def test_every_cell_but_answers_and_scratch_is_locked(course: Path):
    kinds = {
        cell.id: tuple(cell.metadata.nbgrader[key] for key in ("grade", "solution", "locked"))
        for cell in read(course, SOURCE).cells
        if "nbgrader" in cell.metadata
    }
    read_only = (False, False, True)
    assert kinds == {
        "read-distillation-exercises-1": read_only,
        "read-distillation-exercises-2": read_only,
        "read-soften-1": read_only,
        "soft_targets_card": read_only,
        "soft_targets": (False, True, False),
        "soft_targets_check": (True, False, True),
    }
    assert read(course, SOURCE).cells[-1].metadata == {}


def test_metadata_carry_every_field_of_schema_three(course: Path):
    for cell in read(course, SOURCE).cells[:-1]:
        fields = set(cell.metadata.nbgrader)
        assert {"grade", "grade_id", "locked", "schema_version", "solution", "task"} <= fields
        assert cell.metadata.nbgrader.schema_version == 3
        assert cell.metadata.nbgrader.grade_id == cell.id
    assert read(course, SOURCE).cells[5].metadata.nbgrader.points == 4


def test_the_released_answer_holds_the_stub_and_not_the_solution(course: Path):
    answer = read(course, EXERCISE).cells[4]
    assert answer.source == (
        "def soft_targets(logits, temperature):\n"
        '    """Return the probabilities at a temperature."""\n'
        '    raise NotImplementedError("your code goes here")'
    )
    assert "scaled = [logit" in read(course, SOURCE).cells[4].source
    assert b"scaled = [logit" not in (course / EXERCISE).read_bytes()


def test_the_release_has_nbgraders_own_checksums(course: Path):
    for cell in read(course, EXERCISE).cells[:-1]:
        assert cell.metadata.nbgrader.checksum == compute_checksum(cell)


def test_a_learner_cannot_delete_the_answer_or_edit_the_check(course: Path):
    cells = {cell.id: cell.metadata for cell in read(course, EXERCISE).cells}
    assert cells["soft_targets"].deletable is False
    assert "editable" not in cells["soft_targets"]
    assert cells["soft_targets_check"].editable is False
    assert cells["read-soften-1"].editable is False


def test_the_courses_own_nbgrader_settings_are_used(course: Path):
    config = course / CONFIG.name
    text = config.read_text(encoding="utf-8")
    config.write_text(replaced(text, "your code goes here", "fill me in"), encoding="utf-8")
    assert [problem.split(":")[0] for problem in check(course)] == [EXERCISE]
    build(course)
    assert 'NotImplementedError("fill me in")' in read(course, EXERCISE).cells[4].source


def test_every_setting_in_the_config_is_one_that_exists():
    from nbconvert import HTMLExporter
    from nbgrader.converters import Autograde
    from nbgrader.coursedir import CourseDirectory
    from nbgrader.preprocessors import Execute

    config = PyFileConfigLoader(CONFIG.name, path=str(CONFIG.parent)).load_config()
    used = (Autograde, ClearSolutions, CourseDirectory, Execute, HTMLExporter)
    classes = {c.__name__: c for c in used}
    assert set(config) == set(classes)
    for name, settings in config.items():
        assert set(settings) <= set(classes[name].class_trait_names(config=True))
    assert config.HTMLExporter.sanitize_html is True


def test_a_unit_that_nbgrader_refuses_is_reported_in_its_words(course: Path):
    write(course, SOLUTIONS_FILE, replaced(SOLUTIONS, "check(", "### HASHED AUTOTEST x\ncheck("))
    with pytest.raises(BuildError) as refused:
        build(course)
    assert str(refused.value).startswith(f"{SOLUTIONS_FILE}:1: nbgrader refuses the unit; it says:")
    assert "autotests.yml" in str(refused.value)


def test_nbgraders_own_command_makes_the_same_exercise(course: Path):
    command = [sys.executable, "-m", "nbgrader", "generate_assignment", "03_distillation"]
    (course / EXERCISE).unlink()
    done = subprocess.run(
        [*command, "--no-db", "--force"], cwd=course, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (course / EXERCISE).exists()
    assert check(course) == []


def test_no_gradebook_is_made(course: Path):
    assert list(course.rglob("*.db")) == []


# Building again


def test_a_second_build_touches_no_file(course: Path):
    times = {path: path.stat().st_mtime_ns for path in course.rglob("*.ipynb")}
    assert build(course) == []
    assert {path: path.stat().st_mtime_ns for path in course.rglob("*.ipynb")} == times


def test_bytes_depend_on_neither_folder_locale_nor_hash_seed(course: Path, tmp_path: Path):
    expected = bytes_of(course)
    program = (
        "import sys; from pathlib import Path\n"
        "from medmeta_ref.authoring.builder import build\n"
        "print(len(build(Path(sys.argv[1]))))"
    )
    for seed, locale in (("1", "C"), ("4242", "C.UTF-8")):
        root = make_course(tmp_path / f"with seed [{seed}]")
        elsewhere = tmp_path / f"elsewhere-{seed}"
        elsewhere.mkdir()
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", program, str(root)],
            cwd=elsewhere,
            env={
                **os.environ,
                "PYTHONHASHSEED": seed,
                "LC_ALL": locale,
                "PYTHONUTF8": "0",
                "PYTHONPATH": str(CONFIG.parent),
                "TZ": "Asia/Tokyo",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stdout) == (0, "3\n"), done.stderr
        assert bytes_of(root) == expected
        assert list(elsewhere.iterdir()) == []


def test_a_relative_root_builds_the_same(course: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(course.parent)
    assert check(Path("course")) == []
    assert Path.cwd() == course.parent


def test_windows_line_ends_in_a_text_build_the_same(course: Path):
    for name, text in ((LESSON_FILE, LESSON), (SOLUTIONS_FILE, SOLUTIONS)):
        (course / name).write_bytes(text.replace("\n", "\r\n").encode())
    assert check(course) == []


def test_only_the_changed_notebooks_are_written(course: Path):
    write(course, LESSON_FILE, replaced(LESSON, "from a teacher", "from two teachers"))
    assert build(course) == [course / LESSON_NOTEBOOK]


def test_a_renamed_unit_leaves_nothing_behind(course: Path):
    for folder in ("lessons", "solutions"):
        (course / folder / "03_distillation.py").rename(course / folder / "04_distillation.py")
    assert {problem.split(":")[1].split(";")[0] for problem in check(course)} == {
        " missing",
        " stray, no text file explains it",
    }
    build(course)
    assert set(bytes_of(course)) == {name.replace("03_", "04_") for name in NOTEBOOKS}
    assert not (course / "exercises" / "03_distillation").exists()
    assert check(course) == []


def test_somebodys_own_notebook_is_never_deleted(course: Path):
    own = course / "exercises" / "03_distillation" / "my-work.ipynb"
    own.write_text(nbformat.writes(nbformat.v4.new_notebook()), encoding="utf-8")
    with pytest.raises(BuildError, match=r"my-work\.ipynb: no text file .* move it away"):
        build(course)
    assert own.exists()


def test_checkpoints_and_the_printed_book_are_left_alone(course: Path):
    for name in ("lessons/.ipynb_checkpoints/03-checkpoint.ipynb", "lessons/_build/03.ipynb"):
        (course / name).parent.mkdir()
        shutil.copy(course / LESSON_NOTEBOOK, course / name)
    assert check(course) == []
    assert build(course) == []


def test_one_unit_is_built_while_another_is_broken(course: Path):
    write(course, "lessons/04_broken.py", "# %% [markdown]\n# ## No title\n")
    write(course, LESSON_FILE, replaced(LESSON, "from a teacher", "from two teachers"))
    assert build(course, units=["03_distillation"]) == [course / LESSON_NOTEBOOK]
    with pytest.raises(BuildError, match=r"lessons/04_broken\.py:2"):
        build(course)


def test_an_unknown_unit_is_refused_with_those_that_exist(course: Path):
    with pytest.raises(BuildError, match="no unit '05_maml'; there are 03_distillation"):
        build(course, units=["05_maml"])


# Telling what is out of date


def test_an_up_to_date_course_has_no_problems(course: Path):
    assert check(course) == []


@pytest.mark.parametrize("name", NOTEBOOKS)
@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.999])
def test_one_changed_byte_is_found(course: Path, name, share):
    path = course / name
    content = bytearray(path.read_bytes())
    content[int(share * len(content))] ^= 1
    path.write_bytes(content)
    (problem,) = check(course)
    assert problem.startswith(f"{name}: ")
    assert problem.endswith("; run medmeta build")


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_one_more_line_end_is_found(course: Path, name):
    (course / name).write_bytes((course / name).read_bytes() + b"\n")
    what = "differs outside the cells, in the notebook's metadata or its layout"
    assert check(course) == [f"{name}: {what}; run medmeta build"]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_the_first_cell_that_differs_is_named(course: Path, name):
    notebook = json.loads((course / name).read_text(encoding="utf-8"))
    notebook["cells"][2]["source"].append("\nmore")
    notebook["cells"][3]["source"].append("\nmore")
    (course / name).write_text(json.dumps(notebook), encoding="utf-8")
    id_ = notebook["cells"][2]["id"]
    assert check(course) == [f"{name}: differs at cell 3 ('{id_}'); run medmeta build"]


def test_an_output_saved_into_a_notebook_is_found(course: Path):
    notebook = read(course, SOURCE)
    notebook.cells[1].outputs = [nbformat.v4.new_output("stream", text="1\n")]
    nbformat.write(notebook, course / SOURCE)
    assert check(course) == [
        f"{SOURCE}: differs at cell 2 ('read-distillation-exercises-2'); run medmeta build"
    ]


def test_a_cell_added_at_the_end_is_named(course: Path):
    notebook = read(course, LESSON_NOTEBOOK)
    notebook.cells.append(nbformat.v4.new_markdown_cell("More", id="mine"))
    nbformat.write(notebook, course / LESSON_NOTEBOOK)
    (problem,) = check(course)
    assert "differs at cell 5 ('mine'): one of the two notebooks ends before it" in problem


def test_a_change_outside_the_cells_is_found(course: Path):
    notebook = read(course, LESSON_NOTEBOOK)
    notebook.metadata.language_info.version = "3.11.7"
    nbformat.write(notebook, course / LESSON_NOTEBOOK)
    assert "differs outside the cells" in check(course)[0]


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"cells": 3}', b"\xff"])
def test_a_notebook_that_cannot_be_read_is_reported(course: Path, content):
    (course / LESSON_NOTEBOOK).write_bytes(content)
    (problem,) = check(course)
    assert problem.startswith(f"{LESSON_NOTEBOOK}: is no readable notebook")
    assert build(course) == [course / LESSON_NOTEBOOK]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_missing_notebook_is_found(course: Path, name):
    (course / name).unlink()
    assert check(course) == [f"{name}: missing; run medmeta build"]


@pytest.mark.parametrize("folder", ["lessons", "solutions", "exercises/03_distillation"])
def test_a_stray_notebook_is_found_and_deleted_by_the_next_build(course: Path, folder):
    stray = f"{folder}/02_old.ipynb"
    shutil.copy(course / EXERCISE, course / stray)
    assert check(course) == [f"{stray}: stray, no text file explains it; run medmeta build"]
    assert build(course) == [course / stray]
    assert check(course) == []


def test_a_changed_text_is_found(course: Path):
    write(course, SOLUTIONS_FILE, replaced(SOLUTIONS, "## Soften", "## Soft"))
    assert check(course) == [
        f"{EXERCISE}: differs at cell 3 ('read-soft-1'); run medmeta build",
        f"{SOURCE}: differs at cell 3 ('read-soft-1'); run medmeta build",
    ]


def test_check_writes_nothing(tmp_path: Path):
    root = make_course(tmp_path)
    assert len(check(root)) == 3
    assert bytes_of(root) == {}


def test_a_refused_course_is_left_as_it_was(course: Path):
    before = bytes_of(course)
    write(course, LESSON_FILE, replaced(LESSON, "from a teacher", "from two teachers"))
    write(course, SOLUTIONS_FILE, replaced(SOLUTIONS, "# minutes: 10", "# minutes: 0"))
    with pytest.raises(BuildError):
        build(course)
    assert bytes_of(course) == before


# Finding the course


def test_the_course_is_found_from_any_folder_inside(course: Path, monkeypatch: pytest.MonkeyPatch):
    assert course_root(course / "exercises" / "03_distillation") == course
    monkeypatch.chdir(course / "lessons")
    assert course_root(None) == course
    assert course_root() == course


def test_outside_a_clone_the_way_out_is_told(tmp_path: Path):
    with pytest.raises(BuildError, match="run this inside a clone"):
        course_root(tmp_path)


def test_a_folder_that_is_no_course_is_refused(tmp_path: Path):
    with pytest.raises(BuildError, match="holds no nbgrader_config"):
        build(tmp_path)


def test_importing_the_builder_loads_no_heavy_package():
    program = (
        "import sys, medmeta_ref.authoring.builder\n"
        "print(sorted({'nbgrader', 'jupytext', 'nbformat', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=CONFIG.parent,
    )
    assert done.stdout == "[]\n"
