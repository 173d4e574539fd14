"""Pages in a real browser without a window; tests that need one are skipped where there is none.

`SPECC_BROWSER` names the program; by default the first Chromium or Chrome on the path.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
# Nothing from the network, no first-run pages, no sandbox (tests also run as root).
QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--hide-scrollbars", "--enable-logging=stderr", "--v=0",
)  # fmt: skip


def program() -> str:
    """The browser's program, or skip the test."""
    given = os.environ.get("SPECC_BROWSER")
    found = given or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip("there is no Chromium or Chrome to open the page with")
    return found


def opened(page: Path, folder: Path, width: int = 1000, height: int = 1400) -> str:
    """The document after its scripts ran; fails on anything that the console complains about."""
    command = [
        program(), *QUIET, f"--user-data-dir={folder / 'profile'}",
        f"--window-size={width},{height}", "--virtual-time-budget=4000", "--dump-dom",
        page.resolve().as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, check=False, encoding="utf-8", timeout=120)
    assert done.returncode == 0, done.stderr
    complaints = [line for line in done.stderr.splitlines() if re.search(r"CONSOLE", line)]
    assert complaints == []
    return done.stdout
