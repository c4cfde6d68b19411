"""Wrong answers to the interview questions of unit 10: tempting ones, and thoughtless ones."""

from medmeta_ref.questions.bank import unit
from tests.wrong_answers import wrong

QUESTIONS = {question.id: question for question in unit("10").questions}


def all_but(**changes):
    """Return all the right answers, some of them replaced."""
    return {name: question.right_answer() for name, question in QUESTIONS.items()} | changes


def failed(*names):
    return tuple(f"test_question[{name}]" for name in names)


def drawn(name):
    """Return the numbers of the variant that is shown to nobody in particular."""
    return QUESTIONS[name].values("")


@wrong("10.questions", *failed("three_planes"), says="way of measuring")
def planes_are_modalities():
    """What the source bank's multi-modal case comes to."""
    return all_but(three_planes="a")


@wrong("10.questions", *failed("mri_is_missing"), says="black image is an image")
def black_image_for_the_mri():
    """Zeros for what is missing."""
    return all_but(mri_is_missing="a")


@wrong("10.questions", *failed("two_hundred"), says="most parameters")
def attention_for_two_hundred():
    """The richest fusion."""
    return all_but(two_hundred="c")


@wrong("10.questions", *failed("heart_fusion"), says="across tasks")
def images_alone():
    """Takes the kind of data for the reason."""
    return all_but(heart_fusion="b")


@wrong("10.questions", *failed("organ_rows"), says="another organ")
def rows_as_triples():
    """The trap."""
    return all_but(organ_rows="a")


@wrong("10.questions", *failed("organ_rows"), says="by force")
def sorted_into_agreement():
    """Labels made to agree."""
    return all_but(organ_rows="c")


@wrong("10.questions", *failed("two_absent"), says="first view")
def gate_of_the_first():
    """The other one of the two."""
    return all_but(two_absent=1 - QUESTIONS["two_absent"].right_answer())


@wrong("10.questions", *failed("chance_agreement"), says="equally frequent")
def one_fifth():
    """As if classes were equally frequent."""
    return all_but(chance_agreement=0.2)


@wrong("10.questions", *failed("stays"), says="again until something")
def rejection_sampling():
    """Another rule."""
    return all_but(stays="(1 - r) / (1 - r ** k)")


@wrong("10.questions", *failed("coronal"), says="axial slice")
def axial_for_coronal():
    """The wrong axis is fixed."""
    numbers = drawn("coronal")
    return all_but(coronal=(numbers["n"], 1, numbers["height"], numbers["width"]))


@wrong("10.questions", *failed("masked_softmax"), says="Only the first")
def all_masks_alike():
    """As if every mask worked."""
    return all_but(masked_softmax=(0.5, 1.0, 0.0))


@wrong("10.questions", *failed("pairs_by_row"), says="stranger's")
def looked_up_but_else_by_row():
    """A default that mixes patients."""
    return all_but(pairs_by_row=(6, "b"))


@wrong("10.questions", *failed("study_steps"), says="later")
def study_as_shown():
    """The order shown."""
    return all_but(study_steps="abcdef")


@wrong("10.questions", *failed("remedies"), says="pairs are right")
def one_remedy_for_all():
    """The same letter throughout."""
    return all_but(remedies=dict.fromkeys(range(1, 6), "e"))


@wrong("10.questions", *failed("collapse_signs"), says="text may simply say more")
def everything_is_a_sign():
    """Chooses all."""
    return all_but(collapse_signs=set("abcdef"))


@wrong("10.questions", *failed(*QUESTIONS), says="A dict")
def a_list_of_letters():
    """Not a dict."""
    return ["b", "d", "a"]
