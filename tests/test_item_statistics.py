"""Reading saved results, naming mistakes, and counting them over a class."""

import json
from collections import Counter

import pytest
from scipy.stats import pointbiserialr

from medmeta_ref.grading.reports import item_statistics as statistics
from medmeta_ref.grading.reports.item_statistics import item_statistics, point_biserial
from medmeta_ref.grading.reports.messages import named_mistake, parts
from medmeta_ref.grading.reports.saved_results import ResultsError, read_results
from medmeta_ref.grading.results import CheckResult, State
from tests.graded_class import UNIT, a_class, graded, solutions, write_results, wrong_texts


def lost(message, state=State.WRONG):
    return CheckResult("test", "A title.", state, 4.0, message)


# Reading


def test_what_a_batch_wrote_is_read_back_by_student(tmp_path):
    results = a_class(40)[:3]
    folder = write_results(reversed(results), tmp_path)
    (folder / ".student09.json.part").write_text("{", encoding="utf-8")
    (folder / ".hidden.json").write_text("{", encoding="utf-8")
    (folder / "report").mkdir()
    assert read_results(folder) == list(results)


def test_no_results_is_an_error_that_says_what_to_do(tmp_path):
    with pytest.raises(ResultsError, match=r"no results in .*grade the unit first"):
        read_results(tmp_path / UNIT)


BROKEN = {
    "cut off": lambda text: text[:40],
    "not JSON": lambda text: "nonsense",
    "a list": lambda text: "[]",
    "nested without end": lambda text: "[" * 100_000,
    "a field gone": lambda text: text.replace('"answers"', '"answer"'),
    "another student's": lambda text: text.replace('"student00"', '"student01"'),
    "another unit's": lambda text: text.replace(f'"{UNIT}"', '"04_other"'),
    "a state that is none": lambda text: text.replace('"right"', '"perfect"'),
    "points as text": lambda text: text.replace('"max_points": 5.0', '"max_points": "many"'),
    "a number as message": lambda text: text.replace('"message": ""', '"message": 5'),
    "answers as a list": lambda text: json.dumps(json.loads(text) | {"answers": []}),
    "a number as answer": lambda text: json.dumps(json.loads(text) | {"answers": {"a": 1}}),
}


@pytest.mark.parametrize("spoil", BROKEN.values(), ids=BROKEN)
def test_a_file_that_is_no_result_is_named_and_nothing_is_reported_without_it(spoil, tmp_path):
    folder = write_results([graded("student00", solutions()), *a_class(40)[2:4]], tmp_path)
    path = folder / "student00.json"
    spoilt = spoil(path.read_text(encoding="utf-8"))
    assert spoilt != path.read_text(encoding="utf-8")
    path.write_text(spoilt, encoding="utf-8")
    with pytest.raises(ResultsError, match=r"(?s)student00\.json: .*grade those students again"):
        read_results(folder)


def test_bytes_that_are_no_text_are_named_as_well(tmp_path):
    folder = write_results(a_class(40)[:1], tmp_path)
    (folder / "other.json").write_bytes(b"\xff\xfe")
    with pytest.raises(ResultsError, match=r"other\.json: "):
        read_results(folder)


# Messages


@pytest.mark.parametrize(
    ("message", "named"),
    [
        ("Expected 3.24118, got 0.463026. T² is missing.", "T² is missing."),
        ("Expected -1e-05, got 2. T = 1, so it is wrong.", "T = 1, so it is wrong."),
        ("At [0, 12]: expected 0.5, got 1.5e+20. Check dim=1.", "Check dim=1."),
        ("Expected 1, got 2.", "Expected 1, got 2."),  # no name: the numbers are all there is
        ("Shape (5, 3) was expected, yours is (5,). Look.", "Shape (…) was expected, yours is (…)"),
        ("Shape () was expected, yours is (30,).", "Shape (…) was expected, yours is (…)."),
        ("Line 3 is not the cause. Which line?", "Line 3 is not the cause. Which line?"),
        ("A dict was expected, got [2, 4, 5].", "A dict was expected, got […]."),
        ("", "(no message)"),
    ],
)
def test_a_mistake_is_named_without_the_numbers(message, named):
    assert named_mistake(lost(message)).startswith(named)


def test_an_error_is_named_without_the_line_and_the_names_in_it():
    messages = [
        f"NameError: name '{name}' is not defined at `cell soft_targets line 2: return {name}`"
        for name in ("abc", "xyz")
    ]
    first, second = (lost(message, State.RAISED) for message in messages)
    assert named_mistake(first) == named_mistake(second) == "NameError: name '…' is not defined"
    assert parts(first).line == "cell soft_targets line 2: return abc"
    assert parts(first).cause == "NameError: name 'abc' is not defined"


