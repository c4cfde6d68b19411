"""Wrong answers to the interview questions of unit 01: what candidates say."""

from medmeta_ref.questions.bank import unit
from tests.wrong_answers import wrong

QUESTIONS = {question.id: question for question in unit("01").questions}


def but(**changes):
    """Return all the right answers, some of them replaced."""
    return {name: question.right_answer() for name, question in QUESTIONS.items()} | changes


def missed(*names):
    return tuple(f"test_question[{name}]" for name in names)


def values(name):
    """Return the numbers of the variant that is shown to nobody in particular."""
    return QUESTIONS[name].values("")


@wrong("01.questions", *missed("definition"), says="That is multi-task learning")
def all_tasks_at_once():
    """Takes multi-task learning for meta-learning."""
    return but(definition="a")


@wrong("01.questions", *missed("vocabulary"), says="3 of 5 pairs are right")
def support_and_query_swapped():
    """Two partners swapped."""
    right = QUESTIONS["vocabulary"].right_answer()
    return but(vocabulary=right | {1: right[2], 2: right[1]})


@wrong("01.questions", *missed("usual_interval"), says="That is one standard error")
def standard_error():
    """Forgets 1.96."""
    given = values("usual_interval")
    return but(usual_interval=given["spread"] / given["n_episodes"] ** 0.5)


@wrong("01.questions", *missed("what_it_covers"), says="No other types were tested")
def covers_new_classes():
    """What most readers of a paper believe."""
    return but(what_it_covers="b")


@wrong("01.questions", *missed("twins"), says="You added up the pairs")
def pairs_added():
    """The birthday problem, nearly."""
    n, classes = values("twins").values()
    return but(twins=n * (n - 1) / 2 / classes)


@wrong("01.questions", *missed("query_images"), says="Convolutions want the channels first")
def channels_last():
    """As the files store them."""
    n, *_ = QUESTIONS["query_images"].right_answer()
    return but(query_images=(n, 28, 28, 3))


@wrong("01.questions", *missed("leaks"), says="not better")
def few_episodes_leak():
    """Takes uncertainty for a leak."""
    return but(leaks=QUESTIONS["leaks"].right_answer() | {"c"})


@wrong("01.questions", *missed("fresh_generators"), says="always starts from the same seed")
def fresh_is_random():
    """Believes that a new generator is a random one."""
    _, total, lowest = QUESTIONS["fresh_generators"].right_answer()
    return but(fresh_generators=(False, total, lowest))


@wrong("01.questions", *missed("patients_by_position"), says="always the first ones")
def first_patients():
    """Mends the numbers and loses the randomness."""
    return but(patients_by_position=(6, "c"))


@wrong("01.questions", *missed("protocol"), says="comes later")
def choose_after_the_test():
    """Settings chosen after the test classes have been seen."""
    right = QUESTIONS["protocol"].right_answer()
    return but(protocol=right[:3] + right[4] + right[3] + right[5])


@wrong("01.questions", *missed("less_pretraining"), says="come before")
def five_images_in_all():
    """Repeats the claim."""
    return but(less_pretraining="a")


@wrong("01.questions", *missed("how_many_tasks"), says="counts orders as well")
def orders_counted():
    """Permutations in place of combinations."""
    n_classes, n_way = values("how_many_tasks").values()
    product = 1
    for k in range(n_way):
        product *= n_classes - k
    return but(how_many_tasks=product)


@wrong("01.questions", *missed("transductive"), says="learnt by heart")
def memorisation_test():
    """The right test of another thing."""
    return but(transductive="c")


@wrong("01.questions", *missed(*QUESTIONS), says="One of the letters was expected")
def one_word_for_all():
    """A value that is of no kind that is asked for."""
    return dict.fromkeys(QUESTIONS, "yes")
