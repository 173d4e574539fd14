"""The table of rules with internal operators; what it does not say, the CPU target does."""

from __future__ import annotations

from specc.errors import InternalError
from specc.targets.cpu import CPU
from specc.targets.realiser import Realiser, Rules

INTERNAL = Rules(parent=CPU)


def block(r: Realiser) -> int:
    """How many channels of a pixel lie together.

    Raises:
        InternalError: these rules are at work without leave.
    """
    if r.internal is None:
        raise InternalError("rules with internal operators need to know which")
    return r.internal.block
