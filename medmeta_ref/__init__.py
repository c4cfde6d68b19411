"""Reference implementations for the course *meta-learning for medical image analysis*.

Read a module beside its paper: `medmeta_ref.distillation`, `medmeta_ref.prototypical`, ...
Importing this package does nothing else: no seed, no download, no device is touched.
"""

__version__ = "0.1.0"
