"""What compiled graphs call their own inputs and outputs, which a model's inputs therefore cannot.

`specc/compiler/` uses the names; a test compares both.
"""

from __future__ import annotations

NAMES = frozenset(
    {"weights", "statistics", "layer_states", "metrics", "iterations", "learning_rate", "loss"}
)
PREFIXES = (
    "weights/", "slot/", "next/", "log/", "target/", "sample_weight/", "cotangent/", "grad/",
)  # fmt: skip


def is_taken(name: str) -> bool:
    """Whether a graph has an input or output of its own called `name`."""
    return name in NAMES or name.startswith(PREFIXES)
