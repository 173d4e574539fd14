"""Which exceptions are whose, and how numbers are printed."""

import errno
import io
import os
import sys

import pytest
import typer

import specc.app
import specc.app.commands
from specc.app.outcome import outcome
from specc.app.output import complain, metric_lines, prepare_streams, show, show_json
from specc.errors import InternalError, SpecError
from specc.version import __version__
from tests.app.console import invoke


def ended(error):
    """The exit code after `error`."""
    with pytest.raises(typer.Exit) as info, outcome():
        raise error
    return info.value.exit_code


def test_the_users_problems(capsys):
    assert ended(SpecError("a.yaml: wrong")) == 2
    assert ended(PermissionError(errno.EACCES, "Permission denied", "a.yaml")) == 2
    assert ended(FileNotFoundError(errno.ENOENT, "No such file", b"b.yaml")) == 2
    assert ended(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))) == 2
    assert ended(KeyboardInterrupt()) == 130
    assert ended(BrokenPipeError(errno.EPIPE, "Broken pipe")) == 0
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines() == [
        "a.yaml: wrong",
        "a.yaml: Permission denied",
        "b.yaml: No such file",
        "No space left on device; free some space, and try again",
        "interrupted",
    ]


@pytest.mark.parametrize("option", ["--device=tpu", "--seed=x", "--threads=0"])
def test_options_with_other_values_are_told_without_a_prefix(option):
    made = invoke("train", "a.yaml", option)
    assert made.exit_code == 2
    assert f"Invalid value for '{option.split('=')[0]}': " in made.stderr
    assert "Value error" not in made.stderr


@pytest.mark.parametrize(
    "error", [InternalError("broken"), OSError(errno.EBADF, "Bad file descriptor"), ValueError()]
)
def test_bugs_pass_through(error):
    with pytest.raises(type(error)) as info, outcome():
        raise error
    assert info.value is error


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.03124, "0.0312"),
        (0.99134, "0.9913"),
        (2.30258, "2.3026"),
        (123.4, "123.4000"),
        (0.0, "0.0000"),
        (-0.5, "-0.5000"),
        (0.001, "0.0010"),
        (0.000123449, "0.0001234"),
        (-4.5e-7, "-0.0000004500"),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
    ],
)
def test_metrics_are_plain_decimals(value, text):
    assert metric_lines({"loss": value}) == [f"loss {text}"]


def test_the_loss_comes_first():
    logs = {"accuracy": 0.5, "loss": 1.0, "auc": 0.75}
    assert metric_lines(logs, "test_") == [
        "test_loss 1.0000", "test_accuracy 0.5000", "test_auc 0.7500",
    ]  # fmt: skip


def test_json_has_no_numbers_that_json_has_not(capsys):
    show_json({"a": [float("nan"), 1.5, (float("inf"),)], "b": None}, indent=None)
    assert capsys.readouterr().out == '{"a": [null, 1.5, [null]], "b": null}\n'


def test_problems_that_nobody_reads_are_dropped(monkeypatch):
    def gone(*arguments, **options):
        raise BrokenPipeError

    monkeypatch.setattr(typer, "echo", gone)
    complain("nobody reads this")


def test_streams_take_everything(monkeypatch):
    narrow = io.TextIOWrapper(io.BytesIO(), "latin-1")
    monkeypatch.setattr("sys.stdout", narrow)
    monkeypatch.setattr("sys.stderr", None)
    prepare_streams()
    show("\u2501")
    assert narrow.buffer.getvalue() == b"?\n"
    complain("into nothing")
    sys.stderr.close()


def test_interrupts_outside_of_commands(monkeypatch):
    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setattr(specc.app.commands, "run", interrupted)
    with pytest.raises(SystemExit) as info:
        specc.app.main()
    assert info.value.code == 130


def test_the_whole_way_in_one_process(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["specc", "--version"])
    with pytest.raises(SystemExit) as info:
        specc.app.main()
    assert info.value.code == 0
    assert capsys.readouterr().out == f"specc {__version__}\n"
