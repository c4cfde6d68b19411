"""Checks of unit 04, prototypical networks."""
