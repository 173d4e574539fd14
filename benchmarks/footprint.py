"""What using a framework costs beside its steps: cold start, memory, disk, growth with depth.

    python benchmarks/footprint.py --envs envs --data DATA

A cold start is the time from starting a process to the end of its first training step, and of
another to its first prediction: imports, data, building, compiling and all. The program is one that
trains the MNIST CNN: `specc train` itself, and for a framework a script that reads the bytes of the
images and builds the model. Memory is the most that it held in 100 steps; specc's also evaluates
the test split and writes its run.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from compare import client
from comparing.client import Refused
from comparing.environments import PEERS, ROOTS, python_of
from comparing.growth import growth
from comparing.machine import held, processor
from comparing.measuring import written
from comparing.programs import trained
from comparing.tables import table
from comparing.workloads import Task, workload


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print; write what was asked for."""
    options = parse(arguments)
    task = Task.of(workload("mnist_cnn").spec)
    files = written(task)
    results: dict[str, Any] = {"machine": processor(), "threads": options.threads, "peers": {}}
    for name in options.peers:
        with held(options.lock):
            results["peers"][name] = started(name, files, options)
    with held(options.lock):
        results["growth"] = [
            growth(blocks, target) for target in ("portable", "cpu") for blocks in options.blocks
        ]
    text = markdown(results)
    print(text)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")
    if options.markdown:
        options.markdown.write_text(text + "\n")


def started(name: str, files: dict[str, str], options: argparse.Namespace) -> dict[str, Any]:
    """Cold starts in seconds, most memory in MiB, installed size in MB."""
    found: dict[str, Any] = {}
    for what, do in {"step": first_step, "prediction": first_prediction}.items():
        try:
            # The first time fills file caches.
            times, mib = zip(*(do(name, files, options) for _ in range(options.rounds + 1)))  # noqa: B905
            found[what] = round(statistics.median(times[1:]), 2)
            if what == "step":
                found["mib"] = round(statistics.median(mib))
        except Refused as reason:
            found[f"no {what}"] = str(reason)
    environment = PEERS[name].environment
    python = python_of(environment, options.envs)
    script = str(Path(__file__).parent / "peers" / "installed.py")
    roots = ROOTS["keras-torch"] if name == "keras-torch" else ROOTS[environment]
    ended = subprocess.run([python, script, *roots], check=True, capture_output=True, text=True)
    found["mb"] = int(ended.stdout)
    return found


def first_step(
    name: str, files: dict[str, str], options: argparse.Namespace
) -> tuple[float, float]:
    return trained(name, files, options.envs, options.data, options.threads)


def first_prediction(
    name: str, files: dict[str, str], options: argparse.Namespace
) -> tuple[float, float]:
    began = time.perf_counter()
    peer = client(name, options)
    try:
        peer.ask("setup", **files)
        peer.ask("outputs", batch=1)
        return time.perf_counter() - began, peer.ask("memory")["mib"]
    finally:
        peer.quit()


def markdown(results: dict[str, Any]) -> str:
    """Both tables."""
    rows = [["", "first step, s", "first prediction, s", "most memory, MiB", "installed, MB"]]
    for name, one in results["peers"].items():
        rows.append([name, *(str(one.get(key, "")) for key in ("step", "prediction", "mib", "mb"))])
    depth = [["residual blocks", "target", "read, s", "compile, s", "train graph, kB",
              "infer graph, kB"]]  # fmt: skip
    for one in results["growth"]:
        keys = ("blocks", "target", "read_s", "compile_s", "train_kb", "infer_kb")
        depth.append([str(one[key]) for key in keys])
    return "\n".join(
        [*table(rows), "", *table(depth), "",
         f"{results['threads']} pinned threads, {results['machine']}."]
    )  # fmt: skip


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--peers", nargs="+", default=list(PEERS), choices=PEERS)
    parser.add_argument("--envs", type=Path, required=True, help="folder of their environments")
    parser.add_argument("--data", type=Path, required=True, help="folder with mnist")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--blocks", type=int, nargs="*", default=[10, 100, 1000])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--markdown", type=Path)
    parser.add_argument("--lock", type=Path, help="a file to lock exclusively while timing")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
