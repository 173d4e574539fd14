"""Checkpoints: named arrays and a cursor in one safetensors file, whole at any instant.

The cursor (epoch, step, callback state: whatever JSON holds) stands in the file's metadata under
one key, because the order of several keys is not defined. Names are sorted and no time is written:
equal content gives equal bytes.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, cast

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as serialize

from specc.errors import InternalError, RunError
from specc.files import remove_leftovers, replace

Array: TypeAlias = npt.NDArray[Any]

META_KEY = "specc"
# The format's own limit for one tensor in this package (specs refuse larger weights), in bytes.
MAX_TENSOR_BYTES = 2 * 2**30
MAX_META_BYTES = 16 * 2**20
DTYPES = frozenset(
    {"bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64",
     "float16", "float32", "float64"}
)  # fmt: skip


def dump(tensors: Mapping[str, Array], meta: Mapping[str, Any]) -> bytes:
    """The bytes of a safetensors file; the same for equal content, whatever order it came in."""
    arrays: dict[str, Array] = {}
    for name in sorted(tensors):
        array = np.asarray(tensors[name])
        if array.dtype.name not in DTYPES:
            raise InternalError(f"tensor {name!r} has element type {array.dtype}")
        # `ascontiguousarray` would give a scalar an axis.
        arrays[name] = np.require(array, array.dtype.newbyteorder("="), ["C", "A"])
    text = json.dumps(meta, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return serialize(arrays, {META_KEY: text})


def save(path: Path, tensors: Mapping[str, Array], meta: Mapping[str, Any]) -> None:
    """Write a checkpoint so that a kill at any instant leaves the old file or the new one.

    Args:
        path: where; its folder exists.
        tensors: arrays by name.
        meta: anything that JSON holds, without NaN or infinity.
    """
    replace(path, dump(tensors, meta))


def load(path: Path) -> tuple[dict[str, Array], dict[str, Any]]:
    """The tensors, by sorted name, and the meta of a checkpoint. Arrays are copies.

    A safetensors file from elsewhere has an empty meta.

    Raises:
        RunError: there is none, it is truncated, no safetensors file, or beyond the limits.
    """
    if not path.is_file():
        raise RunError(f"{path}: expected a safetensors file, found none")
    try:
        opened: Any = safe_open(path, "numpy")
        with opened as handle:
            meta = _meta(path, cast("dict[str, str] | None", handle.metadata()))
            names = sorted(cast("list[str]", handle.keys()))
            for name in names:
                _check(path, name, cast("list[int]", handle.get_slice(name).get_shape()))
            return {name: cast("Array", handle.get_tensor(name)) for name in names}, meta
    except (SafetensorError, OSError, TypeError) as error:
        raise RunError(
            f"{path}: expected a whole safetensors file, found another or a part of one "
            f"({error}); delete it, or name another"
        ) from error


def _meta(path: Path, metadata: dict[str, str] | None) -> dict[str, Any]:
    text = (metadata or {}).get(META_KEY, "{}")
    if len(text) > MAX_META_BYTES:
        raise RunError(
            f"{path}: expected at most {MAX_META_BYTES:,} bytes of metadata, found {len(text):,}"
        )
    try:
        meta: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RunError(f"{path}: expected JSON in its metadata, {error}") from error
    if not isinstance(meta, dict):
        raise RunError(f"{path}: expected a JSON mapping in its metadata, found {text[:40]!r}")
    return cast("dict[str, Any]", meta)


def _check(path: Path, name: str, shape: list[int]) -> None:
    """Refuse a tensor before it is copied; every element type has at least one byte."""
    if math.prod(shape) > MAX_TENSOR_BYTES:
        raise RunError(
            f"{path}: expected tensors of at most {MAX_TENSOR_BYTES:,} bytes, "
            f"found {name!r} of shape {tuple(shape)}"
        )


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """The checkpoints of a run: the last `keep`, and the best one if any was called so.

    `step-0000000512.safetensors` is the state after 512 steps, `best.safetensors` a copy.
    """

    folder: Path
    keep: int = 2

    @property
    def best(self) -> Path:
        """Where the best one is, if there is one."""
        return self.folder / "best.safetensors"

    def save(
        self,
        step: int,
        tensors: Mapping[str, Array],
        meta: Mapping[str, Any],
        *,
        best: bool = False,
    ) -> Path:
        """Write the state after `step` steps, then delete what is older than the last `keep`.

        Args:
            step: steps since the start of training, the file's number.
            tensors: arrays by name.
            meta: the cursor; anything that JSON holds.
            best: also make it the best one.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        remove_leftovers(self.folder)
        content = dump(tensors, meta)
        path = self.folder / f"step-{step:010d}.safetensors"
        # The best one first: killed in between, a resumed run makes both once more.
        if best:
            replace(self.best, content)
        replace(path, content)
        others = [each for _, each in _numbered(self.folder) if each != path]
        for old in others[: max(0, len(others) + 1 - self.keep)]:
            old.unlink(missing_ok=True)
        return path


def _numbered(folder: Path) -> list[tuple[int, Path]]:
    """Numbered checkpoints, oldest first."""
    found = [
        (int(match[1]), path)
        for path in folder.glob("step-*.safetensors")
        if (match := re.fullmatch(r"step-(\d{1,18})\.safetensors", path.name))
    ]
    return sorted(found)


def latest(folder: Path) -> Path | None:
    """The checkpoint with the most steps, or None when training has not reached its first."""
    found = _numbered(folder)
    return found[-1][1] if found else None
