"""Real processes: exit codes, streams, interrupts, closed pipes, start-up time."""

import json
import os
import re
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from specc.version import __version__
from tests.app.console import ROOT, SPECS, TINY, command, execute, invoke

MNIST = SPECS / "mnist_cnn.yaml"
# Seconds of the contract, on a quiet machine; tests run on busy ones.
HELP_SECONDS, SUMMARY_SECONDS, BUSY = 0.3, 1.0, 2.0
posix = pytest.mark.skipif(os.name != "posix", reason="signals and pipes of POSIX")


def test_help_lists_every_command_of_the_contract():
    done = execute("--help")
    assert (done.returncode, done.stderr) == (0, "")
    listed = re.findall(r"^  ([a-z]+) {2,}\S", done.stdout, re.MULTILINE)
    assert set(listed) >= {
        "check", "summary", "compile", "train", "evaluate", "run", "import", "schema", "fmt",
        "diff", "explain", "init", "doctor",
    }  # fmt: skip
    assert "..." not in done.stdout.partition("Write a spec:")[2]
    for name in listed:
        one = invoke(name, "-h")
        assert (one.exit_code, one.stderr) == (0, "")
        assert one.stdout.startswith("Usage: ")
        assert max(map(len, one.stdout.splitlines())) <= 80


