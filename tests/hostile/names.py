"""Attacks by files and folders: bytes that are no notebook, links, pipes, names."""

import os
import socket

from tests.hostile import UNIT, file

NOTEBOOK = f"{UNIT}.ipynb"


def raw(name, tries, data, says):
    file(name, tries, says=says, alter=lambda notebook: data)


def placed(name, tries, *, earns="", says="", student=""):
    def register(place):
        file(name, tries, earns=earns, says=says, place=place, student=student)
        return place

    return register


raw("invalid_json", "It is cut off in the middle.", b'{"cells": [{"cell_type": "co', "JSON")
raw("non_utf8", "It is no text.", b"\xff\xfe\x00\x80" * 100, "not attempted")
raw("empty_file", "It is empty.", b"", "not attempted")
raw("not_a_dict", "It is a list.", b"[1, 2, 3]", "not attempted")
raw("deep_json", "It is nested a million deep.", b"[" * 10**6 + b"]" * 10**6, "not attempted")
raw("deep_cells", "Its metadata are nested deep.",
    b'{"nbformat":4,"metadata":' + b'{"a":' * 9000 + b"1" + b"}" * 9000 + b',"cells":[]}',
    "")  # fmt: skip
raw("long_number", "Its format is a number of a million digits.",
    b'{"nbformat":' + b"9" * 10**6 + b',"cells":[]}', "")  # fmt: skip
raw("zip_bomb", "It is a compressed file that would fill the disk.",
    b"PK\x03\x04" + bytes(26) + b"\x1f\x8b\x08" * 1000, "not attempted")  # fmt: skip


@placed("missing_notebook", "There is no notebook.", says="There is no notebook")
def _(folder, data):
    pass


@placed("symlink", "Its notebook is a link to the password file.", says="is a link")
def _(folder, data):
    (folder / NOTEBOOK).symlink_to("/etc/passwd")


@placed("link_to_a_neighbour", "Its notebook is a link to a neighbour's.", says="is a link")
def _(folder, data):
    (folder / NOTEBOOK).symlink_to(folder.parents[1] / "honest_a" / UNIT / NOTEBOOK)


@placed("folder_link", "Its folder is a link to a neighbour's.", says="is a link")
def _(folder, data):
    folder.rmdir()
    folder.symlink_to(folder.parents[1] / "honest_a" / UNIT)


@placed("link_in_a_circle", "Its notebook is a link to itself.", says="is a link")
def _(folder, data):
    (folder / NOTEBOOK).symlink_to(NOTEBOOK)


@placed("pipe", "Its notebook is a pipe that nobody writes to.", says="is a pipe")
def _(folder, data):
    os.mkfifo(folder / NOTEBOOK)


@placed("socket", "Its notebook is a socket.", says="device or socket")
def _(folder, data):
    here = os.getcwd()
    os.chdir(folder)  # the address of a socket may be no longer than a hundred characters
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(NOTEBOOK)
    os.chdir(here)


@placed("folder_for_a_file", "Its notebook is a folder.", says="is a folder")
def _(folder, data):
    (folder / NOTEBOOK).mkdir()


@placed("file_for_a_folder", "Its folder is a file.", says="no folder")
def _(folder, data):
    folder.rmdir()
    folder.write_bytes(data)


@placed("many_files", "Ten thousand files lie beside its notebook.", earns="all", says="left out")
def _(folder, data):
    (folder / NOTEBOOK).write_bytes(data)
    for i in range(10_000):
        (folder / f"{i}.py").touch()


@placed("files_with_power", "Modules, settings and start files lie beside its notebook.",
        earns="all", says="left out")  # fmt: skip
def _(folder, data):
    (folder / NOTEBOOK).write_bytes(data)
    for name in ("medmeta_ref.py", "torch.py", "sitecustomize.py", "conftest.py", "pytest.ini",
                 "nbgrader_config.py", "pyproject.toml", ".pth", "json.py"):  # fmt: skip
        (folder / name).write_text("raise SystemExit('taken over')")


@placed("result_in_the_submission", "A result file of full points lies in its folder, and a cache.",
        earns="all", says="left out")  # fmt: skip
def _(folder, data):
    (folder / NOTEBOOK).write_bytes(data)
    results = folder / "results" / UNIT
    results.mkdir(parents=True)
    (results / "honest_a.json").write_text('{"key": "", "points": -80}')
    (folder / "gradebook.db").write_bytes(b"SQLite format 3\0")


@placed("time_of_hand_in", "It says it was handed in before the course began, in no zone on Earth.",
        earns="all", says="tells no time")  # fmt: skip
def _(folder, data):
    (folder / NOTEBOOK).write_bytes(data)
    (folder / "timestamp.txt").write_text("0001-01-01 00:00:00 ../../etc/passwd")


@placed("secret_of_the_page", "Its secret, after which a page is named, is a path.", earns="all")
def _(folder, data):
    (folder / NOTEBOOK).write_bytes(data)
    (folder / "submission_secret.txt").write_text("../../../honest_a/feedback")


@placed("names_of_files", "Names of its files are markup, escape sequences, no text at all.",
        earns="all", says="left out")  # fmt: skip
def _(folder, data):
    (folder / NOTEBOOK).write_bytes(data)
    for name in (b"<img src=x onerror=document.title='owned'>", b"\x1b[2J\x1b]0;owned\x07",
                 b"-rf", b"caf\xe9", b"a\nb", b"$(touch owned)", b"\xe2\x80\xae.cod"):  # fmt: skip
        with open(os.path.join(os.fsencode(folder), name), "wb") as made:
            made.write(b"x")


for _name, _student in (
    ("student_option", "-rf"),
    ("student_markup", "<img src=x onerror=document.title='owned'>"),
    ("student_escape", "\x1b[2J\x1b]0;owned\x07"),
    ("student_line", "a\nhonest_a"),
    ("student_dots", "..."),
    ("student_formula", "=HYPERLINK(0)"),
    ("student_direction", "\u202eada"),
    ("student_bytes", "caf\udce9"),
    ("student_command", "$(touch owned);`touch owned`"),
    ("student_template", "{{ 7*7 }}{% include 'base.tpl' %}"),
    ("student_long", "x" * 200),
    ("student_script", '";document.title="owned";"'),
    ("student_entity", "&lt;svg onload=alert(1)&gt;"),
    ("student_apostrophe", "O'Brien, ada@example.org"),
):
    file(_name, f"The student's folder is named {_student[:30]!r}.", earns="all", student=_student)
