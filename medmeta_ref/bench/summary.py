"""What a run amounts to: means by family, what could not be used, and where we lose."""

import platform
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from medmeta_ref.bench.measure import geometric_mean
from medmeta_ref.bench.peers import LIBRARIES, load_peer

Record = dict[str, Any]
CPUINFO = Path("/proc/cpuinfo")
MEMORY_RIVAL = "learn2learn"  # the one that frees each task's graph before the next


def summarise(records: Sequence[Record], errors: Mapping[str, str]) -> Record:
    """Return the last record of a run, `family` "summary".

    Args:
        records: of the configurations, as `methods.run` gives them.
        errors: peer -> why it could not be used.
    """
    peers = [load_peer(name) for name in LIBRARIES]
    unusable = {p.name: p.error for p in peers if p.error is not None}
    return {
        "family": "summary",
        "geometric_means": _means(records),
        "lost": lost(records),
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            **{peer.name: peer.version for peer in peers if peer.version},
        },
        "repairs": {peer.name: list(peer.repairs) for peer in peers if peer.repairs},
        "errors": {**unusable, **errors},
        "processor": _processor(),
    }


def lost(records: Sequence[Record]) -> list[Record]:
    """Return every comparison that we lose: in time to a peer, in memory to learn2learn.

    Each says the family, the configuration, what was compared, the peer, and how many times less
    the peer needs. In memory the leanest of our variants competes.
    """
    found = []
    for record in records:
        where = {"family": record["family"], "config": record["config"]}
        for peer, ratio in record["ratios"].items():
            if peer in record["peers"] and ratio < 1:
                found.append({**where, "what": "time", "peer": peer, "times": 1 / ratio})
        memory = record["peak_mib"]
        rival = MEMORY_RIVAL if MEMORY_RIVAL in memory else "plain loop"
        leanest = min(memory[name] for name in ("ours", *record["other_ours"]))
        if rival in memory and leanest > memory[rival] > 0:
            times = leanest / memory[rival]
            found.append({**where, "what": "memory", "peer": rival, "times": times})
    return found


def _means(records: Sequence[Record]) -> dict[str, dict[str, dict[str, float]]]:
    """Return family -> threads -> ratio to the best peer, to each peer, fraction of the floor."""
    groups: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in records:
        groups[record["family"], str(record["config"]["threads"])].append(record)
    means: dict[str, dict[str, dict[str, float]]] = defaultdict(dict)
    for (family, threads), group in groups.items():
        rows = {"ratio_to_best_peer": [r["ratio_to_best_peer"] for r in group]}
        for name in group[0]["ratios"]:
            rows[f"ratio_to_{name}"] = [r["ratios"][name] for r in group if name in r["ratios"]]
        if "fraction_of_floor" in group[0]:
            rows["fraction_of_floor"] = [r["fraction_of_floor"] for r in group]
        means[family][threads] = {name: geometric_mean(values) for name, values in rows.items()}
        means[family][threads]["configurations"] = len(group)
    return dict(means)


def _processor() -> str:
    if CPUINFO.exists():
        for line in CPUINFO.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
