r"""Make a written answer harmless on nbgrader's pages, which put it there unescaped.

nbgrader renders answers with nbconvert's markdown parser, on feedback pages and, beside the
buttons that give points, in the formgrader. Raw HTML, `javascript:` links and mermaid diagrams pass
through; the filter that removes "files/" from links turns `files/javascript:` into a script.

So the text is read with that very parser. If everything in it is on a list of harmless things, it
stays as it is, byte for byte. If not, what is not is written out as text; if that does not help,
the whole answer is shown as plain text. Whatever comes back has passed the same judge.
"""

import re
from collections.abc import Collection, Iterator
from html.parser import HTMLParser
from typing import Any

# What the parser may find. A kind of token that is not here is not harmless: plugins add kinds.
_TOKENS = frozenset(
    "blank_line block_code block_math block_quote block_text codespan def_list def_list_head "
    "def_list_item emphasis heading inline_math latex_environment linebreak list list_item "
    "paragraph softbreak strikethrough strong table table_body table_cell table_head table_row "
    "task_list_item text thematic_break".split()
)
# HTML that a learner may write: without attributes, so nothing can be styled, named or clicked.
_PLAIN_TAGS = (
    "b|br|code|del|details|em|hr|i|ins|kbd|li|mark|ol|p|s|small|strong|sub|summary|sup|u|ul"
)
_PLAIN_HTML = re.compile(rf"(?:</?(?:{_PLAIN_TAGS})[ ]?/?>|<!--(?:[^<>-]|-(?!-))*-->|[^<])*")
# As it stands in a quoted attribute: no quotes, no brackets, no blanks.
_URL = re.compile(r"(?i:https?://|mailto:)[!#-&(-;=?-_a-~]+")
_MATH = re.compile(r"\$|\\[(\[]|\\begin")
# MathJax makes links, styles, ids and further scripts from these.
_TEX = re.compile(
    r"\\(href|url|require|style|class|cssId|data|html\w*|mml\w*|unicode|includegraphics|csname)"
    r"(?![A-Za-z])"
)
# Each may cost the parser a search through the whole rest of the text.
_OPENERS = re.compile(r"\\\\[\[(]|\\begin\{")
_MOST_OPENERS = 300

_VOID = frozenset({"br", "hr", "input"})
_CHECKBOX = {"class": "task-list-item-checkbox", "type": "checkbox", "disabled": "", "checked": ""}
# What the page may hold: tag -> attribute -> form of its value. Only the parser sets attributes.
_HTML: dict[str, dict[str, str]] = {
    **{tag: {} for tag in _PLAIN_TAGS.split("|")},
    **{tag: {} for tag in ("blockquote", "dd", "dl", "dt", "table", "tbody", "thead", "tr")},
    **{tag: {"id": r"(?s:.*)"} for tag in ("h1", "h2", "h3", "h4", "h5", "h6")},
    **{tag: {"style": r"text-align:(?:left|center|right)"} for tag in ("td", "th")},
    **{tag: {"class": r"\w+"} for tag in ("pre", "div", "span")},
    "a": {"href": rf"{_URL.pattern}|#\S*", "class": "anchor-link", "title": r"(?s:.*)"},
    "code": {"class": r"language-\S+"},
    "input": _CHECKBOX,
    "li": {"class": "task-list-item"},
    "ol": {"start": r"\d+"},
}

_SHOWN_PLAIN = "*Shown as plain text, because parts of it could act on this page.*"


def clean_markdown(source: str, *, page_ids: Collection[str] = ()) -> tuple[str, str]:
    """Return a text that renders to something harmless, and what was changed, or "".

    Args:
        source: markdown of a stranger.
        page_ids: ids of the page, which no heading may take.
    """
    found = dangers(source, page_ids=page_ids)
    if not found:
        return source, ""
    why = f"holds {', '.join(found)}, which the pages of this course do not show"
    written_out = _written_out(source)
    if not dangers(written_out, page_ids=page_ids):
        return written_out, f"{why}; it stands there as text."
    return _plain(source), f"{why}; the whole answer is shown as plain text."


def dangers(source: str, *, page_ids: Collection[str] = ()) -> list[str]:
    """Return what in a markdown text is not on the list of harmless things, in words.

    Args:
        source: markdown of a stranger.
        page_ids: ids of the page, which no heading may take.
    """
    # Here, because nbconvert takes a second and only written answers have a use for it.
    from nbconvert.filters import markdown_mistune

    if len(_OPENERS.findall(source)) > _MOST_OPENERS:
        return ["too many formulas"]
    parser: Any = markdown_mistune.MarkdownWithMath
    try:
        found = sorted(set(_bad_tokens(parser(None).parse(source)[0])))
        return found or _Page(markdown_mistune.markdown2html_mistune(source), page_ids).problems()
    # Whatever it is that a stranger's text breaks there, it would break the page as well.
    except Exception:  # noqa: BLE001
        return ["markdown that cannot be read"]


