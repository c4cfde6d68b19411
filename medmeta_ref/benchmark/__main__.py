"""`python -m medmeta_ref.benchmark` is `medmeta benchmark`, as a module for torchrun.

torchrun --nproc-per-node 2 -m medmeta_ref.benchmark --track T1 --data bloodmnist --preset small
"""

from medmeta_ref.cli_benchmark import app

if __name__ == "__main__":
    app()
