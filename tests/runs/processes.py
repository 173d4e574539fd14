"""`specc` in processes of their own, that can be killed at any moment.

Importing takes seconds and a test wants dozens of processes, so one process imports everything and
forks for each command.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

ROOT = Path(__file__).parents[2]

SERVER = """
import json, os, signal, sys
import onnxruntime, sklearn.datasets
import specc.app.training, specc.data.digits, specc.runs.training as training, specc.terminal
from specc.app import main

for line in sys.stdin:
    seconds, output, arguments = json.loads(line)
    # Python's own hooks behind a fork swallow what a signal raises in them.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    child = os.fork()
    if child:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        print("started", child, flush=True)
        print("ended", os.waitpid(child, 0)[1], flush=True)
        continue
    with open(output, "wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    training.CHECKPOINT_SECONDS = seconds
    sys.argv = ["specc", *arguments]
    status = 1
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        main()
    except KeyboardInterrupt:  # before the command, which handles its own
        status = 130
    except SystemExit as error:
        status = error.code or 0
    finally:
        sys.stdout.flush()
        os._exit(status)
"""


@dataclass
class Running:
    """One command; `status` waits for its end."""

    server: subprocess.Popen[str]
    process: int
    output: Path

    def status(self) -> int:
        """Its exit code, or minus the signal that ended it."""
        return os.waitstatus_to_exitcode(_told(self.server, "ended"))

    def send(self, number: int) -> int:
        """Its status after a signal, which comes too late for a process that has ended."""
        assert self.process > 1  # 0 and 1 would be this process's group and everybody
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.process, number)
        return self.status()

    def at_step(self, folder: Path, step: int) -> None:
        """Wait until the run's checkpoints reach a step, or the process ends."""
        checkpoints = folder / "checkpoints"
        limit = time.monotonic() + 60
        while time.monotonic() < limit and _alive(self.process):
            steps = [int(path.stem[5:]) for path in checkpoints.glob("step-*.safetensors")]
            if max(steps, default=-1) >= step:
                return
            time.sleep(0.002)

    @property
    def text(self) -> str:
        """What it wrote so far, both streams."""
        return self.output.read_text() if self.output.exists() else ""


def _told(server: subprocess.Popen[str], what: str) -> int:
    """The number of the server's next line about `what`; a test that failed may have left others.

    Raises:
        RuntimeError: the server has ended.
    """
    assert server.stdout is not None
    for line in server.stdout:
        word, number = line.split()
        if word == what:
            return int(number)
    raise RuntimeError(f"the server ended with {server.wait()}")


def _alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return False
    return state != "Z"


class Server:
    """The process that forks; use it in a `with`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # Threads of BLAS would not survive a fork.
        env = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
        env["PYTHONWARNINGS"] = "ignore"
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVER], cwd=folder, env=env, encoding="utf-8",
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        self.count = 0

    def start(self, *arguments: object, seconds: float = 30.0) -> Running:
        """A command with a checkpoint at least every so many seconds."""
        assert self.process.stdin is not None
        self.count += 1
        output = self.folder / f"output-{self.count}"
        told = [seconds, str(output), [str(a) for a in arguments]]
        self.process.stdin.write(json.dumps(told) + "\n")
        self.process.stdin.flush()
        return Running(self.process, _told(self.process, "started"), output)

    def run(self, *arguments: object, seconds: float = 30.0) -> tuple[int, str]:
        """Status and output of a whole command."""
        running = self.start(*arguments, seconds=seconds)
        return running.status(), running.text

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.close()
        try:
            self.process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
