"""Files replaced at once; failed writes are in `test_checkpoint.py`. Oracle: the file system."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from specc.files import remove_leftovers, replace, sync_folder


def test_content_and_chunks(tmp_path: Path) -> None:
    path = tmp_path / "a"
    replace(path, b"one")
    assert path.read_bytes() == b"one"
    replace(path, (part.encode() for part in ("two", " ", "three")))
    assert path.read_bytes() == b"two three"
    assert list(tmp_path.iterdir()) == [path]


def test_file_and_folder_are_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[bool] = []
    real = os.fsync

    def fsync(handle: int) -> None:
        synced.append(os.path.isdir(f"/proc/self/fd/{handle}"))  # noqa: PTH112
        real(handle)

    if not Path("/proc/self/fd").exists():
        pytest.skip("needs /proc to tell a folder from a file")
    monkeypatch.setattr(os, "fsync", fsync)
    replace(tmp_path / "a", b"x")
    assert synced == [False, True]


def test_a_system_without_folder_handles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "O_DIRECTORY", raising=False)
    monkeypatch.setattr(os, "open", None)  # not called
    sync_folder(tmp_path)


def test_leftovers_of_somebody_else_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def kill(process: int, signal: int) -> None:
        del process, signal
        raise PermissionError

    part = tmp_path / ".a.1.tmp"
    part.touch()
    monkeypatch.setattr(os, "kill", kill)
    remove_leftovers(tmp_path)
    assert part.exists()
