"""RMSprop."""

from specc.optimizers.base import Optimizer


class RMSprop(Optimizer):
    """Hinton's RMSprop."""

    key = "rmsprop"
