"""The files for Canvas, Moodle and Gradescope, read back as those programs read them."""

import csv
import io
import json

import pytest

from medmeta_ref.grading.reports.grade_files import canvas_csv, match_roster, moodle_csv
from medmeta_ref.grading.reports.gradescope import gradescope_results
from medmeta_ref.grading.reports.roster import Person, RosterError, read_roster
from medmeta_ref.grading.results import CheckResult, ExerciseResult, State
from tests.graded_class import UNIT, a_class, graded, solutions

CANVAS_ROSTER = """\
Student,ID,SIS User ID,SIS Login ID,Section,folder,Unit 01 (7),Final Score
    Points Possible,,,,,,10,(read only)
"Lovelace, Ada",101,U1,ada1,"Group 1, Monday",student00,9,90
"Hopper, Grace",102,U2,grace2,Group 2,absent,,
"Noether, Emmy",103,U3,emmy3,Group 2,,5,50
"""
MOODLE_ROSTER = """\
\ufeffFirst name;Last name;ID number;Email address;folder
Ada;Lovelace;0017;Ada@x.example;student00
Grace;Hopper;0018;grace@x.example;absent
"""


def table(text):
    return list(csv.reader(io.StringIO(text)))


def canvas_importer(text):
    """Read a file by the rules of Canvas' `gradebook_importer.rb`: assignment, students, points."""
    header, *rows = table(text)
    assert "Student" in header[0]
    assert "ID" in header[1]
    assert header[2:4] == ["SIS User ID", "SIS Login ID"]
    assert "Section" in header[4]
    [assignment] = header[5:]
    points_possible = [row for row in rows if "Points Possible" in row[0]]
    students = {row[1] or row[0]: row[5] for row in rows if "Points Possible" not in row[0]}
    return assignment, students, float(points_possible[0][5])


@pytest.fixture
def roster(tmp_path):
    def write(text):
        path = tmp_path / "roster.csv"
        path.write_text(text, encoding="utf-8")
        return read_roster(path)

    return write


def test_canvas_gets_its_own_ids_and_everybody_is_in_the_file(roster):
    results = a_class(40)[:3]
    rows, notes = match_roster(results, roster(CANVAS_ROSTER))
    text = canvas_csv(rows, assignment="Unit 03 (42)", max_points=80)
    assignment, students, max_points = canvas_importer(text)
    assert (assignment, max_points) == ("Unit 03 (42)", 80)
    assert set(students) == {"101", "102", "103", "student01", "student02"}
    assert float(students["101"]) == results[0].result.points
    assert float(students["student01"]) == results[1].result.points
    assert students["102"] == students["103"] == ""
    assert table(text)[2][:5] == ["Lovelace, Ada", "101", "U1", "ada1", "Group 1, Monday"]
    unknown, absent = notes
    assert "2 graded, but not in the roster: student01, student02." in unknown
    assert "2 in the roster, but not graded: Hopper, Grace, Noether, Emmy." in absent


def test_moodle_gets_e_mail_addresses_as_they_were_written(roster):
    """Moodle's addresses are case sensitive, its ID numbers texts."""
    rows, _ = match_roster(a_class(40)[:2], roster(MOODLE_ROSTER))
    header, *lines = table(moodle_csv(rows, assignment="Unit 03"))
    assert header == ["Username", "ID number", "Email address", "Unit 03"]
    assert lines[0][:3] == ["", "0017", "Ada@x.example"]
    assert lines[1] == ["", "0018", "grace@x.example", ""]
    assert lines[2][:3] == ["student01", "", ""]


def test_without_a_roster_folders_stand_for_students_and_a_note_says_so():
    results = a_class(40)
    rows, [note] = match_roster(results, None)
    assert "No roster" in note
    _, students, _ = canvas_importer(canvas_csv(rows, assignment=UNIT, max_points=80))
    assert {name: float(points) for name, points in students.items()} == {
        stored.student: stored.result.points for stored in results
    }
    assert [line[0] for line in table(moodle_csv(rows, assignment=UNIT))[1:]] == list(students)


def test_points_have_a_decimal_point_and_no_noise():
    check = CheckResult("t", "T.", State.RIGHT, 0.1, "")
    stored = graded("s", {})
    exercise = ExerciseResult("03.x", (check, check, check))
    stored = stored._replace(result=stored.result._replace(exercises=(exercise,)))
    rows, _ = match_roster([stored], None)
    assert table(moodle_csv(rows, assignment=UNIT))[1][-1] == "0.3"


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_name_becomes_a_formula(name, roster):
    stored = graded("x", {})._replace(student=name)
    rows, _ = match_roster([stored], None)
    for text in (
        canvas_csv(rows, assignment="=HYPERLINK()", max_points=80),
        moodle_csv(rows, assignment="=HYPERLINK()"),
    ):
        for row in table(text):
            assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row)


