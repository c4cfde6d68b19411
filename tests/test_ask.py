"""What learners see of the questions: both languages, their own numbers, and no key."""

import itertools
import json
import re
import subprocess
import sys
import unicodedata

import pytest
from markdown_it import MarkdownIt

from medmeta_ref.questions import ask
from medmeta_ref.questions.bank import all_units, unit
from medmeta_ref.questions.render import as_markdown, as_text, template, wrapped
from medmeta_ref.questions.words import LANGUAGES

UNIT = unit("03")
VIEWS = [(each.number, language) for each in all_units() for language in LANGUAGES]


@pytest.mark.parametrize(("number", "language"), VIEWS)
def test_every_question_option_and_card_is_shown(number, language):
    shown = as_markdown(unit(number), language=language, student="ada")
    for question in unit(number).questions:
        assert f"`{question.id}`" in shown
        assert question.title.in_(language) in shown
        assert question.stem_for("ada").in_(language) in shown
        assert question.code_for("ada") in shown
        for lines in question.lists():
            for mark, text in lines.items:
                assert f"- **{mark}.** {text.in_(language)}" in shown
    for card in unit(number).cards:
        assert card.model.in_(language) in shown


@pytest.mark.parametrize(("number", "language"), VIEWS)
def test_no_explanation_of_a_graded_question_is_shown(number, language):
    shown = as_markdown(unit(number), language=language, student="ada")
    for question in unit(number).questions:
        for _, why in question.explanations():
            assert why.in_(language) not in shown


@pytest.mark.parametrize(("number", "language"), VIEWS)
def test_the_page_is_sound_markdown(number, language):
    """Headings step down by one, what opens closes, and no placeholder is left."""
    shown = as_markdown(unit(number), language=language, student="ada")
    tokens = MarkdownIt("commonmark").parse(shown)
    levels = [int(t.tag[1]) for t in tokens if t.type == "heading_open"]
    assert levels[0] == 2
    assert set(levels[1:]) == {3, 4}
    assert all(below - above <= 1 for above, below in itertools.pairwise(levels))
    for tag in ("div", "details", "summary"):
        assert shown.count(f"<{tag}") == shown.count(f"</{tag}>")
    assert shown.count("```") % 2 == 0
    assert f'<div lang="{"zh-Hans" if language == "zh" else "en"}">' in shown
    for question in unit(number).questions:
        for name in question.values("ada"):
            assert not re.search(rf"(?<![\w^\\}}])\{{{name}(:[^{{}}\s]*)?\}}", shown)


@pytest.mark.parametrize("language", LANGUAGES)
def test_text_fits_a_terminal_and_says_the_same(language):
    text = as_text(UNIT, language=language, student="")
    lines = text.split("\n")
    columns = [sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in x) for x in lines]
    indented = [x.startswith("    ") for x in lines]  # code is never wrapped
    assert (
        max(c for c, code in zip(columns, indented, strict=True) if not code) <= 92
    )  # 88, and two marks that may hang over
    assert not re.search(r"</?(div|details|summary)|\*\*[a-p]\.", text)
    assert "a * (b - 1) ** 2" in " ".join(text.split())


def test_wrapping_loses_nothing_and_starts_no_line_with_a_comma():
    line = "知识蒸馏把教师模型的软目标传给学生模型，温度 $T$ 越高分布越平。" * 6
    got = wrapped(line, width=40)
    assert "".join(x.replace(" ", "") for x in got) == line.replace(" ", "")
    assert all(x[0] not in "，。" for x in got)
    assert len(got) > 5


def test_template_is_a_dict_with_a_place_for_every_answer():
    text = template(UNIT, language="zh", student="a\"d'a")
    answers = eval(text.removeprefix("return "))
    assert answers.pop("student") == "a\"d'a"
    assert answers.pop("language") == "zh"
    assert answers == {question.id: ... for question in UNIT.questions}
    assert "student" not in template(UNIT, language="en", student="")


def test_ask_takes_the_student_from_the_environment(monkeypatch, capsys):
    monkeypatch.setenv("MEDMETA_STUDENT", "ben")
    ask("03")
    by_environment = capsys.readouterr().out
    ask("03", student="ben")
    assert by_environment == capsys.readouterr().out
    assert '"student": "ben"' in by_environment
    ask("03", student="")
    assert '"student"' not in capsys.readouterr().out


def test_ask_refuses_what_is_not_there():
    with pytest.raises(ValueError, match="unit '99' has no questions"):
        ask("99")
    with pytest.raises(ValueError, match="no language 'de'; there are 'en', 'zh'"):
        ask("03", language="de")


def test_a_notebook_gets_markdown_and_text():
    code = (
        "from IPython.testing.globalipapp import start_ipython\n"
        "import json, IPython.display\n"
        "shown = []\n"
        "IPython.display.display = lambda data, raw: shown.append(data)\n"
        "start_ipython()\n"
        "from medmeta_ref.questions import ask\n"
        "ask('03', student='')\n"
        "print(json.dumps(shown))\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    [data] = json.loads(run.stdout.splitlines()[-1])
    assert data["text/markdown"] == as_markdown(UNIT, language="en", student="")
    assert data["text/plain"] == as_text(UNIT, language="en", student="")


def test_asking_needs_neither_nbgrader_nor_rich_nor_torch_to_be_imported():
    code = (
        "import sys, medmeta_ref.questions\n"
        "print({'torch', 'nbgrader', 'rich', 'IPython'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


def test_the_authors_view_prints_the_key():
    from medmeta_ref.questions.__main__ import main

    assert main(["03"]) == 0
