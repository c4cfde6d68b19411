"""Imports point down only, and the layers below do nothing behind the caller's back.

The imports are read from the syntax trees: those inside functions and under TYPE_CHECKING count.
"""

import ast
import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import medmeta_ref

PACKAGE = Path(medmeta_ref.__file__).parent

# From the bottom up. A name ending in .* stands for a package and all that is in it. A new module
# has to be placed here: the test says so.
LAYERS = {
    "core": (
        "params",
        "pixels",
        "image_set",
        "drawing",
        "class_splits",
        "episodes",
        "backbones",
        "metrics",
        "clinical",
        "resampling",
        "npz_cache",
        "medmnist_files",
        "medmnist_layout",
        "synthetic.*",
        "datasets",
    ),
    "methods": (
        "episode_gradients",
        "fast.*",
        "inner_loop",
        "low_memory",
        "support_statistics",
        "feature_reuse",
        "distillation",
        "onnx_export",
        "devices",
        "onnx_int8",
        "prototypical",
        "buffers",
        "replay",
        "continual",
        "probabilities",
        "stacking",
        "fusion",
        "views",
        "robustness",
    ),
    "gradient-based methods": ("maml", "anil", "reptile", "maml_pp", "per_step_norm"),
    "training": (
        "held_out",
        "learners.*",
        "train",
        "train.adam",
        "train.checkpoints",
        "train.distributed",
        "train.fingerprints",
        "train.gradients",
        "train.loop",
        "train.minibatches",
        "train.schedules",
        "train.shares",
        "train.state",
        "train.steps",
        "train.stopping",
        "heat_maps",
        "caterpillars",
        "plots",
        "planes",
        "valleys",
        "sliders",
        "few_shot",
        "classifier",
        "distillation_study",
        "replay_study",
        "doctor",
    ),
    "questions": ("questions.*",),
    "authoring": ("authoring.*",),
    "progress": ("progress.*",),
    "grading": ("grading.*",),
    "workbook": ("workbook.*",),
    "benchmark": (
        "bench.*",
        "benchmark",
        "benchmark.answers",
        "benchmark.cells",
        "benchmark.episode_list",
        "benchmark.figures",
        "benchmark.findings",
        "benchmark.measures",
        "benchmark.method",
        "benchmark.methods",
        "benchmark.page",
        "benchmark.presets",
        "benchmark.protocol",
        "benchmark.records",
        "benchmark.runs",
        "benchmark.sources",
        "benchmark.statistics",
        "benchmark.tables",
        "benchmark.tasks",
        "benchmark.training",
        "benchmark.tuning",
    ),
    "book": ("book.*",),
    "command": (
        "terminal",
        "study_report",
        "distillation_report",
        "replay_report",
        "train_runs",
        "cli_data",
        "cli_bench",
        "cli_benchmark",
        "cli_book",
        "cli_execute",
        "cli_report",
        "cli_train",
        "cli_grade",
        "cli_learner",
        "cli_status",
        "cli_screen",
        "cli",
        "__main__",
        "benchmark.__main__",
        "train.__main__",
    ),
}
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "tools"}
# Not for library users: what these import (typer, rich, nbgrader) may do as it likes.
ABOVE = (
    "progress",
    "grading",
    "workbook",
    "authoring",
    "bench",
    "book",
    "cli_bench",
    "cli_benchmark",
    "cli_book",
    "cli_execute",
    "cli_report",
    "cli_train",
    "cli_grade",
    "cli_learner",
    "cli_status",
    "cli_screen",
    "train_runs",
    "distillation_report",
    "replay_report",
    "terminal",
    "study_report",
    "cli_data",
    "cli",
    "__main__",
    "benchmark.__main__",
    "train.__main__",
)
FORBIDDEN_IMPORTS = {"torchvision", "medmnist"}


def modules(package):
    """Return dotted name -> syntax tree of every module; the name does not repeat the package's."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    return found


MODULES = modules(PACKAGE)


def layer_of(name):
    """Return the number of a module's layer, or None if nobody has placed it."""
    if name == "":
        return -1  # the package's own __init__ imports nothing, and anybody may import it
    for height, members in enumerate(LAYERS.values()):
        for member in members:
            stem = member.removesuffix(".*")
            if name == stem or (member.endswith(".*") and name.startswith(stem + ".")):
                return height
    return None


