"""One training step of the MNIST CNN at batch 64: specc against Keras on TensorFlow.

Both run in processes of their own on the same pinned processors and take turns, so that a busy
machine slows both. First they train from the same weights on the same batches: the losses have to
agree. Keras lives in an environment of its own:

    python benchmarks/step_mnist_cnn.py --make-env /somewhere/keras      # once, then
    python benchmarks/step_mnist_cnn.py --keras-python /somewhere/keras/bin/python
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from peers.client import Client

PACKAGES = ["keras==3.15.1", "tensorflow-cpu==2.21.0"]
CLASSES = 10
SHAPES = [
    (3, 3, 1, 32), (32,), (3, 3, 32, 64), (64,), (3, 3, 64, 64), (64,), (576, 64), (64,),
    (64, CLASSES), (CLASSES,),
]  # fmt: skip
# float32 sums in another order differ by about 1e-6 in the first loss; RMSprop's division by the
# root of small averages lets that grow from step to step.
LOSS_TOLERANCE = 2e-3


def main(arguments: Sequence[str] | None = None) -> None:
    options = parse(arguments)
    python = options.keras_python or make_env(options.make_env)
    peers = [
        Client(name, python, "keras_tensorflow.py", options.threads, {"BENCH_JIT": jit})
        for name, jit in (("keras-tensorflow (XLA)", "yes"), ("keras-tensorflow", "no"))
    ]
    if not options.keras_only:
        peers.append(Client("specc", sys.executable, "specc_cpu.py", options.threads, {}))
    try:
        result = compare(peers, options)
    finally:
        for peer in peers:
            peer.quit()
    text = markdown(result)
    print(text)
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")
    if options.markdown:
        options.markdown.write_text(text + "\n")


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--keras-python", help="a Python that has Keras and TensorFlow")
    where.add_argument("--make-env", type=Path, help="install both there, or use what is there")
    parser.add_argument("--data", type=Path, help="folder of the MNIST files; else noise")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--steps", type=int, default=60, help="of each peer in each round")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path, help="write all times there")
    parser.add_argument("--markdown", type=Path, help="write the table there too")
    parser.add_argument("--keras-only", action="store_true", help="without specc: tries the peers")
    return parser.parse_args(arguments)


def make_env(folder: Path) -> str:
    """A Python with Keras and TensorFlow in `folder`, made with uv, or with venv and pip."""
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        uv = shutil.which("uv")
        if uv:
            subprocess.run([uv, "venv", str(folder)], check=True)
            install = [uv, "pip", "install", "--python", str(python)]
        else:
            subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
            install = [str(python), "-m", "pip", "install"]
        subprocess.run([*install, *PACKAGES], check=True)
    return str(python)


def batches(options: argparse.Namespace, count: int) -> tuple[np.ndarray, np.ndarray]:
    """x (count, batch, 28, 28, 1) float32 and one-hot y (count, batch, 10)."""
    n = count * options.batch
    if options.data:
        from specc.data import Source

        train = Source.parse("mnist").load(options.data).train
        x, ids = train.x[0][:n], train.y[0][:n]
    else:
        rng = np.random.default_rng(1)
        x = rng.random((n, 28, 28, 1), np.float32) ** 4
        ids = rng.integers(0, CLASSES, n)
    y = np.eye(CLASSES, dtype=np.float32)[ids]
    return x.reshape(count, -1, 28, 28, 1), y.reshape(count, -1, CLASSES)


def initial_weights() -> list[np.ndarray]:
    """Glorot-uniform kernels, zero biases."""
    rng = np.random.default_rng(0)
    weights: list[np.ndarray] = []
    for shape in SHAPES:
        if len(shape) == 1:
            weights.append(np.zeros(shape, np.float32))
            continue
        window = int(np.prod(shape[:-2]))
        limit = np.sqrt(6 / (window * (shape[-2] + shape[-1])))
        weights.append(rng.uniform(-limit, limit, shape).astype(np.float32))
    return weights


def compare(peers: Sequence[Client], options: argparse.Namespace) -> dict[str, Any]:
    """Versions, losses and times of all peers."""
    x, y = batches(options, 50)
    weights = {f"w{i}": w for i, w in enumerate(initial_weights())}
    with tempfile.TemporaryDirectory() as folder:
        inputs = str(Path(folder) / "inputs.npz")
        np.savez(inputs, x=x, y=y, **weights)
        versions: dict[str, str] = {}
        for peer in peers:
            versions.update(peer.ask("setup", inputs=inputs)["versions"])
    losses = {peer.name: peer.ask("losses", steps=8)["losses"] for peer in peers}
    check(losses)
    times: dict[str, list[list[float]]] = {peer.name: [] for peer in peers}
    for peer in peers:
        peer.ask("run", steps=20)  # compiles, fills caches
    for number in range(options.rounds):
        for peer in peers if number % 2 == 0 else peers[::-1]:
            time.sleep(0.3)  # the other's threads stop spinning
            times[peer.name].append(peer.ask("run", steps=options.steps)["ms"])
    return {
        "batch": options.batch,
        "threads": options.threads,
        "data": "mnist" if options.data else "noise",
        "machine": processor(),
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "versions": versions,
        "losses": losses,
        "ms": times,
    }


def check(losses: dict[str, list[float]]) -> None:
    """Refuse to compare programs that do not compute the same."""
    (first, reference), *others = losses.items()
    for name, values in others:
        worst = max(abs(a - b) / abs(b) for a, b in zip(values, reference, strict=True))
        if not worst < LOSS_TOLERANCE:
            raise SystemExit(f"losses differ by {worst:.1e}: {first} {reference}, {name} {values}")


def processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def markdown(result: dict[str, Any]) -> str:
    """Table of times, then how many times faster the last peer is than the fastest other."""
    times: dict[str, list[list[float]]] = result["ms"]
    medians = {name: [statistics.median(ms) for ms in rounds] for name, rounds in times.items()}
    lines = [
        "| | median ms/step | rounds | best step |",
        "| --- | --- | --- | --- |",
    ]
    for name, rounds in times.items():
        each = medians[name]
        best = min(min(ms) for ms in rounds)
        lines.append(
            f"| {name} | {statistics.median(each):.2f} | {min(each):.2f}-{max(each):.2f} "
            f"| {best:.2f} |"
        )
    *others, last = times
    for other in others:
        ratios = [a / b for a, b in zip(medians[other], medians[last], strict=True)]
        lines.append(
            f"\n{last} against {other}: {statistics.median(ratios):.2f} times as fast "
            f"({min(ratios):.2f}-{max(ratios):.2f} over {len(ratios)} rounds)."
        )
    versions = ", ".join(f"{name} {number}" for name, number in result["versions"].items())
    spread = max(
        abs(a - b) / abs(b)
        for values in result["losses"].values()
        for a, b in zip(values, result["losses"][last], strict=True)
    )
    lines.append(
        f"\nBatch {result['batch']}, {result['threads']} pinned threads, {result['machine']}, "
        f"{result['data']}; {versions}. First losses agree within {spread:.0e}."
    )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
