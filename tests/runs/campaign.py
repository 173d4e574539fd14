"""Runs that are killed at random moments of their lives, and resumed until they end.

    python -m tests.runs.campaign --count 100 --folder FOLDER

A run with everything that has a state: pictures that vary, dropout, batch normalization, shuffled
samples, averages of the weights, a schedule of rates, a callback that watches the best epoch. It is
killed (SIGKILL) after a time drawn evenly from the length of a whole run, resumed, killed again
with an even chance, and so on; then it is left to end. Oracle: the bytes of a run that nothing
stopped, of `model.onnx`, of `metrics.csv` and of the last checkpoint.
"""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from specc.checkpoint import latest
from tests.runs.processes import Server
from tests.runs.running import result

SPEC = """
specc: 1
name: stateful
inputs: {image: [8, 8, 1]}
layers:
  - random_translation: {height_factor: 0.1, width_factor: 0.1, seed: 3}
  - gaussian_noise: 0.05
  - conv2d: {filters: 8, kernel_size: 3, activation: relu}
  - batch_normalization
  - flatten
  - dropout: 0.3
  - dense: {units: 10, activation: softmax}
train:
  loss: sparse_categorical_crossentropy
  optimizer:
    adam:
      learning_rate: {cosine_decay: {initial_learning_rate: 0.003, decay_steps: 60}}
      use_ema: true
      ema_momentum: 0.9
      global_clipnorm: 1.0
  metrics: [accuracy]
  callbacks: [{early_stopping: {patience: 2, restore_best_weights: true}}]
  epochs: 4
  batch_size: 64
  validation_split: 0.1
data: {dataset: digits}
"""
# Seconds between checkpoints within an epoch: after every step, after some, none.
PACES = (0.0, 0.1, 30.0)


def killed(server: Server, spec: Path, folder: Path, stream: random.Random, length: float) -> str:
    """Kill a run once or more; what the last kill found, "" when it was too late for any."""
    command = ["train", spec, "-o", folder, "--resume", "--quiet"]
    found = ""
    while not found or stream.random() < 0.5:
        running = server.start(*command, seconds=stream.choice(PACES))
        time.sleep(stream.uniform(0, length))
        if running.send(signal.SIGKILL) != -signal.SIGKILL:
            break
        checkpoint = latest(folder / "checkpoints") if folder.is_dir() else None
        found = "before its first checkpoint" if checkpoint is None else "while it trained"
        if (folder / "model.onnx").is_file():
            found = "while it wrote its model or was tested"
    return found


def campaign(server: Server, spec: Path, count: int, seed: int) -> Counter[str]:
    """How many kills found which state.

    Raises:
        AssertionError: a run that was resumed has other bytes.
    """
    whole = server.folder / "campaign"
    began = time.monotonic()
    status, text = server.run("train", spec, "-o", whole, "--quiet")
    length = time.monotonic() - began
    assert status == 0, text
    expected = result(whole)
    counts: Counter[str] = Counter()
    stream = random.Random(seed)
    for number in range(count):
        folder = server.folder / f"run-{number}"
        while not (found := killed(server, spec, folder, stream, length)):
            shutil.rmtree(folder)
            length *= 0.9  # the first run took longer than these
        counts[found] += 1
        status, text = server.run("train", spec, "-o", folder, "--resume", "--quiet")
        assert status == 0, (number, text)
        assert result(folder) == expected, f"run {number} of seed {seed} has other bytes"
        shutil.rmtree(folder)
    return counts


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the campaign and print its counts."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="for the runs; a temporary one by default")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(dir=options.folder) as name, Server(Path(name)) as server:
        spec = Path(name) / "stateful.yaml"
        spec.write_text(SPEC)
        counts = campaign(server, spec, options.count, options.seed)
    print(f"{options.count} of {options.count} runs ended in the same bytes; killed last:")
    for what, times in counts.most_common():
        print(f"  {times:4} {what}")


if __name__ == "__main__":
    main()
