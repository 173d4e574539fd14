"""Training steps and predictions of the same models: specc against the frameworks.

    python benchmarks/compare.py --envs envs --workload mlp --peers keras-tensorflow torch specc

Every peer runs in a process of its own, in an environment that is built below `--envs` when it is
not there, on the same pinned processors. They take turns, so that a busy machine slows all, and
first they train from the same weights on the same batches: losses and predictions have to agree.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from comparing.client import Client
from comparing.environments import PEERS, python_of
from comparing.gemms import limit
from comparing.machine import held, processor
from comparing.measuring import Plan, measure
from comparing.plot import svg
from comparing.tables import markdown, record
from comparing.workloads import WORKLOADS, Task, workload


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and write what was asked for after each workload."""
    options = parse(arguments)
    results: dict[str, Any] = {
        "machine": processor(),
        "threads": options.threads,
        "rounds": options.rounds,
        "workloads": {},
    }
    if options.add and options.json and options.json.exists():
        results["workloads"] = json.loads(options.json.read_text())["workloads"]
    plan = Plan(options.rounds, options.seconds, options.batches, options.lock)
    for name in options.workload:
        results["workloads"][name] = one = compared(name, options, plan)
        print("\n".join(["", markdown({**results, "workloads": {name: one}}), ""]), flush=True)
        if options.json:
            options.json.write_text(json.dumps(results, indent=1) + "\n")
        if options.markdown:
            options.markdown.write_text(markdown(results) + "\n")
        if options.plot:
            options.plot.write_text(svg(results))


def compared(name: str, options: argparse.Namespace, plan: Plan) -> dict[str, Any]:
    """The record of one workload."""
    chosen = workload(name)
    print(chosen.title, flush=True)
    task = Task.of(chosen.spec, options.batch)
    peers = [client(peer, options) for peer in options.peers]
    try:
        result = measure(task, peers, plan)
    finally:
        for peer in peers:
            peer.quit()
    with held(options.lock):
        limits = {"training": limit(task.plan, options.threads, training=True)}
        for batch in options.batches:
            limits[str(batch)] = limit(
                {**task.plan, "batch": batch}, options.threads, training=False
            )
    return record(chosen.title, task.plan["batch"], result, limits)


def client(name: str, options: argparse.Namespace) -> Client:
    """The worker of a peer."""
    kind = PEERS[name]
    python = python_of(kind.environment, options.envs)
    return Client(name, python, kind.script, options.threads, kind.settings)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--workload", nargs="+", default=list(WORKLOADS), metavar="NAME",
        help=f"spec files, or of {', '.join(WORKLOADS)}; all of these unless given",
    )  # fmt: skip
    parser.add_argument("--peers", nargs="+", default=list(PEERS), choices=PEERS)
    parser.add_argument("--envs", type=Path, required=True, help="folder of their environments")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=1.0, help="of a peer in one round")
    parser.add_argument("--batch", type=int, help="of training; the spec's unless given")
    parser.add_argument(
        "--batches", type=int, nargs="*", default=[1, 32, 256], help="of predictions"
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path, help="write all results there")
    parser.add_argument("--add", action="store_true", help="keep other workloads in that file")
    parser.add_argument("--markdown", type=Path, help="write the tables there")
    parser.add_argument("--plot", type=Path, help="write an SVG there")
    parser.add_argument("--lock", type=Path, help="a file to lock exclusively while timing")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
