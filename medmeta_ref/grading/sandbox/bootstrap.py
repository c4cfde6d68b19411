"""The first file that runs in the sandbox: it makes importable what is there, and nothing else.

Run as `python -I -S -B bootstrap.py CONFIG` with JSON as CONFIG. Python's own folders for packages
are not looked at. Packages come one by one, by name and place, so that neither the course's package
nor any other stands open.
"""

import importlib.machinery
import importlib.util
import json
import os
import sys
import types
from importlib.abc import MetaPathFinder
from pathlib import Path
from typing import Any


class Named(MetaPathFinder):
    """Finds the packages of a list, and no others.

    Args:
        places: name -> folder of a package, or file of a module.
    """

    def __init__(self, places: dict[str, str]) -> None:
        self._places = places

    def find_spec(
        self, fullname: str, path: Any = None, target: Any = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return where a package is; None for all that is not in the list."""
        if fullname not in self._places or path is not None:
            return None
        place = Path(self._places[fullname])
        if not place.is_dir():
            return importlib.util.spec_from_file_location(fullname, place)
        start = place / "__init__.py"
        if start.is_file():
            return importlib.util.spec_from_file_location(
                fullname, start, submodule_search_locations=[str(place)]
            )
        bare = importlib.machinery.ModuleSpec(fullname, None, is_package=True)
        bare.submodule_search_locations = [str(place)]
        return bare


def prepare(config: dict[str, Any]) -> None:
    """Make the listed packages, and the grader's few files, importable.

    Args:
        config: `packages`, name -> place; `environment`, what libraries read at their start.
    """
    os.environ.clear()
    os.environ.update(config["environment"])
    sys.meta_path.append(Named(config["packages"]))
    here = str(Path(__file__).parent)
    for name, places in (
        ("medmeta_ref", []),
        ("medmeta_ref.grading", []),
        ("medmeta_ref.grading.sandbox", [here]),
    ):
        module = types.ModuleType(name)
        module.__path__ = places  # a package without an __init__.py of its own
        sys.modules[name] = module


if __name__ == "__main__":
    settings = json.loads(sys.argv[1])
    prepare(settings)
    from medmeta_ref.grading.sandbox import zygote

    zygote.main(settings)
