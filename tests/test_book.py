"""The book: complete, without a warning, a broken link, a leaked answer or a foreign host."""

import base64
import json
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from functools import cache, partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from threading import Thread
from urllib.parse import unquote, urlsplit

import nbformat
import pytest
from typer.testing import CliRunner

from medmeta_ref.authoring.builder import course_root
from medmeta_ref.authoring.execution import FAST
from medmeta_ref.book import docstrings, notebook_pages, question_pages, reference_pages, site
from medmeta_ref.book.mathml import FormulaError, mathml
from medmeta_ref.book.settings import settings
from medmeta_ref.book.text_pages import PAGES, linked
from medmeta_ref.cli import app
from medmeta_ref.grading.check import RESULT_MIME
from medmeta_ref.questions import bank
from medmeta_ref.questions.words import LANGUAGES
from tests.test_layers import LAYERS, MODULES

ROOT = course_root(Path(__file__))
UNITS = site.units_of(ROOT)
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DOT = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII="
)


def with_outputs(unit, *, fast):
    """Return a lesson as if it had run: a picture, a slider, a check, a warning on stderr."""
    lesson = nbformat.read(ROOT / "lessons" / f"{unit}.ipynb", as_version=4)
    lesson.metadata[FAST] = fast
    lesson.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": {"state": {}}}
    new = nbformat.v4.new_output
    picture = f'<img alt="A dot." src="data:image/png;base64,{base64.b64encode(DOT).decode()}">'
    verdict = {RESULT_MIME: {"points": 1}, "text/plain": "1 of 1 points"}
    words = "Sliders move in a running notebook"
    slider = {"application/vnd.jupyter.widget-view+json": {"model_id": "x"}, "text/html": words}
    [cell, *_] = [cell for cell in lesson.cells if cell.cell_type == "code"]
    cell.outputs = [
        new("display_data", {"text/html": picture}),
        new("display_data", slider),
        new("display_data", verdict),
        new("stream", name="stderr", text="a progress bar"),
        new("stream", name="stdout", text="accuracy 0.5"),
    ]
    return lesson


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """Build the book by the command, from two runs of lessons; return its folder."""
    folder = tmp_path_factory.mktemp("book")
    for unit, fast in ((UNITS[0], True), (UNITS[1], False)):
        path = folder / "executed" / "lessons" / f"{unit}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(with_outputs(unit, fast=fast), path)
    line = ["book", "--executed", str(folder / "executed"), "--to", str(folder / "site")]
    done = subprocess.run(
        [sys.executable, "-m", "medmeta_ref", *line], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    assert f"{UNITS[0]}: lesson fast" in done.stdout
    assert f"{UNITS[2]}: lesson not run" in done.stdout
    return folder / "site"


LOADS = {"script": "src", "img": "src", "iframe": "src", "source": "src", "object": "data"}
HARMLESS = {"canonical", "next", "prev", "search", "index", "license"}  # a browser loads none


class Page(HTMLParser):
    """What a test wants to know of a page: links, what it loads, headings, pictures."""

    def __init__(self, path):
        super().__init__()
        self.links, self.loads, self.ids, self.headings, self.alts = [], [], set(), [], []
        self.answers, self.text, self.langs = 0, [], []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.ids |= {given["id"]} if "id" in given else set()
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])
        if tag in LOADS and given.get(LOADS[tag]):
            self.loads.append(given[LOADS[tag]])
        if tag == "link" and given.get("href") and given.get("rel") not in HARMLESS:
            self.loads.append(given["href"])
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag == "img":
            self.alts.append(given.get("alt"))
        self.answers += tag == "details"
        self.langs += [given["lang"]] if tag == "section" and "lang" in given else []

    def handle_data(self, data):
        self.text.append(data)

    def says(self, words):
        return words in " ".join("".join(self.text).split())


page_of = cache(Page)


def pages(book):
    """Return the pages; a template of the theme that lies among its files is none."""
    return sorted(path for path in book.rglob("*.html") if "_static" not in path.parts)


def test_every_unit_text_and_module_has_its_page(book):
    wanted = {f"{kind}/{unit}" for kind in ("lessons", "exercises") for unit in UNITS}
    wanted |= {f"questions/{unit[:2]}{end}" for unit in UNITS for end in ("", "_zh")}
    wanted |= {page for name, page in PAGES.items() if (ROOT / name).is_file()}
    wanted |= {"index", "start", "search", "reference/medmeta_ref.maml"}
    there = {path.relative_to(book).with_suffix("").as_posix() for path in pages(book)}
    assert wanted <= there


