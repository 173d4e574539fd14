"""No test here reads the user's folders or reaches the network."""

from __future__ import annotations

import urllib.request
from pathlib import Path
from urllib.error import URLError

import pytest


@pytest.fixture(autouse=True)
def isolated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty cache folder; every download fails."""

    def refuse(*_: object, **__: object) -> None:
        raise URLError("no network")

    cache = tmp_path / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    monkeypatch.delenv("SPECC_DATA", raising=False)
    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    return cache / "specc"
