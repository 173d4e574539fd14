"""What compiled graphs call their own inputs and outputs, which a model's inputs therefore cannot.

`specc/compiler/` uses the names; a test compares both.
"""

from __future__ import annotations

from specc.network.graph import Network

NAMES = frozenset(
    {"weights", "statistics", "layer_states", "metrics", "iterations", "learning_rate", "loss"}
)
PREFIXES = (
    "weights/", "slot/", "next/", "log/", "target/", "sample_weight/", "cotangent/", "grad/",
)  # fmt: skip


def is_taken(name: str) -> bool:
    """Whether a graph has an input or output of its own called `name`."""
    return name in NAMES or name.startswith(PREFIXES)


def output_names(network: Network) -> tuple[str, ...]:
    """What graphs call a model's outputs: names of their layers, numbered where one is taken.

    A name that begins like a group of the graph's own gets a group of its own, `output/`.
    """
    names: list[str] = []
    taken = set(network.input_names)
    for name in network.output_names:
        stem = f"output/{name}" if name.startswith(PREFIXES) else name
        unique, n = stem, 0
        while unique in taken or is_taken(unique):
            n += 1
            unique = f"{stem}_{n}"
        taken.add(unique)
        names.append(unique)
    return tuple(names)
