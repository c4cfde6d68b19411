"""How the settings were chosen: three values for every method, on a set that is not tested.

Equal budgets for all: whoever tunes one method longer than another compares patience, not methods.
"""

import math
from collections.abc import Callable
from typing import Any

from medmeta_ref.benchmark.cells import Workplace
from medmeta_ref.benchmark.method import Method
from medmeta_ref.benchmark.presets import Setting


def tuned(
    place: Workplace,
    methods: list[Method],
    settings: dict[str, Setting],
    *,
    say: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Return what belongs into `rules/settings.json`, with the scores that decided.

    The best mean accuracy over all K wins; of equals the lower log loss, which is what a scale of
    logits can change.

    Args:
        place: the tuning set; its first split and seed are used.
        methods: those with no setting are left out.
        settings: the grids.
        say: told what was found.
    """
    chosen: dict[str, Any] = {}
    for method in methods:
        if method.name not in settings:
            continue
        setting, scores = settings[method.name], []
        for value in setting.grid:
            record = place.run(method, setting._replace(value=value), 0, place.track.seeds[0])
            scores.append(_score(record))
            say(f"{method.name}, {setting.name} {value}: accuracy, log loss {scores[-1]}")
        best = max(range(len(scores)), key=lambda k: (scores[k][0], -scores[k][1]))
        chosen[method.name] = {
            "name": setting.name,
            "grid": list(setting.grid),
            "accuracy": [accuracy for accuracy, _ in scores],
            "nll": [nll for _, nll in scores],
            "value": setting.grid[best],
        }
    preset, track = place.preset, place.track
    return {
        "tuned_on": f"{track.name} of {place.data}, split 0, seed {track.seeds[0]}",
        "n_steps": preset.n_steps,
        "n_episodes": preset.n_episodes[track.name],
        "methods": chosen,
    }


def _score(record: dict[str, Any]) -> tuple[float, float]:
    """Return the mean accuracy and the mean log loss over all episodes and K, rounded."""
    found = {}
    for name in ("accuracy", "nll"):
        values = [v for metrics in record["metrics"].values() for v in metrics[name]]
        found[name] = round(math.fsum(values) / len(values), 4)
    return found["accuracy"], found["nll"]
