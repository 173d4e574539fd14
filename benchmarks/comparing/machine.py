"""What the benchmark runs on."""

from __future__ import annotations

import contextlib
import platform
from collections.abc import Iterator
from pathlib import Path


def processor() -> str:
    """The processor's name, and the vector units that decide about products."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        fields = dict(
            (part.strip() for part in line.split(":", 1))
            for line in info.read_text().splitlines()
            if ":" in line
        )
        flags = fields.get("flags", "").split()
        widest = next((name for name in ("avx512f", "avx2") if name in flags), "")
        name = fields.get("model name", platform.machine())
        return f"{name} ({widest})" if widest else name
    return platform.processor() or platform.machine()


@contextlib.contextmanager
def held(lock: Path | None) -> Iterator[None]:
    """Hold a file's exclusive lock, so that other work that shares it pauses."""
    if lock is None:
        yield
        return
    import fcntl

    with lock.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
