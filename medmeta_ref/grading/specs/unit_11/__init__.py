"""Checks of unit 11, experience replay and continual learning."""
