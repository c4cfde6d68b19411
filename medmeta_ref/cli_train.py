"""`medmeta train METHOD`: train a method, test it beside its baselines, save the figures."""

import contextlib
import io
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from medmeta_ref.terminal import fail, out

# What each method takes, and what it is set to unless the command line says otherwise.
EPISODES: dict[str, Any] = {
    "steps": 300,
    "outer_lr": 2e-3,
    "width": 32,
    "n_way": 5,
    "k_shot": 5,
    "n_query": 15,
    "meta_batch_size": 4,
    "episodes": 600,
    "batch_norm": None,
    "checkpoint": None,
    "patience": None,
}
INNER = {"inner_lr": 0.1, "inner_steps": 5}
WHOLE_SET: dict[str, Any] = {"steps": 300, "outer_lr": 0.01, "width": 32, "batch_size": 64}
SETTINGS: dict[str, dict[str, Any]] = {
    "prototypical": EPISODES | {"meta_batch_size": 1},
    "maml": EPISODES | INNER,
    "fomaml": EPISODES | INNER,
    "anil": EPISODES | INNER,
    "reptile": EPISODES | INNER,
    "maml_pp": EPISODES | INNER,
    "distillation": WHOLE_SET | {"temperature": 4.0, "alpha": 0.9, "runs": 5},
    "replay": WHOLE_SET | {"steps": 100, "capacity": 200, "ratio": 1.0, "runs": 3},
}


def train_command(
    method: Annotated[str, typer.Argument(help=f"{', '.join(SETTINGS)}.", show_default=False)],
    data: Annotated[str, typer.Option(help="A data set with at least 4 classes.")] = "bloodmnist",
    steps: Annotated[
        int | None, typer.Option(help="Outer steps, 300; of replay for each group, 100.")
    ] = None,
    outer_lr: Annotated[
        float | None, typer.Option(help="Adam's first rate, 0.002; without episodes 0.01.")
    ] = None,
    width: Annotated[int | None, typer.Option(help="Channels of the network, 32.")] = None,
    n_way: Annotated[int | None, typer.Option(help="Classes per episode, 5 at most.")] = None,
    k_shot: Annotated[int | None, typer.Option(help="Support images per class, 5.")] = None,
    n_query: Annotated[int | None, typer.Option(help="Query images per class, 15.")] = None,
    meta_batch_size: Annotated[
        int | None, typer.Option(help="Episodes per outer step, 4; of prototypical 1.")
    ] = None,
    inner_lr: Annotated[float | None, typer.Option(help="Inner step size, 0.1.")] = None,
    inner_steps: Annotated[int | None, typer.Option(help="Inner steps, 5.")] = None,
    episodes: Annotated[int | None, typer.Option(min=2, help="Test episodes, 600.")] = None,
    batch_norm: Annotated[
        str | None,
        typer.Option(
            help="Test in one mode only: transductive, support or (maml_pp) per-step. "
            "By default in all that the method has, on the same episodes."
        ),
    ] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(help="File to write, and to go on from if it is there.")
    ] = None,
    patience: Annotated[
        int | None,
        typer.Option(help="Stop after so many validations, every 100 steps, without a new best."),
    ] = None,
    temperature: Annotated[float | None, typer.Option(help="Of distillation, 4.")] = None,
    alpha: Annotated[float | None, typer.Option(help="Weight of the teacher, 0.9.")] = None,
    capacity: Annotated[int | None, typer.Option(help="Images that replay keeps, 200.")] = None,
    ratio: Annotated[float | None, typer.Option(help="Weight of replayed images, 1.")] = None,
    batch_size: Annotated[
        int | None, typer.Option(help="Images per minibatch without episodes, 64.")
    ] = None,
    runs: Annotated[
        int | None, typer.Option(min=2, help="Repetitions: of distillation 5, of replay 3.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
    results: Annotated[Path, typer.Option(help="Folder for the figures.")] = Path("results"),
) -> None:
    """Train a method, and test it beside its baselines.

    Where it can be, it is tested on classes that it has never seen.

    Example: medmeta train prototypical --data organamnist --k-shot 1

    medmeta train maml --inner-steps 5 --inner-lr 0.1 --checkpoint maml.pt
    medmeta train fomaml --meta-batch-size 8 --patience 3
    medmeta train anil --batch-norm support
    medmeta train reptile --steps 1000
    medmeta train maml_pp --batch-norm per-step
    medmeta train distillation --temperature 4 --alpha 0.9
    medmeta train replay --capacity 200 --ratio 1
    torchrun --nproc-per-node 2 -m medmeta_ref.train maml --data bloodmnist
    """
    given = {name: value for name, value in locals().items() if value is not None}
    settings = _settings(method, given)

    import torch

    from medmeta_ref.datasets import DataError, load_or_synthetic
    from medmeta_ref.train import is_main
    from medmeta_ref.train_runs import run_method

    splits = ["train", "test"] + (["val"] if settings.get("patience") else [])
    # Of several processes the first alone speaks; an error may be one's own, so all report those.
    quiet = contextlib.nullcontext() if is_main() else contextlib.redirect_stdout(io.StringIO())
    try:
        with quiet:
            images = [load_or_synthetic(data, split) for split in splits]
        source = images[0].source
        if source.startswith("synthetic"):
            data = source.split()[0]
        generator = torch.Generator().manual_seed(seed)
        outcome = run_method(method, data, images, settings, generator=generator)
    except (DataError, ValueError, FloatingPointError) as error:
        fail(error)
    if not is_main():
        return
    for part in outcome.tables(source):
        out.print(part, soft_wrap=isinstance(part, str), highlight=False)
    stated = outcome.settings | {"data": data, "seed": seed}
    files = outcome.save(results / f"{method}-{data}", source, stated)
    out.print(escape(f"Saved {' and '.join(map(str, files))}"), soft_wrap=True)


def _settings(method: str, given: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of a method; refuse those that it would only ignore."""
    if method not in SETTINGS:
        fail(f"no method {method!r}; there are {', '.join(SETTINGS)}")
    everything = {name for settings in SETTINGS.values() for name in settings}
    strange = [name for name in given if name in everything - SETTINGS[method].keys()]
    if strange:
        fail(
            f"{method} takes no {', '.join(map(_option, strange))}; it takes "
            f"{', '.join(map(_option, SETTINGS[method]))}, --data, --seed and --results"
        )
    return {name: given.get(name, value) for name, value in SETTINGS[method].items()}


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"
