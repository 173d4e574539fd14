"""Programs that train the MNIST CNN, measured from outside: when the first step ends, memory."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from comparing.client import FOLDER, Refused, environment
from comparing.environments import PEERS, SPECC, python_of
from comparing.workloads import WORKLOADS

STEPS = 100


def command(name: str, files: dict[str, str], envs: Path, data: Path) -> list[str]:
    """What to type for a peer; for specc it is `specc train`."""
    kind = PEERS[name]
    python = python_of(kind.environment, envs)
    if kind.environment != SPECC:
        module, mnist = kind.script.removesuffix(".py"), str(data / "mnist")
        script = str(FOLDER / "first_step.py")
        return [python, script, module, files["arrays"], files["plan"], mnist, str(STEPS)]
    run = str(Path(tempfile.mkdtemp()) / "run")
    limits = ["--set", "train.epochs=1", "--set", f"train.steps_per_epoch={STEPS}"]
    spec = str(WORKLOADS["mnist_cnn"].spec)
    script = str(FOLDER / "specc_train.py")
    return [sys.executable, script, "train", spec, "-o", run, "--data", str(data), "-q", *limits]


def trained(
    name: str, files: dict[str, str], envs: Path, data: Path, threads: int
) -> tuple[float, float]:
    """Seconds from the start of the process to the end of its first step; most MiB it ever held.

    Raises:
        Refused: the peer does not train this model.
    """
    began = time.perf_counter()
    with tempfile.TemporaryFile("w+") as messages:
        process = subprocess.Popen(
            command(name, files, envs, data),
            stdout=subprocess.PIPE,
            stderr=messages,
            text=True,
            env=environment(threads, PEERS[name].settings),
        )
        first = 0.0
        for line in process.stdout or ():
            if line == "step\n":
                first = time.perf_counter() - began
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode or not first:
            messages.seek(0)
            raise Refused(messages.read().strip().rpartition("\n")[2])
    return first, usage.ru_maxrss / 1024
