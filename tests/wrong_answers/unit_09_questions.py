"""Wrong answers to the interview questions of unit 09: tempting ones, and thoughtless ones."""

from medmeta_ref.questions.bank import unit
from tests.wrong_answers import wrong

QUESTIONS = {question.id: question for question in unit("09").questions}


def all_but(**changes):
    """Return all the right answers, some of them replaced."""
    return {name: question.right_answer() for name, question in QUESTIONS.items()} | changes


def failed(*names):
    return tuple(f"test_question[{name}]" for name in names)


def drawn(name):
    """Return the numbers of the variant that is shown to nobody in particular."""
    return QUESTIONS[name].values("")


@wrong("09.questions", *failed("guarantee"), says="two bad members outvote")
def better_than_the_best():
    """What the source bank says of weighted averages."""
    return all_but(guarantee="a")


@wrong("09.questions", *failed("cnn_and_rnn"), says="every ensemble would be")
def two_networks_two_modalities():
    """The bank's confusion of networks and modalities."""
    return all_but(cnn_and_rnn="b")


@wrong("09.questions", *failed("few_labels"), says="mostly measure luck")
def weights_from_sixteen():
    """Fits weights because one can."""
    return all_but(few_labels="a")


@wrong("09.questions", *failed("is_it_meta"), says="An average learns nothing")
def averages_are_meta():
    """What the bank's taxonomy says."""
    return all_but(is_it_meta="a")


@wrong("09.questions", *failed("combiner_leak"), says="cannot be seen on training images")
def combiner_sees_generalisation():
    """Hopes for the best."""
    return all_but(combiner_leak="b")


@wrong("09.questions", *failed("two_pools"), says="arithmetic pool")
def mean_for_pool():
    """The arithmetic mean."""
    numbers = drawn("two_pools")
    return all_but(two_pools=(numbers["first"] + numbers["second"]) / 2)


@wrong("09.questions", *failed("correlated_errors"), says="independent errors")
def errors_taken_for_independent():
    """Variance over n."""
    numbers = drawn("correlated_errors")
    return all_but(correlated_errors=numbers["variance"] / numbers["n_models"])


@wrong("09.questions", *failed("two_members"), says="w = 1/2 only")
def equal_weights_only():
    """A quarter of the squared difference."""
    return all_but(two_members="(f - g) ** 2 / 4")


@wrong("09.questions", *failed("slices"), says="slices are channels")
def slices_as_channels():
    """No axis for the channel."""
    numbers = drawn("slices")
    return all_but(
        slices=(numbers["n_volumes"], numbers["depth"], numbers["height"], numbers["height"])
    )


@wrong("09.questions", *failed("vote_or_mean"), says="is a veto")
def no_veto():
    """Takes the geometric mean for the arithmetic one."""
    return all_but(vote_or_mean=(0, 1, 0.6))


@wrong("09.questions", *failed("softmax_again"), says="geometric pool")
def softmax_left_out_too_early():
    """One softmax, but of averaged logits."""
    return all_but(softmax_again=(6, "b"))


@wrong("09.questions", *failed("stacking_steps"), says="later")
def stacking_as_shown():
    """The order shown."""
    return all_but(stacking_steps="abcdef")


@wrong("09.questions", *failed("where_fused"), says="pairs are right")
def all_of_them_late():
    """The same letter throughout."""
    return all_but(where_fused=dict.fromkeys(range(1, 6), "d"))


@wrong("09.questions", *failed("cheaper"), says="All five still run")
def everything_is_cheaper():
    """Chooses all."""
    return all_but(cheaper=set("abcdef"))


@wrong("09.questions", *failed(*QUESTIONS), says="A dict")
def a_list_of_letters():
    """Not a dict."""
    return ["c", "a", "b"]
