"""All that a question bank's author imports, under one name."""

from medmeta_ref.questions.arranging import Match, Order, Pair, Step
from medmeta_ref.questions.bugs import Bug, Fix
from medmeta_ref.questions.choices import Multi, Right, Single, Wrong
from medmeta_ref.questions.computed import Numeric, Predict, Shape
from medmeta_ref.questions.formulas import Formula
from medmeta_ref.questions.mutants import Mutant, Mutants
from medmeta_ref.questions.oral import Card
from medmeta_ref.questions.question import Question, Slip
from medmeta_ref.questions.words import Words, same

__all__ = [
    "Bug",
    "Card",
    "Fix",
    "Formula",
    "Match",
    "Multi",
    "Mutant",
    "Mutants",
    "Numeric",
    "Order",
    "Pair",
    "Predict",
    "Question",
    "Right",
    "Shape",
    "Single",
    "Slip",
    "Step",
    "Words",
    "Wrong",
    "same",
]
