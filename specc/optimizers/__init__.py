"""Optimizers, one class each."""

from specc.optimizers.base import Optimizer as Optimizer
from specc.optimizers.rmsprop import RMSprop as RMSprop