def test_a_backtick_in_the_error_or_in_the_line_stays_where_it_is():
    check = lost("ValueError: look at `x` at `cell a line 1: f('`')`", State.RAISED)
    assert parts(check) == ("", "ValueError: look at `x`", "cell a line 1: f('`')")


def test_an_error_without_a_line_has_none():
    check = lost("Stopped: it took longer than 10 seconds, and was ended", State.RAISED)
    assert parts(check).line == ""
    assert named_mistake(check) == "Stopped: it took longer than 10 seconds, and was ended"


@pytest.mark.parametrize("exercise", ["soft_targets", "distillation_loss", "label_weight"])
def test_students_with_other_inputs_and_the_same_wrong_answer_make_the_same_mistake(exercise):
    """The specs' own messages: no number of any of them survives in the name."""
    for text in wrong_texts(exercise):
        names = [
            tuple(
                named_mistake(check)
                for each in graded(student, {exercise: text}).result.exercises
                if each.exercise == f"03.{exercise}"
                for check in each.checks
                if check.state is not State.RIGHT
            )
            for student in ("ada", "grace", "emmy")
        ]
        assert names[0] == names[1] == names[2], text


# Counting


def test_counts_are_those_of_counting_by_hand():
    results = a_class(40)
    for item in item_statistics(results):
        states = Counter(
            check.state
            for stored in results
            for exercise in stored.result.exercises
            if exercise.exercise == item.exercise
            for check in exercise.checks
            if check.test == item.test
        )
        assert (item.n_right, item.n_wrong, item.n_raised, item.n_not_attempted) == (
            states[State.RIGHT],
            states[State.WRONG],
            states[State.RAISED],
            states[State.NOT_ATTEMPTED],
        )
        assert item.n_submissions == 40
        assert sum(n for _, n in item.mistakes) == item.n_wrong + item.n_raised
        assert [n for _, n in item.mistakes] == sorted((n for _, n in item.mistakes), reverse=True)


def test_the_instructor_sees_how_many_made_which_mistake():
    [mean] = [
        text for text in wrong_texts("distillation_loss") if "soft / student_logits.shape" in text
    ]
    results = [graded(f"s{i}", {"distillation_loss": mean}) for i in range(3)]
    results.append(graded("s3", solutions()))
    [item] = [i for i in item_statistics(results) if "soft_term_is" in i.test]
    [(mistake, n)] = item.mistakes
    assert "reduction='mean'" in mistake
    assert (n, item.n_submissions, item.n_right) == (3, 4, 1)


def test_checks_come_in_the_order_of_the_unit():
    stored = a_class(40)[0]
    order = [(e.exercise, c.test) for e in stored.result.exercises for c in e.checks]
    assert [(item.exercise, item.test) for item in item_statistics(a_class(40))] == order


def test_discrimination_is_scipys_point_biserial_over_those_who_attempted_it():
    results = a_class(60)
    told = 0
    for item in item_statistics(results):
        right, rest = [], []
        for stored in results:
            [check] = [
                check
                for exercise in stored.result.exercises
                if exercise.exercise == item.exercise
                for check in exercise.checks
                if check.test == item.test
            ]
            if check.state is not State.NOT_ATTEMPTED:
                right.append(check.state is State.RIGHT)
                rest.append(stored.result.points - check.points)
        if item.discrimination is not None:
            told += 1
            assert item.discrimination == pytest.approx(pointbiserialr(right, rest).statistic)
            assert len(right) == item.n_attempted >= statistics.MIN_ATTEMPTS
        else:
            n_right = sum(right)
            assert (
                len(right) < statistics.MIN_ATTEMPTS
                or min(n_right, len(right) - n_right) < statistics.MIN_EACH
            )
    assert told > 5


def test_few_submissions_have_no_discrimination():
    assert {item.discrimination for item in item_statistics(a_class(40)[:20])} == {None}


def test_where_nothing_varies_there_is_no_correlation():
    assert point_biserial([True, True], [1.0, 2.0]) is None
    assert point_biserial([True, False], [0.1 + 0.2, 0.3]) is None
    assert point_biserial([True, False], [2.0, 1.0]) == pytest.approx(1)
    assert point_biserial([True, False], [1.0, 2.0]) == pytest.approx(-1)


def test_statistics_survive_json():
    [item, *_] = item_statistics(a_class(40))
    data = json.loads(json.dumps(item.to_json()))
    assert data["n_attempted"] + data["n_not_attempted"] == data["n_submissions"] == 40
    assert sum(m["n"] for m in data["mistakes"]) == data["n_wrong"] + data["n_raised"]
