"""Runs side by side: their results, ranked, and in what their specs differ."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from specc.callbacks.base import RATE, more_is_better
from specc.errors import RunError, SpecError, nearest
from specc.runs.folder import RECORD, RunFolder
from specc.spec.reader import load

# What runs are ranked by when nothing is said: the first that any of them has.
USUAL = ("val_loss", "test_loss", "loss")


@dataclass(frozen=True, slots=True)
class Entry:
    """One run.

    Attributes:
        epochs: done, and wanted.
        results: the last epoch's logs, and the test split's with `test_` before their names.
    """

    path: Path
    finished: bool
    epochs: tuple[int, int]
    seed: int
    results: dict[str, float]

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "run": str(self.path), "finished": self.finished, "epochs": self.epochs[0],
            "of": self.epochs[1], "seed": self.seed, "results": self.results,
        }  # fmt: skip


def entry(path: Path) -> Entry:
    """What is on record of a run.

    Raises:
        RunError: this is no run.
    """
    folder = RunFolder(path)
    record = folder.record()
    rows = folder.metrics(int(record["epochs"]))
    # The last of each: not every epoch has a validation. A learning rate is no result.
    results = {name: value for row in rows for name, value in row.items() if name != RATE}
    results |= {f"test_{name}": value for name, value in record.get("test", {}).items()}
    return Entry(
        path, bool(record.get("finished")), (len(rows), int(record["epochs"])),
        int(record["seed"]), results,
    )  # fmt: skip


def entries(paths: Sequence[Path], note: Callable[[str], None] | None = None) -> list[Entry]:
    """All runs in these folders: runs themselves, or folders with runs in them.

    Args:
        paths: of the folders.
        note: is told of a damaged run in a folder of runs, which is left out; without it such a run
            is an error.

    Raises:
        RunError: a folder holds none, or damaged ones only.
    """
    found: list[Entry] = []
    for path in paths:
        if (path / RECORD).is_file():
            found.append(entry(path))
            continue
        inner = sorted(each.parent for each in path.glob(f"*/{RECORD}")) if path.is_dir() else []
        if not inner:
            raise RunError(f"{path}: expected a run, or a folder of runs, found none")
        before = len(found)
        for each in inner:
            try:
                found.append(entry(each))
            except RunError as error:
                if note is None:
                    raise
                note(f"left out: {error}")
        if len(found) == before:
            raise RunError(f"{path}: expected a run that can be read, found damaged ones only")
    return found


def ranked(found: Sequence[Entry], by: str | None) -> tuple[list[Entry], str]:
    """(runs, best first, and what they were ranked by); runs without that result come last.

    Raises:
        RunError: no run has it.
    """
    known = {name for each in found for name in each.results}
    if by is None:
        by = next((name for name in USUAL if name in known), USUAL[-1])
    elif by not in known:
        raise RunError(f"runs: expected a result that a run has, found {by!r};{nearest(by, known)}")
    sign = -1.0 if more_is_better(by.removeprefix("test_")) else 1.0

    def key(each: Entry) -> tuple[bool, float, str]:
        value = each.results.get(str(by), math.nan)
        return (math.isnan(value), 0.0 if math.isnan(value) else sign * value, str(each.path))

    return sorted(found, key=key), by


def differences(paths: Sequence[Path]) -> dict[str, list[Any]]:
    """Settings that are not the same in all runs, by their path in the spec.

    Raises:
        RunError: a run's spec cannot be read.
    """
    specs: list[dict[str, Any]] = []
    for path in paths:
        try:
            spec = load(RunFolder(path).spec)
        except SpecError as error:
            raise RunError(str(error)) from error
        flat = {"name": spec.name, "layers": len(spec.model.entries)}
        for i, each in enumerate(spec.model.entries):
            if each.layer is not None:
                flat |= dict(_flat(each.layer.written(), f"layers[{i}]"))
        for section, model in (("train", spec.train), ("data", spec.data)):
            flat |= dict(_flat(model.model_dump(mode="json") if model else None, section))
        specs.append(flat)
    names = dict.fromkeys(name for spec in specs for name in spec)
    return {
        name: [spec.get(name) for spec in specs]
        for name in names
        if any(spec.get(name) != specs[0].get(name) for spec in specs)
    }


def _flat(value: object, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for key, inner in cast("Mapping[str, object]", value).items():
            yield from _flat(inner, f"{path}.{key}")
    else:
        yield path, value
