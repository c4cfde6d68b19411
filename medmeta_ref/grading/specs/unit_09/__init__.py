"""Checks of unit 09, model fusion: ensembles, stacking, slices."""
