"""The worker's side of a benchmark: a process that answers commands, one JSON line each.

Commands (`do`), with their fields and answers:

    setup    inputs: path of an .npz with weights w0, w1, ... and batches x, y   -> {"versions"}
    losses   steps                                -> {"losses"}: one for each of the first batches
    run      steps                                -> {"ms"}: the time of each step
    quit

A peer gives its versions and two functions. This file runs in the peer's environment: NumPy only.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass
class Peer:
    """What is measured.

    Attributes:
        versions: of what matters.
        loss: loss of one batch before its update, which it makes.
        step: one training step on the next batch of the peer's own choice of input path.
    """

    versions: dict[str, str]
    loss: Callable[[np.ndarray, np.ndarray], float]
    step: Callable[[], object]


def pin(threads: int) -> None:
    """Keep this process and the threads it will start on the first `threads` processors."""
    if hasattr(os, "sched_setaffinity"):
        allowed = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, set(allowed[:threads]))


def serve(
    make: Callable[[Sequence[np.ndarray], np.ndarray, np.ndarray], Peer],
) -> None:
    """Answer commands, `setup` first, until `quit` or the end of input.

    `make` gets the weights, and x and y in batches.
    """
    # Libraries print to standard output; the answers go where only they go.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    pin(int(os.environ["BENCH_THREADS"]))
    setup = json.loads(sys.stdin.readline())
    with np.load(setup["inputs"]) as file:
        count = sum(name.startswith("w") for name in file.files)
        weights = [file[f"w{i}"] for i in range(count)]
        x, y = file["x"], file["y"]
    peer = make(weights, x, y)
    answer: dict[str, object] = {"versions": peer.versions}
    while True:
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
        command = json.loads(sys.stdin.readline() or '{"do": "quit"}')
        if command["do"] == "losses":
            chosen = list(zip(x, y, strict=True))[: command["steps"]]
            answer = {"losses": [float(peer.loss(*batch)) for batch in chosen]}
        elif command["do"] == "run":
            answer = {"ms": [timed(peer.step) for _ in range(command["steps"])]}
        else:
            return


def timed(step: Callable[[], object]) -> float:
    """Milliseconds of one call."""
    began = time.perf_counter()
    step()
    return (time.perf_counter() - began) * 1e3
