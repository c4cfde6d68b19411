"""What the records show: means, paired differences, bad episodes, calibration.

An interval goes over what the protocol calls its unit, class splits or training seeds, first. The
hierarchical bootstrap draws units, seeds within them, episodes within those (Field and Welsh 2007);
with five units it is too narrow. In a simulation with spreads like ours it covered the truth in
nine cases of ten, the usual interval over episodes in five (tests/test_benchmark_statistics.py). So
what is said to be better or worse is decided by Student's t over the means of the units, which is
wider and holds its 95 %.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from medmeta_ref.benchmark.records import cell_of
from medmeta_ref.metrics import Interval, mean_and_ci95_of_few
from medmeta_ref.resampling import PercentileInterval, hierarchical_bootstrap

N_RESAMPLES = 1000
BETTER, WORSE, UNSEEN = "better", "worse", "no difference seen"


class Calibration(NamedTuple):
    """The calibration error, means over cells, and what chance alone would give.

    Attributes:
        error: expected calibration error.
        null: what a perfectly calibrated method with the same answers would score.
        share_above: of cells, how many lie above the 95th percentile of their null.
    """

    error: float
    null: float
    share_above: float


class Row(NamedTuple):
    """What one method reached for one K.

    Attributes:
        method: its name.
        mean: over all units and episodes, with its bootstrap interval.
        bad: the 5th percentile of the episodes: what one patient in twenty falls below.
        minus_reference: paired difference to the reference method, with its bootstrap interval.
        over_units: the same difference with the wider interval over the units' means.
        reading: "better", "worse" or "no difference seen", by `over_units`.
        calibration: in the same cells.
    """

    method: str
    mean: PercentileInterval
    bad: float
    minus_reference: PercentileInterval
    over_units: Interval
    reading: str
    calibration: Calibration


def values_of(
    records: Sequence[Mapping[str, Any]],
    method: str,
    k_shot: int,
    metric: str,
    *,
    splits: Sequence[int],
    seeds: Sequence[int],
    unit: str,
) -> Tensor:
    """Return `[n_units, n_runs, n_episodes]`: splits and their seeds, or seeds and one run each.

    Args:
        records: of one run.
        method: whose.
        k_shot: support images per class.
        metric: name of a metric with one value per episode.
        splits: those to take; of one split only, the units are seeds.
        seeds: those to take.
        unit: "class split" or "training seed", as the protocol says.

    Raises:
        ValueError: if a record is missing, or units are seeds and there are several splits.
    """
    by_cell = {cell_of(record): record for record in records}
    missing = [(p, s) for p in splits for s in seeds if (p, s, method) not in by_cell]
    if missing:
        raise ValueError(f"{method} has no record of split, seed {missing[0]}; run it first")
    rows = [[by_cell[p, s, method]["metrics"][str(k_shot)][metric] for s in seeds] for p in splits]
    values = torch.tensor(rows, dtype=torch.float64)
    if unit == "class split":
        return values
    if len(splits) != 1:
        raise ValueError(f"units are training seeds, so one split is needed, got {list(splits)}")
    return values.transpose(0, 1)


def compared(
    values: Mapping[str, Tensor],
    reference: str,
    calibrations: Mapping[str, Calibration],
    *,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> list[Row]:
    """Return one row per method, in the order given.

    Args:
        values: method -> `[n_units, n_runs, n_episodes]`, all on the same episodes.
        reference: the method that the others are compared with.
        calibrations: method -> calibration.
        n_resamples: of the bootstrap.
        seed: of the resampling; the same for all methods, so that they are resampled alike.

    Raises:
        ValueError: if the reference has no values, or shapes differ, or as
            `hierarchical_bootstrap`.
    """
    if reference not in values:
        raise ValueError(f"the reference {reference} has no values; there are {', '.join(values)}")
    rows = []
    for method, own in values.items():
        if own.shape != values[reference].shape:
            raise ValueError(
                f"{method} has values {tuple(own.shape)}, {reference} has "
                f"{tuple(values[reference].shape)}; differences need the same episodes"
            )
        differences = own - values[reference]
        mean, minus = (
            hierarchical_bootstrap(
                v, n_resamples=n_resamples, generator=torch.Generator().manual_seed(seed)
            )
            for v in (own, differences)
        )
        over_units = mean_and_ci95_of_few(differences.mean((1, 2)))
        rows.append(
            Row(
                method,
                mean,
                float(own.flatten().quantile(0.05)),
                minus,
                over_units,
                reading(over_units),
                calibrations[method],
            )
        )
    return rows


def reading(difference: Interval) -> str:
    """Return what an interval of differences to the reference allows one to say.

    Example:
        >>> reading(Interval(0.03, 0.01)), reading(Interval(-0.01, 0.02))
        ('better', 'no difference seen')
    """
    if difference.mean - difference.half_width > 0:
        return BETTER
    return WORSE if difference.mean + difference.half_width < 0 else UNSEEN


def calibration_of(records: Sequence[Mapping[str, Any]], method: str, k_shot: int) -> Calibration:
    """Return a method's calibration, over all of its records.

    Args:
        records: of one run.
        method: whose.
        k_shot: support images per class.
    """
    own = [r["metrics"][str(k_shot)] for r in records if r["method"] == method]
    n = len(own)
    return Calibration(
        sum(m["ece"] for m in own) / n,
        sum(m["ece_null"] for m in own) / n,
        sum(m["ece"] > m["ece_null_95"] for m in own) / n,
    )