def test_every_internal_link_leads_somewhere(book):
    broken = []
    for path in pages(book):
        for link in page_of(path).links + page_of(path).loads:
            parts = urlsplit(link)
            if parts.scheme:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.is_file():
                broken.append(f"{path.name}: {link}")
            elif parts.fragment and target.suffix == ".html":
                if unquote(parts.fragment) not in page_of(target).ids:
                    broken.append(f"{path.name}: no anchor {link}")
    assert broken == []


def foreign(book):
    """Yield what the files of a site would load from another host."""
    for path in pages(book):
        page = path.read_text(encoding="utf-8")
        loads = page_of(path).loads + re.findall(r'srcset="([^"]*)', page)
        loads += re.findall(r"<style[^>]*>.*?</style>", page, re.DOTALL)
        yield from (f"{path.name}: {load}" for load in loads if re.search(r"(https?:)?//", load))
    for path in book.rglob("*.css"):
        style = path.read_text(encoding="utf-8")
        for load in re.findall(r"url\(\s*['\"]?((?:https?:)?//[^)]*)|@import[^;]*//[^;]*", style):
            yield f"{path.name}: {load}"
    call = r"(?:fetch|import|importScripts|open|require)\s*\(\s*|(?:\.src|\.href|url)\s*[:=]\s*"
    for path in (*book.rglob("*.js"), *pages(book)):
        script = path.read_text(encoding="utf-8")
        for load in re.findall(rf"(?:{call})[\"'`](?:https?:)?//[^\"'`]*", script):
            yield f"{path.name}: {load}"


def test_nothing_is_loaded_from_another_host(book):
    assert list(foreign(book)) == []


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.html", '<script src="https://cdn.example/require.js"></script>'),
        ("x.html", '<link rel="stylesheet" href="//fonts.example/css">'),
        ("x.html", '<img alt="x" src="http://example/x.png">'),
        ("x.html", "<style>@import url(https://fonts.example)</style>"),
        ("x.css", "@font-face { src: url('https://fonts.example/x.woff2') }"),
        ("x.css", '@import "https://fonts.example/css";'),
        ("x.js", "const s = document.createElement('script'); s.src = 'https://cdn.example/m.js'"),
        ("x.js", 'fetch("https://example/data.json")'),
    ],
)
def test_a_planted_load_is_found(name, content, tmp_path):
    (tmp_path / name).write_text(content, encoding="utf-8")
    assert len(list(foreign(tmp_path))) >= 1


def test_every_page_has_one_h1_and_headings_without_gaps(book):
    wrong = {}
    for path in pages(book):
        levels = page_of(path).headings
        gaps = [b for a, b in pairwise(levels) if b > a + 1]
        if levels.count(1) != 1 or levels[0] != 1 or gaps:
            wrong[path.name] = levels
    assert wrong == {}


def test_every_picture_has_words(book):
    assert [path.name for path in pages(book) if not all(page_of(path).alts)] == []
    assert page_of(book / "lessons" / f"{UNITS[0]}.html").alts == ["A dot."]


def test_pictures_are_files_and_sliders_only_words(book):
    page = (book / "lessons" / f"{UNITS[0]}.html").read_text(encoding="utf-8")
    [source] = re.findall(r'<img [^>]*src="([^"]+)"', page)
    assert (book / "lessons" / source).resolve().read_bytes() == DOT
    assert "Sliders move in a running notebook" in page
    assert "accuracy 0.5" in page
    assert "1 of 1 points" in page
    for gone in ("widget", "require.js", "a progress bar", "data:image"):
        assert gone not in page


def test_lessons_say_how_they_were_run(book):
    for unit, words in zip(UNITS, ("fast mode", "those of a full run", "not run"), strict=False):
        assert page_of(book / "lessons" / f"{unit}.html").says(words), unit


