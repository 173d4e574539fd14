"""How long a training loop waits for its data: the share of the time of its steps.

    python benchmarks/waiting.py --data DATA

The next batch is prepared in a thread while a step runs. What the loop waits for it is the time
inside `Prefetch.__next__`, which is measured there; the first batch of a run has nothing to hide
behind and is not counted. On a busy machine most of this time passes although a batch is ready,
until the system lets the loop go on; how many steps found none is counted too.

The MNIST CNN is trained on its arrays, on the same pictures in .npy files that are read by rows,
and on JPEG files; each without and with layers that vary the pictures, which are part of the graph.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from comparing.machine import held, processor
from comparing.tables import table

import specc
from specc.data.batches import Batch
from specc.data.prefetch import Prefetch
from specc.data.source import Names, Source
from specc.runs.training import train

ROOT = Path(__file__).parents[1]
SOURCES = ("arrays", ".npy files", "JPEG files")
VARY = """
  - random_flip: horizontal
  - random_rotation: 0.05
  - random_translation: {height_factor: 0.1, width_factor: 0.1}
"""


class Clock:
    """Stands in for `Prefetch.__next__` and adds up what it takes."""

    def __init__(self) -> None:
        self._next = Prefetch.__next__
        self.waits: list[float] = []
        self.ends: list[float] = []
        self.late = 0

    def __enter__(self) -> Clock:
        def timed(prefetch: Prefetch[Any]) -> Batch:
            self.late += bool(self.ends) and prefetch.behind
            began = time.perf_counter()
            item = self._next(prefetch)
            self.ends.append(time.perf_counter())
            self.waits.append(self.ends[-1] - began)
            return item

        Prefetch.__next__ = timed
        return self

    def __exit__(self, *_: object) -> None:
        Prefetch.__next__ = self._next

    @property
    def share(self) -> float:
        """Of the time from the first batch to the last."""
        return sum(self.waits[1:]) / (self.ends[-1] - self.ends[0])


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    options = parse(arguments)
    rows = [
        [
            "source",
            "varied",
            "step, ms",
            "waiting",
            "longest wait, ms",
            "steps without a batch ready",
        ]
    ]
    with tempfile.TemporaryDirectory() as name, held(options.lock):
        folder = Path(name)
        written(folder, options)
        places = (
            ("dataset: mnist", options.data),
            ("npy: {x: x.npy, y: y.npy}", folder),
            ("image_folder: {path: jpeg}", folder),
        )
        sources = dict(zip(SOURCES, places, strict=True))
        for source in options.sources:
            data, where = sources[source]
            for varied in (False, True):
                clocks = [
                    trained(
                        data, where, folder / f"run {source} {varied} {number}", options, varied
                    )
                    for number in range(options.rounds)
                ]
                steps = np.concatenate([np.diff(clock.ends) for clock in clocks])
                rows.append([
                    source, "yes" if varied else "no",
                    f"{1e3 * np.median(steps):.1f}",
                    f"{statistics.median(clock.share for clock in clocks):.2%}",
                    f"{1e3 * max(max(clock.waits[1:]) for clock in clocks):.1f}",
                    f"{sum(clock.late for clock in clocks)} of {len(steps)}",
                ])  # fmt: skip
    print("\n".join([*table(rows), "", f"{options.steps} steps; {processor()}."]))


def trained(data: str, where: Path, run: Path, options: argparse.Namespace, varied: bool) -> Clock:
    """One run's waits."""
    spec = run.parent / "spec.yaml"
    spec.write_text(text(data, options.steps, varied=varied))
    with Clock() as clock:
        train(specc.load(spec), run, data=where)
    return clock


def text(data: str, steps: int, *, varied: bool) -> str:
    """The MNIST CNN with another source, and perhaps other pictures each time."""
    spec = (ROOT / "specs" / "mnist_cnn.yaml").read_text()
    head = spec[: spec.index("data:")].replace(
        "  epochs: 5", f"  epochs: 1\n  steps_per_epoch: {steps}"
    )
    return (head.replace("layers:\n", f"layers:{VARY}") if varied else head) + f"data: {{{data}}}\n"


def written(folder: Path, options: argparse.Namespace) -> None:
    """The training digits as .npy files, and the first of them as JPEG files."""
    from PIL import Image

    names = Names(("image",), ("class",), {"image": (None, 28, 28, 1)}, {"image": "float32"})
    digits = Source.parse("mnist").load(options.data, names).train
    x = np.asarray(digits.x[0][np.arange(len(digits))])
    y = np.asarray(digits.y[0][np.arange(len(digits))])
    np.save(folder / "x.npy", x)
    np.save(folder / "y.npy", y)
    pixels = np.rint(x[: options.steps * 64].reshape(-1, 28, 28) * 255).astype(np.uint8)
    for number, (picture, digit) in enumerate(zip(pixels, y, strict=False)):
        place = folder / "jpeg" / str(digit)
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(place / f"{number}.jpg")


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with the files of MNIST")
    parser.add_argument("--sources", nargs="+", choices=SOURCES, default=SOURCES)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--lock", type=Path, help="a file to lock exclusively while timing")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
