"""The accuracies of both sides as a person, or a program, reads them."""

from collections.abc import Iterator, Sequence
from typing import Any

from rich.table import Table

from medmeta_ref.bench.accuracy import Budget, Comparison
from medmeta_ref.metrics import Interval, mean_and_ci95_of_few


def table(found: Sequence[Comparison], budget: Budget) -> Table:
    """Return a table with a row for each comparison with a peer.

    Args:
        found: from `accuracy.compare`.
        budget: what both sides spent.
    """
    s = budget.setting
    caption = (
        f"{s.k_shot}-shot, {budget.n_steps} outer steps of {s.n_tasks} episodes, width {s.width}; "
        f"{budget.n_episodes} test episodes of unseen classes for each of several seeds. "
        "Transductive batch norm. Intervals: 95 % over seeds; they do not cover another choice of "
        "classes."
    )
    made = Table(caption=caption, caption_justify="left")
    for column in ("data", "method", "ours", "peer", "peer's", "ours - peer's", "reading"):
        made.add_column(column)
    for one in found:
        for peer, theirs in one.peers.items():
            gain = one.gain(peer)
            shown = [str(mean_and_ci95_of_few(a.mean(1))) for a in (one.ours, theirs)]
            what = f"{one.family}, {one.n_way}-way"
            made.add_row(one.source, what, shown[0], peer, shown[1], str(gain), reading(gain))
    return made


def records(found: Sequence[Comparison], budget: Budget) -> Iterator[dict[str, Any]]:
    """Yield what `table` shows, and the mean accuracies of every seed."""
    for one in found:
        for peer, theirs in one.peers.items():
            gain = one.gain(peer)
            yield {
                "data": one.data,
                "source": one.source,
                "family": one.family,
                "n_way": one.n_way,
                "budget": budget._asdict() | {"setting": budget.setting._asdict()},
                "ours": one.ours.mean(1).tolist(),
                "peer": peer,
                "peers": theirs.mean(1).tolist(),
                "gain": gain.mean,
                "half_width": gain.half_width,
                "reading": reading(gain),
            }


def reading(gain: Interval) -> str:
    """Return what an interval of differences allows one to say."""
    if gain.mean - gain.half_width > 0:
        return "ours is better"
    return "the peer is better" if gain.mean + gain.half_width < 0 else "no difference seen"
