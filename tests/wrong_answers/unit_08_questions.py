"""Wrong answers to the interview questions of unit 08: what candidates say."""

from medmeta_ref.questions.bank import unit
from tests.wrong_answers import wrong

QUESTIONS = {question.id: question for question in unit("08").questions}


def mistaken_in(**changes):
    """Return all the right answers, some of them replaced."""
    return {name: question.right_answer() for name, question in QUESTIONS.items()} | changes


def missed(*names):
    return tuple(f"test_question[{name}]" for name in names)


def variant(name):
    """Return the numbers of the variant that is shown to nobody in particular."""
    return QUESTIONS[name].values("")


@wrong("08.questions", *missed("six_fixes"), says="")
def two_repairs_swapped():
    """Statistics per step, and scale and shift per step, are taken for each other."""
    right = QUESTIONS["six_fixes"].right_answer()
    return mistaken_in(six_fixes=right | {3: right[4], 4: right[3]})


@wrong("08.questions", *missed("training_true"), says="That would be `training=False`")
def believes_that_the_store_is_read():
    """Normalises by what is stored."""
    low, high, stored = (variant("training_true")[n] for n in ("low", "high", "stored"))
    return mistaken_in(training_true=[float(low - stored), float(high - stored), float(stored)])


@wrong("08.questions", *missed("n_rates"), says="one per layer and step")
def weight_and_bias_as_one():
    """Counts layers in place of tensors."""
    n_convs, inner_steps = (variant("n_rates")[n] for n in ("n_convs", "inner_steps"))
    return mistaken_in(n_rates=(n_convs + 1) * inner_steps)


@wrong("08.questions", *missed("last_weight"), says="what an early step weighs")
def an_early_weight():
    """Takes the early steps' weight for the last one's."""
    given = variant("last_weight")
    early = (1 - given["epoch"] / given["anneal_epochs"]) / given["inner_steps"]
    return mistaken_in(last_weight=early)


@wrong("08.questions", *missed("floor_share"), says="stop short of it")
def nothing_left():
    """Believes that MAML is reached exactly."""
    return mistaken_in(floor_share="0")


@wrong("08.questions", *missed("rate_slope"), says="The sign")
def sign_of_the_rate_lost():
    """The step subtracts."""
    return mistaken_in(rate_slope="b * (t - a*h*(t - c) - d) * h * (t - c)")


@wrong("08.questions", *missed("unread_store"), says="still not read")
def store_protected():
    """Clones the rows, so that nobody writes what nobody reads."""
    return mistaken_in(unread_store=(5, "a"))


@wrong("08.questions", *missed("store_shape"), says="one row for all steps")
def ordinary_store():
    """Ordinary batch norm."""
    return mistaken_in(store_shape=(variant("store_shape")["channels"],))


@wrong("08.questions", *missed("inductive_norms"), says="written, not read")
def table_beside_it():
    """Believes that a stored table makes a norm inductive."""
    return mistaken_in(inductive_norms={"a", "b", "d", "f"})


@wrong("08.questions", *missed("more_steps"), says="far too large to be used twice")
def the_more_the_better():
    """More steps are thought to be safe."""
    return mistaken_in(more_steps="a")


@wrong("08.questions", *missed("saves_compute"), says="more work, not less")
def multi_step_loss_for_speed():
    """Takes the multi-step loss for a saving."""
    return mistaken_in(saves_compute="b")


@wrong("08.questions", *missed("what_it_is"), says="There are no such terms")
def the_summary_believed():
    """The source bank's own claim."""
    return mistaken_in(what_it_is="a")


@wrong("08.questions", *missed("ablation"), says="a ratio of the two means nothing")
def ratio_of_gains():
    """Compares two gains of which one may be 0."""
    return mistaken_in(ablation="a")


@wrong("08.questions", *missed("large_rate"), says="Two steps cannot diverge")
def rate_cut():
    """Applies the limit of endless descent to a single step."""
    return mistaken_in(large_rate="b")


@wrong("08.questions", *missed(*QUESTIONS), says="expected")
def one_number_for_all():
    """A value that is of no kind that is asked for."""
    return dict.fromkeys(QUESTIONS, b"yes")