@pytest.mark.parametrize("unit", UNITS)
def test_exercises_hold_no_line_of_an_answer(unit, book):
    solution = (ROOT / "solutions" / f"{unit}.py").read_text(encoding="utf-8")
    answers = re.findall(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", solution, re.DOTALL)
    lines = {"".join(line.split()) for block in answers for line in block.split("\n")}
    shown = page_of(book / "exercises" / f"{unit}.html")
    plain = "".join("".join(shown.text).split())
    given = re.sub(r"### BEGIN SOLUTION\n.*?### END SOLUTION", "", solution, flags=re.DOTALL)
    given = "".join(given.replace("# ", "").split())
    assert "yourcodegoeshere" in plain
    assert answers
    # Lines that the exercise shows anyway, such as `return loss`, give nothing away.
    assert [x for x in lines if len(x) > 12 and x in plain and x not in given] == []


# Questions


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("unit", UNITS)
def test_question_page_hides_every_answer_behind_a_summary(unit, language, book):
    asked = bank.unit(unit[:2])
    name = question_pages.page_name(unit[:2], language)
    page = page_of(book / "questions" / f"{name}.html")
    assert page.answers == len(asked.questions) + len(asked.cards)
    assert page.langs[:1] == (["zh-Hans"] if language == "zh" else [])
    for question in asked.questions:
        assert page.says(question.title.in_(language).replace("`", ""))


QUESTIONS = [question for unit in bank.all_units() for question in unit.questions]


@pytest.mark.parametrize("language", LANGUAGES)
def test_explanations_are_those_that_the_check_gives(language):
    """Of every wrong answer that is named, `judge` says the same and gives no points."""
    n_slips = 0
    for question in QUESTIONS:
        rows = [why for _, why in question_pages.explained(question, language=language)]
        right = question.judge(question.right_answer(""), "")
        assert right.share == 1
        assert len(rows) >= 2 or not getattr(question, "slips", ())
        for slip in getattr(question, "slips", ()):
            given = slip.given(question.values(""))
            verdict = question.judge(given, "")
            if verdict.share == 0:
                n_slips += 1
                assert verdict.why.in_(language) in rows, question.id
        if hasattr(question, "why") and question.kind != "mutant":
            assert right.why.in_(language) in rows, question.id
    assert n_slips > 50


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.id)
def test_the_answer_shown_is_one_that_the_check_takes(question):
    """What stands on the page, typed in by somebody, earns all points."""
    [shown] = re.findall(
        r"\*\*Right answer:\*\* `(.*)`", "\n".join(question_pages._answer(question, "en"))
    )
    assert question.judge(eval(shown), "").share == 1


# Parts


def test_formula_is_well_formed_mathml():
    made = ET.fromstring(mathml(r"\frac{a_1}{\sqrt{b}}"))
    space = "{http://www.w3.org/1998/Math/MathML}"
    assert made.tag == f"{space}math"
    [fraction] = made.iter(f"{space}mfrac")
    assert ["".join(part.itertext()) for part in fraction] == ["a1", "b"]
    assert len(list(made.iter(f"{space}msqrt"))) == 1


def test_angle_brackets_survive_their_size():
    assert "⟨" in mathml(r"\Bigl\langle g, h \Bigr\rangle")


@pytest.mark.parametrize("tex", [r"\nosuchcommand x", r"\left( x"])
def test_a_formula_that_cannot_be_set_is_refused(tex):
    with pytest.raises(FormulaError, match="formula"):
        mathml(tex)


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("|x| and `|x|`", r"\|x\| and `|x|`"),
        ("*not* 2 * n", r"*not* 2 \* n"),
        ("**settings", r"\*\*settings"),
    ],
)
def test_signs_of_mathematics_in_a_docstring_are_no_markup(line, wanted):
    assert docstrings.plain(line) == wanted


def test_links_to_files_become_links_to_pages_and_others_lose_their_address():
    text = "[a](GRADING_SECURITY.md#x) [b](../README.md) [c](https://x.org) [d](#here)"
    pages = {"lessons/GRADING_SECURITY.md": "instructors/grading_security"}
    name = "lessons/INSTRUCTOR_GUIDE.md"
    assert linked(text, name=name, page="instructors/guide", pages=pages) == (
        "[a](../instructors/grading_security.md#x) b [c](https://x.org) [d](#here)"
    )


# Not for readers of the reference: parts of the modules that they stand beside.
INNER = {"npz_cache", "medmnist_layout", "doctor", "episode_gradients", "study_report"}


def test_reference_has_every_module_of_the_library():
    shown = {
        m for g in reference_pages.GROUPS.values() for n in g for m in reference_pages.modules(n)
    }
    library = ("core", "methods", "gradient-based methods", "training")
    members = {name.removesuffix(".*") for layer in library for name in LAYERS[layer]}
    public = {name for name in members if name in MODULES and "." not in name} - INNER
    assert public - {name.removeprefix("medmeta_ref.") for name in shown} == set()


def small_site(tmp_path, text):
    source = tmp_path / "source"
    source.mkdir()
    (source / "index.md").write_text(text, encoding="utf-8")
    (tmp_path / "pictures").mkdir()
    chosen = settings(version="0", pictures=tmp_path / "pictures")
    site.print_site(source, tmp_path / "made", tmp_path / "read", chosen)


