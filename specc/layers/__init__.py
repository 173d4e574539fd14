"""Layers, one class a kind. Importing the package registers all of them.

To add one: a class in a module of this package (or a new module) with its fields, its shape rule,
its weights and its lowering. Nothing else has to change.
"""

from __future__ import annotations

import importlib
import pkgutil

from specc.layer import Layer as Layer

# Operations are many, and most specs have none, nor layers that vary images: they are registered
# when one is asked for.
Layer.late["ops."] = f"{__name__}.operations"
for _begin in (
    "aug_mix", "auto_contrast", "contrast_limited_", "cut_mix", "equalization", "mix_up",
    "pipeline", "rand_augment", "random_", "solarization",
):  # fmt: skip
    Layer.late[_begin] = f"{__name__}.augmentation"

for _module in pkgutil.iter_modules(__path__):
    if not _module.ispkg:
        importlib.import_module(f"{__name__}.{_module.name}")
