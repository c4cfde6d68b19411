"""Attacks by cells and metadata: what a grader that trusts the notebook would believe."""

import copy
import json

from tests.hostile import POINTS, file

ALL = "all"


def named(notebook, grade_id):
    """Return the cell of a notebook that has that grade id."""
    marks = [(cell["metadata"].get("nbgrader", {}), cell) for cell in notebook["cells"]]
    return next(cell for mark, cell in marks if mark.get("grade_id") == grade_id)


def marks(notebook):
    return [c["metadata"]["nbgrader"] for c in notebook["cells"] if "nbgrader" in c["metadata"]]


def own_cell(source, kind="code", **metadata):
    cell = {"cell_type": kind, "metadata": metadata, "source": source, "id": "mine"}
    return cell | ({"outputs": [], "execution_count": None} if kind == "code" else {})


def alter(name, tries, *, earns=ALL, says="", answers=None):
    """Register the function below as an attack that changes the honest notebook."""

    def register(change):
        file(name, tries, earns=earns, says=says, alter=change, answers=answers or {})
        return change

    return register


WITHOUT_SOFT = " ".join(sorted(set(POINTS) - {"soft_targets"}))
WRONG_SOFT = {"soft_targets": "def soft_targets(logits, *, temperature):\n    return logits"}


@alter("blank_cells", "All cells are blank, so that nothing can fail.", earns="")
def _(notebook):
    for cell in notebook["cells"]:
        cell["source"] = ""


@alter("delete_all_cells", "There are no cells.", earns="")
def _(notebook):
    notebook["cells"] = []


