"""Whatever is handed in, what comes out is the released notebook with the learner's words in it."""

import copy
import json
import random

import nbformat
import pytest

from medmeta_ref.authoring.builder import course_root
from medmeta_ref.grading.answer_cells import MAX_CODE, MAX_WRITTEN
from medmeta_ref.grading.answers import read_answers
from medmeta_ref.grading.intake import rebuild
from medmeta_ref.grading.rebuilding import Rebuilt, refuse
from medmeta_ref.grading.submission_files import MAX_BYTES

ROOT = course_root()
UNIT = "03_distillation"
SOLVED = read_answers(ROOT / "solutions" / f"{UNIT}.py")

WRITTEN = {
    "cell_type": "markdown",
    "id": "why",
    "metadata": {
        "nbgrader": {
            "grade": True,
            "grade_id": "why",
            "locked": False,
            "points": 4,
            "schema_version": 3,
            "solution": True,
            "task": False,
        }
    },
    "source": "Why does the loss need $T^2$? *Your answer goes here.*",
}
RELEASED = json.loads((ROOT / "exercises" / UNIT / f"{UNIT}.ipynb").read_text(encoding="utf-8"))
RELEASED["cells"].append(WRITTEN)
ANSWERED = SOLVED | {"why": "Because the gradient shrinks as $1/T^2$."}
IDS = list(ANSWERED)


def released():
    return copy.deepcopy(RELEASED)


def submission(answers=ANSWERED):
    """Return a notebook with answers, as Jupyter would have saved it."""
    notebook = released()
    for name, text in answers.items():
        cell(notebook, name)["source"] = text.splitlines(keepends=True)
    return notebook


def cell(notebook, name):
    (found,) = (each for each in notebook["cells"] if grade_id(each) == name)
    return found


def grade_id(each):
    return each["metadata"].get("nbgrader", {}).get("grade_id")


def place(notebook, name):
    return notebook["cells"].index(cell(notebook, name))


def code(source, **more):
    made = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": []}
    return made | {"source": source} | more


def marked(name, source):
    return code(source, metadata={"nbgrader": {"grade_id": name}}, id=f"copy-{hash(source)}")


def data(notebook):
    return json.dumps(notebook).encode()


def took(notebook, function=rebuild):
    return function(released(), data(notebook) if isinstance(notebook, dict) else notebook)


def text_of(rebuilt, name):
    return "".join(cell(rebuilt.notebook, name)["source"])


def is_untouched(rebuilt):
    return rebuilt.notebook == RELEASED and rebuilt.answers == {}


def assert_is_the_release_but_for_answers(rebuilt):
    """Judge a rebuilt notebook against the release, part by part."""
    made = rebuilt.notebook
    assert {key: made[key] for key in made if key != "cells"} == {
        key: RELEASED[key] for key in RELEASED if key != "cells"
    }
    assert len(made["cells"]) == len(RELEASED["cells"])
    for ours, given in zip(made["cells"], RELEASED["cells"], strict=True):
        if grade_id(given) in IDS:
            assert ours | {"source": 0} == given | {"source": 0}
            assert isinstance(ours["source"], str | list)
            assert all(isinstance(line, str) for line in ours["source"])
        else:
            assert ours == given
    json.dumps(made, ensure_ascii=False, allow_nan=False).encode()  # nothing that UTF-8 has not
    assert all(
        isinstance(note, str) and not set(note) & set('<>&"\n\x1b') for note in rebuilt.notes
    )
    assert len(rebuilt.notes) < 60
    assert sum(map(len, rebuilt.notes)) < 20_000


# The same words, however they come.


def test_answers_reach_their_cells_and_nothing_is_noted():
    rebuilt = took(submission())
    assert rebuilt.answers == ANSWERED
    assert rebuilt.notes == ()
    assert {name: text_of(rebuilt, name) for name in IDS} == ANSWERED
    assert_is_the_release_but_for_answers(rebuilt)


