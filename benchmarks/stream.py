"""Training from sources larger than memory: how much memory a run takes at most.

    python benchmarks/stream.py --folder FOLDER --kinds npy csv parquet arrow text npz images
        --gb 2 --small-gb 0.1

For every kind of source a small and a large one are written into the folder, `specc train` takes
the same number of steps on each, and its peak of resident memory is read from the system (Linux)
when it ends. What both need is the interpreter, onnxruntime and the buffers of a part; that the
second is not larger by the size of the file is the point. Tables and texts are read through before
the first step, and what the model takes of them is written to a temporary file. Temporary files lie
in the folder too, and nothing stays there.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from comparing.machine import processor
from comparing.tables import table

# A process says itself what it took: the system's count for a child begins with its parent's.
PROGRAM = """
import sys
from specc.app import main
try:
    main()
finally:
    with open("/proc/self/status") as file:
        print(*(line.split()[1] for line in file if line.startswith("VmHWM")), file=sys.stderr)
"""
NUMBERS = 20
BATCH = 64
GB = 10**9
WORDS = "to be or not that is the question whether tis nobler in mind suffer slings and arrows"
SPEC = """
specc: 1
name: stream
inputs: {{x: {input}}}
layers: {layers}
train: {{optimizer: adam, loss: {loss}, batch_size: {batch}, epochs: 1, steps_per_epoch: {steps}}}
data: {data}
"""
DENSE = "[{dense: {units: 32, activation: relu}}, {dense: {units: 3, activation: softmax}}]"
CLASSES = "sparse_categorical_crossentropy"


def numbers(rng: np.random.Generator, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows and their classes, as far as two numbers tell them."""
    x = rng.standard_normal((rows, NUMBERS), np.float32).round(4)
    return x, (x[:, 0] > 0).astype(np.int64) + (x[:, 1] > 0)


def npy(folder: Path, size: int) -> dict[str, Any]:
    rows = size // (NUMBERS * 50 * 4)
    rng = np.random.default_rng(0)
    shape = (rows, NUMBERS * 50)
    x = np.lib.format.open_memmap(folder / "x.npy", "w+", np.float32, shape)
    y = np.lib.format.open_memmap(folder / "y.npy", "w+", np.int64, (rows,))
    for start in range(0, rows, 2**14):
        part, y[start : start + 2**14] = numbers(rng, len(x[start : start + 2**14]))
        x[start : start + 2**14] = np.tile(part, 50)
    return {"npy": {"x": "x.npy", "y": "y.npy"}}


def npz(folder: Path, size: int) -> dict[str, Any]:
    import zipfile

    npy(folder, size)
    with zipfile.ZipFile(folder / "t.npz", "w", zipfile.ZIP_STORED, allowZip64=True) as file:
        for name in ("x", "y"):
            file.write(folder / f"{name}.npy", f"{name}.npy")
            (folder / f"{name}.npy").unlink()
    return {"npz": {"path": "t.npz"}}