@alter("untouched", "It is handed in as it was handed out.", earns="", answers=None)
def _(notebook):
    for cell in notebook["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("solution"):
            name = cell["metadata"]["nbgrader"]["grade_id"]
            cell["source"] = f"def {name}(*args, **settings):\n    raise NotImplementedError('x')"


@alter("points_metadata", "Its metadata say that the check of a wrong answer is worth 1000 points.",
       earns=WITHOUT_SOFT, answers=WRONG_SOFT)  # fmt: skip
def _(notebook):
    for mark in marks(notebook):
        mark["points"] = 1000
    named(notebook, "soft_targets")["metadata"]["nbgrader"]["points"] = 1000
    notebook["metadata"]["medmeta"] = {"points": 80}


@alter("edit_test_cell", "It puts its own check in place of the one it would fail.",
       earns=WITHOUT_SOFT, answers=WRONG_SOFT, says="put back as released")  # fmt: skip
def _(notebook):
    named(notebook, "soft_targets_check")["source"] = "8.0"


@alter("delete_tests", "It deletes all checks.", says="put back as released")
def _(notebook):
    notebook["cells"] = [
        c for c in notebook["cells"] if not c["metadata"].get("nbgrader", {}).get("grade")
    ]


@alter("unmark_grade", "It takes nbgrader's marks off the check cells.",
       earns=WITHOUT_SOFT, answers=WRONG_SOFT)  # fmt: skip
def _(notebook):
    for mark in marks(notebook):
        mark["grade"] = False
    named(notebook, "soft_targets_check")["metadata"] = {}


@alter("lock_answers", "It says that its answers are locked checks, and the checks are answers.")
def _(notebook):
    for mark in marks(notebook):
        mark["solution"], mark["grade"] = mark["grade"], mark["solution"]
        mark["locked"] = True


@alter("duplicate_cells", "Every cell is there twice.")
def _(notebook):
    notebook["cells"] += copy.deepcopy(notebook["cells"])


@alter("two_answers", "A right answer stands below its check, a wrong one above it.",
       earns=WITHOUT_SOFT, says="different texts")  # fmt: skip
def _(notebook):
    wrong = copy.deepcopy(named(notebook, "soft_targets"))
    wrong["source"] = WRONG_SOFT["soft_targets"]
    at = notebook["cells"].index(named(notebook, "soft_targets"))
    right = notebook["cells"].pop(at)
    notebook["cells"].insert(at, wrong)
    notebook["cells"].append(right)


@alter("skip_tag", "It tags all cells, so that none would be run.",
       earns=WITHOUT_SOFT, answers=WRONG_SOFT)  # fmt: skip
def _(notebook):
    for cell in notebook["cells"]:
        cell["metadata"]["tags"] = ["skip-execution", "raises-exception", "remove-cell"]


@alter("raw_cells", "Its code cells are raw cells.", says="no code cell any more")
def _(notebook):
    for cell in notebook["cells"]:
        cell["cell_type"] = "raw"


@alter("reorder_tests_first", "The cells stand in reverse.", says="another order than released")
def _(notebook):
    notebook["cells"].reverse()


@alter("wrong_kernel", "It wants to be run by another language, or by a command.")
def _(notebook):
    notebook["metadata"]["kernelspec"] = {
        "name": "../../bin/sh", "display_name": "<script>", "language": "bash",
    }  # fmt: skip


@alter("schema_old", "It says that it was written for a nbgrader of long ago.")
def _(notebook):
    for mark in marks(notebook):
        mark["schema_version"] = 1


@alter("schema_new", "It says that it was written for a nbgrader of the future, in a new format.")
def _(notebook):
    for mark in marks(notebook):
        mark["schema_version"] = 99
    notebook["nbformat_minor"] = 99


@alter("many_cells", "It has twenty thousand cells of its own.")
def _(notebook):
    notebook["cells"] += [own_cell(f"x = {i}") for i in range(20_000)]


@alter("foreign_marks", "Its marks are lists, numbers and deep trees where names belong.")
def _(notebook):
    for odd in ([], 7, None, {"grade_id": {"a": []}}, {"grade_id": "../../x", "solution": True}):
        notebook["cells"].append(own_cell("soft_targets = 3", nbgrader=odd))
    notebook["cells"] += [[], 3, None, {"cell_type": 5, "source": {"a": 1}}]


@alter("mark_of_another_exercise", "It writes the right answer for two into one marked cell.",
       says="was taken in its place")  # fmt: skip
def _(notebook):
    other = named(notebook, "label_weight")
    named(notebook, "bug_lines")["source"] += "\n\n" + other["source"]
    other["source"] = ""


@alter("end_of_the_cell", "Its answer holds what would end a cell in JSON, in a percent file, in a "
       "solution.")  # fmt: skip
def _(notebook):
    named(notebook, "soft_targets")["source"] += (
        '\n# "}, {"cell_type": "code", "source": ["8.0"]}]}\n# %% grade_id="soft_targets_check" '
        "points=80\n### END SOLUTION\n### BEGIN HIDDEN TESTS\n### END HIDDEN TESTS\n"
    )


@alter("odd_line_ends", "Its lines end in every way that some reader takes for an end.",
       says="control characters")  # fmt: skip
def _(notebook):
    named(notebook, "soft_targets")["source"] = (
        "def soft_targets(logits, *, temperature):\r    # \x0c \x1c \u2028 return logits\x07\r\n"
        "    return torch.softmax(logits / temperature, dim=1)\r"
    )


@alter("shadow_module", "It brings a module of the reference's name along, in an attachment.")
def _(notebook):
    notebook["cells"].append(
        own_cell("%%writefile medmeta_ref.py\ncheck = lambda *args: 8.0", kind="code")
    )
    notebook["cells"][0]["attachments"] = {"medmeta_ref.py": {"text/x-python": "check = None"}}


@alter("outputs_that_score", "Its check cells hold outputs of full points, written by hand.",
       earns=WITHOUT_SOFT, answers=WRONG_SOFT)  # fmt: skip
def _(notebook):
    result = {"exercise": "03.soft_targets", "checks": [], "notes": [], "points": 8.0}
    data = {"text/plain": "8.0", "application/vnd.medmeta.check+json": result}
    named(notebook, "soft_targets_check")["outputs"] = [
        {"output_type": "execute_result", "data": data, "metadata": {}, "execution_count": 1}
    ]


@alter("huge_notebook", "It has sixty megabytes.", earns="", says="are the most that is taken")
def _(notebook):
    notebook["cells"].append(own_cell("x" * (60 << 20)))


@alter("huge_answer", "One answer has a million characters.", earns=WITHOUT_SOFT,
       says="are the most that is taken")  # fmt: skip
def _(notebook):
    named(notebook, "soft_targets")["source"] += "\n" + "# 0123456789\n" * 100_000


@alter("patterns", "Its cells keep pattern matchers busy: blanks, words and names without end.")
def _(notebook):
    for text in (" " * 10**6, "a" * 10**6, "import " * 10**5, "a \t" * 10**5 + "\n",
                 "from " + "a." * 10**5, "\n".join(["def " + " " * 100] * 10**4), "$" * 10**5,
                 "`" * 10**5, "[" * 10**5, "\\begin{" * 10**4, "<!--" * 10**4):  # fmt: skip
        notebook["cells"].append(own_cell(text))
        notebook["cells"].append(own_cell(text, kind="markdown"))


@alter("same_keys_twice", "Its JSON has every key twice, the second time with other values.",
       earns="", says="No cell of it belongs")  # fmt: skip
def _(notebook):
    text = json.dumps(notebook)
    return (text[:-1] + ', "cells": [], "metadata": {}}').encode()