@pytest.mark.filterwarnings("ignore:.*MystReferenceResolver.app")  # MyST's own, of Sphinx 11
@pytest.mark.parametrize(
    ("text", "warning"),
    [
        ("# A\n\n[gone](nowhere.md)\n", "nowhere.md"),
        ("# A\n\n### B\n", "H1 to H3"),
        ("# A\n\n$\\nosuchcommand$\n", "nosuchcommand"),
    ],
)
def test_a_warning_is_an_error_that_names_the_place(text, warning, tmp_path):
    with pytest.raises(site.BookError, match=warning):
        small_site(tmp_path, text)


# The command


@pytest.fixture
def medmeta(monkeypatch):
    monkeypatch.chdir(ROOT)
    return lambda *line: CliRunner().invoke(app, ["book", *map(str, line)])


def test_unknown_unit_is_told_which_there_are(medmeta):
    result = medmeta("99")
    assert result.exit_code == 1
    assert "no unit '99'; there are 00_orientation" in result.stderr


def test_folder_without_runs_says_how_to_make_them(medmeta, tmp_path):
    result = medmeta("--executed", tmp_path)
    assert result.exit_code == 1
    assert f"medmeta execute --to {tmp_path}" in result.stderr.replace("\n", "")


def test_somebody_elses_folder_is_left_alone(medmeta, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine", encoding="utf-8")
    result = medmeta("00", "--no-run", "--to", tmp_path)
    assert result.exit_code == 1
    assert "something else than a book" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("change", ["cells", "mark"])
def test_a_run_of_another_version_is_refused(change, tmp_path):
    ran = with_outputs(UNITS[0], fast=False)
    if change == "cells":
        ran.cells[1].source += "\n# as it was last year"
    else:
        del ran.metadata[FAST]
    path = tmp_path / "lessons" / f"{UNITS[0]}.ipynb"
    path.parent.mkdir()
    nbformat.write(ran, path)
    with pytest.raises(notebook_pages.StaleError, match=f"medmeta execute {UNITS[0]}"):
        notebook_pages.write_lesson(
            ROOT, UNITS[0], executed=tmp_path, into=tmp_path / "into", pictures=tmp_path
        )


# In a browser


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture(scope="module")
def address(book):
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(book))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def chromium():
    if CHROMIUM is None:
        pytest.skip("needs Debian's chromium")
    sync_playwright = pytest.importorskip("playwright.sync_api").sync_playwright
    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-quic", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        yield browser
        browser.close()


KEY_PAGES = (
    "index",
    "start",
    "lessons/index",
    f"lessons/{UNITS[0]}",
    "lessons/06_maml",
    "exercises/06_maml",
    "questions/06",
    "questions/06_zh",
    "reference/index",
    "reference/medmeta_ref.maml",
    "instructors/grading_security",
    "about/coverage",
    "search",
)
# One of each kind: what differs in the dark is colours.
DARK_PAGES = ("index", f"lessons/{UNITS[0]}", "questions/06", "reference/medmeta_ref.maml")


@pytest.mark.slow
@pytest.mark.parametrize(("scheme", "names"), [("light", KEY_PAGES), ("dark", DARK_PAGES)])
def test_axe_finds_nothing_serious_and_the_console_stays_empty(scheme, names, address, chromium):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    context = chromium.new_context(color_scheme=scheme)
    page = context.new_page()
    errors, asked, found = [], [], []
    page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    for name in names:
        page.goto(f"{address}/{name}.html")
        page.wait_for_load_state("load")
        assert (errors, name) == ([], name)
        page.eval_on_selector_all("details", "all => all.forEach(each => each.open = true)")
        for problem in axe.run(page).response["violations"]:
            if problem["impact"] in ("serious", "critical"):
                where = [node["target"] for node in problem["nodes"]]
                found.append((name, problem["id"], where[:3]))
        errors.clear()  # of axe's own loads
    context.close()
    assert found == []
    assert {url for url in asked if not url.startswith((address, "data:"))} == set()


@pytest.mark.slow
def test_an_answer_opens_by_keyboard(address, chromium):
    page = chromium.new_page()
    page.goto(f"{address}/questions/06.html")
    answer = page.locator("details").first
    assert answer.get_attribute("open") is None
    answer.locator("summary").focus()
    page.keyboard.press("Enter")
    assert answer.get_attribute("open") is not None
    assert answer.get_by_text("Right answer:").is_visible()
    page.close()


@pytest.mark.slow
def test_search_finds_a_word_of_a_lesson(address, chromium):
    page = chromium.new_page()
    page.goto(f"{address}/search.html?q=FOMAML")
    page.locator("#search-results a", has_text="Lesson 06").first.wait_for()
    page.close()


def test_json_of_the_search_knows_the_questions(book):
    index = (book / "searchindex.js").read_text(encoding="utf-8")
    known = json.loads(index.removeprefix("Search.setIndex(").removesuffix(")"))
    assert "questions/06" in known["docnames"]
