"""Wrong answers to the interview questions of unit 07: what candidates say."""

from medmeta_ref.questions.bank import unit
from tests.wrong_answers import wrong

QUESTIONS = {question.id: question for question in unit("07").questions}


def mistaken_in(**changes):
    """Return all the right answers, some of them replaced."""
    return {name: question.right_answer() for name, question in QUESTIONS.items()} | changes


def missed(*names):
    return tuple(f"test_question[{name}]" for name in names)


def variant(name):
    """Return the numbers of the variant that is shown to nobody in particular."""
    return QUESTIONS[name].values("")


@wrong("07.questions", *missed("what_reptile_does"), says="That is sequential fine-tuning")
def one_task_after_the_other():
    """Repeats the summary's claim."""
    return mistaken_in(what_reptile_does="a")


@wrong("07.questions", *missed("round"), says="comes later")
def steps_before_the_start():
    """Two steps of the round swapped."""
    right = QUESTIONS["round"].right_answer()
    return mistaken_in(round=right[:3] + right[4] + right[3] + right[5:])


@wrong("07.questions", *missed("several_steps"), says="taken at the start")
def only_faster():
    """Takes K steps for one long one."""
    return mistaken_in(several_steps="b")


@wrong("07.questions", *missed("one_and_two"), says="is shorter")
def two_steps_as_far_as_one():
    """Forgets that the second step begins nearer."""
    return mistaken_in(one_and_two=(0.2, 0.2))


@wrong("07.questions", *missed("one_round"), says="walks away")
def formula_with_the_wrong_sign():
    """eps * (theta - phi), added."""
    return mistaken_in(one_round="t - e * (1 - (1 - a*h)**K) * (c - t)")


@wrong("07.questions", *missed("where_it_rests"), says="That is joint training")
def rests_where_joint_training_does():
    """The steps are ignored."""
    curvature = variant("where_it_rests")["curvature"]
    return mistaken_in(where_it_rests=curvature / (1 + curvature))


@wrong("07.questions", *missed("pseudo_gradient"), says="Two wrong signs cancel")
def a_second_wrong_sign():
    """Mends one sign with another."""
    return mistaken_in(pseudo_gradient=(9, "a"))


@wrong("07.questions", *missed("stuck_at_chance"), says="know labels by heart")
def labels_to_be_fixed():
    """Would rather memorise."""
    return mistaken_in(stuck_at_chance="c")


@wrong("07.questions", *missed("what_is_left_out"), says="3 of 5 pairs are right")
def reptile_and_anil_swapped():
    """Two partners swapped."""
    right = QUESTIONS["what_is_left_out"].right_answer()
    return mistaken_in(what_is_left_out=right | {2: right[3], 3: right[2]})


@wrong("07.questions", *missed("evidence_for_reuse"), says="It is no accuracy")
def weights_as_evidence():
    """Looks at weights and not at answers."""
    return mistaken_in(evidence_for_reuse="b")


@wrong("07.questions", *missed("body_passes"), says="The query passes once in both")
def support_passes_only():
    """Forgets the query pass."""
    return mistaken_in(body_passes=variant("body_passes")["inner_steps"])


@wrong("07.questions", *missed("cka_is_blind_to"), says="Only orthogonal ones")
def any_matrix():
    """Takes every invertible map for harmless."""
    return mistaken_in(cka_is_blind_to=QUESTIONS["cka_is_blind_to"].right_answer() | {"f"})


@wrong("07.questions", *missed("cross_covariance"), says="by all pairs of examples")
def pairs_of_examples():
    """The other way to compute it."""
    n = variant("cross_covariance")["n"]
    return mistaken_in(cross_covariance=(n, n))


@wrong("07.questions", *missed("fair_budget"), says="one budget of several")
def equal_steps_are_fair():
    """Takes one budget for all."""
    return mistaken_in(fair_budget="b")


@wrong("07.questions", *missed(*QUESTIONS), says="One of the letters was expected")
def one_word_everywhere():
    """A value that is of no kind that is asked for."""
    return dict.fromkeys(QUESTIONS, "yes")