def test_untouched_notebook_has_no_answers_and_is_the_release():
    rebuilt = took(released())
    assert is_untouched(rebuilt)
    assert rebuilt.notes == ()


def test_rebuilt_notebook_is_valid():
    nbformat.validate(nbformat.from_dict(took(submission()).notebook))


def test_release_is_not_changed_and_not_shared():
    given = released()
    rebuilt = rebuild(given, data(submission()))
    rebuilt.notebook["cells"][0]["metadata"]["nbgrader"]["points"] = 99
    refuse(given, "x").notebook["cells"][0]["metadata"]["nbgrader"]["points"] = 99
    assert given == RELEASED


def test_source_as_one_string_counts_like_a_list_of_lines():
    notebook = submission()
    for each in notebook["cells"]:
        each["source"] = "".join(each["source"])
    assert took(notebook) == took(submission())


def test_windows_line_ends_are_no_change():
    notebook = released()
    for each in notebook["cells"]:
        each["source"] = [line.replace("\n", "\r\n") for line in each["source"]]
    assert is_untouched(took(notebook))


@pytest.mark.parametrize("version", [3, 2])
def test_old_format_written_by_nbformat_itself_is_read(version):
    old = nbformat.convert(nbformat.reads(data(submission()), as_version=4), 3)
    assert "worksheets" in old
    old["nbformat"] = version
    rebuilt = took(json.loads(json.dumps(old)))
    assert rebuilt.answers == ANSWERED
    assert any("old format" in note for note in rebuilt.notes)


@pytest.mark.parametrize("version", [5, 99, "4", None, True, 1e400, 10**30])
def test_future_and_odd_formats_are_read_as_far_as_they_have_cells(version):
    rebuilt = took(submission() | {"nbformat": version})
    assert rebuilt.answers == ANSWERED
    assert any("not in nbformat 4" in note for note in rebuilt.notes)


@pytest.mark.parametrize("schema", [1, 2, 99, "x", None])
def test_nbgraders_schema_version_does_not_matter(schema):
    notebook = submission()
    for each in notebook["cells"]:
        if grade_id(each):
            each["metadata"]["nbgrader"]["schema_version"] = schema
    assert took(notebook) == took(submission())


# Foreign things.


def test_foreign_metadata_outputs_and_attachments_are_dropped():
    notebook = submission()
    notebook["metadata"] = {"kernelspec": {"name": "julia"}, "widgets": {"x": 1}}
    for each in notebook["cells"]:
        each["metadata"] |= {"tags": ["skip-execution"], "editable": True}
        if grade_id(each):
            each["metadata"]["nbgrader"] |= {"points": 1000, "grade": True, "locked": False}
        each["outputs"] = [{"output_type": "display_data", "data": {"text/html": "<script>"}}]
        each["attachments"] = {"x.png": {"image/png": ""}}
        each["execution_count"] = 7
    rebuilt = took(notebook)
    assert rebuilt.answers == ANSWERED
    assert_is_the_release_but_for_answers(rebuilt)


def test_changed_and_deleted_given_cells_are_put_back_and_named():
    notebook = submission()
    cell(notebook, "soft_targets_check")["source"] = "8.0"
    notebook["cells"].remove(cell(notebook, "distillation_loss_check"))
    rebuilt = took(notebook)
    assert_is_the_release_but_for_answers(rebuilt)
    (note,) = rebuilt.notes
    assert "'soft_targets_check', 'distillation_loss_check'" in note


def test_cells_of_ones_own_are_left_out_and_counted():
    notebook = submission()
    notebook["cells"] += [code("1 + 1"), code("2 + 2"), {"cell_type": "markdown", "source": "x"}]
    rebuilt = took(notebook)
    assert rebuilt.notebook == took(submission()).notebook
    assert rebuilt.notes == ("3 cells of your own left out; only answer cells are graded.",)


