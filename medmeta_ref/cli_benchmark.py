"""`medmeta benchmark`: the few-shot table, cell by cell, and the page made of it."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from medmeta_ref.terminal import fail, out

app = typer.Typer(
    help="Compare few-shot methods on medical images, under one protocol.",
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


@app.callback()
def run_command(
    context: typer.Context,
    track: Annotated[
        str,
        typer.Option(help="T1 new classes, T2 a new kind of image, T3 a clinical question."),
    ] = "T1",
    data: Annotated[str, typer.Option(help="A data set of the track.")] = "bloodmnist",
    method: Annotated[str, typer.Option(help="Names with commas between them, or all.")] = "all",
    preset: Annotated[
        str, typer.Option(help="small: 20 minutes on 2 cores; full: for a GPU; tiny: to try.")
    ] = "small",
    split: Annotated[
        list[int] | None, typer.Option(help="Number of a split; may be repeated. All.")
    ] = None,
    seed: Annotated[
        list[int] | None, typer.Option(help="A training seed; may be repeated. All.")
    ] = None,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    threads: Annotated[
        int | None, typer.Option(min=1, help="Cores to use; by default as PyTorch does.")
    ] = None,
    results: Annotated[Path, typer.Option(help="Folder of the records.")] = Path(
        "results/benchmark"
    ),
) -> None:
    """Run what is not on file yet: every method on every split and seed.

    Example: medmeta benchmark --track T1 --data bloodmnist --method maml,protonet --preset small

    Interrupt it when you like; the same command goes on where it stopped.

    torchrun --nproc-per-node 2 -m medmeta_ref.benchmark --track T1 --data bloodmnist
    """
    if context.invoked_subcommand is not None:
        return
    import torch
    from tqdm.auto import tqdm

    from medmeta_ref.benchmark import records, runs
    from medmeta_ref.benchmark.cells import Workplace
    from medmeta_ref.benchmark.methods import chosen
    from medmeta_ref.benchmark.presets import read_preset
    from medmeta_ref.benchmark.protocol import read_track
    from medmeta_ref.datasets import DataError
    from medmeta_ref.train import is_main

    if device not in ("cpu", "cuda"):
        fail(f"no device {device!r}; there are cpu and cuda")
    if device == "cuda" and not torch.cuda.is_available():
        fail("this PyTorch finds no GPU; leave out --device cuda")
    if threads is not None:
        torch.set_num_threads(threads)
    path = results / records.file_name(track, data, preset)
    bar = tqdm(file=sys.stderr, desc=f"{track} {data}", disable=not is_main(), mininterval=0)

    def begin(n_there: int, n_all: int) -> None:
        bar.total, bar.n = n_all, n_there
        bar.refresh()

    def done(record: dict[str, Any]) -> None:
        bar.set_postfix_str(f"{record['method']}, split {record['split']}, seed {record['seed']}")
        bar.update()

    try:
        methods = chosen(method)
        place = Workplace(read_track(track), data, read_preset(preset), device=device)
        with bar:
            n_run = runs.run(place, methods, path, splits=split, seeds=seed, begin=begin, done=done)
    except (DataError, ValueError, FloatingPointError) as error:
        fail(error)
    if is_main():
        out.print(f"{n_run} cells run; records in {escape(str(path))}", soft_wrap=True)


@app.command("report")
def report_command(
    results: Annotated[
        Path | None, typer.Option(help="Folder of the records; by default the package's own.")
    ] = None,
    folder: Annotated[
        Path, typer.Option("--out", help="Where the page and its figures go.")
    ] = Path("lessons"),
) -> None:
    """Write BENCHMARK.md and its figures from the records.

    Example: medmeta benchmark report --results results/benchmark --out results
    """
    from medmeta_ref.benchmark.page import write_page
    from medmeta_ref.benchmark.records import committed

    try:
        written = write_page(results or committed(), folder)
    except ValueError as error:
        fail(error)
    for path in written:
        out.print(f"wrote {escape(str(path))}", soft_wrap=True)


@app.command("tune")
def tune_command(
    data: Annotated[str, typer.Option(help="A set of T1 that is not tested.")] = "synthetic-tissue",
    method: Annotated[str, typer.Option(help="Names with commas between them, or all.")] = "all",
    preset: Annotated[str, typer.Option(help="What every value may spend.")] = "small",
) -> None:
    """Try the three values of every method's setting on a set that is not tested; print JSON.

    Example: medmeta benchmark tune --method protonet
    """
    import json

    from medmeta_ref.benchmark.cells import Workplace
    from medmeta_ref.benchmark.methods import chosen
    from medmeta_ref.benchmark.presets import read_preset, read_settings
    from medmeta_ref.benchmark.protocol import read_track
    from medmeta_ref.benchmark.tuning import tuned

    try:
        methods = chosen(method)
        place = Workplace(read_track("T1"), data, read_preset(preset))
        found = tuned(
            place, methods, read_settings(), say=lambda text: print(text, file=sys.stderr)
        )
    except (ValueError, FloatingPointError) as error:
        fail(error)
    print(json.dumps(found, indent=1))
