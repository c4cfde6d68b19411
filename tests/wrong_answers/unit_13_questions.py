"""Wrong answers to the interview questions of unit 13: tempting ones, and thoughtless ones."""

from medmeta_ref.questions.bank import unit
from tests.wrong_answers import wrong

QUESTIONS = {question.id: question for question in unit("13").questions}


def all_but(**changes):
    """Return all the right answers, some of them replaced."""
    return {name: question.right_answer() for name, question in QUESTIONS.items()} | changes


def missing(*names):
    return tuple(f"test_question[{name}]" for name in names)


def numbers_of(name):
    """Return the numbers of the variant that is shown to nobody in particular."""
    return QUESTIONS[name].values("")


@wrong("13.questions", *missing("right_and_useless"), says="that one is the patient")
def one_in_forty():
    """Trusts accuracy."""
    return all_but(right_and_useless="a")


@wrong("13.questions", *missing("spectrum"), says="why somebody asks for help")
def unclear_cases_do_not_count():
    """Does not miss the cases rated 3."""
    return all_but(spectrum="a")


@wrong("13.questions", *missing("heart"), says="vessels of the brain")
def vessels_of_the_heart():
    """Goes by the name of the data set."""
    return all_but(heart="c")


@wrong("13.questions", *missing("modalities"), says="a CNN is none")
def outputs_are_modalities():
    """What the source bank says."""
    return all_but(modalities="a")


@wrong("13.questions", *missing("calibration"), says="no such line")
def below_a_tenth():
    """A line that nobody drew."""
    return all_but(calibration="c")


@wrong("13.questions", *missing("alarms"), says="leave out the ill")
def all_people_are_healthy():
    """Multiplies with everybody."""
    numbers = numbers_of("alarms")
    return all_but(alarms=numbers["n"] * (1 - numbers["specificity"]))


@wrong("13.questions", *missing("positive"), says="who are ill")
def sensitivity_again():
    """The confusion of two conditional probabilities."""
    return all_but(positive=numbers_of("positive")["sensitivity"])


@wrong("13.questions", *missing("even"), says="Those are the odds")
def odds_for_a_share():
    """Ill over healthy."""
    return all_but(even="(1 - specificity) / sensitivity")


@wrong("13.questions", *missing("register"), says="3 of 5 pairs are right")
def two_warnings_swapped():
    """The lesions and the duplicates exchanged."""
    right = QUESTIONS["register"].right_answer()
    return all_but(register=right | {1: right[2], 2: right[1]})


@wrong("13.questions", *missing("superior"), says="can't be undone")
def metric_at_the_end():
    """The metric is chosen last."""
    right = QUESTIONS["superior"].right_answer()
    return all_but(superior=right[1:] + right[0])


@wrong("13.questions", *missing("called_first"), says="worth one half")
def thresholds_cost_nothing():
    """Takes the AUROC of calls for that of scores."""
    value = QUESTIONS["called_first"].right_answer()[0]
    return all_but(called_first=(value, value))


@wrong("13.questions", *missing("ten_images_each"), says="nothing varies")
def a_permutation():
    """Draws without replacement."""
    return all_but(ten_images_each=(5, "c"))


@wrong("13.questions", *missing("may_be_said"), says="licence, purpose and privacy")
def public_means_free():
    """One wrong statement more."""
    return all_but(may_be_said=QUESTIONS["may_be_said"].right_answer() | {"b"})


@wrong("13.questions", *missing(*QUESTIONS), says="One of the letters was expected")
def yes_to_everything():
    """A value that is of no kind that is asked for."""
    return dict.fromkeys(QUESTIONS, "yes")
