"""Wrong answers to the interview questions of unit 00: tempting ones, and thoughtless ones."""

from medmeta_ref.questions.bank import unit
from tests.wrong_answers import wrong

QUESTIONS = {question.id: question for question in unit("00").questions}


def but_for(**changes):
    """Return all the right answers, some of them replaced."""
    return {name: question.right_answer() for name, question in QUESTIONS.items()} | changes


def lost(*names):
    return tuple(f"test_question[{name}]" for name in names)


@wrong("00.questions", *lost("name_error"), says="cost nothing")
def warnings_are_errors():
    """As in nbgrader on its own."""
    return but_for(name_error="b")


@wrong("00.questions", *lost("four_states"), says="1 does not go with b")
def placeholder_crashes():
    """Takes the placeholder's exception for a crash."""
    return but_for(four_states=QUESTIONS["four_states"].right_answer() | {1: "b"})


@wrong("00.questions", *lost("what_is_taken"), says="a fresh copy")
def deleted_checks_cost():
    """As in nbgrader on its own."""
    return but_for(what_is_taken={"a", "b", "d", "e"})


@wrong("00.questions", *lost("half_right"), says="may be luck")
def half_is_half():
    """Expects shares of a check."""
    numbers = QUESTIONS["half_right"].values("")
    return but_for(half_right=numbers["a"] + numbers["b"] / 2 + numbers["c"])


@wrong("00.questions", *lost("same_seed"), says="the global one")
def seeds_are_global():
    """Thinks that torch.manual_seed concerns every generator."""
    return but_for(same_seed=(False, False, 9))


@wrong("00.questions", *lost("the_way"), says="comes later")
def graded_before_handed_in():
    """Two steps the wrong way round."""
    return but_for(the_way="cfabde")


@wrong("00.questions", *lost("own_means"), says="without `keepdim`")
def axes_are_gone():
    """Overlooks keepdim."""
    return but_for(own_means=(QUESTIONS["own_means"].values("")["n"],))


@wrong("00.questions", *lost("pooled_variance"), says="v = w = 0")
def mean_of_variances():
    """Forgets the difference between images: the mistake of exercise 1."""
    return but_for(pooled_variance="(v + w) / 2")


@wrong("00.questions", *lost("whose_numbers"), says="line 5 is not where it belongs")
def right_fix_for_another_line():
    """The letter is right, the line is not."""
    return but_for(whose_numbers=(5, "c"))


@wrong("00.questions", *lost("test_case"), says="2 of 5 are caught. c passes")
def range_of_the_pixels():
    """A case whose darkest and brightest pixel are low and high."""
    return but_for(test_case=(([1, 2, 3], 1, 3), [0, 0.5, 1]))


@wrong("00.questions", *lost("test_case"), says="would fail your test")
def case_with_a_slip():
    """The inputs are telling, the result is miscalculated."""
    return but_for(test_case=(([1, 4], 3, 1), [1, 0.5]))


@wrong("00.questions", *lost(*QUESTIONS), says="A dict")
def not_a_dict():
    """A list of answers."""
    return ["c", "b"]
