"""Wrong answers to the interview questions of unit 03: tempting ones, and thoughtless ones."""

import math

from medmeta_ref.questions.bank import unit
from tests.wrong_answers import wrong

QUESTIONS = {question.id: question for question in unit("03").questions}


def right_but_for(**changes):
    """Return all the right answers, some of them replaced."""
    return {name: question.right_answer() for name, question in QUESTIONS.items()} | changes


def lost(*names):
    return tuple(f"test_question[{name}]" for name in names)


def given(name):
    """Return the numbers of the variant that is shown to nobody in particular."""
    return QUESTIONS[name].values("")


@wrong("03.questions", *lost("t_squared"), says="in the limit of high T only")
def gradient_constant_in_t():
    """What many tutorials say of T squared."""
    return right_but_for(t_squared="c")


@wrong("03.questions", *lost("hot_gradient"), says="is missing")
def uniform_softmax_forgotten():
    """The factor 1/C is forgotten."""
    return right_but_for(hot_gradient="(z - v) / n")


@wrong("03.questions", *lost("hot_gradient"), says="written **, not ^")
def power_written_with_a_hat():
    """A formula in another language's notation."""
    return right_but_for(hot_gradient="(z - v)^1 / (C * n)")


@wrong("03.questions", *lost("batchmean"), says="What does `mean` divide by as well?")
def factor_is_the_batch_size():
    """Takes the number of images for the factor."""
    return right_but_for(batchmean=given("batchmean")["n_images"])


@wrong("03.questions", *lost("bug_report"), says="the teacher is the target")
def believes_the_bug_report():
    """The order on paper for the order in the call."""
    return right_but_for(bug_report="a")


@wrong("03.questions", *lost("dark_knowledge"), says="only the labels can tell that. ")
def all_options():
    """Chooses everything."""
    return right_but_for(dark_knowledge=set("abcde"))


@wrong("03.questions", *lost("dark_knowledge"), says="missed 1 right option.")
def one_option_overlooked():
    """Two of three: a part of the points."""
    return right_but_for(dark_knowledge={"a", "c"})


@wrong("03.questions", *lost("kl_facts"), says="takes its first argument for log-prob")
def divergence_of_equals_is_zero():
    """Does not see that probabilities were passed in."""
    return right_but_for(kl_facts=(True, True, 0))


@wrong("03.questions", *lost("ensemble_targets"), says="takes the members' axis away")
def mean_keeps_the_axis():
    """The shape before the mean."""
    return right_but_for(ensemble_targets=tuple(given("ensemble_targets").values()))


@wrong("03.questions", *lost("protocol"), says="The choice uses validation data")
def temperature_chosen_before_training():
    """Two steps swapped: most of the points."""
    right = QUESTIONS["protocol"].right_answer()
    return right_but_for(protocol=right[:3] + right[4] + right[3] + right[5])


@wrong("03.questions", *lost("smaller_models"), says="3 of 5 pairs are right")
def quantising_is_pruning():
    """Two partners swapped."""
    right = QUESTIONS["smaller_models"].right_answer()
    return right_but_for(smaller_models=right | {3: right[4], 4: right[3]})


@wrong("03.questions", *lost("stored_logits"), says="but the images a second time")
def images_shuffled_twice():
    """Mends the logits and breaks the images."""
    return right_but_for(stored_logits=(8, "b"))


@wrong("03.questions", *lost("stored_logits"), says="not where it belongs")
def right_fix_on_another_line():
    """The letter guessed, the line not found."""
    return right_but_for(stored_logits=(5, "d"))


@wrong("03.questions", *lost("second_guess"), says="at temperature 1")
def temperature_forgotten():
    """The softmax without the temperature."""
    return right_but_for(second_guess=1 / (1 + math.exp(given("second_guess")["gap"])))


@wrong("03.questions", *lost("interval"), says="no proof of none")
def no_effect_from_an_interval_around_zero():
    """Takes absence of evidence for evidence of absence."""
    return right_but_for(interval="b")


@wrong("03.questions", *lost("is_it_meta"), says="not learning to learn")
def agrees_with_the_interviewer():
    """Repeats the taxonomy that was offered."""
    return right_but_for(is_it_meta="b")


@wrong("03.questions", *lost(*QUESTIONS), says="One of the letters was expected")
def the_same_word_everywhere():
    """A value that is of no kind that is asked for."""
    return dict.fromkeys(QUESTIONS, "yes")


@wrong("03.questions", *lost("batchmean", "ensemble_targets", "second_guess"), says="")
def answers_of_another_student():
    """Somebody else's numbers, under one's own name."""
    return right_but_for(student="ben")
