"""The reference: which modules a library user meets, in which order, and a page for each."""

import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

# What only the course's own commands use
# (grading, authoring, benchmark, book) is read in the source.
GROUPS = {
    "Data and episodes": (
        "datasets",
        "image_set",
        "pixels",
        "class_splits",
        "episodes",
        "medmnist_files",
        "synthetic",
    ),
    "Networks and parameters": (
        "backbones",
        "params",
        "per_step_norm",
        "support_statistics",
        "feature_reuse",
    ),
    "Gradient-based methods": (
        "inner_loop",
        "maml",
        "anil",
        "reptile",
        "maml_pp",
        "low_memory",
        "fast",
    ),
    "Metric-based methods": ("prototypical",),
    "Distillation, ensembles and fusion": (
        "distillation",
        "probabilities",
        "fusion",
        "stacking",
        "views",
    ),
    "Replay and continual learning": ("buffers", "replay", "continual"),
    "Robustness": ("robustness",),
    "Small devices": ("devices", "onnx_export", "onnx_int8"),
    "Metrics": ("metrics", "clinical", "resampling"),
    "Training and studies": (
        "train",
        "learners",
        "held_out",
        "few_shot",
        "classifier",
        "distillation_study",
        "replay_study",
    ),
    "Figures": ("plots", "caterpillars", "heat_maps", "planes", "valleys", "sliders", "drawing"),
    "In the notebook": ("questions", "grading.check", "grading.side_by_side"),
}


def modules(name: str) -> Iterator[str]:
    """Yield a module of `medmeta_ref` by its full name, and what lies in it if it is a package.

    A package that offers names of its own (`__all__`) is one page: they are imported from there.

    >>> list(modules("maml")), list(modules("train"))
    (['medmeta_ref.maml'], ['medmeta_ref.train'])
    >>> "medmeta_ref.fast.kernels" in list(modules("fast"))
    True
    """
    full = f"medmeta_ref.{name}"
    yield full
    module = importlib.import_module(full)
    if not hasattr(module, "__all__"):
        for info in pkgutil.iter_modules(getattr(module, "__path__", ())):
            yield f"{full}.{info.name}"


def write_reference(into: Path) -> list[str]:
    """Write a page for every module and an index of them; return the modules."""
    folder = into / "reference"
    folder.mkdir(parents=True, exist_ok=True)
    index = [
        "# Reference",
        "What a library user meets, module by module, from the docstrings. Methods are pure "
        "functions: *model, params, data, \\*, settings*; what is random takes a "
        "`torch.Generator`. The examples are run by the course's tests.",
    ]
    written = []
    for group, members in GROUPS.items():
        names = [each for member in members for each in modules(member)]
        for name in names:
            (folder / f"{name}.rst").write_text(_page(name), encoding="utf-8")
        index.append(f"## {group}")
        index.append("\n".join(f"- [{_short(name)}]({name}.rst): {_first(name)}" for name in names))
        index.append("\n".join(["```{toctree}", ":hidden:", "", *names, "```"]))
        written += names
    (folder / "index.md").write_text("\n\n".join(index) + "\n", encoding="utf-8")
    return written


def _short(name: str) -> str:
    return name.removeprefix("medmeta_ref.")


def _first(name: str) -> str:
    """Return the first paragraph of a module's docstring, without the end of it."""
    words = importlib.import_module(name).__doc__ or ""
    return " ".join(words.partition("\n\n")[0].split()).rstrip(".:")


def _page(name: str) -> str:
    title = _short(name)
    return (
        f"{title}\n{'=' * len(title)}\n\n"
        f".. automodule:: {name}\n   :members:\n   :show-inheritance:\n"
    )
