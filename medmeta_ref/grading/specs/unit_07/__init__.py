"""Checks of unit 07, Reptile and ANIL."""
