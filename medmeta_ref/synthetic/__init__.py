"""Synthetic images in MedMNIST's layout, for lessons and tests that must run without files.

THIS IS NO MEDICAL DATA: the project draws every image itself, from circles, lines and noise.
`generate` is the file to read first; the others hold one modality or one step each.
"""

from medmeta_ref.synthetic.generate import class_counts, draw, load_family

__all__ = ["class_counts", "draw", "load_family"]
