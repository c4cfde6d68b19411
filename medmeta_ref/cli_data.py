"""`medmeta data`: list, fetch and verify MedMNIST files."""

from typing import Annotated

import typer

from medmeta_ref.terminal import fail, out

app = typer.Typer(help="List, fetch and verify MedMNIST files.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="A data set, for instance bloodmnist.")]
Size = Annotated[int, typer.Option(help="Pixels per side: 28, 64, 128 or 224.")]


@app.command("list")
def list_data() -> None:
    """List the names that every command and `medmeta_ref.datasets.load` take.

    Example: medmeta data list
    """
    from medmeta_ref.datasets import names

    for name in names():
        out.print(name)


@app.command()
def fetch(name: Name, size: Size = 28) -> None:
    """Download an official MedMNIST file and verify it.

    Example: medmeta data fetch bloodmnist
    """
    from medmeta_ref import datasets

    try:
        out.print(f"{datasets.fetch(name, size=size)}: official file, MD5 verified", soft_wrap=True)
    except (datasets.DataError, ValueError) as error:
        fail(error)


@app.command()
def verify(name: Name, size: Size = 28) -> None:
    """Read a MedMNIST file again from start to end and compare its MD5 with the official one.

    Example: medmeta data verify bloodmnist
    """
    from medmeta_ref import datasets

    try:
        path = datasets.verify(name, size=size)
        out.print(f"{path}: official file, MD5 verified", soft_wrap=True)
    except (datasets.DataError, ValueError) as error:
        fail(error)
