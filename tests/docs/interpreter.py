"""A Python interpreter of its own for the snippets of one page: pages define layers and more."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

END = "\x1f\n"
# Runs [line, code] from each line of stdin; line numbers of tracebacks are the page's.
LOOP = """
import json, sys
names = {"__name__": "__main__"}
for request in sys.stdin:
    line, code = json.loads(request)
    exec(compile("\\n" * (line - 1) + code, sys.argv[1], "exec"), names)
    print("\\x1f", flush=True)
"""


class Interpreter:
    """Runs snippets one after the other; warnings are errors."""

    def __init__(self, name: str, folder: Path) -> None:
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed in `close`
        self._process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", LOOP, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            cwd=folder,
            text=True,
        )

    def run(self, line: int, code: str) -> str:
        """What the snippet prints."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([line, code]) + "\n")
        self._process.stdin.flush()
        output = ""
        for printed in self._process.stdout:
            output += printed
            if output.endswith(END):
                return output.removesuffix(END)
        self._errors.seek(0)
        raise AssertionError(self._errors.read())

    def close(self) -> None:
        """End it."""
        self._process.communicate()
        self._errors.close()
