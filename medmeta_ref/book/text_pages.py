"""The pages of text: home, getting started, and what the course says of itself."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

# File of the course -> page of the book. What is not there yet has no page.
PAGES = {
    "lessons/INSTRUCTOR_GUIDE.md": "instructors/guide",
    "lessons/GRADING_SECURITY.md": "instructors/grading_security",
    "CONTRIBUTING.md": "instructors/contributing",
    "lessons/COVERAGE.md": "about/coverage",
    "lessons/TIMINGS.md": "about/timings",
    "lessons/BIBLIOGRAPHY.md": "about/bibliography",
    "CHANGELOG.md": "about/changelog",
}
# Folder -> title and first words of the page that lists its pages.
_INDEXES = {
    "lessons": (
        "Lessons",
        "Each asks a question, measures, and says what the numbers do not show.",
    ),
    "exercises": (
        "Exercises",
        "As they are released: without answers. Do them in JupyterLab, where a check stands below "
        "each.",
    ),
    "questions": (
        "Interview questions",
        "With answers that open, and an explanation of every answer that is foreseen; in English "
        "and in Chinese.",
    ),
    "instructors": ("For instructors", "Running the course for others."),
    "about": ("About", "What answers which question, how long it takes, what has changed."),
}
_LINK = re.compile(r"\[([^\]]+)\]\((?![a-z]+:|#)([^)#\s]+)(#[^)\s]*)?\)")


def write_texts(root: Path, *, into: Path) -> list[str]:
    """Write a page for every text of the course that is there; return the pages."""
    there = {name: page for name, page in PAGES.items() if (root / name).is_file()}
    for name, page in there.items():
        text = (root / name).read_text(encoding="utf-8")
        _write(into / f"{page}.md", linked(text, name=name, page=page, pages=there))
    return list(there.values())


def linked(text: str, *, name: str, page: str, pages: Mapping[str, str]) -> str:
    """Return a text whose links to files of the course lead to pages of the book.

    A link to a file that is no page keeps its words and loses its address.

    Args:
        text: markdown.
        name: the file it comes from, seen from the course folder.
        page: the page that it becomes.
        pages: file -> page.
    """

    def target(found: re.Match[str]) -> str:
        words, address, anchor = found[1], found[2], found[3] or ""
        file = _normal(f"{Path(name).parent.as_posix()}/{address}")
        if file not in pages:
            return words
        up = "../" * page.count("/")
        return f"[{words}]({up}{pages[file]}.md{anchor})"

    return _LINK.sub(target, text)


def write_home(root: Path, units: Sequence[tuple[str, str]], *, into: Path) -> None:
    """Write the home page: what the README says first, and the units; the rest of it beside it.

    Args:
        root: the course folder.
        units: (name, title of the lesson), such as ("06_maml", "MAML and FOMAML").
        into: the folder of the book's sources.
    """
    readme = (root / "README.md").read_text(encoding="utf-8")
    first, _, rest = readme.partition("\n## ")
    rows = [
        f"| {name[:2]} | [{title}](lessons/{name}.ipynb) | [exercises](exercises/{name}.ipynb) "
        f'| [English](questions/{name[:2]}.md), <a lang="zh-Hans" hreflang="zh-Hans" '
        f'href="questions/{name[:2]}_zh.html">中文</a> |'
        for name, title in units
    ]
    table = ["| unit | lesson | to do | questions |", "| --- | --- | --- | --- |", *rows]
    pages = ("start", "lessons/index", "exercises/index", "questions/index", "reference/index")
    parents = ("instructors/index", "about/index")
    home = [first.strip(), "## Units", "\n".join(table), _toctree([*pages, *parents], hidden=True)]
    _write(into / "index.md", "\n\n".join(home) + "\n")
    started = linked(f"# Getting started\n\n## {rest}", name="README.md", page="start", pages=PAGES)
    _write(into / "start.md", started)


def write_indexes(units: Sequence[str], texts: Sequence[str], *, into: Path) -> None:
    """Write the pages that list the others.

    Args:
        units: such as "06_maml".
        texts: the pages that `write_texts` wrote.
        into: the folder of the book's sources.
    """
    numbers = [unit[:2] for unit in units]
    languages = [
        _toctree(numbers, caption="English"),
        _toctree([f"{number}_zh" for number in numbers], caption="中文"),
    ]
    for folder, lists in {
        "lessons": [_toctree(units)],
        "exercises": [_toctree(units)],
        "questions": languages,
        "instructors": [_toctree(_below("instructors", texts))],
        "about": [_toctree(_below("about", texts))],
    }.items():
        title, words = _INDEXES[folder]
        page = "\n\n".join([f"# {title}", words, *lists])
        _write(into / folder / "index.md", f"{page}\n")


def _below(folder: str, pages: Sequence[str]) -> list[str]:
    return [page.removeprefix(f"{folder}/") for page in pages if page.startswith(f"{folder}/")]


def _toctree(names: Sequence[str], *, hidden: bool = False, caption: str = "") -> str:
    options = [":hidden:"] if hidden else [":maxdepth: 1"]
    options += [f":caption: {caption}"] if caption else []
    return "\n".join(["```{toctree}", *options, "", *names, "```"])


def _normal(path: str) -> str:
    """Return a path without `.` and `..`; one that leads out of the course keeps its dots."""
    parts: list[str] = []
    for part in path.split("/"):
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