@pytest.mark.parametrize(
    ("helper", "name"),
    [
        ("def hotter(x):\n    return x", "hotter"),
        ("class hotter:\n    pass", "hotter"),
        ("import math as hotter, os", "hotter"),
        ("from math import pi, tau as hotter", "hotter"),
    ],
)
def test_helper_outside_the_answer_is_named_with_its_place(helper, name):
    notebook = submission()
    own_place = place(notebook, "soft_targets")
    notebook["cells"].insert(own_place, code(helper))
    cell(notebook, "soft_targets")["source"] = SOLVED["soft_targets"] + "\nhotter(1)"
    (*_, note) = took(notebook).notes
    assert f"uses '{name}' (cell {own_place + 1})" in note
    assert "move it into the answer cell" in note


def test_import_added_to_the_given_cell_is_missed_but_torch_is_not():
    notebook = submission()
    given = next(each for each in notebook["cells"] if "import torch\n" in each["source"])
    given["source"] += ["\nimport math\n"]
    cell(notebook, "soft_targets")["source"] = SOLVED["soft_targets"] + "\nmath.exp(torch.pi)"
    (*_, note) = took(notebook).notes
    assert "'math'" in note
    assert "torch" not in note


# Cells that moved, multiplied or changed.


def doubled(above, below):
    """Return a notebook with two cells 'soft_targets' above their check."""
    notebook = submission()
    at = place(notebook, "soft_targets")
    notebook["cells"][at : at + 1] = [marked("soft_targets", above), marked("soft_targets", below)]
    return notebook


STUB = "".join(cell(RELEASED, "soft_targets")["source"])
OLD = "def soft_targets(logits, *, temperature):\n    return 'old'"
NEW = "def soft_targets(logits, *, temperature):\n    return 'new'"
HELP = "def helper():\n    return 1"


@pytest.mark.parametrize(
    ("above", "below", "wanted"),
    [
        (OLD, NEW, NEW),  # the second attempt
        (NEW, STUB, NEW),  # a copy of the stub kept for later
        (STUB, NEW, NEW),
        (NEW, NEW + "  \n", NEW + "  \n"),  # copied and not changed
        (NEW, "", NEW),
        (HELP, NEW, f"{HELP}\n\n{NEW}"),  # split in two with Jupyter's "Split Cell"
        (NEW, HELP, f"{NEW}\n\n{HELP}"),
    ],
)
def test_of_two_cells_the_text_counts_that_run_all_leaves(above, below, wanted):
    rebuilt = took(doubled(above, below))
    assert text_of(rebuilt, "soft_targets") == wanted
    assert_is_the_release_but_for_answers(rebuilt)
    assert rebuilt.answers | {"soft_targets": ""} == ANSWERED | {"soft_targets": ""}


def test_copy_below_the_check_does_not_count_and_the_note_says_which_did():
    notebook = submission(ANSWERED | {"soft_targets": NEW})
    notebook["cells"].append(marked("soft_targets", OLD))
    rebuilt = took(notebook)
    assert text_of(rebuilt, "soft_targets") == NEW
    (note,) = rebuilt.notes
    taken = place(submission(), "soft_targets") + 1
    assert note.startswith("Cell 'soft_targets' is there 2 times with different texts.")
    assert f"Taken was {taken} " in note


def test_answers_that_all_stand_below_the_check_count():
    notebook = submission()
    first = notebook["cells"].pop(place(notebook, "soft_targets"))
    notebook["cells"].append(first)
    rebuilt = took(notebook)
    assert rebuilt.answers == ANSWERED
    assert rebuilt.notes == (
        "The answers stand in another order than released; they were put back.",
    )


def test_both_parts_of_a_written_answer_are_kept_for_the_reader():
    notebook = submission()
    notebook["cells"].append(copy.deepcopy(cell(notebook, "why")) | {"source": "Second part."})
    rebuilt = took(notebook)
    assert text_of(rebuilt, "why") == f"{ANSWERED['why']}\n\nSecond part."
    assert "joined" in rebuilt.notes[0]


