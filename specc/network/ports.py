"""What compiled graphs call their own inputs and outputs, which a model's inputs therefore cannot.

`specc/compiler/` uses the names; a test compares both.
"""

from __future__ import annotations

from collections.abc import Iterable

NAMES = frozenset(
    {"weights", "statistics", "layer_states", "metrics", "iterations", "learning_rate", "loss"}
)
PREFIXES = (
    "weights/", "slot/", "next/", "log/", "target/", "sample_weight/", "cotangent/", "grad/",
)  # fmt: skip


def is_taken(name: str) -> bool:
    """Whether a graph has an input or output of its own called `name`."""
    return name in NAMES or name.startswith(PREFIXES)


def output_ports(layers: Iterable[str], inputs: Iterable[str]) -> tuple[str, ...]:
    """Names of the outputs: those of their layers, numbered where the name is taken.

    A name that begins like a group of the graph's own gets a group of its own, `output/`.
    """
    names: list[str] = []
    taken = set(inputs)
    for name in layers:
        stem = f"output/{name}" if name.startswith(PREFIXES) else name
        unique, n = stem, 0
        while unique in taken or is_taken(unique):
            n += 1
            unique = f"{stem}_{n}"
        taken.add(unique)
        names.append(unique)
    return tuple(names)