def text_table(folder: Path, size: int) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    with (folder / "t.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*(f"n{i}" for i in range(NUMBERS)), "kind"])
        while file.tell() < size:
            x, y = numbers(rng, 2**15)
            lines = [
                ",".join(map(repr, row)) + f",c{kind}\n"
                for row, kind in zip(x.astype(float).round(4).tolist(), y.tolist(), strict=True)
            ]
            file.writelines(lines)
    typed = {"n0": "numeric", "n1": "numeric"}
    return {"csv": {"path": "t.csv", "target": "kind", "columns": typed}}


def arrow_batches(size: int) -> tuple[Any, Any]:
    import pyarrow as pa

    names = [*(f"n{i}" for i in range(NUMBERS)), "kind"]
    fields = [pa.field(name, pa.float32()) for name in names[:-1]]
    schema = pa.schema([*fields, pa.field("kind", pa.string())])

    def made() -> Any:
        rng = np.random.default_rng(0)
        for _ in range(max(1, size // (2**15 * NUMBERS * 4))):
            x, y = numbers(rng, 2**15)
            kinds = [f"c{kind}" for kind in y.tolist()]
            yield pa.record_batch([*(pa.array(c) for c in x.T), pa.array(kinds)], schema=schema)

    return schema, made()


def parquet(folder: Path, size: int) -> dict[str, Any]:
    import pyarrow.parquet

    schema, batches = arrow_batches(size)
    with pyarrow.parquet.ParquetWriter(folder / "t.parquet", schema) as file:
        for batch in batches:
            file.write_batch(batch, row_group_size=2**18)
    return {"parquet": {"path": "t.parquet", "target": "kind"}}


def arrow(folder: Path, size: int) -> dict[str, Any]:
    import pyarrow.ipc

    schema, batches = arrow_batches(size)
    (folder / "saved").mkdir()
    with pyarrow.ipc.new_stream(folder / "saved" / "data-0.arrow", schema) as file:
        for batch in batches:
            file.write_batch(batch)
    return {"arrow": {"path": "saved", "target": "kind"}}


def text(folder: Path, size: int) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    words = WORDS.split()
    with (folder / "t.txt").open("w") as file:
        while file.tell() < size:
            drawn = rng.integers(0, len(words), (2**13, 16)).tolist()
            file.writelines(" ".join(words[i] for i in line) + "\n" for line in drawn)
    return {"text": {"path": "t.txt", "length": 32, "next": "last"}}


def images(folder: Path, size: int) -> dict[str, Any]:
    from PIL import Image

    rng = np.random.default_rng(0)
    count, written = 0, 0
    while written < size:
        label = f"class{count % 3}"
        (folder / "pictures" / label).mkdir(parents=True, exist_ok=True)
        path = folder / "pictures" / label / f"{count}.jpg"
        pixels = rng.integers(0, 256, (256, 256, 3), np.uint8)
        Image.fromarray(pixels).save(path, quality=90)
        written += path.stat().st_size
        count += 1
    return {"image_folder": {"path": "pictures"}}


FLAT = "[global_average_pooling2d, {dense: {units: 3, activation: softmax}}]"
NEXT = "[{embedding: {input_dim: 64, output_dim: 8}}, flatten, {dense: {units: 64}}]"
LOGITS = f"{{{CLASSES}: {{from_logits: true}}}}"
# How a source is written, the model's input, its layers and loss.
KINDS: dict[str, tuple[Callable[[Path, int], dict[str, Any]], str, str, str]] = {
    "npy": (npy, f"[{NUMBERS * 50}]", DENSE, CLASSES),
    "npz": (npz, f"[{NUMBERS * 50}]", DENSE, CLASSES),
    "csv": (text_table, f"[{NUMBERS}]", DENSE, CLASSES),
    "parquet": (parquet, f"[{NUMBERS}]", DENSE, CLASSES),
    "arrow": (arrow, f"[{NUMBERS}]", DENSE, CLASSES),
    "text": (text, "{shape: [32], dtype: int32}", NEXT, LOGITS),
    "images": (images, "[224, 224, 3]", FLAT, CLASSES),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    options = parse(arguments)
    rows = [["source", "size, GB", "most memory, MiB", "whole run, s"]]
    for kind in options.kinds:
        for size in (options.small_gb, options.gb):
            with tempfile.TemporaryDirectory(dir=options.folder) as name:
                found = measured(kind, Path(name), int(size * GB), options.steps)
            rows.append([kind, f"{found['gb']:.2f}", f"{found['mib']:.0f}", f"{found['s']:.0f}"])
            print(" ".join(rows[-1]), file=sys.stderr, flush=True)
    print("\n".join([*table(rows), "", f"{options.steps} steps of {BATCH}; {processor()}."]))


def measured(kind: str, folder: Path, size: int, steps: int) -> dict[str, float]:
    """Bytes of a source, most memory of a run on it, its seconds."""
    write, shape, layers, loss = KINDS[kind]
    data = write(folder, size)
    total = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    made = SPEC.format(
        input=shape, layers=layers, loss=loss, batch=BATCH, steps=steps, data=json.dumps(data)
    )
    spec = folder / "stream.yaml"
    spec.write_text(made)
    command = [sys.executable, "-c", PROGRAM, "train", str(spec), "--data", str(folder)]
    began = time.perf_counter()
    ended = subprocess.run(
        [*command, "-o", str(folder / "run"), "--quiet"],
        env={**os.environ, "TMPDIR": str(folder)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    seconds = time.perf_counter() - began
    if ended.returncode:
        raise SystemExit(f"{kind}: training failed: {ended.stderr}")
    return {"gb": total / GB, "mib": int(ended.stderr.split()[-1]) / 1024, "s": seconds}


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--folder", type=Path, required=True, help="with room for the sources")
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=KINDS)
    parser.add_argument("--gb", type=float, default=2.0)
    parser.add_argument("--small-gb", type=float, default=0.1)
    parser.add_argument("--steps", type=int, default=500)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
