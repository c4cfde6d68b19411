"""The benchmark of the methods: which configurations, and one record for each.

First all designs of a configuration are held against the plain loop in float64; then they take
turns in float32; then each runs once more in a process of its own, for its memory.
"""

import statistics
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import torch

from medmeta_ref.bench import designs, sampling
from medmeta_ref.bench.episode_source import SamplingSetting, faults, make_images
from medmeta_ref.bench.equality import DisagreementError, require_equal
from medmeta_ref.bench.floor import convolution_peak, maml_flops
from medmeta_ref.bench.measure import clock_of, interleaved, paired_ratio
from medmeta_ref.bench.memory import MemoryMeter
from medmeta_ref.bench.peers import LIBRARIES, load_peer, one_line
from medmeta_ref.bench.workload import Design, Gradient, Setting

Record = dict[str, Any]
Say = Callable[[str], None]
SAMPLING = "sampling"
FAMILIES = (*designs.FAMILIES, SAMPLING)
WIDTHS, SHOTS, TASKS, THREADS = (32, 64), (1, 5), (4, 16), (1, 2)


class Job(NamedTuple):
    """One configuration of one family."""

    family: str
    setting: Setting | SamplingSetting

    @property
    def title(self) -> str:
        """What it is, in a few words."""
        s = self.setting
        if isinstance(s, SamplingSetting):
            return f"{self.family}, {s.k_shot}-shot"
        threads = "1 thread" if s.threads == 1 else f"{s.threads} threads"
        return f"{self.family}, width {s.width}, {s.k_shot}-shot, {s.n_tasks} tasks, {threads}"


def jobs(
    families: Sequence[str] = FAMILIES, *, threads: Sequence[int] = THREADS, quick: bool = False
) -> list[Job]:
    """Return the configurations to measure.

    Args:
        families: some of `FAMILIES`.
        threads: numbers of threads.
        quick: the smallest network and episode only, on the first number of threads.

    Raises:
        ValueError: if a family is unknown or a number of threads below 1.
    """
    for family in families:
        if family not in FAMILIES:
            raise ValueError(f"no family {family!r}; there are {', '.join(FAMILIES)}")
    if not threads or min(threads) < 1:
        raise ValueError(f"threads must be at least 1, got {list(threads)}")
    widths, shots, tasks = (WIDTHS[:1], SHOTS[:1], TASKS[:1]) if quick else (WIDTHS, SHOTS, TASKS)
    found = []
    for family in dict.fromkeys(families):
        if family == SAMPLING:
            found += [Job(family, SamplingSetting(k_shot=k)) for k in shots]
            continue
        found += [
            Job(family, Setting(width, k_shot, n_tasks, n_threads))
            for width in widths
            for k_shot in shots
            for n_tasks in tasks
            for n_threads in (threads[:1] if quick else threads)
        ]
    return found


def run(
    todo: Sequence[Job], *, rounds: int, errors: dict[str, str], say: Say = lambda text: None
) -> Iterator[Record]:
    """Yield the record of each configuration as soon as it is measured.

    Args:
        todo: from `jobs`.
        rounds: how often every design is timed.
        errors: peer -> why it could not be used; filled on the way.
        say: told what is being done.

    Raises:
        DisagreementError: if designs that should compute the same do not.
    """
    before = torch.get_num_threads()
    try:
        with MemoryMeter() as meter:
            for job in todo:
                torch.set_num_threads(job.setting.threads)
                if isinstance(job.setting, SamplingSetting):
                    record = _sampling_record(job, job.setting, rounds, errors, say)
                else:
                    record = _gradient_record(job, job.setting, rounds, errors, say)
                say(f"{job.title}: memory")
                measured = ["ours", *record["other_ours"], *record["peers"]]
                record["peak_mib"] = {n: _peak_mib(meter, job, n) for n in measured}
                yield record
    finally:
        torch.set_num_threads(before)


