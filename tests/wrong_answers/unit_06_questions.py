"""Wrong answers to the interview questions of unit 06: what candidates say."""

from medmeta_ref.questions.bank import unit
from tests.wrong_answers import wrong

QUESTIONS = {question.id: question for question in unit("06").questions}


def mistaken_in(**changes):
    """Return all the right answers, some of them replaced."""
    return {name: question.right_answer() for name, question in QUESTIONS.items()} | changes


def missed(*names):
    return tuple(f"test_question[{name}]" for name in names)


def variant(name):
    """Return the numbers of the variant that is shown to nobody in particular."""
    return QUESTIONS[name].values("")


@wrong("06.questions", *missed("what_is_learned"), says="That is joint training")
def best_on_average():
    """Takes MAML for joint training."""
    return mistaken_in(what_is_learned="b")


@wrong("06.questions", *missed("algorithm"), says="comes later")
def query_before_adaptation():
    """Two steps of the algorithm swapped."""
    right = QUESTIONS["algorithm"].right_answer()
    return mistaken_in(algorithm=right[:2] + right[3] + right[2] + right[4:])


@wrong("06.questions", *missed("create_graph"), says="That is why the mistake is so quiet")
def expects_an_error():
    """Believes that autograd would complain."""
    return mistaken_in(create_graph="RuntimeError")


@wrong("06.questions", *missed("meta_gradient"), says="That is FOMAML")
def first_order_formula():
    """The factor in front is missing."""
    return mistaken_in(meta_gradient="b * (c + (1 - a*h)**K * (t - c) - d)")


@wrong("06.questions", *missed("best_start"), says="where joint training ends")
def joint_start():
    """The weighted mean without the step."""
    curvature = variant("best_start")["curvature"]
    return mistaken_in(best_start=curvature / (1 + curvature))


@wrong("06.questions", *missed("graph_size"), says="What about its query?")
def queries_not_counted():
    """Forgets the query pass of each task."""
    values = variant("graph_size")
    return mistaken_in(graph_size=values["n_tasks"] * values["inner_steps"])


@wrong("06.questions", *missed("gradient_shape"), says="there is one start")
def gradient_per_task():
    """One gradient for each task."""
    return mistaken_in(gradient_shape=tuple(variant("gradient_shape").values()))


@wrong("06.questions", *missed("when_equal"), says="it is not 0")
def small_is_zero():
    """Takes a small difference for none."""
    return mistaken_in(when_equal=QUESTIONS["when_equal"].right_answer() | {"f"})


@wrong("06.questions", *missed("walking_weights"), says="still gives new contents")
def new_data_same_tensor():
    """Replaces the contents in another way."""
    return mistaken_in(walking_weights=(10, "a"))


@wrong("06.questions", *missed("symptoms"), says="3 of 5 pairs are right")
def two_causes_swapped():
    """Two partners swapped."""
    right = QUESTIONS["symptoms"].right_answer()
    return mistaken_in(symptoms=right | {1: right[2], 2: right[1]})


@wrong("06.questions", *missed("batch_norm"), says="Labels are not needed")
def labels_alone_can_leak():
    """Looks for a leak of labels only."""
    return mistaken_in(batch_norm="c")


@wrong("06.questions", *missed("no_retraining"), says="changes all parameters")
def nothing_is_trained():
    """Repeats the claim."""
    return mistaken_in(no_retraining="a")


@wrong("06.questions", *missed("what_may_be_said"), says="One data set, one split, one seed")
def general_law():
    """Generalises from one split."""
    return mistaken_in(what_may_be_said="a")


@wrong("06.questions", *missed("first_try"), says="nothing to compare it with")
def method_before_baseline():
    """Begins with the dearest method."""
    return mistaken_in(first_try="a")


@wrong("06.questions", *missed(*QUESTIONS), says="One of the letters was expected")
def one_word_for_all():
    """A value that is of no kind that is asked for."""
    return dict.fromkeys(QUESTIONS, "yes")
