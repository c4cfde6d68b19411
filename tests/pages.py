"""What every page has to hold to: read by Python's own parser, and by a real browser."""

import shutil
from html.parser import HTMLParser

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

# Each would run, load, break out or mislead on a page that did not escape it.
HOSTILE = (
    "<script>document.title='owned'</script>",
    "<img src=x onerror=\"document.title='owned'\">",
    '"><svg onload="document.title=\'owned\'">',
    "'><iframe srcdoc='<script>top.document.title=1</script>'></iframe>",
    "</code></pre></main><h1>Full points</h1>",
    "</title></style><style>body{display:none}</style>",
    "<a href=\"javascript:document.title='owned'\">click</a>",
    "{{ 7 * 7 }}{% for x in y %}",
    "--><!-- ]]>",
    "&lt;b&gt; &amp;",
    "return \u202e x \u2066 y \u200b",
    "\x1b[31m\x07\x00",
    "half \ud800",
    "[bold red]markup[/bold red] [/] \\[",
)
_VOID = {"meta", "img", "br", "hr", "source", "link", "input"}


class Page(HTMLParser):
    """A page taken apart."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.text, self.open, self.crossed = [], [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.crossed.append(tag)

    def handle_data(self, data):
        self.text.append(data)

    @property
    def shown(self):
        return "".join(self.text)

    @property
    def headings(self):
        return [int(tag[1]) for tag, _ in self.tags if tag in ("h1", "h2", "h3", "h4")]


def problems(html):
    """Return what is wrong with a page, whatever it is about."""
    page, found = Page(html), []
    html.encode()  # half a character raises
    if page.open or page.crossed:
        found.append(f"tags left open {page.open}, crossed {page.crossed}")
    if page.headings.count(1) != 1 or page.headings[0] != 1:
        found.append(f"headings {page.headings}")
    if any(b > a + 1 for a, b in zip(page.headings, page.headings[1:], strict=False)):
        found.append(f"a heading level is left out: {page.headings}")
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    if len(ids) != len(set(ids)):
        found.append("an id twice")
    for tag, attrs in page.tags:
        if tag in ("script", "iframe", "svg", "object", "embed", "form", "base", "link"):
            found.append(f"<{tag}>")
        found += [f"{name}=" for name in attrs if name.startswith("on")]
        for name in ("src", "srcset", "href"):
            value = attrs.get(name) or "#"
            if not value.startswith(("#", "data:image/png;base64,")):
                found.append(f"{name}={value}")
        if tag == "img" and not attrs.get("alt"):
            found.append("a picture without words")
    if ("html", {"lang": "en"}) not in page.tags:
        found.append("no language")
    return found


def luminance(colour):
    """Return WCAG's relative luminance of "#rrggbb"."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one, other):
    """Return WCAG's contrast ratio of two colours."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)