def imports(name, tree, package, known):
    """Yield (line, imported module) of a module: its own package's without the package's name."""
    is_package = any(other.startswith(name + ".") for other in known) or name == ""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                here = [package, *filter(None, name.split("."))]
                parents = here[: len(here) - node.level + is_package]
                base = ".".join([*parents, *filter(None, [node.module])])
            targets = [f"{base}.{alias.name}" for alias in node.names]
        else:
            continue
        for target in targets:
            inside = target.removeprefix(package).removeprefix(".")
            if target != package and not target.startswith(package + "."):
                yield node.lineno, target
            else:  # `from package.module import function` imports package.module
                while inside and inside not in known:
                    inside = inside.rpartition(".")[0]
                yield node.lineno, f"{package}.{inside}".removesuffix(".")


def problems(package):
    """Return everything that is wrong with the imports of a package, one line each."""
    found, known = [], modules(package)
    for name, tree in known.items():
        height = layer_of(name)
        if height is None:
            found.append(f"{name}: in no layer; place it in LAYERS of tests/test_layers.py")
            continue
        if FORBIDDEN_NAMES & set(name.split(".")):
            found.append(f"{name}: name it for what it does")
        for line, target in imports(name, tree, package.name, known):
            if target.split(".")[0] in FORBIDDEN_IMPORTS:
                found.append(f"{name}:{line} imports {target}")
            if target.split(".")[0] != package.name:
                continue
            other = target.removeprefix(package.name).removeprefix(".")
            other_height = layer_of(other)
            if other_height is not None and other_height > height:
                found.append(f"{name}:{line} imports {target}, which lies above it")
    return found


def test_imports_point_down_and_every_module_has_its_layer():
    assert problems(PACKAGE) == []


def test_every_place_in_the_list_is_taken():
    known = MODULES
    for member in (m for members in LAYERS.values() for m in members):
        stem = member.removesuffix(".*")
        assert any(n == stem or n.startswith(stem + ".") for n in known), f"{member} is gone"


PLANTED = {
    "from": ("params", "from medmeta_ref.train import fit", "params:1 imports medmeta_ref.train"),
    "plain": ("metrics", "import medmeta_ref.plots", "metrics:1 imports medmeta_ref.plots"),
    "package": ("params", "from medmeta_ref import cli", "params:1 imports medmeta_ref.cli"),
    "relative": ("pixels", "from .prototypical import x", "pixels:1 imports medmeta_ref.proto"),
    "relative package": ("episodes", "from . import train", "episodes:1 imports medmeta_ref.train"),
    "relative, two up": (
        "synthetic.shapes",
        "from ..train import fit",
        "synthetic.shapes:1 imports medmeta_ref.train",
    ),
    "inside a function": (
        "train",
        "def f():\n    from medmeta_ref.cli import app",
        "train:2 imports medmeta_ref.cli",
    ),
    "for types only": (
        "distillation",
        "if TYPE_CHECKING:\n    from medmeta_ref.train import Fit",
        "distillation:2 imports medmeta_ref.train",
    ),
    "under another name": ("params", "import medmeta_ref.cli as c", "params:1 imports medmeta_ref"),
    "authoring from grading": (
        "authoring.build",
        "from medmeta_ref.grading.run import go",
        "authoring.build:1 imports medmeta_ref.grading.run",
    ),
    "unplaced": ("novelty", "", "novelty: in no layer"),
    "drawer": ("synthetic.utils", "", "synthetic.utils: name it for what it does"),
    "torchvision": ("backbones", "import torchvision.models", "backbones:1 imports torchvision"),
    "medmnist": ("datasets", "from medmnist import INFO", "datasets:1 imports medmnist.INFO"),
}


@pytest.fixture
def small_package(tmp_path):
    """Return a package with this one's name and one module in most layers, all in order."""
    package = tmp_path / "medmeta_ref"
    for name in (
        "params",
        "prototypical",
        "train",
        "plots",
        "cli",
        "grading.run",
        "synthetic.draw",
    ):
        path = package.joinpath(*name.split(".")).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("import math\n", encoding="utf-8")
    for folder in (package, package / "grading", package / "synthetic"):
        (folder / "__init__.py").write_text("", encoding="utf-8")
    (package / "cli.py").write_text("from medmeta_ref.train import fit\n", encoding="utf-8")
    (package / "train.py").write_text("from .params import Params\n", encoding="utf-8")
    return package


def test_a_package_in_order_has_no_problems(small_package):
    assert problems(small_package) == []


@pytest.mark.parametrize(("name", "source", "problem"), PLANTED.values(), ids=PLANTED.keys())
def test_a_planted_problem_is_found_and_named(small_package, name, source, problem):
    path = small_package.joinpath(*name.split(".")).with_suffix(".py")
    path.parent.mkdir(exist_ok=True)
    path.write_text(source + "\n", encoding="utf-8")
    [found] = problems(small_package)
    assert found.startswith(problem)