@pytest.mark.parametrize("order", ["reversed", "shuffled"])
def test_order_of_cells_does_not_matter(order):
    notebook = submission()
    notebook["cells"].reverse()
    if order == "shuffled":
        random.Random(0).shuffle(notebook["cells"])
    rebuilt = took(notebook)
    assert rebuilt.answers == ANSWERED
    assert_is_the_release_but_for_answers(rebuilt)


@pytest.mark.parametrize("kind", ["markdown", "raw", "heading", "", None, 3])
def test_retyped_answer_still_counts_as_the_learners_words(kind):
    notebook = submission()
    cell(notebook, "soft_targets")["cell_type"] = kind
    rebuilt = took(notebook)
    assert rebuilt.answers == ANSWERED
    assert_is_the_release_but_for_answers(rebuilt)
    assert rebuilt.notes == (
        "Cell 'soft_targets' is no code cell any more; its text was taken as code.",
    )


def test_deleted_and_emptied_answers_count_as_not_attempted():
    notebook = submission()
    notebook["cells"].remove(cell(notebook, "soft_targets"))
    cell(notebook, "bug_lines")["source"] = " \n"
    rebuilt = took(notebook)
    assert set(ANSWERED) - set(rebuilt.answers) == {"soft_targets", "bug_lines"}
    assert rebuilt.notes == tuple(
        f"Cell '{name}' is missing or empty; it counts as not attempted."
        for name in ("soft_targets", "bug_lines")
    )


def test_lost_metadata_are_made_up_for_by_the_cells_id():
    notebook = submission()
    for each in notebook["cells"]:
        each["metadata"] = {}
    rebuilt = took(notebook)
    assert rebuilt.answers == ANSWERED
    assert len([note for note in rebuilt.notes if "has lost its nbgrader mark" in note]) == len(IDS)


def test_colab_keeps_the_id_among_the_metadata():
    notebook = submission()
    for each in notebook["cells"]:
        each["metadata"] = {"id": each.pop("id")}
    assert took(notebook).answers == ANSWERED


def test_renamed_cell_is_found_by_its_id():
    notebook = submission()
    cell(notebook, "soft_targets")["metadata"]["nbgrader"]["grade_id"] = "my_targets"
    assert took(notebook).answers == ANSWERED


def test_without_metadata_and_id_a_function_is_found_by_its_name():
    notebook = submission()
    for each in notebook["cells"]:
        each["metadata"] = {}
        del each["id"]
    rebuilt = took(notebook)
    assert rebuilt.answers == SOLVED  # a written answer has nothing to know it by
    assert "Cell 'why' is missing or empty; it counts as not attempted." in rebuilt.notes


def test_answer_written_below_the_untouched_cell_is_found():
    notebook = submission(ANSWERED | {"soft_targets": STUB})
    at = place(notebook, "soft_targets") + 1
    notebook["cells"].insert(at, code(NEW))
    rebuilt = took(notebook)
    assert text_of(rebuilt, "soft_targets") == NEW
    assert f"is untouched; cell {at + 1} defines 'soft_targets'" in rebuilt.notes[0]


def test_answers_merged_into_one_cell_count_for_both():
    notebook = submission()
    both = SOLVED["soft_targets"] + "\n\n" + SOLVED["distillation_loss"]
    cell(notebook, "soft_targets")["source"] = both
    notebook["cells"].remove(cell(notebook, "distillation_loss"))
    rebuilt = took(notebook)
    assert text_of(rebuilt, "soft_targets") == both
    assert text_of(rebuilt, "distillation_loss") == both


def test_call_or_comparison_is_not_taken_for_a_definition():
    notebook = submission()
    notebook["cells"].remove(cell(notebook, "soft_targets"))
    notebook["cells"] += [
        code("soft_targets(x)"),
        code("soft_targets == 1"),
        code("x = soft_targets"),
    ]
    assert "soft_targets" not in took(notebook).answers


# Odd texts.


