"""Training a run again, and comparing bytes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from specc.artifacts import MODEL, read_costs, read_internal, read_manifest, spec_hash
from specc.checkpoint import latest
from specc.errors import RunError
from specc.progress import Progress
from specc.runs.folder import CHECKPOINTS, METRICS, SPEC, RunFolder, environment
from specc.runs.training import train
from specc.spec.reader import load

# Characters of a hash that are shown.
SHOWN = 12


@dataclass(frozen=True, slots=True)
class Reproduction:
    """What came of it.

    Attributes:
        folder: the new run.
        agree: for each file whether its bytes are the same.
        changed: what is another version, machine or spec than then: (then, now).
    """

    folder: Path
    agree: dict[str, bool]
    changed: dict[str, tuple[str, str]]

    @property
    def same(self) -> bool:
        """Whether all bytes agree."""
        return all(self.agree.values())


def reproduce(
    run: Path,
    output: Path | None = None,
    data: Path | None = None,
    progress: Progress | None = None,
) -> Reproduction:
    """Train a finished run again, with its spec, seed, device, threads and graphs, and compare.

    Args:
        run: the run.
        output: the new run's folder; RUN-again by default.
        data: where the source's files are, if not where they were.
        progress: is told what happens.

    Raises:
        RunError: the run has not finished, or was ended by a time budget.
    """
    folder = RunFolder(run)
    record = folder.record()
    if not record.get("finished"):
        raise RunError(f"{run}: expected a finished run; finish it with --resume")
    now = environment()
    then: dict[str, str] = record.get("environment", {})
    changed = {
        name: (str(then.get(name)), str(now.get(name)))
        for name in sorted({*then, *now})
        if then.get(name) != now.get(name)
    }
    manifest = read_manifest(run)
    spec = load(folder.spec)
    hashes = str(manifest["spec_sha256"])[:SHOWN], spec_hash(spec)[:SHOWN]
    if hashes[0] != hashes[1]:  # edited, or the language of this version has further defaults
        changed[SPEC] = hashes
    start = record.get("start_from")
    made = train(
        spec,
        output or _free(run.with_name(f"{run.name}-again")),
        data=data,
        device=record["device"],
        target=manifest["target"],
        costs=read_costs(run, manifest),
        internal=read_internal(run, manifest),
        threads=int(record["threads"]),
        progress=progress,
        start_from=None if start is None else Path(start),
    )
    return Reproduction(made.folder, _compared(run, made.folder), changed)


def _free(wanted: Path) -> Path:
    """The path, or the first with a number that is not taken."""
    path, n = wanted, 1
    while path.exists():
        n += 1
        path = wanted.with_name(f"{wanted.name}-{n}")
    return path


def _compared(run: Path, again: Path) -> dict[str, bool]:
    """Whether files of two runs have the same bytes."""
    files: dict[str, tuple[Path | None, Path | None]] = {
        name: (run / name, again / name) for name in (MODEL, METRICS)
    }
    files["last checkpoint"] = (latest(run / CHECKPOINTS), latest(again / CHECKPOINTS))
    return {name: _bytes(a) == _bytes(b) for name, (a, b) in files.items()}


def _bytes(path: Path | None) -> bytes | None:
    return path.read_bytes() if path is not None and path.is_file() else None
