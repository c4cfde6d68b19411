"""`python -m medmeta_ref` is the `medmeta` command."""

from medmeta_ref.cli import app

if __name__ == "__main__":
    app()
