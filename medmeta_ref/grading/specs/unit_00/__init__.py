"""Checks of unit 00, the way around the course."""
