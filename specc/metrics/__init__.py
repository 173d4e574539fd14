"""What training reports. Each metric is one class.

Every module here is imported, so that a metric registers itself by being defined.
"""

from __future__ import annotations

import importlib
import pkgutil

from specc.metrics.base import Metric as Metric

for _module in pkgutil.iter_modules(__path__, f"{__name__}."):
    importlib.import_module(_module.name)
