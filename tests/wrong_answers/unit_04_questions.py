"""Wrong answers to the interview questions of unit 04: tempting ones, and thoughtless ones."""

import math

from medmeta_ref.questions.bank import unit
from tests.wrong_answers import wrong

QUESTIONS = {question.id: question for question in unit("04").questions}


def but_for(**changes):
    """Return all the right answers, some of them replaced."""
    return {name: question.right_answer() for name, question in QUESTIONS.items()} | changes


def lost(*names):
    return tuple(f"test_question[{name}]" for name in names)


def given(name):
    """Return the numbers of the variant that is shown to nobody in particular."""
    return QUESTIONS[name].values("")


@wrong("04.questions", *lost("what_is_learned"), says="trained head")
def prototypes_are_learned():
    """What the source bank says of the method."""
    return but_for(what_is_learned="a")


@wrong("04.questions", *lost("one_shot"), says="that example")
def one_shot_is_chance():
    """A mean of one is taken for useless."""
    return but_for(one_shot="b")


@wrong("04.questions", *lost("why_squared"), says="keeps the order")
def square_changes_the_winner():
    """The square is taken for a matter of the prediction."""
    return but_for(why_squared="b")


@wrong("04.questions", *lost("lead"), says="biases")
def lead_without_biases():
    """The scalar product alone."""
    return but_for(lead="2 * (a - b) * q")


@wrong("04.questions", *lost("logits_shape"), says="compared with every prototype")
def shape_of_the_features():
    """Takes the queries' features for their logits."""
    numbers = given("logits_shape")
    return but_for(logits_shape=(numbers["n_way"] * numbers["n_query"], numbers["n_features"]))


@wrong("04.questions", *lost("nearer"), says="square")
def distances_as_they_are():
    """A softmax of minus the distances."""
    numbers = given("nearer")
    return but_for(nearer=1 / (1 + math.exp(numbers["near"] - numbers["far"])))


@wrong("04.questions", *lost("misprint"), says="as many shots as classes")
def misprint_makes_no_difference():
    """As tests with equal numbers would say."""
    return but_for(misprint=1)


@wrong("04.questions", *lost("sorted_or_not"), says="knows nothing of labels")
def view_sorts():
    """Thinks that view groups by class."""
    return but_for(sorted_or_not=(False, 11, [1, 1]))


@wrong("04.questions", *lost("ragged"), says="still wrong")
def mean_number_of_shots():
    """Mends it for equal shots only."""
    return but_for(ragged=(6, "a"))


@wrong("04.questions", *lost("invariances"), says="four times")
def all_invariances():
    """Chooses everything."""
    return but_for(invariances=set("abcde"))


@wrong("04.questions", *lost("training_step"), says="comes later")
def steps_as_shown():
    """The order shown."""
    return but_for(training_step="abcdef")


@wrong("04.questions", *lost("neighbours"), says="pairs are right")
def one_letter_for_all():
    """The same letter throughout."""
    return but_for(neighbours=dict.fromkeys(range(1, 6), "a"))


@wrong("04.questions", *lost("reading"), says="one split")
def one_split_settles_it():
    """Reads an interval over episodes as one over everything."""
    return but_for(reading="a")


@wrong("04.questions", *lost(*QUESTIONS), says="A dict")
def not_a_dict():
    """A list of answers."""
    return ["b", "c", "a"]
