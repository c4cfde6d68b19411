"""Checks of unit 01: tasks, episodes, splits and intervals."""
