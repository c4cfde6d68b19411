"""Checks of unit 10, fusing views: slices, gates, missing views, pairs that are none."""
