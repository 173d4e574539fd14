"""What tells, at a resume, that the samples are those that a run began with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from specc.data.source import Samples
from specc.errors import DataError

# Samples that are looked at, evenly spread: a source may be larger than memory.
LOOKED_AT = 64


def fingerprint(samples: Samples) -> dict[str, Any]:
    """Their number, and a hash of some of them."""
    count = len(samples)
    rows = np.unique(np.linspace(0, count - 1, min(count, LOOKED_AT)).astype(np.int64))
    taken = samples.take(rows)
    found = hashlib.sha256()
    for array in (*taken.x, *taken.y):
        found.update(f"{array.dtype.str}{array.shape}".encode())
        if array.dtype.hasobject:  # texts, whose bytes in the array are addresses
            content = json.dumps(array.tolist()).encode()
        else:
            content = np.ascontiguousarray(array).tobytes()
        found.update(content)
    return {"count": count, "sha256": found.hexdigest()}


def check(samples: Samples, known: Mapping[str, Any] | None, run: Path) -> None:
    """Refuse to go on with other samples than a run began with.

    Raises:
        DataError: they are others.
    """
    if known is None:
        return
    found = fingerprint(samples)
    if found != known:
        what = f"{found['count']:,} samples"
        if found["count"] == known["count"]:
            what = "as many, of other values"
        raise DataError(
            f"{run}: expected the {known['count']:,} training samples that the run began with, "
            f"found {what}; bring them back, or begin a new run with the weights of this one "
            f"(--start-from {run})"
        )
