"""Checks of unit 02: the families of methods, and the three challenges in numbers."""
