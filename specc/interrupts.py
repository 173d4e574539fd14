"""Ctrl-C that is not lost.

Python raises KeyboardInterrupt wherever the main thread happens to be. In a function that compiled
code calls, as pydantic-core does while specs are read, the exception may be dropped. The signal is
remembered here, for those who can still act on it.
"""

from __future__ import annotations

import signal
from types import FrameType


class Interrupts:
    """Whether the process was interrupted. One object, `interrupts`, is all there is."""

    def __init__(self) -> None:
        self.heard = False

    def listen(self) -> None:
        """Remember SIGINT from now on, and raise KeyboardInterrupt as before.

        A process that was started with SIGINT ignored, in the background of a script, ignores it.
        """
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._hear)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        self.heard = True
        signal.default_int_handler(number, frame)


interrupts = Interrupts()
