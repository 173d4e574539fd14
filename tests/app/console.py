"""Runs the command line: inside this process (`invoke`), or as a user does (`execute`)."""

import os
import subprocess
import sys
from pathlib import Path

from typer.testing import CliRunner

from specc.app.commands import app

ROOT = Path(__file__).parents[2]
SPECS = ROOT / "specs"
# Four numbers in, two classes out; trains in a moment from arrays in data.npz beside it.
TINY = """\
specc: 1
name: tiny
inputs: {x: [4]}
layers:
  - dense: {units: 8, activation: relu}
  - dense: {units: 2, activation: softmax}
train:
  loss: sparse_categorical_crossentropy
  optimizer: {sgd: 0.5}
  metrics: [accuracy]
  epochs: 3
  batch_size: 16
data:
  npz: {path: data.npz}
"""


def invoke(*arguments, stdin=None):
    """The result of a command: exit_code, stdout, stderr. Bugs are raised."""
    return CliRunner().invoke(app, [str(a) for a in arguments], stdin, catch_exceptions=False)


def command(*arguments):
    """The command line of a real process."""
    return [sys.executable, str(ROOT / "cli.py"), *(str(a) for a in arguments)]


def execute(*arguments, env=None, **options):
    """A finished process; its output as text."""
    return subprocess.run(
        command(*arguments),
        env={**os.environ, **(env or {})},
        capture_output=True,
        check=False,
        encoding="utf-8",
        timeout=120,
        **options,
    )
