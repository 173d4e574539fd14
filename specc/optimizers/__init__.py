"""Update rules and learning-rate schedules. Each is one class.

Every module here is imported, so that an optimizer registers itself by being defined.
"""

from __future__ import annotations

import importlib
import pkgutil

from specc.optimizers.base import AnyOptimizer as AnyOptimizer
from specc.optimizers.base import Optimizer as Optimizer
from specc.optimizers.base import Slot as Slot
from specc.optimizers.rmsprop import RMSprop as RMSprop
from specc.optimizers.schedules import Schedule as Schedule

for _module in pkgutil.iter_modules(__path__, f"{__name__}."):
    importlib.import_module(_module.name)
