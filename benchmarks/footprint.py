"""What using a framework costs beside its steps: cold start, memory, disk, growth with depth.

    python benchmarks/footprint.py --envs envs --workload mnist_cnn

A cold start is the time from starting a process to the end of its first training step, and of
another to its first prediction: imports, building, compiling and all.
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
from comparing.tables import table
from comparing.workloads import Task, workload

FIRST = {"step": ("losses", {"steps": 1}), "prediction": ("outputs", {"batch": 1})}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print; write what was asked for."""
    options = parse(arguments)
    task = Task.of(workload(options.workload).spec)
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
    """Cold starts in seconds, most memory in MiB after ten steps, installed size in MB."""
    found: dict[str, Any] = {}
    for what, (do, fields) in FIRST.items():
        times: list[float] = []
        for _ in range(options.rounds + 1):
            began = time.perf_counter()
            peer = client(name, options)
            try:
                peer.ask("setup", **files)
                peer.ask(do, **fields)
                times.append(time.perf_counter() - began)
                if what == "step":
                    peer.ask("run", steps=10)
                    found["mib"] = round(peer.ask("memory")["mib"])
            except Refused as reason:
                found[f"no {what}"] = str(reason)
            finally:
                peer.quit()
        if len(times) > 1:
            found[what] = round(statistics.median(times[1:]), 2)  # the first one fills file caches
    environment = PEERS[name].environment
    python = python_of(environment, options.envs)
    script = str(Path(__file__).parent / "peers" / "installed.py")
    roots = ROOTS["keras-torch"] if name == "keras-torch" else ROOTS[environment]
    ended = subprocess.run([python, script, *roots], check=True, capture_output=True, text=True)
    found["mb"] = int(ended.stdout)
    return found


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
    parser.add_argument("--workload", default="mnist_cnn")
    parser.add_argument("--peers", nargs="+", default=list(PEERS), choices=PEERS)
    parser.add_argument("--envs", type=Path, required=True, help="folder of their environments")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--blocks", type=int, nargs="*", default=[10, 100, 1000])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--markdown", type=Path)
    parser.add_argument("--lock", type=Path, help="a file to lock exclusively while timing")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
