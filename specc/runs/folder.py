"""What lies in a run folder, and the record of how the run was started.

spec.yaml            the spec with every default shown
run.json             seed, device, threads, data, environment; `finished` at the end
manifest.json, *.onnx, state.safetensors     as `specc compile` writes them
metrics.csv          one row an epoch
learned.json         what the data source learned from the training split, if anything
checkpoints/         the last states, and the best one
model.onnx           the trained model
"""

from __future__ import annotations

import csv
import io
import json
import platform
import re
import subprocess
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib import metadata
from pathlib import Path
from types import UnionType
from typing import Any, cast

from specc.checkpoint import Checkpoints, latest
from specc.errors import RunError
from specc.files import replace
from specc.spec.reader import RUN_SPEC

RECORD, SPEC, METRICS, CHECKPOINTS = "run.json", RUN_SPEC, "metrics.csv", "checkpoints"
LEARNED = "learned.json"
# Raised when the record's structure changes.
FORMAT = 1
# The fields of the record that something reads, besides the mappings `environment` and `test`.
RECORDED: Mapping[str, type | UnionType] = {
    "name": str,
    "device": str,
    "threads": int,
    "data": str | None,
    "current": str | None,
    "near": str | None,
    "seed": int,
    "epochs": int,
    "start_from": str | None,
    "finished": bool,
}


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The paths of one run."""

    path: Path

    @property
    def spec(self) -> Path:
        """The resolved spec."""
        return self.path / SPEC

    @property
    def checkpoints(self) -> Checkpoints:
        """The run's checkpoints."""
        return Checkpoints(self.path / CHECKPOINTS)

    def checkpoint(self, which: str = "last") -> Path:
        """The last or the best checkpoint.

        Raises:
            RunError: there is none.
        """
        found = self.checkpoints.best if which == "best" else latest(self.path / CHECKPOINTS)
        if found is None or not found.is_file():
            raise RunError(f"{self.path}: there is no {which} checkpoint; has the run started?")
        return found

    def record(self) -> dict[str, Any]:
        """How the run was started.

        Raises:
            RunError: this is no run folder, or its record is damaged.
        """
        path = self.path / RECORD
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise RunError(f"{self.path}: expected a run, found no {RECORD}") from error
        except ValueError as error:
            raise RunError(f"{path}: no JSON ({error})") from error
        if not isinstance(found, dict) or cast("Any", found).get("format") != FORMAT:
            raise RunError(f"{path}: expected run format {FORMAT}")
        record = cast("dict[str, Any]", found)
        for name, kind in RECORDED.items():
            if not isinstance(record.get(name), kind):
                raise _damaged(path, name, record.get(name))
        for name in ("environment", "test"):
            if not isinstance(record.get(name, {}), dict):
                raise _damaged(path, name, record[name])
        for name, value in cast("dict[str, object]", record.get("test", {})).items():
            if not isinstance(value, int | float):
                raise _damaged(path, f"test.{name}", value)
        return record

    def write_record(self, record: Mapping[str, Any]) -> None:
        """Write the record, whole or not at all."""
        text = json.dumps({"format": FORMAT, **record}, indent=1, sort_keys=True, default=str)
        replace(self.path / RECORD, f"{text}\n".encode())

    def learned(self) -> dict[str, Any] | None:
        """What the data source learned when the run began.

        Raises:
            RunError: the file is damaged.
        """
        path = self.path / LEARNED
        if not path.is_file():
            return None
        try:
            found = json.loads(path.read_bytes())
        except ValueError as error:
            raise RunError(f"{path}: no JSON ({error})") from error
        if not isinstance(found, dict):
            raise RunError(f"{path}: expected a JSON mapping")
        return cast("dict[str, Any]", found)

    def write_learned(self, learned: Mapping[str, Any]) -> None:
        """Keep what the data source learned, whole or not at all.

        In its own order: the numbers of a table's row follow that of its columns.
        """
        text = json.dumps(learned, ensure_ascii=False)
        replace(self.path / LEARNED, f"{text}\n".encode())

    def write_metrics(self, rows: Sequence[Mapping[str, float]]) -> None:
        """All epochs' logs so far; columns in the order of the first epoch's logs."""
        text = io.StringIO()
        names = list(dict.fromkeys(name for row in rows for name in row))
        writer = csv.DictWriter(text, ["epoch", *names], lineterminator="\n")
        writer.writeheader()
        for epoch, row in enumerate(rows):
            writer.writerow({"epoch": epoch, **{k: repr(float(v)) for k, v in row.items()}})
        replace(self.path / METRICS, text.getvalue().encode())

    def metrics(self, epochs: int) -> list[dict[str, float]]:
        """The logs of the first `epochs` epochs; later rows came after the checkpoint.

        Raises:
            RunError: the file is damaged.
        """
        path = self.path / METRICS
        if not path.is_file():
            return []
        try:
            with path.open(encoding="utf-8", newline="") as file:
                names, *rows = [row for row in csv.reader(file) if row] or [[]]
            return [
                {k: float(v) for k, v in zip(names, row, strict=True) if k != "epoch" and v}
                for row in rows[:epochs]
            ]
        except (ValueError, csv.Error) as error:
            raise RunError(f"{path}: expected a table of numbers ({error})") from error


def _damaged(path: Path, field: str, value: object) -> RunError:
    shown = textwrap.shorten(repr(value), 60)
    return RunError(f"{path}: {field}: expected what training wrote, found {shown}")


def new_folder(name: str, parent: Path = Path("runs")) -> Path:
    """`runs/NAME-DATE-N`, the first N that is free."""
    today = date.today().isoformat()  # noqa: DTZ011  people name folders by their own calendar
    n = 1
    while (path := parent / f"{name}-{today}-{n}").exists():
        n += 1
    return path


def newest_folder(name: str, parent: Path = Path("runs")) -> Path:
    """The `runs/NAME-DATE-N` with the latest date and number; a new one when there is none."""
    pattern = re.compile(re.escape(name) + r"-(\d{4}-\d{2}-\d{2})-(\d+)")
    found = [
        (match[1], int(match[2]), path)
        for path in (parent.iterdir() if parent.is_dir() else ())
        if (match := pattern.fullmatch(path.name))
    ]
    return max(found)[2] if found else new_folder(name, parent)


def git_commit(folder: Path | None = None) -> str | None:
    """The commit that is checked out around `folder`, `-changed` behind it if files differ."""
    root = (folder or Path.cwd()).resolve()
    inside = next((p for p in (root, *root.parents) if (p / ".git").exists()), None)
    if inside is None:
        return None
    try:
        head, status = (
            subprocess.run(
                ["git", "-C", str(inside), *words],
                capture_output=True, check=True, timeout=10, encoding="utf-8",
            ).stdout.strip()
            for words in (["rev-parse", "HEAD"], ["status", "--porcelain", "-uno"])
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    return f"{head}-changed" if status else head


def environment() -> dict[str, str]:
    """Versions that numbers depend on."""
    packages = ("specc", "onnx", "onnxruntime", "onnxruntime-gpu", "numpy")
    found = {"python": platform.python_version(), "platform": platform.platform()}
    for package in packages:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found
