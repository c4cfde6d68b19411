"""Which of the source bank's items the course answers: the list of gaps is exact, and shrinks."""

from medmeta_ref.authoring.builder import course_root
from medmeta_ref.grading.spec_runner import exercises
from medmeta_ref.questions.bank import Unit, all_units
from medmeta_ref.questions.coverage import as_markdown, coverage, gaps
from medmeta_ref.questions.source_items import ITEMS

# Strike an item as soon as a lesson and a graded question (for A4, A5 an exercise as well) answer
# it. This list never grows.
GAPS = []

ROOT = course_root()


def test_exactly_the_known_gaps_are_open():
    assert gaps(all_units()) == GAPS


def test_the_list_of_items_is_that_of_the_source():
    assert list(ITEMS) == [f"A{n}" for n in range(1, 6)] + [f"B{n}" for n in range(1, 11)]
    assert [item for item, each in ITEMS.items() if each.kind == "code"] == ["A4", "A5"]


def test_every_exercise_that_is_named_exists_and_every_exercise_is_named():
    for unit in all_units():
        there = {n.partition(".")[2] for n in exercises() if n.startswith(unit.number)}
        assert {*unit.exercises, "questions"} == there


def test_every_unit_with_questions_has_its_lesson():
    for unit in all_units():
        assert len(list((ROOT / "lessons").glob(f"{unit.number}_*.py"))) == 1


def test_the_table_names_what_answers_an_item():
    row = coverage(all_units())["A4"]
    assert "03" in row.lessons
    assert "03.distillation_loss" in row.exercises
    assert "03.t_squared" in row.questions
    assert "03.clinic_laptop" in row.cards
    [line] = [x for x in as_markdown(all_units()).splitlines() if x.startswith("| A4 |")]
    assert "`03.distillation_loss`" in line
    assert line.count("|") == 7


def test_a_program_is_not_covered_without_an_exercise():
    [unit] = [unit for unit in all_units() if unit.number == "03"]
    assert "A4" not in gaps([unit])
    assert "A4" in gaps([unit._replace(exercises={})])
    assert "A4" in gaps([unit._replace(lesson=())])
    assert "A4" in gaps([unit._replace(questions=())])
    assert gaps([Unit("99", (), {}, (), ())]) == list(ITEMS)


def test_the_table_in_the_course_is_up_to_date():
    there = (ROOT / "lessons" / "COVERAGE.md").read_text(encoding="utf-8")
    assert there == as_markdown(all_units())
