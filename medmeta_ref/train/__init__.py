"""Training: the only outer loop, its learning rates, minibatches, checkpoints and processes.

Read `loop.py` first; `steps.py` is what it repeats.
"""

from medmeta_ref.train.checkpoints import CheckpointError
from medmeta_ref.train.distributed import is_main, process_group, rank, world_size
from medmeta_ref.train.loop import Fit, fit
from medmeta_ref.train.minibatches import sample_minibatch
from medmeta_ref.train.schedules import cosine
from medmeta_ref.train.stopping import Score

__all__ = [
    "CheckpointError",
    "Fit",
    "Score",
    "cosine",
    "fit",
    "is_main",
    "process_group",
    "rank",
    "sample_minibatch",
    "world_size",
]
