"""The notebooks that people read: they run from top to bottom, and say what we say they say."""

import ast
import importlib
import os
import re
from html.parser import HTMLParser
from pathlib import Path

import matplotlib
import nbformat
import pytest
from nbclient import NotebookClient

from medmeta_ref.authoring.builder import course_root
from medmeta_ref.authoring.percent import read_percent

ROOT = course_root()
LESSONS = sorted((ROOT / "lessons").glob("*.ipynb"))
SOLVED = sorted((ROOT / "solutions").glob("*/*.ipynb"))
TEXTS = [*sorted((ROOT / "lessons").glob("*.py")), *sorted((ROOT / "solutions").glob("*.py"))]
REAL = Path(os.environ.get("MEDMNIST_ROOT") or Path.home() / ".medmnist")

LONGEST_CELL = 20  # lines; 15 is the aim
# The answers of every unit that hunts bugs and asks questions: the name is part of the exercise.
# And the methods that torch wants of every module of ours.
SAME_NAME_IN_TWO_UNITS = {"bug_lines", "questions", "__init__", "forward"}


def run(path, **environment):
    """Return the code cells of a notebook after a run in a kernel of its own."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=900,
        kernel_name="python3",
        # The kernel's remark on encryption goes to the terminal, not into the notebook.
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
    )
    # Else every run would build matplotlib's font cache anew, and say so.
    surroundings = os.environ | {"MPLCONFIGDIR": matplotlib.get_cachedir()}
    client.execute(env=surroundings | environment)
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def outputs(cells):
    return [output for cell in cells for output in cell.outputs]


def printed(cells):
    streams = [output for output in outputs(cells) if output.output_type == "stream"]
    assert [output.text for output in streams if output.name == "stderr"] == []
    return "".join(output.text for output in streams)


class Images(HTMLParser):
    """The alternative texts of the images in a piece of HTML; None where there is none."""

    def __init__(self, page):
        super().__init__()
        self.alts = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        if tag == "img":
            self.alts.append(dict(attrs).get("alt"))


def alternative_texts(cells):
    """Return the words of every picture; a picture without words fails."""
    data = [output.data for output in outputs(cells) if "data" in output]
    assert not [mime for shown in data for mime in shown if mime.startswith("image/")]
    alts = [alt for shown in data for alt in Images(shown.get("text/html", "")).alts]
    assert all(alts), alts
    return alts


@pytest.fixture
def nothing_here(tmp_path):
    """Return the environment of a machine without any data."""
    for name in ("home", "data", "cache"):
        (tmp_path / name).mkdir()
    return {
        "HOME": str(tmp_path / "home"),
        "MEDMNIST_ROOT": str(tmp_path / "data"),
        "MEDMETA_CACHE": str(tmp_path / "cache"),
    }


@pytest.mark.slow
@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_lesson_runs_without_data_and_says_that_its_images_are_synthetic(path, nothing_here):
    cells = run(path, MEDMETA_FAST="1", **nothing_here)
    text = printed(cells)
    assert "drawn by this project and no medical data" in text
    assert "synthetic-" in text
    assert alternative_texts(cells)


@pytest.mark.slow
@pytest.mark.parametrize("path", SOLVED, ids=lambda path: path.stem)
def test_every_check_of_the_solved_notebook_returns_its_full_points(path, nothing_here):
    cells = run(path, **nothing_here)
    assert printed(cells) == ""
    checks = [cell for cell in cells if cell.metadata.get("nbgrader", {}).get("grade")]
    for cell in checks:
        (returned,) = [o for o in cell.outputs if o.output_type == "execute_result"]
        assert float(returned.data["text/plain"]) == cell.metadata.nbgrader.points
    assert len(checks) > 0


def mean_of(name, words):
    """Return the mean in "NAME 0.719 ± 0.037"."""
    return float(re.search(rf"(?:^|[:;] ){re.escape(name)} (\d\.\d+) ±", words)[1])


def run_on_real_data(unit, *data_sets):
    """Return what a lesson prints in full, and the words of its pictures."""
    missing = [name for name in data_sets if not (REAL / f"{name}.npz").is_file()]
    if missing:
        pytest.skip(f"needs {', '.join(missing)} in MEDMNIST_ROOT")
    (path,) = (path for path in LESSONS if path.stem == unit)
    cells = run(path, MEDMNIST_ROOT=str(REAL), MEDMETA_FAST="0")
    return printed(cells), alternative_texts(cells)


@pytest.fixture(scope="module")
def real_run():
    return run_on_real_data("03_distillation", "bloodmnist", "pneumoniamnist")


@pytest.fixture(scope="module")
def maml_run():
    return run_on_real_data("06_maml", "bloodmnist")


@pytest.mark.slow
def test_distillation_lesson_uses_the_official_images(real_run):
    text, alts = real_run
    assert "BloodMNIST (official file, MD5 verified)" in text
    assert "synthetic" not in text + "".join(alts)


@pytest.mark.slow
def test_distillation_lesson_trains_a_teacher_worth_asking(real_run):
    text, _ = real_run
    assert float(re.search(r"teacher, test accuracy (\d\.\d+)", text)[1]) > 0.8


@pytest.mark.slow
def test_distillation_lesson_shows_that_a_teacher_helps_where_labels_are_few(real_run):
    text, alts = real_run
    line = re.search(r"few images, labels and teacher minus labels: (\S+) ± (\S+): (.*)", text)
    assert float(line[1]) > float(line[2]) > 0  # the whole interval of the paired gain
    assert line[3] == "the teacher helps"
    (words,) = (alt for alt in alts if alt.startswith("Test accuracy:"))
    few, helped = mean_of("few, labels", words), mean_of("few, labels and teacher", words)
    assert helped - few == pytest.approx(float(line[1]), abs=0.0011)  # both were rounded


@pytest.mark.slow
def test_distillation_lesson_shows_a_wrong_loss_that_two_classes_hide(real_run):
    _, alts = real_run
    (two,) = (alt for alt in alts if alt.startswith("Accuracy on two classes"))
    (eight,) = (alt for alt in alts if alt.startswith("Accuracy on 8 classes"))
    assert mean_of("published", two) > 0.75
    assert mean_of("published", eight) < 0.3 < mean_of("labels and teacher", eight)


@pytest.mark.slow
def test_maml_lesson_starts_from_the_two_bowls_worked_out_on_paper(maml_run):
    text, _ = maml_run
    assert "joint training: start 0.90, loss after one step 0.164" in text
    assert "MAML: start 0.10, loss after one step 0.020" in text
    assert re.search(r"FOMAML +rests at 0.50, loss after one step 0.056", text)


@pytest.mark.slow
def test_maml_lesson_shows_curves_that_only_a_meta_trained_start_fits(maml_run):
    _, alts = maml_run
    (words,) = (alt for alt in alts if alt.startswith("Query error against adaptation steps"))
    maml, fomaml, joint = (mean_of(name, words) for name in ("MAML", "FOMAML", "joint training"))
    assert maml < 0.5 * joint
    assert fomaml < 0.5 * joint


@pytest.mark.slow
def test_maml_lesson_shows_that_query_statistics_carry_the_answer(maml_run):
    text, alts = maml_run
    assert "BloodMNIST (official file, MD5 verified)" in text
    (words,) = (alt for alt in alts if alt.startswith("The same weights, three ways"))
    mixed, alone, support = (
        mean_of(f"MAML, {mode}", words) for mode in ("transductive", "one class", "support")
    )
    assert alone < 0.5 < support
    assert abs(mixed - support) < 0.05


@pytest.mark.slow
def test_maml_lesson_counts_a_graph_to_which_fomaml_adds_one_subtraction_a_parameter(maml_run):
    _, alts = maml_run
    (words,) = (alt for alt in alts if alt.startswith("Operations in the graph"))
    sizes = {
        name: (int(a), int(b)) for name, a, b in re.findall(r"(\w+) (\d+) to (\d+)", words[40:])
    }
    assert sizes["MAML"][1] > 3 * sizes["MAML"][0]
    assert sizes["FOMAML"][1] - sizes["FOMAML"][0] == (8 - 1) * 14  # steps, parameters of conv4


# ---- the texts behind the notebooks ----


def shared_functions(texts):
    """Return the functions that more than one unit defines, from unit -> source."""
    units = {}
    for unit, source in texts:
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                units.setdefault(node.name, set()).add(unit)
    return {name for name, found in units.items() if len(found) > 1}


def test_shared_functions_are_found_across_units_only():
    same = "def one():\n    pass\n"
    assert shared_functions([("01", same), ("02", same + "def two():\n    pass\n")]) == {"one"}
    assert shared_functions([("01", same), ("01", same)]) == set()


def test_no_function_is_written_out_in_two_units():
    texts = [(path.stem, path.read_text(encoding="utf-8")) for path in TEXTS]
    assert shared_functions(texts) - SAME_NAME_IN_TWO_UNITS == set()


def resolve(dotted):
    """Return what a dotted name stands for."""
    parts = dotted.split(".")
    found = importlib.import_module(parts[0])
    for position, part in enumerate(parts[1:], start=2):
        if not hasattr(found, part):
            importlib.import_module(".".join(parts[:position]))
        found = getattr(found, part)
    return found


@pytest.mark.parametrize("name", ["medmeta_ref.no_module", "medmeta_ref.metrics.no_function"])
def test_name_that_is_not_there_is_noticed(name):
    with pytest.raises(ImportError):
        resolve(name)


@pytest.mark.parametrize("path", [*TEXTS, ROOT / "README.md"], ids=lambda path: path.name)
def test_every_name_of_the_package_in_the_prose_is_there(path):
    prose = path.read_text(encoding="utf-8")
    for dotted in re.findall(r"`(medmeta_ref(?:\.[A-Za-z_]\w*)+)", prose):
        resolve(dotted)


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_no_cell_of_a_lesson_is_longer_than_a_screen(path):
    text, problems = read_percent(path.with_suffix(".py"), name=f"lessons/{path.stem}.py")
    assert problems == []
    lengths = {
        cell.line: len(cell.source.splitlines()) for cell in text.cells if cell.kind == "code"
    }
    too_long = {line: length for line, length in lengths.items() if length > LONGEST_CELL}
    assert too_long == {}
