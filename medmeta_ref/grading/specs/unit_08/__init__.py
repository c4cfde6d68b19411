"""Checks of unit 08, MAML++."""
