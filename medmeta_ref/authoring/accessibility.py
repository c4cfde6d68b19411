"""What a learner who cannot see the page needs of the prose: words for pictures, ordered headings.

A screen reader reads the alternative text of a picture and lets people jump from heading to
heading, so a unit has one title, no level is left out, and no picture is without words. The plots
that code draws are looked after in `plot_words.py`.
"""

import re
from collections.abc import Iterator
from html.parser import HTMLParser

from markdown_it import MarkdownIt

from medmeta_ref.authoring.cards import CardError, parse_card, render_card
from medmeta_ref.authoring.percent import Cell, Text
from medmeta_ref.authoring.problems import Problem


def prose_problems(text: Text) -> list[Problem]:
    """Return the pictures without words and the headings out of order."""
    found = (*_headings(text), *_pictures(text))
    problems = [Problem(text.name, line, what) for line, what in found]
    return sorted(problems)


def _headings(text: Text) -> Iterator[tuple[int, str]]:
    """Yield (line, problem) for titles too many or too few, and for levels left out."""
    levels = [
        (line, int(tag[1])) for line, tag, _ in _elements(text) if re.fullmatch("h[1-6]", tag)
    ]
    titles = [line for line, level in levels if level == 1]
    if len(titles) != 1:
        what = f"{len(titles)} titles; write one '# Title', and '## ' for the sections below it"
        yield (titles[1] if titles else text.cells[0].line), what
    for (_, above), (line, level) in zip([(0, 0), *levels], levels, strict=False):
        if level > above + 1:
            what = f"a heading of level {level} below one of level {above}; use level {above + 1}"
            yield line, what


def _pictures(text: Text) -> Iterator[tuple[int, str]]:
    """Yield (line, problem) for pictures in the prose."""
    for line, tag, attributes in _elements(text):
        if tag != "img":
            continue
        if not attributes["alt"].strip():
            what = f"the picture '{attributes['src'][:40]}' has no alternative text"
            yield line, f'{what}; write ![what it shows](file) or <img alt="what it shows">'
        if attributes["src"].startswith("data:"):
            what = "a picture pasted into the text is an output; draw it with medmeta_ref.plots"
            yield line, what


def _elements(text: Text) -> Iterator[tuple[int, str, dict[str, str]]]:
    """Yield (line, HTML tag, attributes) of the headings and pictures in a text's prose."""
    for cell in text.cells:
        if cell.kind != "markdown":
            continue
        for token in MarkdownIt("commonmark").parse(_shown(cell)):
            # A card's lines move when it is rendered, so there the marker line has to do.
            line = cell.line + (1 + token.map[0] if token.map and not cell.card_id else 0)
            if token.type == "heading_open":
                yield line, token.tag, {}
            for part in (token, *(token.children or ())):
                if part.type == "image":
                    yield line, "img", {"alt": part.content, "src": str(part.attrs.get("src", ""))}
                elif part.type in ("html_block", "html_inline"):
                    for tag, attributes in _Tags.of(part.content):
                        yield line, tag, {"alt": "", "src": ""} | attributes


def _shown(cell: Cell) -> str:
    """Return a prose cell as the learner sees it; a broken card shows nothing yet."""
    if not cell.card_id:
        return cell.source
    try:
        return render_card(parse_card(cell.source))
    except CardError:
        return ""  # reported, field by field, by rules.py


class _Tags(HTMLParser):
    """Collects the opening tags of a piece of HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep one opening tag."""
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    @classmethod
    def of(cls, source: str) -> list[tuple[str, dict[str, str]]]:
        """Return (tag, attributes) in order."""
        parser = cls()
        parser.feed(source)
        return parser.tags
