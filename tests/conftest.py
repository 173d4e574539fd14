"""What holds for the whole run of tests."""

from __future__ import annotations

import signal


def pytest_configure() -> None:
    """Let Ctrl-C work: what a shell starts in the background ignores it, and so would children."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
