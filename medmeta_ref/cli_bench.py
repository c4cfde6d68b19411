"""`medmeta bench`: how fast the methods here are, measured on the user's own machine."""

import json
import sys
from typing import Annotated

import typer

from medmeta_ref.terminal import fail, out

app = typer.Typer(help="Measure this package against others.", no_args_is_help=True)


@app.callback()
def _bench() -> None:
    """Keep `methods` a command of its own, although it is the only one so far."""


@app.command()
def methods(
    quick: Annotated[
        bool, typer.Option("--quick", help="One small configuration per family, about a minute.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a JSON line per configuration, then a summary.")
    ] = False,
    family: Annotated[
        list[str] | None,
        typer.Option(
            help="maml, fomaml, reptile, anil, prototypical or sampling; may be repeated. "
            "All of them by default."
        ),
    ] = None,
    rounds: Annotated[
        int | None, typer.Option(min=1, help="Turns of every design; 5, or 3 with --quick.")
    ] = None,
    threads: Annotated[
        list[int] | None,
        typer.Option(min=1, help="Cores to use; may be repeated. 1 and 2, or 1 with --quick."),
    ] = None,
) -> None:
    """Time the methods beside learn2learn, higher, TorchOpt, easyfsl and a plain loop.

    All are first made sure to compute the same, in float64. Ratios say how many times longer the
    peer takes. Without --quick it takes the better part of an hour.

    Example: medmeta bench methods --quick --family maml
    """
    from tqdm.auto import tqdm

    from medmeta_ref.bench import methods as bench
    from medmeta_ref.bench.equality import DisagreementError
    from medmeta_ref.bench.report import summary_lines, tables
    from medmeta_ref.bench.summary import summarise

    n_rounds = rounds or (3 if quick else 5)
    n_threads = threads or ([1] if quick else list(bench.THREADS))
    errors: dict[str, str] = {}
    records = []
    try:
        todo = bench.jobs(family or bench.FAMILIES, threads=n_threads, quick=quick)
        with tqdm(total=len(todo), file=sys.stderr, desc="bench", mininterval=0) as bar:
            for record in bench.run(
                todo, rounds=n_rounds, errors=errors, say=bar.set_description_str
            ):
                records.append(record)
                bar.update()
                if as_json:
                    bar.write(json.dumps(record), file=sys.stdout)
                    sys.stdout.flush()
    except (DisagreementError, ValueError) as error:
        fail(error)
    summary = summarise(records, errors)
    if as_json:
        print(json.dumps(summary))
        return
    for table in tables(records):
        out.print(table)
    for line in summary_lines(summary):
        out.print(line, soft_wrap=True, highlight=False, markup=False)
