"""`medmeta bench`: how fast the methods here are, measured on the user's own machine."""

import json
import sys
from typing import Annotated

import typer

from medmeta_ref.terminal import fail, out

app = typer.Typer(help="Measure this package against others.", no_args_is_help=True)


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


@app.command()
def accuracy(
    data: Annotated[
        list[str] | None,
        typer.Option(help="A data set; may be repeated. bloodmnist and organamnist by default."),
    ] = None,
    family: Annotated[
        list[str] | None, typer.Option(help="maml or prototypical; may be repeated. Both.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=2, help="Runs of each, for the interval.")] = 5,
    steps: Annotated[int, typer.Option(min=1, help="Outer steps.")] = 150,
    episodes: Annotated[int, typer.Option(min=1, help="Test episodes of every run.")] = 200,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON line per row.")] = False,
) -> None:
    """Train with the methods here and with the peers, alike, and compare the accuracies.

    The same first weights, episodes, optimiser and number of steps for all; test classes are
    unseen. Takes about half an hour on two cores.

    Example: medmeta bench accuracy --data bloodmnist --family prototypical --seeds 3
    """
    from tqdm.auto import tqdm

    from medmeta_ref.bench import accuracy as bench
    from medmeta_ref.bench import designs
    from medmeta_ref.bench.accuracy_report import records, table
    from medmeta_ref.bench.workload import Setting

    setting = Setting(width=32, k_shot=5, n_tasks=4, threads=2)
    budget = bench.Budget(steps, episodes, outer_lr=0.003, setting=setting)
    errors: dict[str, str] = {}
    found = []
    todo = [(d, f) for d in data or ("bloodmnist", "organamnist") for f in family or bench.LEARNERS]
    try:
        with tqdm(todo, file=sys.stderr, desc="bench", mininterval=0) as bar:
            for name, method in bar:
                peers = [p for p in bench.EQUALS if p in designs.names(method)]
                one = bench.compare(
                    name,
                    method,
                    peers,
                    budget=budget,
                    n_seeds=seeds,
                    errors=errors,
                    say=bar.set_description_str,
                )
                found.append(one)
    except ValueError as error:
        fail(error)
    if as_json:
        for record in records(found, budget):
            print(json.dumps(record))
        return
    out.print(table(found, budget))
    for peer, why in errors.items():
        out.print(f"{peer} could not be used: {why}", highlight=False, markup=False)


@app.command()
def grading(
    submissions: Annotated[int, typer.Option(min=1, help="How many ours grades.")] = 100,
    stock: Annotated[int, typer.Option(min=0, help="How many nbgrader's own engine grades.")] = 5,
    jobs: Annotated[int, typer.Option(min=1, help="Processes of ours.")] = 2,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON line per engine.")] = False,
) -> None:
    """Time medmeta grade, feedback pages included, beside nbgrader autograde's stock engine.

    Both grade right answers to the same exercises. CPU seconds count all processes.

    Example: medmeta bench grading --submissions 200
    """
    from rich.table import Table

    from medmeta_ref.bench.grading import compare
    from medmeta_ref.cli_grade import course_folder

    table = Table(title="Grading one unit, 7 exercises")
    for head in ("engine", "submissions", "CPU s each", "a minute", "peak MiB"):
        table.add_column(head, justify="left" if head == "engine" else "right")
    timings = []
    try:
        for timing in compare(course_folder(), submissions=submissions, stock=stock, jobs=jobs):
            timings.append(timing)
            if as_json:
                print(json.dumps(timing.to_json()), flush=True)
            table.add_row(
                timing.engine,
                f"{timing.submissions:,}",
                f"{timing.cpu_per_submission:.3f}",
                f"{timing.a_minute:,.0f}",
                f"{timing.peak_mib:,.0f}",
            )
    except RuntimeError as error:
        fail(error)
    if not as_json:
        out.print(table)
        if len(timings) == 2:
            ratio = timings[0].cpu_per_submission / timings[1].cpu_per_submission
            out.print(f"nbgrader's engine takes {ratio:.0f} times the CPU time.")
