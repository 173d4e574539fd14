"""What training minimises. Each loss is one class.

Every module here is imported, so that a loss registers itself by being defined.
"""

from __future__ import annotations

import importlib
import pkgutil

from specc.losses.base import Loss as Loss

for _module in pkgutil.iter_modules(__path__, f"{__name__}."):
    importlib.import_module(_module.name)
