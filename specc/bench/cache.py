"""The costs of this machine, kept in the user's cache between processes."""

from __future__ import annotations

import json
import platform
from pathlib import Path
from typing import Any, cast

from specc.data.download import cache_folder
from specc.errors import CompileError, RuntimeSetupError
from specc.files import replace
from specc.session import default_threads, runtime_version
from specc.targets.costs import KernelCosts

# Raised when the constants mean something else.
FORMAT = 1
_MAX_BYTES = 2**16


def path_of(threads: int) -> Path:
    """The file for a number of threads of this onnxruntime."""
    name = f"onnxruntime-{runtime_version()}-threads-{threads}.json"
    return cache_folder("calibration") / name


def processor() -> str:
    """The processor's name: homes, and caches in them, are shared between machines."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            label, _, name = line.partition(":")
            if label.strip() == "model name":
                return name.strip()
    return platform.processor() or platform.machine()


def keep(costs: KernelCosts, threads: int | None = None) -> Path:
    """Write measured costs where `calibrated_costs` finds them."""
    count = default_threads() if threads is None else threads
    path = path_of(count)
    entry = {
        "format": FORMAT,
        "onnxruntime": runtime_version(),
        "threads": count,
        "processor": processor(),
        "costs": costs.to_dict(),
        "sha256": costs.sha256,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    replace(path, (json.dumps(entry, indent=1) + "\n").encode())
    return path


def calibrated_costs(threads: int | None = None) -> KernelCosts:
    """What `specc bench --calibrate` measured on this machine: `costs` of `Model` and `compile`.

    Args:
        threads: of onnxruntime; all processors that this process may use when None.

    Raises:
        RuntimeSetupError: nothing was measured with this version of onnxruntime, this number of
            threads and this processor, or the file is damaged.
    """
    count = default_threads() if threads is None else threads
    path = path_of(count)
    command = f"specc bench --calibrate{'' if threads is None else f' --threads {threads}'}"
    if not path.is_file():
        others = sorted(each.stem for each in path.parent.glob("onnxruntime-*-threads-*.json"))
        raise RuntimeSetupError(
            f"{path}: expected the costs of this machine, found {', '.join(others) or 'none'};"
            f" measure them: {command}"
        )
    entry = _read(path, command)
    if entry.get("processor") != processor():
        raise RuntimeSetupError(
            f"{path}: expected costs of {processor()}, found those of {entry.get('processor')};"
            f" measure again: {command}"
        )
    try:
        costs = KernelCosts.of(entry.get("costs"))
    except CompileError as error:
        raise RuntimeSetupError(f"{path}: {error}; measure again: {command}") from error
    if entry.get("sha256") != costs.sha256:
        raise RuntimeSetupError(
            f"{path}: the costs are not those of their hash; measure again: {command}"
        )
    return costs


def _read(path: Path, command: str) -> dict[str, Any]:
    if path.stat().st_size > _MAX_BYTES:
        raise RuntimeSetupError(f"{path}: larger than {_MAX_BYTES:,} bytes; measure: {command}")
    try:
        entry = json.loads(path.read_bytes())
    except ValueError as error:
        raise RuntimeSetupError(f"{path}: no JSON ({error}); measure again: {command}") from error
    if not isinstance(entry, dict) or cast("Any", entry).get("format") != FORMAT:
        raise RuntimeSetupError(f"{path}: expected format {FORMAT}; measure again: {command}")
    return cast("dict[str, Any]", entry)