@pytest.mark.parametrize(
    "source", [None, 3, True, {"a": "b"}, [["x"]], ["x", 3], [None], {"toString": "x"}]
)
def test_source_that_is_no_text_is_left_out_with_its_place(source):
    notebook = submission()
    at = place(notebook, "soft_targets")
    notebook["cells"][at]["source"] = source
    rebuilt = took(notebook)
    assert "soft_targets" not in rebuilt.answers
    assert rebuilt.notes[0] == f"The source of cell {at + 1} is no text; it was left out."
    assert_is_the_release_but_for_answers(rebuilt)


def test_control_characters_and_broken_ones_are_mended_and_noted():
    notebook = submission(ANSWERED | {"soft_targets": NEW + "  # \x00\x1b[31m\ud800\x0c\ttab"})
    rebuilt = took(notebook)
    assert text_of(rebuilt, "soft_targets") == NEW + "  # [31m\ufffd\x0c\ttab"
    assert rebuilt.notes == (
        "Cell 'soft_targets' held control characters (2) and broken characters (1); "
        "they were removed or replaced.",
    )


def test_line_separators_of_unicode_survive():
    text = NEW + "  # a\u2028b\x0cc\u2029d"
    assert text_of(took(submission({"soft_targets": text})), "soft_targets") == text


@pytest.mark.parametrize("excess", [0, 1])
def test_long_code_is_refused_and_one_character_less_is_taken(excess):
    text = (NEW + "\n# ").ljust(MAX_CODE + excess, "x")
    rebuilt = took(submission({"soft_targets": text}))
    assert rebuilt.answers == ({} if excess else {"soft_targets": text})
    assert len(rebuilt.notes) == excess
    if excess:
        assert f"200,001 characters; {MAX_CODE:,} are the most" in rebuilt.notes[0]


def test_long_written_answer_is_cut():
    rebuilt = took(submission({"why": "word " * MAX_WRITTEN}))
    assert text_of(rebuilt, "why") == ("word " * MAX_WRITTEN)[:MAX_WRITTEN]
    assert "The rest was cut off" in rebuilt.notes[0]


def test_written_answer_is_made_harmless_and_noted():
    rebuilt = took(submission({"why": "Because <script>alert(1)</script>"}))
    assert "<script>" not in text_of(rebuilt, "why")
    assert rebuilt.notes[0].startswith("Cell 'why' holds HTML")


def test_code_is_not_cleaned_as_markdown():
    text = NEW + "\nx = '<script>' < '[x](javascript:1)'"
    assert text_of(took(submission({"soft_targets": text})), "soft_targets") == text


def test_tens_of_thousands_of_cells_are_left_out():
    notebook = submission()
    notebook["cells"] += [code(f"x = {number}") for number in range(30_000)]
    rebuilt = took(notebook)
    assert rebuilt.answers == ANSWERED
    assert rebuilt.notes[0].startswith("30000 cells of your own left out")


# Files that are no notebook.

DEEP = b'{"cells": ' + b"[" * 200_000 + b"]" * 200_000 + b"}"
BAD = {
    "empty": (b"", "is empty"),
    "blank": (b" \n", "is empty"),
    "mark only": (b"\xef\xbb\xbf", "is empty"),
    "words": (b"my answers", "is no JSON"),
    "half": (data(submission())[:5000], "is no JSON"),
    "merge conflict": (b"<<<<<<< HEAD\n{}", "is no JSON"),
    "nul bytes": (b"\0" * 100, "is no JSON"),
    "raw nul in a string": (b'{"cells": ["\0"]}', "is no JSON"),
    "trailing comma": (b'{"cells": [],}', "is no JSON"),
    "two documents": (b"{} {}", "is no JSON"),
    "latin-1": ('{"cells": "ü"}'.encode("latin-1"), "not UTF-8"),
    "utf-16": ('{"cells": []}'.encode("utf-16"), "UTF-16"),
    "surrogate in bytes": (b'{"cells": "\xed\xa0\x80"}', "not UTF-8"),
    "deep": (DEEP, "nested too deeply"),
    "list": (b"[]", "no notebook"),
    "number": (b"7", "no notebook"),
    "null": (b"null", "no notebook"),
    "no cells": (b"{}", "no list of cells"),
    "cells are a dict": (b'{"cells": {"0": {}}}', "no list of cells"),
    "sheets are a dict": (b'{"worksheets": {}}', "no list of cells"),
    "zip": (b"PK\x03\x04" + bytes(range(256)), "UTF-8"),
    "too many parts": (b'{"cells": [' + b"{}," * 500_000 + b"{}]}", "500,000 are the most"),
    "too large": (b" " * (MAX_BYTES + 1), f"{MAX_BYTES:,} are the most"),
}


