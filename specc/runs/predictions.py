"""Predictions as people and programs want them: a table, JSON, CSV, arrays."""

from __future__ import annotations

import csv
import io
import json
import math
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from specc.errors import DataError
from specc.files import replace
from specc.runs.using import Predictions

Array: TypeAlias = npt.NDArray[Any]

# An output with more elements than this is shown by its shape alone.
MOST_COLUMNS = 8
# How far the sum of a row of float32 probabilities may be from 1.
ROUNDING = 1e-3
KINDS = (".csv", ".json", ".npy", ".npz")


def is_scores(array: Array) -> bool:
    """Whether an output is a distribution over classes: (n, k), k > 1, rows that sum to 1."""
    if array.ndim != 2 or array.shape[1] < 2 or array.dtype.kind != "f":  # noqa: PLR2004
        return False
    return bool((array >= 0).all() and (abs(array.sum(axis=1) - 1) < ROUNDING).all())


def table(found: Predictions, top: int) -> tuple[list[str], list[list[str]]]:
    """(header, rows): the likeliest classes of a distribution, the values of a small output."""
    header = ["input"]
    columns: list[list[str]] = [list(found.labels)]
    for name, array in found.outputs.items():
        alone = len(found.outputs) == 1
        if is_scores(array):
            ranked = best(found, array, top)
            for rank in range(min(top, array.shape[1])):
                header.append(str(rank + 1) if alone else f"{name} {rank + 1}")
                columns.append([f"{row[rank][0]} {row[rank][1]:.4f}" for row in ranked])
        elif math.prod(array.shape[1:]) <= MOST_COLUMNS:
            header += _names(name, array)
            columns += [[_text(value) for value in column] for column in _flat(array).T]
        else:
            header.append(name)
            columns.append([f"{array.shape[1:]} {array.dtype}"] * len(array))
    return header, [list(row) for row in zip(*columns, strict=True)]


def best(found: Predictions, scores: Array, top: int) -> list[list[tuple[str, float]]]:
    """For each row the `top` likeliest classes, by name where the run knows names of so many."""
    names = found.classes if len(found.classes or ()) == scores.shape[1] else None
    order = np.argsort(-scores, axis=1, kind="stable")[:, :top]
    return [
        [(str(c) if names is None else str(names[c]), float(row[c])) for c in ranked]
        for row, ranked in zip(scores, order, strict=True)
    ]


def as_dict(found: Predictions, top: int) -> dict[str, Any]:
    """One entry for each input: its outputs, and the likeliest classes of distributions."""
    ranked = {
        name: best(found, array, top) for name, array in found.outputs.items() if is_scores(array)
    }
    return {
        "classes": None if found.classes is None else list(found.classes),
        "predictions": [
            {
                "input": label,
                "top": {
                    name: [{"class": c, "score": score} for c, score in rows[i]]
                    for name, rows in ranked.items()
                },
                "outputs": {name: array[i].tolist() for name, array in found.outputs.items()},
            }
            for i, label in enumerate(found.labels)
        ],
    }


def write(path: Path, found: Predictions, top: int) -> None:
    """Write predictions; the suffix decides how.

    .npy the only output, .npz every output by name, .csv one row an input, .json as `as_dict`.

    Raises:
        DataError: another suffix, or .npy for several outputs.
    """
    kind = path.suffix.lower()
    if kind not in KINDS:
        raise DataError(f"{path}: expected {', '.join(KINDS)}, found {kind or 'no suffix'}")
    if kind == ".npy" and len(found.outputs) > 1:
        raise DataError(f"{path}: expected .npz, for there are {len(found.outputs)} outputs")
    replace(path, _content(kind, found, top))


def _content(kind: str, found: Predictions, top: int) -> bytes:
    if kind == ".json":
        return (json.dumps(as_dict(found, top)) + "\n").encode()
    if kind == ".csv":
        return _csv(found).encode()
    made = io.BytesIO()
    if kind == ".npy":
        np.save(made, next(iter(found.outputs.values())), allow_pickle=False)
    else:
        with zipfile.ZipFile(made, "w") as archive:  # `np.savez` refuses an array called "file"
            for name, array in found.outputs.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                    np.save(entry, array, allow_pickle=False)
    return made.getvalue()


def _csv(found: Predictions) -> str:
    """A column for each element of each output; classes name those of the only distribution."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    arrays = list(found.outputs.items())
    header = [column for name, array in arrays for column in _names(name, array)]
    classes = found.classes or ()
    if len(arrays) == 1 and is_scores(arrays[0][1]) and len(classes) == len(header):
        header = list(classes)
    writer.writerow(["input", *header])
    for label, *rows in zip(found.labels, *(_flat(array) for _, array in arrays), strict=True):
        # str of a NumPy scalar is the shortest text that reads back to it.
        writer.writerow([label, *(str(value) for row in rows for value in row)])
    return text.getvalue()


def _names(name: str, array: Array) -> Iterator[str]:
    """`amount` for an output of one element, `place[0]`, `place[1]` for one of several."""
    count = math.prod(array.shape[1:])
    return iter([name] if count == 1 else [f"{name}[{i}]" for i in range(count)])


def _flat(array: Array) -> Array:
    return array.reshape(len(array), math.prod(array.shape[1:]))


def _text(value: Any) -> str:  # noqa: ANN401 - a NumPy scalar
    return f"{value:.4g}" if isinstance(value, np.floating) else str(value)
