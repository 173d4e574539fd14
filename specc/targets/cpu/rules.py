"""The table of the CPU target; what it does not say, the portable target does."""

from __future__ import annotations

from specc.targets.portable import PORTABLE
from specc.targets.realiser import Rules

CPU = Rules(parent=PORTABLE)
