"""What happens at the ends of epochs and steps. Each callback is one class in one module.

Every module here is imported, so that a callback registers itself by being defined.
"""

from __future__ import annotations

import importlib
import pkgutil

from specc.callbacks.base import Callback as Callback
from specc.callbacks.base import State as State
from specc.callbacks.base import Training as Training
from specc.callbacks.carrying import ResetStates as ResetStates
from specc.callbacks.rates import ReduceLROnPlateau as ReduceLROnPlateau
from specc.callbacks.stopping import EarlyStopping as EarlyStopping
from specc.callbacks.stopping import TerminateOnNan as TerminateOnNan
from specc.callbacks.writing import CSVLogger as CSVLogger
from specc.callbacks.writing import ModelCheckpoint as ModelCheckpoint
from specc.callbacks.writing import TensorBoard as TensorBoard

for _module in pkgutil.iter_modules(__path__, f"{__name__}."):
    importlib.import_module(_module.name)
