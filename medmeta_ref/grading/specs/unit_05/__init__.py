"""Checks of unit 05, derivatives through gradient steps."""
