"""The worker's side of a benchmark: a process that answers commands, one JSON line each.

Commands (`do`), with their fields and answers:

    setup    arrays: an .npz with weights w0, ..., inputs x0, ... and targets y, in batches;
             plan: a JSON file with the model                    -> {"versions", "note"}
    losses   steps            -> {"losses"}: one for each of the first batches, as far as they are
             comparable; [] without losses
    run      steps                          -> {"ms"}: the time of each training step
    outputs  batch                          -> {"file"}: predictions of the first rows as .npy
    infer    batch, steps                   -> {"ms"}: the time of each prediction
    memory                                  -> {"mib"}: most memory that the process ever held
    quit

A peer is built from the plan by a function; what it cannot do it says with `Unsupported`, and the
answer is {"unsupported": reason}. This file runs in the peer's environment: NumPy only.
"""

from __future__ import annotations

import itertools
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

Predict = Callable[[list[np.ndarray]], np.ndarray]


class Unsupported(Exception):  # noqa: N818 - an answer, not a failure
    """What this peer cannot do, and why."""


@dataclass
class Task:
    """What a peer is built from.

    Attributes:
        plan: the model as data.
        weights: in Keras' order.
        inputs, targets: batches, (count, batch, ...) each.
        threads: how many the peer may use.
    """

    plan: dict[str, Any]
    weights: list[np.ndarray]
    inputs: list[np.ndarray]
    targets: np.ndarray
    threads: int

    def batches(self) -> list[tuple[list[np.ndarray], np.ndarray]]:
        """Inputs and targets of each batch."""
        return [([x[i] for x in self.inputs], y) for i, y in enumerate(self.targets)]

    def cycle(self, change: Callable[[np.ndarray], Any] = lambda a: a) -> Iterator[Any]:
        """Batches without end, changed once beforehand into what the peer's own loaders give."""
        ready = [([change(x) for x in xs], change(y)) for xs, y in self.batches()]
        return itertools.cycle(ready)

    def samples(self) -> tuple[list[np.ndarray], np.ndarray]:
        """All inputs and targets, sample by sample."""
        flat = [a.reshape(-1, *a.shape[2:]) for a in (*self.inputs, self.targets)]
        return flat[:-1], flat[-1]

    def rows(self, count: int) -> list[np.ndarray]:
        """The first `count` rows of each input, over batches, repeated when there are too few."""
        flat, _ = self.samples()
        return [np.ascontiguousarray(np.resize(x, (count, *x.shape[1:]))) for x in flat]


def read(arrays: str, plan: str) -> Task:
    """The task that lies in two files: see `setup` above."""
    with np.load(arrays) as file:
        counts = {kind: sum(n[0] == kind for n in file.files) for kind in "wx"}
        weights, inputs = ([file[f"{k}{i}"] for i in range(n)] for k, n in counts.items())
        targets = file["y"]
    model = json.loads(Path(plan).read_text(encoding="utf-8"))
    return Task(model, weights, inputs, targets, int(os.environ["BENCH_THREADS"]))


@dataclass
class Peer:
    """What is measured.

    Attributes:
        versions: of what matters.
        loss: loss of one batch before its update, which it makes; None for
            peers that only predict, or whose update rule is another one.
        step: one training step on the next batch, done when it returns.
        run: times of many steps in ms, for peers whose own loop takes them.
        predict: outputs for one batch of inputs, as NumPy array.
        note: in what this is not the work of the others; goes into the tables.
        alike: how many of the first losses are those of the others, when not all are.
    """

    versions: dict[str, str]
    loss: Callable[[list[np.ndarray], np.ndarray], float] | None = None
    step: Callable[[], object] | None = None
    run: Callable[[int], list[float]] | None = None
    predict: Predict | None = None
    note: str = ""
    alike: int | None = None


@dataclass
class Worker:
    """Answers commands about one peer."""

    make: Callable[[Task], Peer]
    task: Task | None = None
    peer: Peer | None = None
    folder: str = field(default_factory=tempfile.mkdtemp)

    def setup(self, arrays: str, plan: str) -> dict[str, object]:
        self.task = read(arrays, plan)
        self.peer = self.make(self.task)
        return {"versions": self.peer.versions, "note": self.peer.note}

    def losses(self, steps: int) -> dict[str, object]:
        if self.peer.loss is None and (self.peer.step or self.peer.run):
            return {"losses": []}
        loss = self._has("loss")
        found = [float(loss(*batch)) for batch in self.task.batches()[:steps]]
        return {"losses": found[: self.peer.alike]}

    def run(self, steps: int) -> dict[str, object]:
        if self.peer.run is not None:
            return {"ms": self.peer.run(steps)}
        step = self._has("step")
        return {"ms": [timed(step) for _ in range(steps)]}

    def outputs(self, batch: int) -> dict[str, object]:
        path = str(Path(self.folder) / "outputs.npy")
        np.save(path, self._has("predict")(self.task.rows(batch)))
        return {"file": path}

    def infer(self, batch: int, steps: int) -> dict[str, object]:
        predict, rows = self._has("predict"), self.task.rows(batch)
        return {"ms": [timed(lambda: predict(rows)) for _ in range(steps)]}

    def memory(self) -> dict[str, object]:
        return {"mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}

    def _has(self, name: str) -> Callable[..., Any]:
        found = getattr(self.peer, name)
        if found is None:
            raise Unsupported("only trains" if name == "predict" else "only predicts")
        return found


def pin(threads: int) -> None:
    """Keep this process and the threads it will start on the first `threads` processors."""
    if hasattr(os, "sched_setaffinity"):
        allowed = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, set(allowed[:threads]))


def serve(make: Callable[[Task], Peer]) -> None:
    """Answer commands, `setup` first, until `quit` or the end of input."""
    # Libraries print to standard output; the answers go where only they go.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    pin(int(os.environ["BENCH_THREADS"]))
    worker = Worker(make)
    for line in sys.stdin:
        command = json.loads(line)
        do = command.pop("do")
        if do == "quit":
            return
        try:
            answer = getattr(worker, do)(**command)
        except Unsupported as reason:
            answer = {"unsupported": str(reason)}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def laps(ends: list[float]) -> list[float]:
    """Milliseconds between the ends of steps that follow each other."""
    return [(after - before) * 1e3 for before, after in itertools.pairwise(ends)]


def timed(step: Callable[[], object]) -> float:
    """Milliseconds of one call."""
    began = time.perf_counter()
    step()
    return (time.perf_counter() - began) * 1e3
