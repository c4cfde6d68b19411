"""Checks of unit 12, robustness: wrong labels, damage, outliers."""
