"""Checks of unit 03, knowledge distillation."""
