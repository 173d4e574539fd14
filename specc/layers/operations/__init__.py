"""Functions of `keras.ops` as layers, which functional models hold beside their layers.

The key is `ops.` and the name of Keras' operation: `ops.add`, `ops.mean`, `ops.get_item`. What
Keras takes as an argument of the call is an input of the entry, or a constant in a field:

    - ops.add: 1.5                      x + 1.5
    - ops.subtract: {x1: 1.0}           1 - x
    - ops.matmul:
      inputs: [a, b]                    a @ b

Element types follow Keras' promotion, axes count the batch as axis 0.
"""

from __future__ import annotations

import importlib
import pkgutil

from specc.layers.operations.base import Operation as Operation

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
