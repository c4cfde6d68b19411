"""How the notebooks in the course folder differ from those that the text files make.

The set of files first, then their bytes: a notebook left over from a renamed unit, and one changed
by hand, both look fine to a comparison that only asks whether the names of the texts are there.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from medmeta_ref.authoring.course_files import notebooks_on_disk

_WAY_OUT = "run medmeta build"


def differences(root: Path, notebooks: Mapping[str, bytes]) -> Iterator[str]:
    """Yield how the notebooks on disk differ from those that the text files make."""
    on_disk = notebooks_on_disk(root)
    for name in sorted({*notebooks, *on_disk}):
        if name not in on_disk:
            yield f"{name}: missing; {_WAY_OUT}"
        elif name not in notebooks:
            yield f"{name}: stray, no text file explains it; {_WAY_OUT}"
        else:
            there = (root / name).read_bytes()
            if there != notebooks[name]:
                yield f"{name}: {_first_difference(there, notebooks[name])}; {_WAY_OUT}"


def _first_difference(there: bytes, made: bytes) -> str:
    """Return where two notebooks differ, in words for somebody who looks at cells."""
    try:
        old: Any = json.loads(there)
        old_cells = list(old["cells"])
    except (ValueError, KeyError, TypeError) as error:
        return f"is no readable notebook ({type(error).__name__})"
    new_cells = json.loads(made)["cells"]
    for number, (before, after) in enumerate(zip(old_cells, new_cells, strict=False), start=1):
        if before != after:
            return f"differs at cell {number} ('{after['id']}')"
    if len(old_cells) != len(new_cells):
        number = min(len(old_cells), len(new_cells)) + 1
        longer = max(old_cells, new_cells, key=len)
        where = f"cell {number} ('{longer[number - 1]['id']}')"
        return f"differs at {where}: one of the two notebooks ends before it"
    return "differs outside the cells, in the notebook's metadata or its layout"
