"""`python -m medmeta_ref.train METHOD` is `medmeta train METHOD`, as a module for torchrun.

torchrun --nproc-per-node 2 -m medmeta_ref.train maml --data bloodmnist
"""

import typer

from medmeta_ref.cli_train import train_command

if __name__ == "__main__":
    typer.run(train_command)
