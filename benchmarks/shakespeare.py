"""A text model trained in specc and in PyTorch: same first weights, same batches, same steps.

    python benchmarks/shakespeare.py --envs envs --data DATA --spec specs/char_lstm.yaml

specc trains for `--minutes`, or for `--steps`; PyTorch makes as many steps, however long they
take. Both say what the held-out part of the text costs at the same points. A model with dropout
draws other noise in each.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from comparing.client import FOLDER, environment
from comparing.environments import python_of
from comparing.machine import processor
from comparing.measuring import written
from comparing.tables import table
from comparing.workloads import Task, plan_of

import specc
from specc.data.batches import Batches
from specc.data.rows import whole
from specc.data.source import Samples
from specc.network import build
from specc.runs.loading import dataset_of
from specc.runs.places import Places

POINTS = 5


def main(arguments: Sequence[str] | None = None) -> None:
    """Train both, print the table."""
    options = parse(arguments)
    spec = specc.load(options.spec)
    steps = options.steps or steps_in(options)
    points = [steps * (i + 1) // POINTS for i in range(POINTS)]
    model, splits = opened(options)
    train, held = splits.train, splits.validation
    rows = np.stack([rows for rows, _, _ in batches_of(spec, train, steps)])
    plan = plan_of(spec, build(spec)) | {"batch": spec.train.batch_size}
    task = Task(spec, plan, list(model.weights.values()), [], np.zeros(0))
    with tempfile.TemporaryDirectory() as folder:
        np.savez(
            Path(folder) / "batches.npz", x=whole(train.x[0]), y=whole(train.y[0]),
            val_x=whole(held.x[0]), val_y=whole(held.y[0]), rows=rows, points=points,
        )  # fmt: skip
        theirs = peer(options, written(task), Path(folder))
    found: dict[str, float] = {}
    for step, (_, x, y) in enumerate(batches_of(spec, train, steps), 1):
        model.train_on_batch(x, y)
        if step in points:
            logs = model.evaluate(held.x[0], held.y[0], spec.train.batch_size)
            found[str(step)] = logs["loss"]
            print(f"  specc {step}: {logs['loss']:.4f}", flush=True)
    text = markdown(spec.name, found, theirs["held_out"])
    print(text)
    if options.json:
        record = {"machine": processor(), "specc": found, "torch": theirs["held_out"]}
        options.json.write_text(json.dumps(record, indent=1) + "\n")


def opened(options: argparse.Namespace) -> tuple[specc.Model, Any]:
    """The model at its start, and the splits of its text."""
    spec = specc.load(options.spec)
    model = specc.Model(spec, options.target, threads=options.threads)
    return model, dataset_of(spec, model._bundle, Places(options.data / "tinyshakespeare"))


def batches_of(
    spec: specc.Spec, train: Samples, steps: int
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """(rows, inputs, targets) of whole batches, in the order in which `specc train` takes them."""
    settings, done, epoch = spec.train, 0, 0
    made = Batches(train, settings.batch_size, settings.seed)
    while True:
        for batch in made.produce(epoch):
            if len(batch.index) == settings.batch_size:
                yield batch.index, batch.samples.x[0], batch.samples.y[0]
                done += 1
            if done == steps:
                return
        epoch += 1


def steps_in(options: argparse.Namespace) -> int:
    """How many steps specc makes in the minutes given: counted over a twentieth of them."""
    model, splits = opened(options)
    end, done = None, 0
    for _, x, y in batches_of(model.spec, splits.train, 10**9):
        model.train_on_batch(x, y)
        if end is None:  # the first step loads the graph
            end = time.monotonic() + options.minutes * 3
        elif time.monotonic() > end:
            break
        else:
            done += 1
    return 20 * done


def peer(options: argparse.Namespace, files: dict[str, str], folder: Path) -> dict[str, Any]:
    """What PyTorch's run gives."""
    out, batches = folder / "out.json", folder / "batches.npz"
    script = FOLDER / "torch_text.py"
    command = [
        python_of("torch", options.envs),
        script,
        files["arrays"],
        files["plan"],
        batches,
        out,
    ]
    subprocess.run(list(map(str, command)), check=True, env=environment(options.threads, {}))
    return json.loads(out.read_text())


def markdown(name: str, ours: dict[str, float], theirs: dict[str, float]) -> str:
    """The table: held-out loss at each point."""
    rows = [["steps", f"{name} in specc", "in PyTorch", "difference"]]
    for step, loss in ours.items():
        rows.append(
            [step, f"{loss:.4f}", f"{theirs[step]:.4f}", f"{100 * (loss / theirs[step] - 1):+.2f}%"]
        )
    return "\n".join(table(rows))


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--spec", type=Path, required=True)
    parser.add_argument("--envs", type=Path, required=True, help="folder of their environments")
    parser.add_argument("--data", type=Path, required=True, help="folder with tinyshakespeare")
    parser.add_argument("--minutes", type=float, default=5.0, help="of specc's training")
    parser.add_argument("--steps", type=int, help="in place of the minutes")
    parser.add_argument("--target", default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path, help="write the results there")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
