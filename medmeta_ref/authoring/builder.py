"""Build the notebooks of the course from its text files, and tell when they are out of date.

    lessons/03_x.py   ->  lessons/03_x.ipynb                what a learner reads
    solutions/03_x.py ->  solutions/03_x/03_x.ipynb         nbgrader's source, with the answers
                      ->  exercises/03_x/03_x.ipynb         made by nbgrader: what a learner does

1. `percent` reads a text file into cells; their marker lines say what each cell is.
2. `rules`, `plain_python`, `accessibility` and `plot_words` look for what no unit may have.
3. `notebooks` writes cells as a notebook: fixed ids, nbgrader's metadata, no outputs.
4. `release` hands the source notebooks to nbgrader, which takes the answers out.
5. `leaks` searches what learners open for lines of an answer.
6. `build` writes what has changed and deletes notebooks that no text explains;
   `check` compares instead of writing: the set of notebooks, then their bytes.

Nothing is written unless every text is in order. The same texts give the same bytes on every
machine, so `check` can compare bytes and a second `build` changes nothing.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from medmeta_ref.authoring.accessibility import prose_problems
from medmeta_ref.authoring.course_files import (
    CONFIG,
    course_root,
    exercise_of,
    notebook_of,
    notebooks_on_disk,
    says_generated,
    text_files,
)
from medmeta_ref.authoring.differences import differences
from medmeta_ref.authoring.leaks import leaks
from medmeta_ref.authoring.notebooks import notebook_bytes
from medmeta_ref.authoring.percent import read_percent
from medmeta_ref.authoring.plain_python import python_problems
from medmeta_ref.authoring.plot_words import plot_problems
from medmeta_ref.authoring.problems import BuildError, Problem
from medmeta_ref.authoring.release import release
from medmeta_ref.authoring.rules import exercise_problems

_RULES = (exercise_problems, python_problems, prose_problems, plot_problems)

__all__ = ["BuildError", "build", "check", "course_root"]


def build(root: Path, *, units: Sequence[str] | None = None) -> list[Path]:
    """Write the notebooks and return those that changed: written, rewritten or deleted.

    A file whose bytes would stay the same is not touched. A notebook that no text file explains is
    deleted if it says that it was built; one that does not may be somebody's work, so it stops the
    build instead.

    Args:
        root: the course folder, see `course_root`.
        units: build only these (`["03_distillation"]`), whatever state the others are in, and
            delete nothing. By default the whole course.

    Raises:
        BuildError: with all problems, before anything is written.
    """
    notebooks, problems = _render(root)
    refused: list[Problem | str] = list(problems)
    stray: list[str] = []
    if units is None:
        stray = [name for name in notebooks_on_disk(root) if name not in notebooks]
        refused += [
            f"{name}: no text file explains this notebook, and it was not built; move it away, "
            "for example to submitted/"
            for name in stray
            if not says_generated(root / name)
        ]
    else:
        known = {_unit_of(name) for name in text_files(root)}
        refused = [problem for problem in problems if _unit_of(problem.where) in units]
        refused += [
            f"no unit '{unit}'; there are {', '.join(sorted(known)) or 'none'}"
            for unit in units
            if unit not in known
        ]
        notebooks = {name: made for name, made in notebooks.items() if _unit_of(name) in units}
    if refused:
        raise BuildError(refused)
    changed = []
    for name, made in notebooks.items():
        path = root / name
        if not path.is_file() or path.read_bytes() != made:
            _write(path, made)
            changed.append(path)
    for name in stray:
        _delete(root / name)
        changed.append(root / name)
    return changed


def check(root: Path) -> list[str]:
    """Return what `build` would refuse or change, one line each; empty if all is up to date.

    Nothing in the course folder is written.
    """
    notebooks, problems = _render(root)
    if problems:
        return [str(problem) for problem in problems]
    return list(differences(root, notebooks))


def _render(root: Path) -> tuple[dict[str, bytes], list[Problem]]:
    """Return the bytes of every notebook by name, and the problems of all text files.

    A text file with a problem has no notebook, so that the other units can still be built.
    """
    if not (root / CONFIG).is_file():
        raise BuildError([f"{root} holds no {CONFIG}; give the folder of a clone of the course"])
    texts, problems = [], []
    for name in text_files(root):
        text, found = read_percent(root / name, name=name)
        if not found:
            found = [problem for rule in _RULES for problem in rule(text)]
        problems += found
        texts += [] if found else [text]
    made = {text.name: notebook_bytes(text) for text in texts}
    notebooks = {notebook_of(name): written for name, written in made.items()}
    sources = {text.unit: made[text.name] for text in texts if text.folder == "solutions"}
    released, refused = release(sources, config_file=root / CONFIG)
    problems += refused
    notebooks |= {exercise_of(unit): written for unit, written in released.items()}
    opened = {text.name: made[text.name] for text in texts if text.folder == "lessons"}
    opened |= {f"solutions/{unit}.py": written for unit, written in released.items()}
    problems += leaks(texts, opened)
    return dict(sorted(notebooks.items())), problems


def _unit_of(name: str) -> str:
    """Return the unit that a text file or a notebook belongs to."""
    return name.split("/")[-1].rpartition(".")[0]


def _write(path: Path, made: bytes) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(made)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _delete(path: Path) -> None:
    """Delete a notebook, and its folder if nothing else is in it."""
    path.unlink()
    if path.parent.name not in ("lessons", "solutions", "exercises") and not any(
        path.parent.iterdir()
    ):
        path.parent.rmdir()
