"""Callbacks about what layers carry from batch to batch."""

from __future__ import annotations

from typing_extensions import override

from specc.callbacks.base import Callback, Logs, State, Training


class ResetStates(Callback):
    """Let stateful layers begin with zeros again after each epoch and its validation.

    Source: what programs that train stateful models in Keras do themselves, by
    `layer.reset_states()` between calls of `fit` (keras/src/layers/rnn/rnn.py, 3.15.1).
    """

    @override
    def epoch_end(self, state: State, training: Training, epoch: int, logs: Logs) -> None:
        training.reset_states()
