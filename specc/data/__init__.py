"""Where samples come from and how they become batches. Each source is one class in one module.

Every module here is imported, so that a source registers itself by being defined.
"""

from __future__ import annotations

import importlib
import pkgutil

from specc.data.source import Dataset as Dataset
from specc.data.source import Names as Names
from specc.data.source import Samples as Samples
from specc.data.source import Source as Source

for _module in pkgutil.iter_modules(__path__, f"{__name__}."):
    importlib.import_module(_module.name)
