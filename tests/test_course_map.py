"""The map of the course agrees with the folders, and with what the lessons ask for."""

import re

import pytest

from medmeta_ref.authoring.builder import course_root
from medmeta_ref.grading.spec_runner import max_points
from medmeta_ref.progress.course_map import TOPICS, everything_before
from medmeta_ref.progress.units import NoSuchUnit, course_units, find_unit, unit_names

ROOT = course_root()
UNITS = course_units(ROOT)
TEXTS = sorted([*(ROOT / "lessons").glob("*_*.py"), *(ROOT / "solutions").glob("*_*.py")])


def test_units_are_those_that_have_solutions_in_the_same_order():
    assert unit_names(ROOT) == sorted(path.stem for path in (ROOT / "solutions").glob("*.py"))
    assert [unit.name for unit in UNITS] == unit_names(ROOT)


def test_every_unit_is_on_the_map_with_a_title_of_its_own():
    assert {unit.number for unit in UNITS} <= TOPICS.keys()
    titles = [topic.title for topic in TOPICS.values()]
    assert len(set(titles)) == len(titles)
    assert max(map(len, titles)) <= 24  # the table has to fit a terminal


def test_a_unit_builds_only_on_earlier_ones_that_are_on_the_map():
    for number, topic in TOPICS.items():
        assert all(need in TOPICS and need < number for need in topic.needs)


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_units_that_a_text_asks_for_are_on_the_map_before_it(path):
    """The paragraph "Know first" of lessons and exercises names numbers of units."""
    text = path.read_text(encoding="utf-8").replace("\n#", " ")
    asked = re.search(r"\*\*Know first\.\*\*(.*?)- \*\*", text)
    named = set(re.findall(r"(?<![\w/])(\d\d)(?!\w)", asked[1]))
    number = path.stem[:2]
    assert named - {number} <= everything_before(number)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_points_of_a_unit_are_those_of_its_checks(unit):
    assert unit.exercises == {name: max_points(name) for name in unit.exercises}
    assert unit.max_points > 0
    assert unit.has_lesson


def test_a_unit_is_found_by_name_and_by_number():
    unit = UNITS[3]
    for asked in (unit.name, unit.number, str(int(unit.number))):
        assert find_unit(ROOT, asked) == unit.name


@pytest.mark.parametrize("asked", ["", ".", "..", "../exercises", "99", "03_", "-3", "²"])
def test_what_is_no_unit_is_refused_with_those_there_are(asked):
    with pytest.raises(NoSuchUnit, match="there are 00_orientation"):
        find_unit(ROOT, asked)
