"""Wrong answers to the interview questions of unit 02: tempting ones, and thoughtless ones."""

from medmeta_ref.questions.bank import unit
from tests.wrong_answers import wrong

QUESTIONS = {question.id: question for question in unit("02").questions}


def right_but_for(**changes):
    """Return all the right answers, some of them replaced."""
    return {name: question.right_answer() for name, question in QUESTIONS.items()} | changes


def lost(*names):
    return tuple(f"test_question[{name}]" for name in names)


def given(name):
    """Return the numbers of the variant that is shown to nobody in particular."""
    return QUESTIONS[name].values("")


@wrong("02.questions", *lost("families"), says="one task's knowledge")
def distillation_is_a_family():
    """Distillation is put with the black boxes."""
    right = QUESTIONS["families"].right_answer()
    return right_but_for(families=right | {7: right[5]})


@wrong("02.questions", *lost("practice_map"), says="two kinds of data")
def rnn_makes_gradients():
    """CNN with RNN is put with the gradient-based methods."""
    right = QUESTIONS["practice_map"].right_answer()
    return right_but_for(practice_map=right | {3: right[4]})


@wrong("02.questions", *lost("remedies"), says="more images of the same")
def more_shots_for_few_tasks():
    """Few tasks are answered like few labels."""
    right = QUESTIONS["remedies"].right_answer()
    return right_but_for(remedies=right | {2: right[1]})


@wrong("02.questions", *lost("less_compute"), says="removes parameters")
def small_by_nature():
    """A meta-learned network is thought to be small."""
    return right_but_for(less_compute="c")


@wrong("02.questions", *lost("scarce_what"), says="Exchanged")
def scarcities_exchanged():
    """Few tasks are thought to be the use case."""
    return right_but_for(scarce_what="a")


@wrong("02.questions", *lost("true_claims"), says="outvoted")
def averages_always_win():
    """The bank's claim on weighted averages."""
    return right_but_for(true_claims={"b", "c", "d"})


@wrong("02.questions", *lost("maml_gradients"), says="Those are the inner gradients")
def query_gradients_forgotten():
    """No outer gradient is counted."""
    n = given("maml_gradients")
    return right_but_for(maml_gradients=n["n_steps"] * n["n_tasks"] * n["inner_steps"])


@wrong("02.questions", *lost("memory"), says="comes later")
def maml_is_light():
    """The order of the list, reversed."""
    return right_but_for(memory=QUESTIONS["memory"].right_answer()[::-1])


@wrong("02.questions", *lost("break_even"), says="Adapting is not free")
def adaptation_free():
    """A new task is thought to cost nothing."""
    return right_but_for(break_even="M / s")


@wrong("02.questions", *lost("recited"), says="never reads `y`")
def order_taken_for_labels():
    """The third classifier is thought to read labels."""
    return right_but_for(recited=(3, 0, 3))


@wrong("02.questions", *lost("fixed_slots"), says="with replacement")
def classes_twice():
    """The sampler gets worse."""
    return right_but_for(fixed_slots=(4, "a"))


@wrong("02.questions", *lost("reads_everything"), says="own features")
def query_left_out():
    """Only the means are read."""
    n = given("reads_everything")
    return right_but_for(reads_everything=(n["n_query"], n["n_way"] * n["n_features"]))


@wrong("02.questions", *lost("another_domain"), says="So one would hope")
def robust_by_nature():
    """Meta-learning is thought to be robust to shift."""
    return right_but_for(another_domain="b")


@wrong("02.questions", *lost(*QUESTIONS), says="")
def all_letters_a():
    """The same thoughtless answer everywhere."""
    return dict.fromkeys(QUESTIONS, "a?")
