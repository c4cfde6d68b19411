"""A learner with work in progress gets a new version of a unit: nothing is lost, all is told."""

import json
import os
import shlex

import nbformat
import pytest
from typer.testing import CliRunner

from medmeta_ref import cli
from medmeta_ref.authoring.builder import build
from medmeta_ref.progress import log
from medmeta_ref.workbook import folders
from medmeta_ref.workbook.changes import UnreadableError
from medmeta_ref.workbook.update import update
from tests.small_course import (
    ANSWER,
    CARD,
    LESSON,
    SOLUTIONS,
    SOLUTIONS_FILE,
    make_course,
    replaced,
    write,
)

UNIT = "03_distillation"

SECOND = replaced(
    SOLUTIONS[SOLUTIONS.index("# %% [markdown] card=") : SOLUTIONS.index("# %% scratch")],
    "soft_targets",
    "hard_targets",
)
OLD = replaced(
    replaced(SOLUTIONS, "# %% scratch", SECOND + "# %% scratch"), 'check("', 'check("03.'
)
# The new version words the first exercise anew, drops the second and has a third.
THIRD = replaced(SECOND, "hard_targets", "mixed_targets")
NEW = replaced(OLD, SECOND.replace('check("', 'check("03.'), THIRD.replace('check("', 'check("03.'))
NEW = replaced(NEW, "at a temperature.\n# hints", "at any temperature.\n# hints")
MINE = (
    "def {}(logits, temperature):\n    return softmax([logit / temperature for logit in logits])\n"
)
STUB = 'raise NotImplementedError("your code goes here")'


@pytest.fixture
def course(tmp_path, monkeypatch):
    """Return a course whose learner has begun the old version."""
    root = make_course(tmp_path / "course", solutions=OLD)
    build(root)
    monkeypatch.chdir(root)
    assert medmeta("start 03").exit_code == 0
    return root


def medmeta(line):
    return CliRunner().invoke(cli.app, shlex.split(line))


def release(root, text):
    write(root, SOLUTIONS_FILE, text)
    build(root)


def cells(root):
    notebook = json.loads(folders.my_notebook(root, UNIT).read_text(encoding="utf-8"))
    nbformat.validate(nbformat.from_dict(notebook))
    return notebook["cells"]


def named(root, name):
    """Return the text of the one cell of that name."""
    found = [
        c
        for c in cells(root)
        if name in (c["metadata"].get("nbgrader", {}).get("grade_id"), c["id"])
    ]
    [cell] = found
    return "".join(cell["source"])


def edit(root, change):
    path = folders.my_notebook(root, UNIT)
    notebook = json.loads(path.read_text(encoding="utf-8"))
    change(notebook["cells"])
    path.write_text(json.dumps(notebook), encoding="utf-8")


def write_in(name, text):
    def change(all_cells):
        for cell in all_cells:
            if cell["metadata"].get("nbgrader", {}).get("grade_id") == name:
                cell["source"] = text

    return change


def own_cell(text, identity="own", kind="code"):
    outputs = {"outputs": [], "execution_count": None} if kind == "code" else {}
    return {"cell_type": kind, "id": identity, "metadata": {}, "source": text} | outputs


