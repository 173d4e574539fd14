"""Fetching a published file once, into the user's cache, with its checksum."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

from specc.errors import DataError
from specc.files import replace

TIMEOUT_SECONDS = 30


def cache_folder(name: str) -> Path:
    """Where what is called `name` is kept: in $XDG_CACHE_HOME/specc, else in ~/.cache/specc.

    On Windows in %LOCALAPPDATA%/specc instead of the latter.
    """
    windows = os.environ.get("LOCALAPPDATA") if sys.platform == "win32" else None
    root = os.environ.get("XDG_CACHE_HOME") or windows or str(Path.home() / ".cache")
    return Path(root) / "specc" / name


def fetch(url: str, target: Path, sha256: str, size: int) -> None:
    """Download `url` to `target`, which appears only when its `size` and SHA-256 are right.

    Raises:
        OSError: there is no way to the address, or the disk refused.
        DataError: something else than the expected file came.
    """
    if not url.startswith("https://"):
        raise DataError(f"{url}: expected an https address")
    # Here, because it brings TLS, which takes longer than most commands.
    import urllib.request  # noqa: PLC0415

    with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as response:
        data: bytes = response.read(size + 1)
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise DataError(
            f"{url}: expected {size:,} bytes with SHA-256 {sha256}, "
            f"received {len(data):,} with {found}; the mirror changed: put the file there yourself"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    replace(target, data)
