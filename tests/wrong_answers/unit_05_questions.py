"""Wrong answers to the interview questions of unit 05: what candidates say."""

from medmeta_ref.questions.bank import unit
from tests.wrong_answers import wrong

QUESTIONS = {question.id: question for question in unit("05").questions}


def mistaken_in(**changes):
    """Return all the right answers, some of them replaced."""
    return {name: question.right_answer() for name, question in QUESTIONS.items()} | changes


def missed(*names):
    return tuple(f"test_question[{name}]" for name in names)


def variant(name):
    """Return the numbers of the variant that is shown to nobody in particular."""
    return QUESTIONS[name].values("")


@wrong("05.questions", *missed("family"), says="its loss is taken before them")
def fine_tuning_counted():
    """Takes whatever fine-tunes for gradient-based meta-learning."""
    return mistaken_in(family=QUESTIONS["family"].right_answer() | {"f"})


@wrong("05.questions", *missed("remembered"), says="theta itself is in")
def only_graph_remembers():
    """Believes that create_graph decides whether the end requires gradient."""
    return mistaken_in(remembered=(False, True, False, False))


@wrong("05.questions", *missed("product_cost"), says="Nobody has to form it")
def matrix_formed():
    """Prices the whole matrix."""
    return mistaken_in(product_cost="a")


@wrong("05.questions", *missed("stable_rate"), says="overshoot and still come nearer")
def lands_at_the_bottom():
    """1 / curvature."""
    return mistaken_in(stable_rate=1 / variant("stable_rate")["high"])


@wrong("05.questions", *missed("slope_in_the_rate"), says="the sign is minus")
def sign_forgotten():
    """The step goes against the slope."""
    return mistaken_in(slope_in_the_rate=-QUESTIONS["slope_in_the_rate"].right_answer())


@wrong("05.questions", *missed("hessian_shape"), says="That is the gradient's shape")
def shape_of_the_gradient():
    """The weight's own shape."""
    return mistaken_in(hessian_shape=tuple(variant("hessian_shape").values()))


@wrong("05.questions", *missed("curved_step"), says="to first order")
def first_order_step():
    """The factor is forgotten."""
    return mistaken_in(curved_step="b * (t - a*t**3 - d)")


@wrong("05.questions", *missed("there_and_back"), says="comes later")
def factors_swapped():
    """The factors of both steps in the order of the way there."""
    right = QUESTIONS["there_and_back"].right_answer()
    return mistaken_in(there_and_back=right[:4] + right[5] + right[4])


@wrong("05.questions", *missed("what_cuts"), says="3 of 5 pairs are right")
def loud_and_silent_swapped():
    """Two outcomes swapped."""
    right = QUESTIONS["what_cuts"].right_answer()
    return mistaken_in(what_cuts=right | {2: right[3], 3: right[2]})


@wrong("05.questions", *missed("rates"), says="changes along the way")
def stable_for_ever():
    """Takes the limit at the start for that of the way."""
    return mistaken_in(rates=QUESTIONS["rates"].right_answer() | {"c"})


@wrong("05.questions", *missed("false_alarm"), says="Still less of h survives")
def smaller_is_better():
    """Makes h smaller yet."""
    return mistaken_in(false_alarm=(4, "a"))


@wrong("05.questions", *missed("relu"), says="is another thing")
def no_curvature():
    """Repeats the claim."""
    return mistaken_in(relu="a")


@wrong("05.questions", *missed("new_disease"), says="paid for by other tasks")
def nothing_beforehand():
    """Forgets what meta-training costs."""
    return mistaken_in(new_disease="b")


@wrong("05.questions", *missed("by_hand"), says="there is no query set")
def first_order_maml_seen():
    """Takes detached gradients for FOMAML."""
    return mistaken_in(by_hand="a")


@wrong("05.questions", *missed(*QUESTIONS), says="A set of the letters was expected")
def one_word_for_all():
    """A value that is of no kind that is asked for."""
    return dict.fromkeys(QUESTIONS, "yes")