def test_more_points_than_moodle_takes_are_told():
    check = CheckResult("t", "T.", State.RIGHT, 120.0, "")
    stored = graded("s", {})
    exercise = ExerciseResult("03.x", (check,))
    stored = stored._replace(result=stored.result._replace(exercises=(exercise,)))
    assert any("Moodle takes 100" in note for note in match_roster([stored], []).notes)


def test_results_of_different_checks_are_told():
    check = CheckResult("t", "T.", State.RIGHT, 1.0, "")
    other = graded("b", {})
    other = other._replace(result=other.result._replace(exercises=(ExerciseResult("x", (check,)),)))
    assert any("the same checks" in n for n in match_roster([graded("a", {}), other], []).notes)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no column 'folder' but nothing"),
        ("Student,ID\na,1\n", "no column 'folder' but Student, ID"),
        ("folder,Student\na,Ada\na,Grace\n", "'a' to 'Ada' and to 'Grace'"),
    ],
)
def test_a_roster_that_cannot_be_used_says_why(text, says, roster):
    with pytest.raises(RosterError, match=says):
        roster(text)


def test_a_roster_that_is_no_text_or_not_there_is_named(tmp_path):
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe,folder")
    for name in ("bytes.csv", "missing.csv"):
        with pytest.raises(RosterError, match=name):
            read_roster(tmp_path / name)


def test_short_lines_and_empty_lines_of_a_roster_do_no_harm(roster):
    people = roster("folder,Student,ID\na,Ada\n\n,,\nb\n")
    assert [(p.folder, p.name, p.get("ID")) for p in people] == [("a", "Ada", ""), ("b", "b", "")]


def test_a_line_end_inside_quotes_stays_inside_its_cell(roster):
    [person] = roster('folder,Student\na,"Lovelace,\nAda"\n')
    assert person.name == "Lovelace,\nAda"


def test_a_cell_without_end_is_no_csv(roster):
    with pytest.raises(RosterError, match="is no CSV file"):
        roster("folder\n" + "x" * 200_000)


# Gradescope

REQUIRED = {"name", "score", "max_score", "output", "visibility", "output_format"}


def test_gradescope_has_every_check_and_points_that_add_up():
    for stored in a_class(40)[:6]:
        data = json.loads(json.dumps(gradescope_results(stored)))
        assert all(REQUIRED <= set(test) for test in data["tests"])
        assert sum(test["score"] for test in data["tests"]) == data["score"] == stored.result.points
        assert sum(test["max_score"] for test in data["tests"]) == stored.result.max_points
        assert {test["output_format"] for test in data["tests"]} == {"text"}
        checks = [c for e in stored.result.exercises for c in e.checks]
        for test, check in zip(data["tests"], checks, strict=True):
            assert (test["status"] == "passed") == (check.state is State.RIGHT)
            assert check.message in test["output"]


def test_gradescope_gets_the_notes_of_intake_and_of_the_learners_code():
    stored = graded("s", solutions(), notes=["Cell 'x' is missing."])
    exercises = list(stored.result.exercises)
    exercises[0] = exercises[0]._replace(notes=("UserWarning: slow",))
    stored = stored._replace(result=stored.result._replace(exercises=tuple(exercises)))
    output = gradescope_results(stored)["output"]
    assert "Cell 'x' is missing." in output
    assert "UserWarning: slow" in output


def test_gradescope_can_hold_tests_back_and_refuses_what_it_does_not_know():
    stored = graded("s", {})
    data = gradescope_results(stored, visibility="after_published")
    assert {test["visibility"] for test in data["tests"]} == {"after_published"}
    with pytest.raises(ValueError, match="no visibility 'sometimes'; there are visible"):
        gradescope_results(stored, visibility="sometimes")


def test_half_a_character_in_a_message_does_not_break_the_file():
    stored = graded("s", {}, notes=["half \ud800 and turned \u202e"])
    text = json.dumps(gradescope_results(stored), ensure_ascii=False)
    assert "half \\\\ud800 and turned \\\\u202e" in text
    text.encode()


def test_a_person_is_named_by_whatever_the_roster_has():
    assert Person("f", {"First name": "Ada", "Surname": "Lovelace"}).name == "Ada Lovelace"
    assert Person("", {"Email address": "a@x.example"}).name == "a@x.example"
