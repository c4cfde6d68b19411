"""Checks of unit 06, MAML and FOMAML."""
