"""The benchmark's side of a worker: starts it and talks to it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "peers"


class Refused(Exception):  # noqa: N818 - an answer, not a failure
    """The peer cannot do this; its words say why."""


def environment(threads: int, settings: dict[str, str]) -> dict[str, str]:
    """Variables of a worker's process."""
    path = filter(None, [str(FOLDER.parents[1]), os.environ.get("PYTHONPATH")])
    return {
        **os.environ,
        "BENCH_THREADS": str(threads),
        "OMP_NUM_THREADS": str(threads),
        # float32 all the way: oneDNN may otherwise be told to round to bfloat16 on some processors.
        "ONEDNN_DEFAULT_FPMATH_MODE": "STRICT",
        "PYTHONPATH": os.pathsep.join(path),
        **settings,
    }


class Client:
    """A worker process. It sleeps unless it is asked something."""

    def __init__(
        self, name: str, python: str, script: str | Path, threads: int, settings: dict[str, str]
    ) -> None:
        self.name = name
        self._process = subprocess.Popen(
            [python, str(FOLDER / script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment(threads, settings),
        )

    def ask(self, do: str, **fields: object) -> dict[str, Any]:
        """The worker's answer to a command.

        Raises:
            Refused: the peer does not do this, or has ended.
        """
        commands, answers = self._process.stdin, self._process.stdout
        if commands is None or answers is None:
            raise Refused("the worker has no pipes")
        try:
            commands.write(json.dumps({"do": do, **fields}) + "\n")
            commands.flush()
            line = answers.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise Refused("the worker ended; its message stands above")
        answer = json.loads(line)
        if "unsupported" in answer:
            raise Refused(answer["unsupported"])
        return answer

    def quit(self) -> None:
        """End the worker; one that has ended already may have left half a command behind."""
        process = self._process
        for stream, last in ((process.stdin, '{"do": "quit"}\n'), (process.stdout, "")):
            if stream is None:
                continue
            with contextlib.suppress(BrokenPipeError):
                stream.write(last) if last else stream.read()
            with contextlib.suppress(BrokenPipeError):
                stream.close()
        process.wait()
