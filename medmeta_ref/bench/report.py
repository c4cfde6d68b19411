"""The records of a run as a person reads them."""

from collections.abc import Sequence
from typing import Any

from rich.table import Table

Record = dict[str, Any]


def tables(records: Sequence[Record]) -> list[Table]:
    """Return a table for each family, a row for each configuration.

    Args:
        records: of the configurations, as `methods.run` gives them.
    """
    return [
        _table(family, [r for r in records if r["family"] == family])
        for family in dict.fromkeys(r["family"] for r in records)
    ]


def summary_lines(summary: Record) -> list[str]:
    """Return the summary in lines: means, where we lose, what could not be used, versions."""
    lines = ["", "Geometric means of (peer's seconds / ours), by threads"]
    for family, by_threads in summary["geometric_means"].items():
        for threads, means in by_threads.items():
            others = ", ".join(
                f"{name.removeprefix('ratio_to_')} {value:.2f}"
                for name, value in means.items()
                if name.startswith("ratio_to_") and name != "ratio_to_best_peer"
            )
            best = means["ratio_to_best_peer"]
            lines.append(f"  {family:12} {threads}: {best:.2f} to the best peer ({others})")
            if "fraction_of_floor" in means:
                floor = means["fraction_of_floor"]
                lines.append(f"  {'':12}    {floor:.0%} of the convolution floor reached")
    lines += ["", "Where we lose"]
    lines += [
        f"  {one['what']} to {one['peer']}, {one['times']:.2f} times less: {one['family']}, "
        f"{_where(one['config'])}"
        for one in summary["lost"]
    ] or ["  nowhere in this run"]
    lines += ["", "Peers that could not be used"]
    lines += [f"  {name}: {error}" for name, error in summary["errors"].items()] or ["  none"]
    repairs = [f"  {name}: {'; '.join(r)}" for name, r in summary["repairs"].items()]
    if repairs:
        lines += ["", "Peers that had to be mended to work here", *repairs]
    versions = ", ".join(f"{name} {v}" for name, v in summary["versions"].items())
    return [*lines, "", f"{versions}; {summary['processor']}"]


def _table(family: str, records: Sequence[Record]) -> Table:
    clocks = "/".join(dict.fromkeys(r["clock"] for r in records))
    what = "an episode" if family == "sampling" else "a meta-gradient"
    caption = f"ours: seconds of {what} ({clocks} time). The others: how many times longer they "
    caption += "take, * the quickest of them. MiB: peak memory of one call."
    for peer, how in records[0].get("differs", {}).items():
        caption += f" {peer} computes something else: {how}."
    table = Table(title=family, caption=caption, caption_justify="left", show_lines=True)
    table.add_column("configuration", no_wrap=True)
    names = list(dict.fromkeys(name for r in records for name in r["peak_mib"]))
    for name in names:
        table.add_column(name.replace(", ", ",\n"), justify="right", overflow="fold")
    if "fraction_of_floor" in records[0]:
        table.add_column("floor reached", justify="right")
    for record in records:
        cells = [_where(record["config"], between="\n")]
        cells += [_cell(record, name) if name in record["peak_mib"] else "-" for name in names]
        if "fraction_of_floor" in record:
            cells.append(f"{record['fraction_of_floor']:.0%}")
        table.add_row(*cells)
    return table


def _cell(record: Record, name: str) -> str:
    if name == "ours":
        seconds = record["ours_s"]
        time = f"{seconds * 1e3:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"
    else:
        time = f"{record['ratios'][name]:.2f}x" + "*" * (name == record["best_peer"])
    return f"{time}\n{record['peak_mib'][name]:,.0f} MiB"


def _where(config: Record, *, between: str = ", ") -> str:
    threads = f"{config['threads']} thread" + "s" * (config["threads"] > 1)
    if "width" not in config:
        return f"{config['k_shot']}-shot{between}{threads}"
    size = f"width {config['width']}, {config['k_shot']}-shot"
    return f"{size}{between}{config['n_tasks']} tasks, {threads}"
