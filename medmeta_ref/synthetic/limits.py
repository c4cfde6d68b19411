"""Which numbers `synthetic.draw` accepts, and what it says about the others."""

import math

MIN_SIZE = 14


def check_numbers(**numbers: float) -> None:
    """Raise a ValueError that names the first number outside its range, and the way out."""
    limits = {
        "n_classes": (1, math.inf, "ask for one class or more"),
        "n_per_class": (1, math.inf, "ask for one image per class or more"),
        "size": (MIN_SIZE, math.inf, "on fewer pixels the shapes vanish, and 28 is usual"),
        "class_distance": (0, math.inf, "0 makes all classes the same, 1 is usual"),
        "noise": (0, math.inf, "0 is no noise, 0.04 is usual"),
        "shift": (0, 1, "0 is no shift, 1 a strong one"),
        "imbalance": (0, 1, "0 is equal classes, 1 a long tail"),
    }
    for name, value in numbers.items():
        low, high, way_out = limits[name]
        if not low <= value <= high or math.isinf(value):
            allowed = f"at least {low}" if math.isinf(high) else f"from {low} to {high}"
            raise ValueError(f"{name} must be {allowed} and finite, got {value}: {way_out}.")