def test_the_installed_command_is_the_same():
    code = "import sys; sys.argv = ['specc', '--version']; from specc.app import main; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == execute("--version").stdout == f"specc {__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("nonsense",),
        ("summary",),
        ("summary", "--nonsense", "x"),
        ("summary", "x", "--batch=0"),
    ],
)
def test_wrong_usage_is_the_users_error(arguments):
    result = invoke(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Usage: " in result.stderr


def test_the_users_errors_as_a_process(tmp_path):
    for arguments, message in {
        ("summary", "."): ".: cannot be read: Is a directory\n",
        ("summary",): "Usage: specc summary [OPTIONS]",
    }.items():
        done = execute(*arguments, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(message)
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["check", "summary", "explain", "costs", "train", "fmt"])
def test_files_that_cannot_be_read(name, workplace):
    (workplace / "latin1.yaml").write_bytes("specc: 1\r\nname: Käse".encode("latin-1"))
    for file, message in {
        "latin1.yaml": ":2:8: expected UTF-8, found byte 0xe4; save the file as UTF-8",
        ".": ": cannot be read: Is a directory",
        "missing.yaml": ": cannot be read: No such file or directory",
    }.items():
        result = invoke(name, file)
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr == f"{file}{message}\n"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads anything")
def test_a_file_without_permission(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text(TINY)
    path.chmod(0)
    done = execute("summary", path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "not readable" in done.stderr


def test_a_bug_keeps_its_traceback():
    code = (
        "import sys, specc.network as network\n"
        "def broken(*arguments): raise ZeroDivisionError('a bug')\n"
        "network.open_spec = broken\n"
        "sys.argv = ['specc', 'summary', 'x']\n"
        "from specc.app import main; main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Traceback")
    assert done.stderr.endswith("ZeroDivisionError: a bug\n")


@posix
@pytest.mark.parametrize(
    "arguments", [("summary", MNIST), ("costs", MNIST), ("--help",), ("fmt", "--help")]
)
def test_a_reader_that_leaves_is_no_problem(arguments):
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            command(*arguments), stdout=write, stderr=subprocess.PIPE, text=True, check=False
        )
    finally:
        os.close(write)
    assert (done.returncode, done.stderr) == (0, "")


@posix
def test_summary_into_head():
    line = f"'{sys.executable}' cli.py summary specs/mnist_cnn.yaml | head -1"
    done = subprocess.run(line, shell=True, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ('Model: "mnist_cnn"\n', "")


@posix
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-"])
def test_streams_that_are_closed(closed):
    line = f"'{sys.executable}' cli.py summary specs/mnist_cnn.yaml {closed}"
    done = subprocess.run(line, shell=True, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")  # noqa: PTH110
def test_a_full_disk_is_no_bug():
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = subprocess.run(
            command("summary", MNIST), stdout=full, stderr=subprocess.PIPE, text=True, check=False,
            env={**os.environ, "PYTHONUNBUFFERED": ""},
        )  # fmt: skip
    told = "No space left on device; free some space, and try again\n"
    assert (done.returncode, done.stderr) == (2, told)


def test_an_encoding_without_boxes():
    done = execute("summary", MNIST, env={"PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"})
    assert (done.returncode, done.stderr) == (0, "")
    assert "conv2d (Conv2D)" in done.stdout
    assert "?" in done.stdout


def first_line(stream, start):
    """Read until a line that begins with `start`."""
    for line in stream:
        if line.startswith(start):
            return line
    raise AssertionError(f"the stream ended before {start!r}")


@posix
def test_ctrl_c_stops_training_and_resume_goes_on(tiny):
    options = ("-o", "run", "--set", "train.epochs=100000")
    with subprocess.Popen(
        command("train", "tiny.yaml", *options),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        first_line(process.stderr, "Epoch 2/")
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout) == (130, "")
    assert stderr.splitlines()[-1] == (
        "stopped; to go on: specc train tiny.yaml -o run --resume --set=train.epochs=100000"
    )
    done = execute("train", "tiny.yaml", "-o", "run", "--resume", "--set", "train.epochs=3")
    assert done.returncode == 2  # that is another spec
    with subprocess.Popen(
        command("train", "tiny.yaml", *options, "--resume"), stderr=subprocess.PIPE, text=True
    ) as process:
        epoch = first_line(process.stderr, "Epoch")
        process.kill()
    assert int(re.match(r"Epoch (\d+)/", epoch)[1]) > 1


@posix
def test_ctrl_c_before_anything_began(tmp_path):
    os.mkfifo(tmp_path / "spec.yaml")
    process = subprocess.Popen(
        command("summary", tmp_path / "spec.yaml"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with (tmp_path / "spec.yaml").open("w"):  # opens once the process reads, and writes nothing
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout, stderr) == (130, "", "interrupted\n")


LOSSY = """
import contextlib, signal
import specc.network
from specc.app import main

read = specc.network.open_spec

def lossy(*arguments):
    with contextlib.suppress(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    return read(*arguments)

specc.network.open_spec = lossy
main()
"""


@posix
def test_ctrl_c_that_a_library_lost(tiny):
    """It stops after the first step, with a checkpoint."""
    options = ("train", "tiny.yaml", "-o", "run", "--set", "train.epochs=100000")
    done = subprocess.run(
        [sys.executable, "-c", LOSSY, *options], check=False, capture_output=True, text=True,
        timeout=60,
    )  # fmt: skip
    assert done.returncode == 130, done.stderr
    assert "stopped; to go on: specc train" in done.stderr
    assert [each.name for each in Path("run/checkpoints").iterdir()] == [
        "step-0000000001.safetensors"
    ]


@posix
def test_progress_that_nobody_reads_stops_training(tiny):
    process = subprocess.Popen(
        command("train", "tiny.yaml", "-o", "run", "--set", "train.epochs=100000"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    first_line(process.stdout, "Epoch 1/")
    process.stdout.close()
    assert process.wait(timeout=60) == 130
    assert json.loads((tiny / "run" / "run.json").read_text())["finished"] is False


def cpu_seconds(*arguments):
    """Processor time of one run: less at the mercy of other processes than the clock."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = execute(*arguments)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@posix
@pytest.mark.parametrize(
    ("arguments", "budget"),
    [(("--help",), HELP_SECONDS), (("summary", MNIST), SUMMARY_SECONDS)],
    ids=["help", "summary"],
)
def test_start_up_budget(arguments, budget):
    assert any(cpu_seconds(*arguments) < budget * BUSY for _ in range(3))


def test_help_imports_nothing_that_takes_time():
    code = (
        "import sys\nfrom specc.app.commands import app\n"
        "heavy = {'numpy', 'pydantic', 'rich', 'ruamel', 'onnx', 'onnxruntime'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


@posix
@pytest.mark.parametrize(("columns", "width"), [(40, 60), (200, 88)])
def test_the_summary_fits_the_terminal(columns, width):
    fcntl, pty, termios = (pytest.importorskip(name) for name in ("fcntl", "pty", "termios"))
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, columns.to_bytes(2, sys.byteorder).rjust(4, b"\0") * 2)
    environment = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES")}
    done = subprocess.run(
        command("summary", MNIST), stdout=theirs, stderr=subprocess.PIPE, env=environment,
        check=False,
    )  # fmt: skip
    os.close(theirs)
    text = b""
    while not text.count(b"Non-trainable"):
        text += os.read(ours, 65536)
    os.close(ours)
    assert (done.returncode, done.stderr) == (0, b"")
    assert max(len(line) for line in text.decode().splitlines()) == width


@posix
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shell_completion_is_offered(shell):
    done = execute(
        env={
            "_SPECC_COMPLETE": f"complete_{shell}",
            "COMP_WORDS": "specc su",
            "COMP_CWORD": "1",
            "_TYPER_COMPLETE_ARGS": "specc su",
            "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        }
    )
    assert done.returncode == 0
    assert "summary" in done.stdout