@pytest.mark.parametrize(("content", "says"), BAD.values(), ids=BAD)
def test_file_that_is_no_notebook_gives_the_release_and_a_note(content, says):
    rebuilt = rebuild(released(), content, name="x.ipynb")
    assert is_untouched(rebuilt)
    (note,) = rebuilt.notes
    assert says in note
    assert note.endswith("All exercises count as not attempted.")
    assert_is_the_release_but_for_answers(rebuilt)


@pytest.mark.parametrize(
    "content",
    [
        b'{"cells": []}',
        b'{"cells": [1, null, [], "x"]}',
        b'{"worksheets": [1, {"cells": 3}, {"cells": [{"input": "x"}]}]}',
        b'{"cells": [{"source": "x", "metadata": []}], "metadata": 3}',
        b'{"cells": [{"source": "x", "metadata": {"nbgrader": [], "id": {}}, "id": []}]}',
        b'{"cells": [{"source": "x", "metadata": {"nbgrader": {"grade_id": ["soft_targets"]}}}]}',
    ],
)
def test_notebook_without_any_cell_of_ours_is_told_so(content):
    rebuilt = rebuild(released(), content)
    assert is_untouched(rebuilt)
    assert "was another notebook handed in?" in rebuilt.notes[-1]


def test_byte_order_mark_is_skipped():
    rebuilt = took(b"\xef\xbb\xbf" + data(submission()))
    assert rebuilt.answers == ANSWERED
    assert "byte order mark" in rebuilt.notes[0]


def test_nan_and_infinity_cost_nothing():
    notebook = submission()
    notebook["metadata"]["x"] = [float("nan"), float("inf"), -float("inf")]
    assert b"NaN" in data(notebook)
    rebuilt = took(notebook)
    assert rebuilt.answers == ANSWERED
    assert_is_the_release_but_for_answers(rebuilt)
    assert "NaN or Infinity" in rebuilt.notes[0]


def test_repeated_key_counts_as_in_jupyter():
    content = data(submission())[:-1] + b', "cells": []}'
    assert json.loads(content)["cells"] == []
    rebuilt = took(content)
    assert is_untouched(rebuilt)
    assert "repeats a key; the last one counted" in rebuilt.notes[0]


def test_number_of_ten_thousand_digits_is_no_obstacle():
    content = data(submission())[:-1] + b', "x": ' + b"9" * 10_000 + b"}"
    assert took(content) == took(submission())


# The instructor's own faults.


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda r: r.pop("cells"), "has no cells"),
        (lambda r: r["cells"].clear(), "has no cells"),
        (lambda r: r["cells"].append(WRITTEN), "share a name: 'why'"),
        (
            lambda r: cell(r, "why")["metadata"]["nbgrader"].update(task=True, solution=False),
            "cell 'why' is a task",
        ),
    ],
)
def test_release_that_is_not_in_order_stops_the_run(change, says):
    notebook = released()
    change(notebook)
    with pytest.raises(ValueError, match=says):
        rebuild(notebook, data(submission()))


# Three hundred damaged submissions.

