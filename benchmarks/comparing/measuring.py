"""Measures one workload: checks that all peers compute the same, then times them in turns."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from comparing.client import Client, Refused
from comparing.machine import held
from comparing.workloads import Task

# Of the first losses, relative. float32 sums in another order differ by about 1e-6; batch
# normalization of small variances and RMSprop's small averages let that grow with every update,
# in MobileNetV2 by a factor of a hundred.
TOLERANCES = (1e-4, 5e-3, 5e-2)
OUTPUT_TOLERANCE = 1e-3
MOST_STEPS = 400
# Threads of one peer spin for a while before they sleep.
REST = 0.3

Times = dict[str, list[list[float]]]


@dataclass(slots=True)
class Plan:
    """How to measure.

    Attributes:
        seconds: of one peer in one round, about.
        lock: a file to hold exclusively while peers are timed; None does without.
    """

    rounds: int = 6
    seconds: float = 2.0
    batches: Sequence[int] = (1, 32, 256)
    lock: Path | None = None


@dataclass(slots=True)
class Result:
    """What came out for one workload.

    Attributes:
        losses: of the first steps, by peer.
        training: ms of each step in each round, by peer.
        inference: the same for each batch size.
        memory: MiB that a peer's process held at most, training alone.
        gaps: what a peer does not do, with its reason.
        notes: in what a peer's work is not that of the others.
    """

    losses: dict[str, list[float]] = field(default_factory=dict)
    training: Times = field(default_factory=dict)
    inference: dict[int, Times] = field(default_factory=dict)
    memory: dict[str, float] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    gaps: dict[str, str] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)


def measure(task: Task, peers: Sequence[Client], plan: Plan) -> Result:
    """Set up, check, time training, time inference."""
    result = Result()
    ready = _asked(peers, "setup", result, **written(task))
    for name, answer in ready.items():
        result.versions |= answer["versions"]
        if answer["note"]:
            result.notes[name] = answer["note"]
        print(f"  {name} is ready", flush=True)
    peers = [peer for peer in peers if peer.name in ready]
    # Predictions come first: training changes the weights.
    for batch in plan.batches:
        found = _asked(peers, "outputs", result, "inference", batch=batch)
        check_outputs({name: np.load(answer["file"]) for name, answer in found.items()})
    losses = _asked(peers, "losses", result, "training", steps=len(TOLERANCES))
    result.losses = {n: answer["losses"] for n, answer in losses.items() if answer["losses"]}
    check_losses(result.losses)
    able = [peer for peer in peers if peer.name in losses]
    result.training = _timed(able, plan, result, "run")
    memory = _asked(able, "memory", result)
    result.memory = {name: answer["mib"] for name, answer in memory.items()}
    able = [peer for peer in peers if f"{peer.name}, inference" not in result.gaps]
    for batch in plan.batches:
        result.inference[batch] = _timed(able, plan, result, "infer", batch=batch)
    return result


def written(task: Task) -> dict[str, str]:
    """Files of the task for workers."""
    folder = Path(tempfile.mkdtemp(prefix="benchmark-"))
    arrays = {f"w{i}": w for i, w in enumerate(task.weights)}
    arrays |= {f"x{i}": x for i, x in enumerate(task.inputs)}
    np.savez(folder / "arrays.npz", y=task.targets, **arrays)
    (folder / "plan.json").write_text(json.dumps(task.plan))
    return {"arrays": str(folder / "arrays.npz"), "plan": str(folder / "plan.json")}


def _asked(
    peers: Sequence[Client], do: str, result: Result, what: str = "", **fields: object
) -> dict[str, dict[str, Any]]:
    """Answers by peer; refusals become gaps."""
    answers: dict[str, dict[str, Any]] = {}
    for peer in peers:
        try:
            answers[peer.name] = peer.ask(do, **fields)
        except Refused as reason:
            key = f"{peer.name}, {what}" if what else peer.name
            result.gaps[key] = str(reason)
            print(f"  {key}: {reason}", flush=True)
    return answers


def _timed(peers: Sequence[Client], plan: Plan, result: Result, do: str, **fields: object) -> Times:
    """Rounds of steps, peers in turns, every other round backwards."""
    times: Times = {}
    with held(plan.lock):
        _asked(peers, do, result, steps=2, **fields)  # compiles, fills caches
        first = _asked(peers, do, result, steps=3, **fields)
        able = [peer for peer in peers if peer.name in first]
        for number in range(plan.rounds):
            for peer in able if number % 2 == 0 else able[::-1]:
                time.sleep(REST)
                each = min(first[peer.name]["ms"])
                steps = max(3, min(MOST_STEPS, round(plan.seconds * 1e3 / each)))
                times.setdefault(peer.name, []).append(peer.ask(do, steps=steps, **fields)["ms"])
    return times


def check_losses(losses: dict[str, list[float]]) -> None:
    """Refuse to compare programs that do not compute the same."""
    if not losses:
        return
    (first, reference), *others = losses.items()
    for name, values in others:
        # A peer with an update rule of its own has fewer losses to compare.
        apart = [abs(a - b) / abs(b) for a, b in zip(values, reference, strict=False)]
        if not all(a < most for a, most in zip(apart, TOLERANCES, strict=False)):
            raise SystemExit(
                f"losses differ by {max(apart):.1e}: {first} {reference}, {name} {values}"
            )


def check_outputs(outputs: dict[str, np.ndarray]) -> None:
    """Refuse to compare programs that do not predict the same."""
    if not outputs:
        return
    (first, reference), *others = outputs.items()
    for name, values in others:
        apart = float(np.abs(values - reference).max() / np.abs(reference).max())
        if not apart < OUTPUT_TOLERANCE:
            raise SystemExit(f"predictions of {first} and {name} differ by {apart:.1e}")