def files(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_answers_and_own_cells_are_carried_over_and_all_changes_told(course):
    edit(course, write_in("soft_targets", MINE.format("soft_targets")))
    edit(course, write_in("hard_targets", MINE.format("hard_targets")))

    def add(all_cells):
        places = [c["metadata"].get("nbgrader", {}).get("grade_id") for c in all_cells]
        all_cells.insert(places.index("soft_targets") + 1, own_cell("soft_targets([1.0], 2.0)"))
        [scratch] = [c for c in all_cells if not c["metadata"].get("nbgrader") and c["id"] != "own"]
        scratch["source"] = "x = 'my own trial'"

    edit(course, add)
    before = files(folders.my_notebook(course, UNIT).parent)
    release(course, NEW)
    result = medmeta("update 03")
    assert result.exit_code == 0, result.output

    assert named(course, "soft_targets") == MINE.format("soft_targets")
    assert STUB in named(course, "mixed_targets")
    assert "any temperature" in named(course, "soft_targets_card")
    texts = ["".join(cell["source"]) for cell in cells(course)]
    assert texts.index("soft_targets([1.0], 2.0)") == texts.index(MINE.format("soft_targets")) + 1
    assert texts.count("x = 'my own trial'") == 1
    assert not any("hard_targets" in text for text in texts)

    [backup] = (course / "submitted" / "me" / "backups").iterdir()
    assert files(backup) == before
    lines = [line.strip() for line in result.stdout.splitlines()]
    assert f"Before it was:  submitted/me/backups/{backup.name}" in lines
    assert "new:      mixed_targets" in lines
    told = "changed:  soft_targets (its text); your answer is carried over, check it again"
    assert told in lines
    assert "removed:  hard_targets; your answer is kept in the old copy" in lines
    assert "Carried over: 1 answer (soft_targets), and 1 cell of your own." in lines
    assert "close it there without saving" in result.stdout
    assert "note:" not in result.stdout


def test_an_untouched_cell_becomes_the_new_one(course):
    stub = replaced(ANSWER, "(logits, temperature)", "(logits, *, temperature)")
    release(course, replaced(OLD, ANSWER, stub))
    done = update(course, UNIT)
    assert done.changes.changed == {"soft_targets": "the cell you fill in"}
    assert done.carried == ()
    assert "(logits, *, temperature)" in named(course, "soft_targets")


def test_an_answer_to_an_old_signature_is_carried_over_as_it_is(course):
    edit(course, write_in("soft_targets", MINE.format("soft_targets")))
    stub = replaced(ANSWER, "(logits, temperature)", "(logits, *, temperature)")
    release(course, replaced(OLD, ANSWER, stub))
    assert update(course, UNIT).carried == ("soft_targets",)
    assert named(course, "soft_targets") == MINE.format("soft_targets")


def test_without_a_new_version_nothing_happens(course):
    edit(course, write_in("soft_targets", MINE.format("soft_targets")))
    before = files(course / "submitted")
    result = medmeta("update 03_distillation")
    assert result.exit_code == 0
    assert "is the newest version already; nothing was changed" in result.stdout
    assert files(course / "submitted") == before


def test_what_a_learner_deleted_is_no_new_version(course):
    edit(course, lambda all_cells: all_cells.pop(0))
    assert not update(course, UNIT).changes


def test_without_a_log_a_new_version_is_seen_all_the_same(course):
    log.log_file(course).unlink()
    edit(course, write_in("soft_targets", MINE.format("soft_targets")))
    assert not update(course, UNIT).changes
    release(course, NEW)
    assert update(course, UNIT).changes.new == ("mixed_targets",)


def test_edited_checks_alone_are_told_and_leave_the_notebook(course):
    path = log.log_file(course)
    [start] = log.read(path).steps
    older = start.checks | {"03.soft_targets": "0" * 12}
    log.append(path, log.Step(log.now(), "update", UNIT, older))
    before = folders.my_notebook(course, UNIT).read_bytes()
    result = medmeta("update 03")
    assert "changed:  soft_targets (its checks)" in result.stdout
    assert folders.my_notebook(course, UNIT).read_bytes() == before
    assert not (course / "submitted" / "me" / "backups").exists()
    assert not update(course, UNIT).changes  # told once


def test_status_tells_of_a_new_version_until_it_is_there(course):
    unit = lambda: json.loads(medmeta("status --json").stdout)["units"][0]  # noqa: E731
    assert not unit()["newer_version"]
    release(course, NEW)
    assert unit()["newer_version"]
    assert unit()["todo"] == "new version: medmeta update 03"
    medmeta("update 03")
    assert not unit()["newer_version"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"cells": [{}]}', '{"cells": 3}', "\udcff"])
def test_a_damaged_notebook_is_left_as_it_is(text, course):
    mine = folders.my_notebook(course, UNIT)
    mine.write_bytes(text.encode(errors="surrogateescape"))
    release(course, NEW)
    before = files(course / "submitted")
    result = medmeta("update 03")
    assert result.exit_code == 1
    assert "Nothing was changed" in result.stderr
    assert "medmeta reset 03_distillation" in result.stderr
    assert files(course / "submitted") == before
    assert "notebook damaged: medmeta reset 03" in medmeta("status --json").stdout


def test_a_disk_that_is_full_leaves_the_old_notebook(course, monkeypatch):
    edit(course, write_in("soft_targets", MINE.format("soft_targets")))
    release(course, NEW)
    before = folders.my_notebook(course, UNIT).read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    result = medmeta("update 03")
    assert result.exit_code == 1
    assert "No space left" in result.stderr
    assert folders.my_notebook(course, UNIT).read_bytes() == before


def test_cells_that_were_split_copied_or_moved_are_found_again(course):
    def shuffle(all_cells):
        write_in("soft_targets", MINE.format("soft_targets"))(all_cells)
        write_in("hard_targets", MINE.format("hard_targets"))(all_cells)
        all_cells.reverse()

    edit(course, shuffle)
    release(course, replaced(OLD, CARD, replaced(CARD, "minutes: 10", "minutes: 12")))
    done = update(course, UNIT)
    assert set(done.carried) == {"soft_targets", "hard_targets"}
    assert named(course, "hard_targets") == MINE.format("hard_targets")


def test_of_two_answers_the_later_is_carried_over_and_that_is_told(course):
    def copy(all_cells):
        write_in("soft_targets", "def soft_targets(logits, temperature):\n    return 1")(all_cells)
        place = [c["metadata"].get("nbgrader", {}).get("grade_id") for c in all_cells].index(
            "soft_targets"
        )
        later = json.loads(json.dumps(all_cells[place])) | {"id": "copy"}
        all_cells.insert(
            place + 1, later | {"source": "def soft_targets(logits, temperature):\n    return 2"}
        )

    edit(course, copy)
    release(course, NEW)
    result = medmeta("update 03")
    assert "return 2" in named(course, "soft_targets")
    assert "note: Cell 'soft_targets' is there 2 times with different texts." in result.stdout
    [backup] = (course / "submitted" / "me" / "backups").iterdir()
    assert "return 1" in (backup / f"{UNIT}.ipynb").read_text(encoding="utf-8")


def test_a_cell_that_has_lost_its_mark_is_known_by_its_name(course):
    def unmark(all_cells):
        [cell] = [c for c in all_cells if c["id"] == "soft_targets"]
        cell |= {"metadata": {}, "source": MINE.format("soft_targets")}

    edit(course, unmark)
    release(course, NEW)
    assert update(course, UNIT).carried == ("soft_targets",)
    texts = ["".join(cell["source"]) for cell in cells(course)]
    assert texts.count(MINE.format("soft_targets")) == 2  # in its place, and as it was


def test_own_cells_never_take_the_name_of_a_released_one(course):
    edit(
        course, lambda all_cells: all_cells.append(own_cell("# notes", "mixed_targets", "markdown"))
    )
    release(course, NEW)
    assert update(course, UNIT).own == 1
    names = [cell["id"] for cell in cells(course)]
    assert len(set(names)) == len(names)
    assert "# notes" in ["".join(cell["source"]) for cell in cells(course)]


def test_a_second_update_finds_nothing_to_do(course):
    edit(course, write_in("soft_targets", MINE.format("soft_targets")))
    release(course, NEW)
    update(course, UNIT)
    before = files(course / "submitted")
    assert not update(course, UNIT).changes
    assert files(course / "submitted") == before


def test_an_update_of_what_was_not_started_says_how_to_start(course):
    folders.my_notebook(course, UNIT).unlink()
    result = medmeta("update 03")
    assert result.exit_code == 1
    assert "medmeta start 03_distillation" in result.stderr


def test_the_report_is_there_for_scripts(course):
    edit(course, write_in("soft_targets", MINE.format("soft_targets")))
    release(course, NEW)
    [told] = json.loads(medmeta("update 03 --json").stdout)
    assert told["changes"]["new"] == ["mixed_targets"]
    assert told["changes"]["removed"] == ["hard_targets"]
    assert told["carried"] == ["soft_targets"]
    assert told["left_in_backup"] == []
    assert (course / told["backup"] / f"{UNIT}.ipynb").is_file()


def test_without_a_unit_all_that_were_begun_are_updated(course, tmp_path):
    other = "04_another"
    write(course, f"solutions/{other}.py", OLD)
    write(course, f"lessons/{other}.py", LESSON)
    build(course)
    assert medmeta("start 04").exit_code == 0
    folders.my_notebook(course, UNIT).write_text("damaged", encoding="utf-8")
    write(course, f"solutions/{other}.py", NEW)
    release(course, NEW)
    result = medmeta("update")
    assert result.exit_code == 1
    assert f"Up to date now: submitted/me/{other}/{other}.ipynb" in result.stdout
    assert "medmeta reset 03_distillation" in result.stderr


def test_an_update_before_the_first_start_says_how_to_start(course):
    folders.my_notebook(course, UNIT).unlink()
    result = medmeta("update")
    assert result.exit_code == 1
    assert "medmeta start 00" in result.stderr


# reset


def test_reset_keeps_the_old_copy_and_says_where(course):
    edit(course, write_in("soft_targets", MINE.format("soft_targets")))
    mine = folders.my_notebook(course, UNIT)
    before = files(mine.parent)
    result = medmeta("reset 03")
    assert result.exit_code == 0
    [backup] = (course / "submitted" / "me" / "backups").iterdir()
    assert f"Your old copy: submitted/me/backups/{backup.name}" in result.stdout
    assert backup.name.startswith(f"{UNIT}-20")
    assert files(backup) == before
    assert files(mine.parent) == files(course / "exercises" / UNIT)
    assert log.read(log.log_file(course)).steps[-1].kind == "reset"


def test_two_resets_in_one_second_keep_both(course):
    for _ in range(2):
        assert medmeta("reset 03").exit_code == 0
    assert len(list((course / "submitted" / "me" / "backups").iterdir())) == 2


def test_a_reset_that_cannot_copy_leaves_all_as_it_was(course, monkeypatch):
    before = files(course / "submitted")

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(folders.shutil, "copytree", full)
    result = medmeta("reset 03")
    assert result.exit_code == 1
    assert "is as it was" in result.stderr
    assert files(course / "submitted") == before


def test_start_again_never_overwrites_and_says_what_else_there_is(course):
    edit(course, write_in("soft_targets", MINE.format("soft_targets")))
    before = files(course / "submitted")
    result = medmeta("start 03")
    assert result.exit_code == 1
    assert "medmeta reset 03_distillation" in result.stderr
    assert "medmeta update 03_distillation" in result.stderr
    assert files(course / "submitted") == before


def test_an_unreadable_notebook_is_an_error_of_its_own(course):
    folders.my_notebook(course, UNIT).write_text("no", encoding="utf-8")
    with pytest.raises(UnreadableError, match="medmeta reset"):
        update(course, UNIT)
