"""What all starters share: the result, names and paths in a spec, how long to train."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from specc.spec.emit import flow, scalar
from specc.spec.fmt import format_text
from specc.spec.forms import name_problem
from specc.spec.nodes import node_of

# Steps that a small network takes to learn most of what it can; early stopping ends sooner.
STEPS = 2000
LEAST_EPOCHS, MOST_EPOCHS = 10, 200
LEAST_PATIENCE = 8
# Classes whose sizes differ more are weighed.
UNEVEN = 3
# Shares of the samples that are held back where the data does not say which.
HELD_OUT = {"test": 0.15, "validation": 0.15}


@dataclass(frozen=True, slots=True)
class Starter:
    """A spec to start from.

    Attributes:
        text: the spec, with comments, in the normal layout.
        told: in one line, what was found and decided.
    """

    text: str
    told: str


def finished(text: str, told: str) -> Starter:
    """A starter of a spec in any layout."""
    return Starter(format_text(text), told)


def yaml(value: object) -> str:
    """Plain data in one line of YAML."""
    return flow(node_of(value))


def model_name(name: str) -> str:
    """What a spec can be called after a file, as YAML writes it."""
    return scalar("my_model" if name_problem(name) else name)


def in_spec(path: Path) -> str:
    """How a spec names a file or folder: below the current folder, else where it is."""
    whole = path.absolute()
    here = Path.cwd()
    return whole.relative_to(here).as_posix() if whole.is_relative_to(here) else whole.as_posix()


def loop(samples: int, batch_size: int) -> str:
    """The lines of `train:` about how long: enough epochs, ended when validation says so."""
    steps = max(1, math.ceil(samples / batch_size))
    epochs = min(MOST_EPOCHS, max(LEAST_EPOCHS, math.ceil(STEPS / steps)))
    patience = max(LEAST_PATIENCE, epochs // 10)
    return f"""\
  epochs: {epochs}
  batch_size: {batch_size}
  # Ends when the validation loss has not fallen for {patience} epochs, and takes the best weights.
  callbacks: [{{early_stopping: {{patience: {patience}, restore_best_weights: true}}}}]
"""


def counted(count: int, what: str) -> str:
    """`1 picture`, `1,200 pictures`."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"
