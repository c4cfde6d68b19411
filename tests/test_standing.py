"""How things stand, counted by hand from a few checks."""

from datetime import UTC, datetime, timedelta

from medmeta_ref.progress.log import Check, Log, Step
from medmeta_ref.progress.standing import missing, next_unit, standings
from medmeta_ref.progress.units import Unit

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
A = Unit("01_a", "A", (), {"01.x": 4.0, "01.y": 6.0}, True)
B = Unit("02_b", "B", ("01",), {"02.z": 5.0}, True)
C = Unit("03_c", "C", ("02", "77"), {"03.w": 5.0}, True)
UNITS = [A, B, C]


def check(minute, exercise, points, answer="", attempted=True, max_points=10.0):
    time = NOON + timedelta(minutes=minute)
    return Check(time, exercise, points, max_points, attempted, answer)


def stand(*checks, started=("01_a", "02_b", "03_c"), steps=()):
    return standings(UNITS, set(started), Log(checks, steps))


def test_points_are_those_of_the_last_check_of_each_exercise():
    a, b, _ = stand(
        check(0, "01.x", 1), check(1, "01.x", 4), check(2, "01.y", 6), check(3, "01.x", 3)
    )
    assert [each.points for each in a.exercises] == [3, 6]
    assert (a.points, a.max_points, a.done) == (9, 10, False)
    assert (b.points, b.state) == (0, "started")
    assert a.open_exercise.name == "01.x"


def test_the_same_answer_checked_again_is_no_new_attempt():
    checks = (
        check(0, "01.x", 0, attempted=False),
        check(1, "01.x", 1, "aaa"),
        check(2, "01.x", 1, "aaa"),  # again, in the terminal
        check(3, "01.x", 1, "bbb"),  # another answer of the same worth
        check(4, "01.x", 1, ""),  # unknown text, same verdict
        check(5, "01.x", 4, ""),
    )
    assert stand(*checks)[0].attempts == 3


def test_what_was_checked_before_a_reset_counts_as_attempts_and_not_as_points():
    steps = (Step(NOON + timedelta(minutes=5), "reset", "01_a", {}),)
    before, after = check(0, "01.x", 4, "a"), check(9, "01.y", 6, "b")
    [a, *_] = stand(before, after, steps=steps)
    assert (a.points, a.attempts) == (6, 2)
    [a, *_] = stand(before, after, steps=(steps[0]._replace(kind="update"),))
    assert a.points == 10


def test_points_never_exceed_what_the_exercise_is_worth_now():
    assert stand(check(0, "02.z", 10, max_points=10.0))[1].points == 5


def test_an_exercise_that_is_gone_counts_nowhere():
    [a, *_] = stand(check(0, "01.gone", 7))
    assert (a.points, a.attempts) == (0, 0)


def test_pauses_are_no_time_at_work():
    checks = [check(m, "01.x", 1) for m in (0, 10, 40, 71, 75)]  # 10 + 30 + 4; 31 is a pause
    [a, b, _] = stand(*checks, check(72, "02.z", 1))
    assert a.minutes == 44
    assert b.minutes == 0


def test_states_in_words():
    assert stand(started=())[0].state == "not started"
    assert stand(check(0, "01.x", 1))[0].state == "in progress"
    assert stand(check(0, "01.x", 4), check(0, "01.y", 6))[0].state == "done"


def test_one_goes_on_with_what_one_worked_on_last():
    assert next_unit(stand(check(0, "02.z", 1), check(1, "01.x", 1))).unit is A
    assert next_unit(stand(check(0, "01.x", 1), check(1, "02.z", 1))).unit is B


def test_after_a_finished_unit_comes_a_begun_one_and_then_one_whose_prerequisites_are_known():
    finished = (check(0, "01.x", 4), check(1, "01.y", 6))
    assert next_unit(stand(*finished, started=("01_a", "03_c"))).unit is C
    assert next_unit(stand(*finished, started=("01_a",))).unit is B
    assert next_unit(stand(started=())).unit is A
    everything = (*finished, check(2, "02.z", 5), check(3, "03.w", 5))
    assert next_unit(stand(*everything)) is None


def test_a_prerequisite_is_known_with_four_fifths_of_its_points():
    assert missing(B, stand(check(0, "01.x", 3), check(0, "01.y", 4))) == ["01"]
    assert missing(B, stand(check(0, "01.x", 3), check(0, "01.y", 5))) == []
    assert missing(C, stand()) == ["02"]  # there is no 77 here to ask for


def test_a_unit_without_exercises_is_never_next():
    empty = Unit("00_n", "N", (), {}, True)
    found = standings([empty, A], set(), Log())
    assert next_unit(found).unit is A
    assert not found[0].done
