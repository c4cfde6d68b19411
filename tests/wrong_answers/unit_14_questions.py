"""Wrong answers to the interview questions of unit 14: tempting ones, and thoughtless ones."""

from medmeta_ref.questions.bank import unit
from tests.wrong_answers import wrong

QUESTIONS = {question.id: question for question in unit("14").questions}


def all_but(**changes):
    """Return all the right answers, some of them replaced."""
    return {name: question.right_answer() for name, question in QUESTIONS.items()} | changes


def missing(*names):
    return tuple(f"test_question[{name}]" for name in names)


def numbers_of(name):
    """Return the numbers of the variant that is shown to nobody in particular."""
    return QUESTIONS[name].values("")


@wrong("14.questions", *missing("why_median"), says="Half of the runs")
def a_limit():
    """Takes the median for a promise."""
    return all_but(why_median="d")


@wrong("14.questions", *missing("lower_compute"), says="not their number")
def what_the_source_bank_says():
    """The claim as it is printed."""
    return all_but(lower_compute="a")


@wrong("14.questions", *missing("in_one_sentence"), says="experience replay")
def replay_as_the_principle():
    """The source bank's first principle."""
    return all_but(in_one_sentence="b")


@wrong("14.questions", *missing("int8_size"), says="scales have to be stored")
def weights_only():
    """A byte for each weight, and no more."""
    return all_but(int8_size=float(numbers_of("int8_size")["thousands"]))


@wrong("14.questions", *missing("worst_rounding"), says="whole step")
def a_whole_step():
    """The step instead of half of it."""
    return all_but(worst_rounding=numbers_of("worst_rounding")["low"] / 127)


@wrong("14.questions", *missing("two_parts"), says="add them")
def parts_multiplied():
    """Multiplies the two savings."""
    return all_but(two_parts="1 / (c * k ** 2)")


@wrong("14.questions", *missing("narrow_product"), says="saturating")
def saturated():
    """Stops at the largest int8."""
    x = numbers_of("narrow_product")["x"]
    return all_but(narrow_product=(127, x * x))


@wrong("14.questions", *missing("four_ways"), says="3 of 5 pairs are right")
def prunings_swapped():
    """The two kinds of pruning in each other's place."""
    right = QUESTIONS["four_ways"].right_answer()
    return all_but(four_ways=right | {3: right[4], 4: right[3]})


@wrong("14.questions", *missing("energy"), says="comes later")
def products_dearest():
    """Thinks that computing costs more than fetching."""
    right = QUESTIONS["energy"].right_answer()
    return all_but(energy=right[:2] + right[3:] + right[2])


@wrong("14.questions", *missing("breaks_parity"), says="same function")
def folding_to_blame():
    """One wrong cause more."""
    return all_but(breaks_parity=QUESTIONS["breaks_parity"].right_answer() | {"d"})


@wrong("14.questions", *missing("growing_latency"), says="which was slow")
def smallest_time():
    """Takes the minimum."""
    return all_but(growing_latency=(7, "b"))


@wrong("14.questions", *missing("known_or_hoped"), says="missed 1 right option")
def one_hope_less():
    """Takes a hope for a result."""
    return all_but(known_or_hoped=QUESTIONS["known_or_hoped"].right_answer() - {"c"})


@wrong("14.questions", *missing("from_question_to_clinic"), says="comes later")
def tested_before_rounding():
    """Tests the network, then ships another."""
    right = QUESTIONS["from_question_to_clinic"].right_answer()
    return all_but(from_question_to_clinic=right[:4] + right[5] + right[4])


@wrong("14.questions", *missing("the_whole_course"), says="4 of 6 pairs are right")
def starts_swapped():
    """MAML and Reptile in each other's place."""
    right = QUESTIONS["the_whole_course"].right_answer()
    return all_but(the_whole_course=right | {2: right[3], 3: right[2]})


@wrong("14.questions", *missing(*QUESTIONS), says="One of the letters was expected")
def one_word_for_all_of_them():
    """A value that is of no kind that is asked for."""
    return dict.fromkeys(QUESTIONS, "yes")
