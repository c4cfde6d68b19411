"""Wrong answers to the interview questions of unit 12: tempting ones, and thoughtless ones."""

from medmeta_ref.questions.bank import unit
from tests.wrong_answers import wrong

QUESTIONS = {question.id: question for question in unit("12").questions}


def all_but(**changes):
    """Return all the right answers, some of them replaced."""
    return {name: question.right_answer() for name, question in QUESTIONS.items()} | changes


def missing(*names):
    return tuple(f"test_question[{name}]" for name in names)


def numbers_of(name):
    """Return the numbers of the variant that is shown to nobody in particular."""
    return QUESTIONS[name].values("")


@wrong("12.questions", *missing("robust_by_default"), says="no reason to learn")
def what_the_source_bank_says():
    """The claim as it is printed."""
    return all_but(robust_by_default="a")


@wrong("12.questions", *missing("memorises"), says="exceptions that are learnt")
def softmax_is_confused():
    """Takes a minority for the rule."""
    return all_but(memorises="b")


@wrong("12.questions", *missing("support_or_query"), says="one of 75")
def the_loss_is_on_queries():
    """Looks at where the loss is, not at what depends on the label."""
    return all_but(support_or_query="a")


@wrong("12.questions", *missing("text_mined"), says="yardstick does not")
def test_is_beyond_doubt():
    """Trusts test labels from the same source."""
    return all_but(text_mined="c")


@wrong("12.questions", *missing("bound"), says="then divided by")
def bound_of_one():
    """Forgets the division."""
    return all_but(bound=1.0)


@wrong("12.questions", *missing("share_wrong"), says="gives the old label back")
def rate_as_it_is_called():
    """The share that was hit."""
    return all_but(share_wrong=numbers_of("share_wrong")["rate"])


@wrong("12.questions", *missing("accuracy_seen"), says="by luck")
def no_luck():
    """Leaves out that two errors may agree."""
    numbers = numbers_of("accuracy_seen")
    return all_but(accuracy_seen=numbers["accuracy"] * (1 - numbers["rate"]))


@wrong("12.questions", *missing("weight"), says="cross-entropy's")
def slope_of_cross_entropy():
    """The unbounded loss."""
    return all_but(weight="-(1 - p)")


@wrong("12.questions", *missing("breakdown"), says="3 of 5 pairs are right")
def medians_swapped():
    """The two medians in each other's place."""
    right = QUESTIONS["breakdown"].right_answer()
    return all_but(breakdown=right | {3: right[4], 4: right[3]})


@wrong("12.questions", *missing("honest_study"), says="comes later")
def chosen_at_the_end():
    """The setting is chosen after the test."""
    right = QUESTIONS["honest_study"].right_answer()
    return all_but(honest_study=right[:2] + right[3:5] + right[2] + right[5])


@wrong("12.questions", *missing("middle"), says="*lower*")
def one_median():
    """Takes torch.median for the middle of the two."""
    mean = (7 + numbers_of("middle")["stranger"]) / 4
    return all_but(middle=(3.0, 3.0, mean))


@wrong("12.questions", *missing("wrong_yardstick"), says="correction by hope")
def divided_away():
    """Divides by what was expected."""
    return all_but(wrong_yardstick=(5, "d"))


@wrong("12.questions", *missing("strangers"), says="tuned away")
def threshold_on_the_test():
    """One wrong statement more."""
    return all_but(strangers=QUESTIONS["strangers"].right_answer() | {"d"})


@wrong("12.questions", *missing(*QUESTIONS), says="One of the letters was expected")
def one_word_for_all_of_them():
    """A value that is of no kind that is asked for."""
    return dict.fromkeys(QUESTIONS, "yes")
