"""The bibliography holds what the texts cite, and nothing else."""

import re
from pathlib import Path

import pytest

from medmeta_ref.authoring.builder import course_root

ROOT = course_root(Path(__file__))
TEXTS = [
    *(ROOT / "lessons").glob("*.py"),
    *(ROOT / "solutions").glob("*.py"),
    *(ROOT / "medmeta_ref").rglob("*.py"),
]
SURNAME = r"[A-Z][\w'-]+"
CITATION = re.compile(
    rf"\b({SURNAME})(?: et al\.|((?:, {SURNAME})*),? and ({SURNAME}))?,? \(?((?:19|20)\d\d)\b"
)
ARXIV = re.compile(r"arXiv:? (\d{4}\.\d{4,5})")
# A capital and a year, and no paper: months, programs, the names of works.
NOT_AUTHORS = {"CBRS", "Design", "In", "Neural", "The", *"January May November December".split()}


def unwrapped(text):
    """Return a text on one line, without the marks of comments."""
    return re.sub(r"\s*\n\s*(?:#\s*)?", " ", text)


def entries():
    text = (ROOT / "lessons" / "BIBLIOGRAPHY.md").read_text(encoding="utf-8")
    return [unwrapped(entry) for entry in re.findall(r"(?ms)^- (.*?)(?=^- |^#|\Z)", text)]


def heads():
    """Return the authors, and the year, of every entry."""
    found = [re.match(r"(.*?) (\d{4})\. (\S.*)", entry) for entry in entries()]
    assert all(found)
    return [(set(re.findall(r"[\w'-]+", each[1])), each[2]) for each in found]


ALL = "\n".join(unwrapped(path.read_text(encoding="utf-8")) for path in TEXTS)
CITED = sorted(
    {
        (first, last or "", year)
        for first, _, last, year in CITATION.findall(ALL)
        if first not in NOT_AUTHORS
    }
)


def test_the_texts_cite_as_they_should():
    assert ("Finn", "Levine", "2017") in CITED
    assert ("Guo", "", "2020") in CITED


@pytest.mark.parametrize(("first", "last", "year"), CITED)
def test_whoever_is_cited_is_listed(first, last, year):
    wanted = {name for name in (first, last) if name}
    assert [authors for authors, of in heads() if of == year and wanted <= authors]


def test_numbers_on_arxiv_are_those_of_the_texts():
    listed = ARXIV.findall("\n".join(entries()))
    assert len(set(listed)) == len(listed)
    assert set(listed) == set(ARXIV.findall(ALL))


def test_nothing_is_listed_that_nobody_cites():
    for authors, year in heads():
        assert [1 for first, last, of in CITED if of == year and {first, last} - {""} <= authors], (
            authors,
            year,
        )


def test_entries_stand_in_the_order_of_the_alphabet_below_each_heading():
    text = (ROOT / "lessons" / "BIBLIOGRAPHY.md").read_text(encoding="utf-8")
    for section in text.split("\n## ")[1:]:
        names = re.findall(r"(?m)^- (?:van de )?(\w+)", section)
        assert names == sorted(names, key=str.casefold)
