"""The few-shot methods behind one face, as `few_shot.study` trains and compares them."""

from medmeta_ref.learners.gradient_based import maml_learner
from medmeta_ref.learners.learner import (
    BATCH_NORM,
    ROW_WORDS,
    TRANSDUCTIVE,
    Learner,
    Objective,
)
from medmeta_ref.learners.maml_pp import maml_pp_learner
from medmeta_ref.learners.metric import prototypical_learner
from medmeta_ref.learners.reptile import reptile_learner

__all__ = [
    "BATCH_NORM",
    "ROW_WORDS",
    "TRANSDUCTIVE",
    "Learner",
    "Objective",
    "maml_learner",
    "maml_pp_learner",
    "prototypical_learner",
    "reptile_learner",
]