JUNK = [None, True, -1, 1e308, "", "<script>", "soft_targets", "\ud800", [], {}, [[]], {"a": {}}]


def nodes(tree, found):
    """Collect (container, key) of everything in a tree."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, value in items:
        found.append((tree, key))
        if isinstance(value, dict | list):
            nodes(value, found)
    return found


def near_an_answer(each):
    return isinstance(each, dict) and str(each.get("id")).removesuffix("_check") in IDS


def damaged(rng):
    """Return a real submission with some parts replaced, removed, repeated or swapped."""
    notebook = submission()
    notebook["metadata"]["extra"] = {"x": [1, 2.5]}
    for _ in range(rng.randint(1, 8)):
        container, key = rng.choice(nodes(notebook, []))
        cells = notebook.get("cells")
        if isinstance(cells, list) and rng.random() < 0.5:  # near the answers
            near = [(cells, at) for at, each in enumerate(cells) if near_an_answer(each)]
            near += [(cells[at], key) for _, at in near for key in cells[at]]
            container, key = rng.choice(near or [(container, key)])
        match rng.randrange(5):
            case 0:
                container[key] = copy.deepcopy(rng.choice(JUNK))
            case 1:
                del container[key]
            case 2 if isinstance(container, list):
                container.insert(rng.randrange(len(container) + 1), copy.deepcopy(container[key]))
            case 3 if isinstance(container, list):
                rng.shuffle(container)
            case 4:
                container[key] = copy.deepcopy(rng.choice(nodes(notebook, []))[0])
    content = bytearray(
        json.dumps(notebook, ensure_ascii=rng.random() < 0.8).encode(errors="replace")
    )
    if rng.random() < 0.3:
        for _ in range(rng.randint(1, 8)):
            at = rng.randrange(len(content) + 1)
            match rng.randrange(4):
                case 0:
                    content[at : at + 1] = bytes([rng.randrange(256)])
                case 1:
                    del content[at : at + rng.randint(1, 50)]
                case 2:
                    content[at:at] = content[at : at + rng.randint(1, 500)]
                case 3:
                    content[at:at] = rng.choice(
                        [b"\\u0000", b'"', b"NaN", b"}", b"\xff", b"\\ud83d"]
                    )
    return bytes(content)


@pytest.mark.parametrize("seed", range(300))
def test_damaged_submission_gives_the_release_but_for_answers(seed):
    rebuilt = rebuild(released(), damaged(random.Random(seed)))
    assert_is_the_release_but_for_answers(rebuilt)
    if seed % 10 == 0:
        nbformat.validate(nbformat.from_dict(rebuilt.notebook))


def test_damage_leaves_some_answers_and_ruins_some_files():
    kept = [len(rebuild(released(), damaged(random.Random(seed))).answers) for seed in range(40)]
    assert 0 in kept
    assert len(IDS) in kept
    assert len(set(kept)) > 3


# Wrong ways to rebuild.


def assert_rebuilds(function):
    """Judge a rebuild by what must come of a few submissions."""
    given = released()
    rebuilt = function(given, data(submission()))
    assert given == RELEASED
    assert_is_the_release_but_for_answers(rebuilt)
    assert {name: text_of(rebuilt, name) for name in IDS} == ANSWERED
    notebook = doubled(OLD, NEW)
    notebook["cells"].append(marked("soft_targets", OLD))
    cell(notebook, "distillation_loss_check")["source"] = "24.0"
    cell(notebook, "bug_lines")["cell_type"] = "raw"
    cell(notebook, "why")["metadata"]["tags"] = ["hide"]
    notebook["metadata"]["x"] = 1
    notebook["cells"].insert(0, code("import os"))
    notebook["cells"][3:9] = reversed(notebook["cells"][3:9])
    notebook["cells"].remove(cell(notebook, "label_weight"))
    at = [grade_id(each) for each in notebook["cells"]].index("soft_targets_check")
    notebook["cells"].append(notebook["cells"].pop(at))
    notebook["cells"] += [marked("soft_targets", OLD)]
    rebuilt = function(released(), data(notebook))
    assert_is_the_release_but_for_answers(rebuilt)
    assert "label_weight" not in rebuilt.answers
    assert text_of(rebuilt, "bug_lines") == SOLVED["bug_lines"]
    copies = doubled(OLD, NEW)
    copies["cells"].append(marked("soft_targets", OLD + "  # below"))
    assert text_of(function(released(), data(copies)), "soft_targets") == NEW
    assert function(released(), b"\xff").notebook == RELEASED
    assert "onerror" not in text_of(
        function(released(), data(submission({"why": "[x](y) <img onerror=x>"}))), "why"
    ).replace("&lt;img onerror", "")


def cells_taken_whole(given, submitted):
    rebuilt = rebuild(given, submitted)
    if not rebuilt.answers:
        return rebuilt
    theirs = {grade_id(each): each for each in json.loads(submitted)["cells"]}
    cells = [theirs.get(grade_id(each), each) for each in rebuilt.notebook["cells"]]
    return rebuilt._replace(notebook=rebuilt.notebook | {"cells": cells})


def notebook_metadata_kept(given, submitted):
    rebuilt = rebuild(given, submitted)
    if not rebuilt.answers:
        return rebuilt
    theirs = json.loads(submitted)["metadata"]
    return rebuilt._replace(notebook=rebuilt.notebook | {"metadata": theirs})


def own_cells_kept(given, submitted):
    rebuilt = rebuild(given, submitted)
    if rebuilt.answers:
        theirs = json.loads(submitted)["cells"]
        rebuilt.notebook["cells"] += [each for each in theirs if not grade_id(each)]
    return rebuilt


def release_changed(given, submitted):
    rebuilt = rebuild(given, submitted)
    given["cells"] = rebuilt.notebook["cells"]
    return rebuilt


def by_hand(given, submitted, *, keep, kinds=("code", "markdown", "raw")):
    """Rebuild without thought; `keep` says which of the cells of one name counts."""
    made = copy.deepcopy(given)
    try:
        cells = json.loads(submitted)["cells"]
    except ValueError:
        return Rebuilt(made, (), {})
    answers = {}
    for name in IDS:
        found = [each for each in cells if grade_id(each) == name and each["cell_type"] in kinds]
        if found:
            answers[name] = "".join(keep(found)["source"])
            cell(made, name)["source"] = answers[name].splitlines(keepends=True)
    return Rebuilt(made, (), answers)


def first_copy(given, submitted):
    return by_hand(given, submitted, keep=lambda found: found[0])


def last_copy(given, submitted):
    return by_hand(given, submitted, keep=lambda found: found[-1])


def retyped_dropped(given, submitted):
    kept = by_hand(given, submitted, keep=lambda found: found[0], kinds=("code", "markdown"))
    right = rebuild(given, submitted)
    if "bug_lines" not in kept.answers and "bug_lines" in right.answers:
        cell(right.notebook, "bug_lines")["source"] = cell(given, "bug_lines")["source"]
    return right


def markdown_as_it_is(given, submitted):
    rebuilt, plain = rebuild(given, submitted), first_copy(given, submitted)
    cell(rebuilt.notebook, "why")["source"] = cell(plain.notebook, "why")["source"]
    return rebuilt


def bad_bytes_raise(given, submitted):
    json.loads(submitted)
    return rebuild(given, submitted)


def test_judge_accepts_the_rebuild():
    assert_rebuilds(rebuild)


@pytest.mark.parametrize(
    "wrong",
    [
        cells_taken_whole,
        notebook_metadata_kept,
        own_cells_kept,
        release_changed,
        first_copy,
        last_copy,
        retyped_dropped,
        markdown_as_it_is,
        bad_bytes_raise,
    ],
)
def test_judge_rejects(wrong):
    with pytest.raises((AssertionError, UnicodeDecodeError)):
        assert_rebuilds(wrong)