def _bad_tokens(tokens: list[dict[str, Any]]) -> Iterator[str]:
    """Yield what the parser found that is not harmless."""
    for token in tokens:
        kind, attrs = token["type"], token.get("attrs", {})
        match kind:
            case "inline_html" | "block_html":
                if not _PLAIN_HTML.fullmatch(token["raw"]):
                    yield "HTML"
            case "link":
                if not _URL.fullmatch(attrs["url"]):
                    yield "a link to something else than https, http or mailto"
            case "image":
                yield "a picture"
            case "block_code":
                if (attrs.get("info") or "").lstrip().startswith("mermaid"):
                    yield "a mermaid diagram"
            case _ if kind not in _TOKENS:
                yield f"unknown markdown ({kind})"
        yield from _bad_tokens(token.get("children") or [])


class _Page(HTMLParser):
    """What in a rendered text is not harmless: a second look, at what the parser made of it."""

    def __init__(self, page: str, page_ids: Collection[str]) -> None:
        super().__init__()
        self._found, self._open, self._text = set[str](), list[str](), ""
        self._page_ids = page_ids
        self.feed(page)
        self.close()

    def problems(self) -> list[str]:
        if self._open:
            self._found.add("a tag without an end")
        if _MATH.search(self._text) and _TEX.search(self._text):
            self._found.add("a formula that makes a link, a style or a script")
        return sorted(self._found)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _VOID:
            self._open.append(tag)
        allowed = _HTML.get(tag)
        for name, value in attrs:
            if allowed is None or not re.fullmatch(allowed.get(name, r"(?!)"), value or ""):
                self._found.add("HTML with attributes")
            elif name == "id" and value in self._page_ids:
                self._found.add("a heading that is named like a part of the page")
        if allowed is None:
            self._found.add("HTML")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)  # browsers ignore the slash: <b/> is bold from there on

    def handle_endtag(self, tag: str) -> None:
        # Strictly nested: a stray end tag would end a part of the page around the answer.
        if tag not in _VOID and (not self._open or self._open.pop() != tag):
            self._found.add("tags that do not match")

    def handle_data(self, data: str) -> None:
        # MathJax skips code. It joins what comments and line breaks part, and so does this.
        if "code" not in self._open and "pre" not in self._open:
            self._text += data


_FENCE = r"^ {0,3}(?P<mark>`{3,}|~{3,})[^\n]*\n(?s:.*?)(?:^ {0,3}(?P=mark)[`~]*[ ]*$|\Z)"
_CODE = r"(?<!`)(?P<ticks>`+)(?!`)(?s:.+?)(?<!`)(?P=ticks)(?!`)"
_FORMULA = r"(?P<math>(?<!\\)\$\$(?s:.+?)\$\$|(?<![\\$])\$(?!\$)[^$\n]+\$)"
_APART = re.compile(rf"{_FENCE}|{_CODE}|{_FORMULA}", re.MULTILINE)


def _written_out(source: str) -> str:
    """Return the text with HTML, pictures and odd links written out, as far as easily found.

    Code stays as it is. That this finds everything is not needed: the result is judged again.
    """
    parts, end = list[str](), 0
    for found in _APART.finditer(source):
        text = found[0]
        if found["math"]:
            text = _TEX.sub(r"\\text{\1}", text)
        elif found["mark"]:
            opening, line_end, rest = text.partition("\n")
            text = opening.replace("mermaid", "text") + line_end + rest
        parts += [_prose(source[end : found.start()]), text]
        end = found.end()
    return "".join([*parts, _prose(source[end:])])


def _prose(text: str) -> str:
    text = re.sub(r"!\[([^\]]*)\](?:\([^)\n]*\)|\[[^\]\n]*\])?", r"(picture left out: \1)", text)
    text = re.sub(r"<(?!https?://|mailto:)(?=[A-Za-z/!?])", "&lt;", text)
    text = re.sub(r"\]\((?!\s*<?(?:https?://|mailto:))", "]\\(", text)
    text = re.sub(r"^( {0,3})\[(?=[^\]\n]+\]:)", r"\1\\[", text, flags=re.MULTILINE)
    return _TEX.sub(r"\\text{\1}", text)


def _plain(source: str) -> str:
    """Return the text as a code block that nothing in it can end."""
    longest = max(map(len, re.findall(r"~+", source)), default=0)
    fence = "~" * max(3, longest + 1)
    return f"{_SHOWN_PLAIN}\n\n{fence}\n{source}\n{fence}\n"