# Specs are tests of learners' answers, run by pytest alone.
IMPORTABLE = [
    info.name
    for info in pkgutil.walk_packages([str(PACKAGE)], "medmeta_ref.")
    if not info.name.startswith("medmeta_ref.grading.specs")
]


@pytest.mark.parametrize("name", IMPORTABLE)
def test_every_module_imports(name):
    assert importlib.import_module(name).__doc__


def test_the_list_of_importable_modules_is_complete():
    """`pkgutil` overlooks what lies in a folder without __init__.py."""
    files = {n for n in MODULES if n and not n.startswith("grading.specs")}
    walked = {name.removeprefix("medmeta_ref.") for name in IMPORTABLE}
    missing = files - walked
    for name in missing:
        assert importlib.import_module(f"medmeta_ref.{name}").__doc__, name


def python(code):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PACKAGE.parent
    ).stdout


@pytest.mark.parametrize("name", ["medmeta_ref", "medmeta_ref.cli", "medmeta_ref.doctor"])
def test_importing_the_package_or_its_command_does_not_load_torch(name):
    loaded = python(f"import sys, {name}; print('torch' in sys.modules, 'numpy' in sys.modules)")
    assert loaded.strip() == "False False"


def test_importing_any_module_draws_no_random_number_and_prints_nothing():
    """The generators stand where a fresh process has them after everything is imported."""
    own = {n: n.removeprefix("medmeta_ref.") for n in IMPORTABLE}
    names = [n for n in own if not {own[n], own[n].split(".")[0]} & set(ABOVE)]
    printed = python(
        "import random, numpy, torch, importlib\n"
        "state = torch.get_rng_state(), numpy.random.get_state()[1].tolist(), random.getstate()\n"
        f"for name in {names!r}: importlib.import_module(name)\n"
        "assert torch.equal(state[0], torch.get_rng_state())\n"
        "assert state[1] == numpy.random.get_state()[1].tolist()\n"
        "assert state[2] == random.getstate()\n"
    )
    assert printed == ""


# What core and methods never do. `datasets` alone speaks: a licence, or that images are synthetic.

QUIET = [
    name
    for name in MODULES
    if layer_of(name) in (0, 1) or name.split(".")[0] in ("train", "few_shot")
]
MAY_PRINT = {"datasets"}
SEEDING = {"manual_seed", "seed", "manual_seed_all", "set_rng_state", "default_rng"}
DEVICES = {"cuda", "mps"}


def forbidden_calls(tree, *, may_print=False):
    """Return the calls of a module that print, seed the global generators, or pick a device."""
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        owner, _, last = called.rpartition(".")
        own_generator = owner.startswith("torch.Generator(")
        if called == "print" and not may_print:
            found.append(f"line {node.lineno}: print")
        if last in SEEDING and owner and not own_generator:
            found.append(f"line {node.lineno}: {called}")
        if last in DEVICES or called.endswith(("cuda.is_available", "torch.device")):
            found.append(f"line {node.lineno}: {called}")
        if "." in called and called.split(".")[0] in ("random", "plt") and owner:
            found.append(f"line {node.lineno}: {called}")
    return found


@pytest.mark.parametrize("name", QUIET)
def test_core_and_methods_neither_print_nor_seed_nor_pick_a_device(name):
    assert forbidden_calls(MODULES[name], may_print=name in MAY_PRINT) == []


@pytest.mark.parametrize(
    "source",
    [
        "print('hello')",
        "torch.manual_seed(0)",
        "torch.cuda.manual_seed_all(0)",
        "np.random.seed(0)",
        "random.shuffle(x)",
        "np.random.default_rng(0)",
        "model.cuda()",
        "torch.device('cuda')",
        "if torch.cuda.is_available(): pass",
        "plt.show()",
        "def f():\n    x = [print(y) for y in z]",
    ],
)
def test_a_planted_call_is_found(source):
    assert len(forbidden_calls(ast.parse(source))) == 1


def test_a_generator_of_ones_own_may_be_seeded():
    assert forbidden_calls(ast.parse("g = torch.Generator().manual_seed(0)")) == []


def test_random_numbers_are_drawn_from_a_generator_that_was_handed_over():
    """Every draw in core, methods and training names its generator."""
    draws = {"rand", "randn", "randint", "randperm", "multinomial", "bernoulli", "normal"}
    missing = []
    for name in QUIET:
        for node in ast.walk(MODULES[name]):
            if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in draws:
                if "generator" not in {keyword.arg for keyword in node.keywords}:
                    missing.append(f"{name}:{node.lineno} {ast.unparse(node)}")
    assert missing == []
