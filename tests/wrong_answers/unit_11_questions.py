"""Wrong answers to the interview questions of unit 11: what candidates say."""

from medmeta_ref.questions.bank import unit
from tests.wrong_answers import wrong

QUESTIONS = {question.id: question for question in unit("11").questions}


def mistaken_in(**changes):
    """Return all the right answers, some of them replaced."""
    return {name: question.right_answer() for name, question in QUESTIONS.items()} | changes


def missed(*names):
    return tuple(f"test_question[{name}]" for name in names)


def variant(name):
    """Return the numbers of the variant that is shown to nobody in particular."""
    return QUESTIONS[name].values("")


@wrong("11.questions", *missed("is_it_meta"), says="Nothing adapts here")
def pool_as_support_set():
    """Repeats the claim in other words."""
    return mistaken_in(is_it_meta="a")


@wrong("11.questions", *missed("survives"), says="It gets in for certain")
def entered_and_stayed():
    """Takes being let in for being there at the end."""
    return mistaken_in(survives=1)


@wrong("11.questions", *missed("overwritten"), says="what reservoir sampling gives")
def overwriting_as_sampling():
    """Believes that overwriting at random is a uniform sample."""
    values = variant("overwritten")
    return mistaken_in(overwritten=values["capacity"] / values["n_items"])


@wrong("11.questions", *missed("drift"), says="which ones is not")
def all_memories_alike():
    """Counts the images only."""
    return mistaken_in(drift="a")


@wrong("11.questions", *missed("backward"), says="forgetting is negative")
def positive_forgetting():
    """The sign of forgetting."""
    return mistaken_in(backward=-QUESTIONS["backward"].right_answer())


@wrong("11.questions", *missed("meta_step"), says="gradient descent on both at once")
def both_at_the_start():
    """One batch of two examples."""
    return mistaken_in(meta_step="t - g*a*(h*(t - c) + b*(t - d))")


@wrong("11.questions", *missed("algorithm"), says="comes later")
def stored_before_the_steps():
    """The new image goes into the memory too early."""
    right = QUESTIONS["algorithm"].right_answer()
    return mistaken_in(algorithm=right[:3] + right[4] + right[3])


@wrong("11.questions", *missed("off_by_one"), says="points past the end")
def comparison_mended():
    """The off-by-one is looked for in the comparison."""
    return mistaken_in(off_by_one=(10, "a"))


@wrong("11.questions", *missed("hidden_by_size"), says="never a bias")
def too_many_streams():
    """Believes that averaging hides a bias."""
    return mistaken_in(hidden_by_size="c")


@wrong("11.questions", *missed("alias"), says="A slice is a view")
def slices_are_copies():
    """Takes a slice for a copy."""
    return mistaken_in(alias=([2, 2, 2], [0, 1, 2], [0, 1, 2]))


@wrong("11.questions", *missed("remedies"), says="3 of 5 pairs are right")
def two_remedies_swapped():
    """Two partners swapped."""
    right = QUESTIONS["remedies"].right_answer()
    return mistaken_in(remedies=right | {2: right[3], 3: right[2]})


@wrong("11.questions", *missed("no_old_data"), says="nothing moves")
def more_penalty():
    """A larger weight would do."""
    return mistaken_in(no_old_data="d")


@wrong("11.questions", *missed("privacy"), says="They can be linked")
def small_is_anonymous():
    """Takes small images for anonymous ones."""
    return mistaken_in(privacy=QUESTIONS["privacy"].right_answer() | {"a"})


@wrong("11.questions", *missed("what_may_be_said"), says="is not being shown equal")
def zero_means_equal():
    """An interval with 0 in it as a proof of equality."""
    return mistaken_in(what_may_be_said="b")


@wrong("11.questions", *missed(*QUESTIONS), says="One of the letters was expected")
def same_word_for_all():
    """A value that is of no kind that is asked for."""
    return dict.fromkeys(QUESTIONS, "yes")