def _peak_mib(meter: MemoryMeter, job: Job, name: str) -> float:
    library = name.removesuffix(sampling.MEDMNIST_STYLE)
    imports = partial(load_peer, library) if library in LIBRARIES else None
    s = job.setting
    if isinstance(s, SamplingSetting):
        small: Setting | SamplingSetting = s._replace(n_images=20 * s.n_classes)
        return meter.peak_mib(sampling.prepare, name, s, imports=imports, warm_up=(name, small))
    small = s._replace(width=4, n_tasks=2, inner_steps=1, n_query=1)
    warm_up = (job.family, name, small)
    return meter.peak_mib(designs.prepare, *warm_up[:2], s, imports=imports, warm_up=warm_up)


def _gradient_record(
    job: Job, setting: Setting, rounds: int, errors: dict[str, str], say: Say
) -> Record:
    family = designs.FAMILIES[job.family]
    say(f"{job.title}: comparing in float64")
    precise = setting._replace(dtype="float64")
    gradients: dict[str, Gradient] = {}
    for name in designs.names(job.family):
        try:
            gradients[name] = designs.prepare(job.family, name, precise)()
        except Exception as error:  # a foreign package may fail in any way
            if name in (*family.ours, designs.PLAIN):
                raise
            errors[name] = one_line(error)
    apart = require_equal(
        {name: g for name, g in gradients.items() if name not in family.differs},
        designs.PLAIN,
        where=job.title,
    )
    runs: dict[str, Design] = {
        name: designs.prepare(job.family, name, setting) for name in gradients
    }
    record = _timed(job, runs, tuple(family.ours), rounds, say)
    record["float64_difference"] = max(apart.values())
    if differs := {n: why for n, why in family.differs.items() if n in gradients}:
        record["differs"] = differs
    if job.family == "maml":
        _, clock = clock_of(setting.threads)
        peak = convolution_peak(threads=setting.threads, clock=clock)
        record["conv_peak_gflops"] = peak / 1e9
        floor = maml_flops(setting) / peak
        record["fraction_of_floor"] = floor / record["ours_s"]
        record["best_peer_fraction_of_floor"] = floor / record["peers"][record["best_peer"]]
    return record


def _sampling_record(
    job: Job, setting: SamplingSetting, rounds: int, errors: dict[str, str], say: Say
) -> Record:
    say(f"{job.title}: looking at episodes")
    images = make_images(setting)
    runs = {}
    for name in sampling.names():
        try:
            draw = sampling.build(name, setting, images)
            episode = draw()
        except Exception as error:  # a foreign package may fail in any way
            if name in (sampling.OURS, sampling.PLAIN):
                raise
            errors[name.removesuffix(sampling.MEDMNIST_STYLE)] = one_line(error)
            continue
        if wrong := faults(episode, setting, images):
            raise DisagreementError(f"{job.title}: {name} draws no episode: {'; '.join(wrong)}")
        runs[name] = draw
    record = _timed(job, runs, (sampling.OURS,), rounds, say)
    slow = [n for n in record["ratios"] if n.endswith(sampling.MEDMNIST_STYLE)]
    record["ratio_to_medmnist_style"] = min(record["ratios"][n] for n in slow)
    return record


def _timed(
    job: Job,
    runs: dict[str, Callable[[], Any]],
    ours: tuple[str, ...],
    rounds: int,
    say: Say,
) -> Record:
    """Return the record of a configuration as far as it is about time."""
    say(f"{job.title}: timing")
    name_of_clock, clock = clock_of(job.setting.threads)
    seconds = interleaved(runs, rounds=rounds, clock=clock)
    median = {name: statistics.median(times) for name, times in seconds.items()}
    peers = [name for name in runs if name not in ours]
    best = min(peers, key=lambda name: median[name])
    ratios = {name: paired_ratio(seconds[name], seconds[ours[0]]) for name in runs}
    return {
        "family": job.family,
        "config": job.setting._asdict(),
        "clock": name_of_clock,
        "rounds": rounds,
        "ours_s": median[ours[0]],
        "other_ours": {name: median[name] for name in ours[1:]},
        "peers": {name: median[name] for name in peers},
        "best_peer": best,
        "ratio_to_best_peer": ratios[best],
        "ratios": {name: ratio for name, ratio in ratios.items() if name != ours[0]},
    }
