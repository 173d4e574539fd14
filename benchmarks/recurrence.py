"""What a recurrence costs at 10, 100 and 1,000 steps, as a Scan and written out step by step.

    python benchmarks/recurrence.py [--steps 10 100 1000] [--units 128] [--batch 32]

Two LSTM layers and a softmax, trained with Adam. For each: milliseconds of a training step (least
and middle), seconds to compile all programs and to make the training session, bytes of train.onnx,
and the largest memory of the process. Each case runs in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time

import numpy as np

SPEC = """
specc: 1
inputs: {{x: [{steps}, {units}]}}
layers:
  - lstm: {{units: {units}, return_sequences: true, unroll: {unroll}}}
  - lstm: {{units: {units}, unroll: {unroll}}}
  - dense: {{units: 10, activation: softmax}}
train: {{loss: sparse_categorical_crossentropy, optimizer: adam}}
"""


def measure(steps: int, units: int, batch: int, unroll: str) -> dict[str, float]:
    """The figures of one case, in this process."""
    import specc
    from specc.spec.reader import loads

    spec = loads(SPEC.format(steps=steps, units=units, unroll=unroll))
    start = time.perf_counter()
    programs = specc.compile(spec, target="cpu").programs
    compiled = time.perf_counter() - start
    model = specc.Model(spec, target="cpu")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(batch, steps, units)).astype(np.float32)
    y = rng.integers(0, 10, batch)
    start = time.perf_counter()
    model.train_on_batch(x, y)
    first = time.perf_counter() - start
    times: list[float] = []
    for _ in range(max(5, min(30, 3000 // steps))):
        start = time.perf_counter()
        model.train_on_batch(x, y)
        times.append(time.perf_counter() - start)
    return {
        "least_ms": 1e3 * min(times),
        "middle_ms": 1e3 * float(np.median(times)),
        "compile_s": compiled,
        "first_step_s": first,
        "train_bytes": len(programs["train"].model),
        "nodes": sum(programs["train"].nodes.values()),
        "memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main() -> None:
    """All cases, one line each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, nargs="+", default=[10, 100, 1000])
    parser.add_argument("--units", type=int, default=128)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--case", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.case:
        print(json.dumps(measure(given.steps[0], given.units, given.batch, given.case)))
        return
    for steps in given.steps:
        for unroll in ("false", "true"):
            command = [sys.executable, __file__, "--case", unroll, "--steps", str(steps)]
            command += ["--units", str(given.units), "--batch", str(given.batch)]
            found = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
            kind = "written out" if unroll == "true" else "Scan"
            print(steps, kind, {key: round(value, 2) for key, value in found.items()}, flush=True)


if __name__ == "__main__":
    main()
