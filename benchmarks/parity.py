"""Whether specc computes what Keras computes: the same steps, the same curves, the same bytes.

    python benchmarks/parity.py --envs envs --data DATA --markdown parity.md

For each workload Keras trains, on real data where there is a set, and leaves its state at some
steps. From each of them specc takes the step that Keras took: the loss and what the step did to
each weight are compared, also with the same step in float64. Then specc trains freely from the
first state, and the smoothed curves are compared; how far apart two backends of Keras run is shown
beside it. Last, two processes have to end with the same bytes, for one and for two threads.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from comparing.environments import PEERS, python_of
from comparing.lessons import LESSONS, lesson
from comparing.likeness import CHANGE, curves_apart, free_run, model_of, same_steps
from comparing.machine import processor
from comparing.measuring import written
from comparing.tables import table
from comparing.workloads import Task, workload

HERE = Path(__file__).parent
TARGETS = ("portable", "cpu")
# Keras on TensorFlow squares the gradients of an embedding's equal rows before it adds them up, so
# Adam's velocity of two gradients 1 and 2 grows by 5 parts, and not by 9 as on JAX and torch.
REFERENCES = {"gpt": "keras-jax", "tabular": "keras-jax"}
CONTROLS = {"keras-tensorflow": "keras-jax", "keras-jax": "keras-torch"}
REPEATED = 50


def main(arguments: Sequence[str] | None = None) -> None:
    """Compare, print, and write what was asked for after each workload."""
    options = parse(arguments)
    results: dict[str, Any] = {"machine": processor(), "steps": options.steps, "workloads": {}}
    if options.add and options.json and options.json.exists():
        results["workloads"] = json.loads(options.json.read_text())["workloads"]
    for name in options.workload:
        results["workloads"][name] = compared(name, options)
        text = markdown(results)
        print(markdown({**results, "workloads": {name: results["workloads"][name]}}), flush=True)
        if options.json:
            options.json.write_text(json.dumps(results, indent=1) + "\n")
        if options.markdown:
            options.markdown.write_text(text + "\n")


def compared(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """The record of one workload."""
    chosen = workload(name)
    task = lesson(name, Task.of(chosen.spec, count=1), options.data, options.steps)
    files = written(task)
    states = [options.steps * i // options.states for i in range(options.states)]
    reference = REFERENCES.get(name, "keras-tensorflow")
    found = keras(reference, files, states, options)
    theirs = found["losses"].tolist()
    other = CONTROLS[reference]
    control = keras(other, files, [], options)["losses"].tolist() if options.control else None
    record: dict[str, Any] = {
        "title": chosen.title,
        "batch": task.plan["batch"],
        "reference": reference,
        "losses": {reference: theirs},
        "targets": {},
    }
    if control is not None:
        record["losses"][other] = control
        record["control"] = curves_apart(control, theirs)
    for target in TARGETS:
        like = same_steps(task, states, found, model_of(task, target, options.threads))
        losses = free_run(task, model_of(task, target, options.threads))
        record["losses"][f"specc-{target}"] = losses
        record["targets"][target] = {
            "loss": max(like.losses),
            "keras_loss_from_float64": max(like.exact_losses),
            "changes": len(like.changes),
            "beyond": [describe(c) for c in like.beyond()],
            "unexplained": [describe(c) for c in like.unexplained()],
            "within": max(c.apart for c in like.changes if c.apart <= CHANGE),
            "curve": curves_apart(losses, theirs),
            "same_bytes": all(same_bytes(files, target, n) for n in (1, 2)),
        }
    return record


def describe(change: Any) -> dict[str, Any]:
    return {key: getattr(change, key) for key in change.__dataclass_fields__}


def keras(
    peer: str, files: dict[str, str], states: list[int], options: argparse.Namespace
) -> dict[str, np.ndarray]:
    """A run of Keras on a backend, in its own process."""
    kind = PEERS[peer]
    out = str(Path(tempfile.mkdtemp()) / "states.npz")
    command = [python_of(kind.environment, options.envs), str(HERE / "peers/keras_states.py")]
    command += [files["arrays"], files["plan"], out, "--states", *map(str, states)]
    setting = {"BENCH_THREADS": str(options.threads), "OMP_NUM_THREADS": str(options.threads)}
    subprocess.run(command, check=True, env={**os.environ, **kind.settings, **setting})
    with np.load(out) as file:
        found = dict(file)
    Path(out).unlink()
    return found


def same_bytes(files: dict[str, str], target: str, threads: int) -> bool:
    """Whether two processes have the same state after some steps, to the last bit."""
    command = [sys.executable, str(HERE / "peers/specc_bytes.py"), files["arrays"], files["plan"]]
    command += [target, str(REPEATED)]
    environment = {**os.environ, "BENCH_THREADS": str(threads), "PYTHONPATH": str(HERE.parent)}
    first, second = (
        subprocess.run(command, check=True, env=environment, capture_output=True).stdout
        for _ in range(2)
    )
    return bool(first) and first == second


def markdown(results: dict[str, Any]) -> str:
    """The table."""
    rows = [["", "target", "loss", "changes beyond 1e-3", "of them unexplained", "largest within",
             "curve", "curve of another backend", "same bytes"]]  # fmt: skip
    for one in results["workloads"].values():
        for target, found in one["targets"].items():
            rows.append([
                one["title"], target, f"{found['loss']:.1e}",
                f"{len(found['beyond'])} of {found['changes']}", str(len(found["unexplained"])),
                f"{found['within']:.1e}", f"{100 * found['curve']:.2f}%",
                f"{100 * one['control']:.2f}%" if "control" in one else "",
                "yes" if found["same_bytes"] else "no",
            ])  # fmt: skip
    return "\n".join([*table(rows), "", f"{results['steps']} steps; {results['machine']}."])


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--workload", nargs="+", default=list(LESSONS), choices=LESSONS)
    parser.add_argument("--envs", type=Path, required=True, help="folder of their environments")
    parser.add_argument("--data", type=Path, help="folder with mnist, cifar10, tinyshakespeare")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--states", type=int, default=20, help="spread over the steps")
    parser.add_argument(
        "--control", action="store_true", help="also train freely on another backend of Keras"
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path, help="write all results there")
    parser.add_argument("--add", action="store_true", help="keep other workloads in that file")
    parser.add_argument("--markdown", type=Path, help="write the table there")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
