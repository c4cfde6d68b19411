"""The findings of one run in Markdown: three tables, and what may be read from them."""

from collections.abc import Sequence

from medmeta_ref.benchmark.findings import LEARNING_TO_LEARN, REFERENCE, Findings
from medmeta_ref.benchmark.methods import METHODS
from medmeta_ref.benchmark.statistics import BETTER, UNSEEN, WORSE, Row

METRIC_WORDS = {"accuracy": "accuracy", "auroc": "AUROC"}


def means_table(found: Findings) -> str:
    """Return a table of means with bootstrap intervals, and of the 5th-percentile episodes."""
    heads = ["method"]
    for k in found.rows:
        heads += [f"K = {k}", f"worst 5 %, K = {k}"]
    body = []
    for rows in zip(*found.rows.values(), strict=True):
        cells = [METHODS[rows[0].method].title]
        for row in rows:
            cells += [str(row.mean), f"{row.bad:.3f}"]
        body.append(cells)
    return _markdown(heads, body)


def differences_table(found: Findings) -> str:
    """Return a table of paired differences to the reference, each with its reading."""
    body = []
    for rows in zip(*found.rows.values(), strict=True):
        name = rows[0].method
        if name != REFERENCE:
            shown = [
                f"{r.over_units.mean:+.3f} ± {r.over_units.half_width:.3f}, {r.reading}"
                for r in rows
            ]
            body.append([METHODS[name].title, *shown])
    return _markdown(["method", *(f"K = {k}" for k in found.rows)], body)


def calibration_table(found: Findings) -> str:
    """Return a table of further measures at the largest K, and of the CPU time spent."""
    k = max(found.rows)
    others = [m for m in found.track.metrics[1:] if m != "ece"]
    heads = ["method", *(m.replace("_", " ") for m in others)]
    heads += ["ECE", "its null", "cells above 95 % of it", "CPU s training", "CPU s testing"]
    body = []
    for row in found.rows[k]:
        c = row.calibration
        body.append(
            [
                METHODS[row.method].title,
                *(f"{found.mean_of(row.method, k, m):.3f}" for m in others),
                f"{c.error:.3f}",
                f"{c.null:.3f}",
                f"{c.share_above:.0%}",
                *(f"{found.cpu_seconds(row.method, what):.1f}" for what in ("training", "testing")),
            ]
        )
    return _markdown(heads, body)


def readings(found: Findings) -> list[str]:
    """Return sentences that say, for every K, who is ahead of the reference and who is behind."""
    sentences = []
    for k, rows in found.rows.items():
        best = max(rows, key=lambda row: row.mean.estimate)
        what = METRIC_WORDS[found.metric]
        sentences.append(
            f"**K = {k}.** The highest mean {what} is that of *{METHODS[best.method].title}*, "
            f"{best.mean.estimate:.3f}; guessing reaches {found.chance:.3f}. "
            f"Beside *{METHODS[REFERENCE].title}*: "
            + "; ".join(
                f"{word}: {_titles(rows, word)}"
                for word in (BETTER, WORSE, UNSEEN)
                if _titles(rows, word)
            )
            + f". {_learned(rows)}"
        )
    return sentences


def _learned(rows: Sequence[Row]) -> str:
    """Return how many of the methods that learn to learn beat the reference."""
    own = [row for row in rows if row.method in LEARNING_TO_LEARN]
    ahead = [row for row in own if row.reading == BETTER]
    return f"Of the {len(own)} methods that learn to learn, {len(ahead)} are ahead of it."


def _titles(rows: Sequence[Row], word: str) -> str:
    chosen = [METHODS[r.method].title for r in rows if r.reading == word and r.method != REFERENCE]
    return ", ".join(f"*{title}*" for title in chosen)


def _markdown(heads: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---", *("---:" for _ in heads[1:])], *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
