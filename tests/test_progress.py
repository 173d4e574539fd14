"""Progress. Oracle: lines written by hand; the times are those of a clock that the test moves."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys

import pytest

from specc.progress import Meter, Plain, Progress
from specc.progress_text import (
    Moment,
    bar_line,
    duration,
    finished,
    history_table,
    number,
    per_step,
    printable,
    text_table,
)
from specc.terminal import Live, make_progress, show_table, terminal

LOGS = {"loss": 0.0611, "accuracy": 0.98123}
MOMENT = Moment(1, 5, 612, 938, 8.2, 0.0121, LOGS)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.98123, "0.9812"), (12.0, "12.0000"), (0.001, "1.0000e-03"), (-2e-7, "-2.0000e-07"),
     (0.0, "0.0000e+00"), (float("nan"), "nan"), (float("inf"), "inf")],
)  # fmt: skip
def test_number(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "0s"), (59.4, "59s"), (59.6, "1:00"), (65, "1:05"), (3723, "1:02:03")],
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(2.4, "2s/step"), (0.0124, "12ms/step"), (8e-5, "80us/step")]
)
def test_per_step(seconds: float, text: str) -> None:
    assert per_step(seconds) == text


def test_the_line_of_a_terminal() -> None:
    line = bar_line(MOMENT, 200)
    assert line.head == "Epoch 2/5 612/938 "
    assert (len(line.done), len(line.rest)) == (20 * 612 // 938, 20 - 20 * 612 // 938)
    assert line.tail == " 8s 12ms/step accuracy: 0.9812 loss: 0.0611"


@pytest.mark.parametrize("width", range(100))
def test_the_line_fits_every_width(width: int) -> None:
    line = bar_line(MOMENT, width)
    whole = line.head + line.done + line.rest + line.tail
    assert len(whole) <= width
    full = len("Epoch 2/5 612/938  8s 12ms/step accuracy: 0.9812 loss: 0.0611")
    assert ("…" in whole) == (len("Epoch 2/5 612/938 ") < width < full)
    if width >= full:
        assert len(line.done + line.rest) == min(20, width - full)


def test_steps_are_aligned() -> None:
    assert Moment(0, 1, 7, 1000, 1, 1, {}).head == "Epoch 1/1    7/1000"


def test_names_cannot_move_the_cursor() -> None:
    assert printable("a\x1b[2Jb\r") == "a?[2Jb?"
    assert "\x1b" not in Moment(0, 1, 1, 1, 1, 1, {"\x1b[2J": 1.0}).tail


def test_history_table() -> None:
    header, rows = history_table([{"loss": 0.5, "accuracy": 0.75}, {"loss": 0.25}], first_epoch=3)
    assert header == ["epoch", "accuracy", "loss"]
    assert rows == [["4", "0.7500", "0.5000"], ["5", "", "0.2500"]]
    assert text_table(header, rows).splitlines() == [
        "epoch  accuracy    loss",
        "    4    0.7500  0.5000",
        "    5            0.2500",
    ]


def test_the_learning_rate_is_cut_before_results_are() -> None:
    logs = {"learning_rate": 0.01, "loss": 0.5, "val_loss": 0.25}
    assert Moment(0, 1, 1, 1, 1, 1, logs).tail.endswith(
        "loss: 0.5000 val_loss: 0.2500 learning_rate: 0.0100"
    )
    assert history_table([logs])[0] == ["epoch", "loss", "val_loss", "learning_rate"]


def test_a_long_history_keeps_the_first_and_the_last() -> None:
    _, rows = history_table([{"loss": float(i)} for i in range(1, 101)])
    assert len(rows) == 12
    assert [row[0] for row in rows[:3]] == ["1", "...", "91"]
    assert rows[-1] == ["100", "100.0000"]


def test_no_history() -> None:
    assert history_table([]) == (["epoch"], [])
    assert text_table(["epoch"], []) == "epoch"
    assert finished([], 0.1) == "0 epochs in 0s"
    assert finished([{"loss": 1.0}], 61) == "1 epoch in 1:01"


def run(progress: Progress, clock: Clock, epochs: int, steps: int, step_seconds: float) -> int:
    """Plays a training loop; returns how often the logs were asked for."""
    asked = 0

    def logs():
        nonlocal asked
        asked += 1
        return {"loss": 0.5}

    progress.start(epochs, steps)
    for epoch in range(epochs):
        began = clock.now
        for step in range(steps):
            clock.now += step_seconds
            progress.step(epoch, step + 1, logs)
        progress.epoch_end(epoch, {"loss": 0.25, "val_loss": 0.3}, clock.now - began)
    progress.finish([{"loss": 0.25}] * epochs, epochs * steps * step_seconds)
    progress.close()
    return asked


def test_a_pipe_gets_a_line_each_epoch() -> None:
    stream, clock = io.StringIO(), Clock()
    assert run(Plain(stream, clock), clock, 2, 100, 0.01) == 0
    assert stream.getvalue().splitlines() == [
        "Epoch 1/2 100/100 1s 10ms/step loss: 0.2500 val_loss: 0.3000",
        "Epoch 2/2 100/100 1s 10ms/step loss: 0.2500 val_loss: 0.3000",
        "epoch    loss",
        "    1  0.2500",
        "    2  0.2500",
        "2 epochs in 2s",
    ]


def test_a_pipe_gets_a_line_each_five_seconds_at_most() -> None:
    stream, clock = io.StringIO(), Clock()
    asked = run(Plain(stream, clock), clock, 1, 100, 0.25)
    lines = [line for line in stream.getvalue().splitlines() if line.startswith("Epoch")]
    # 25 s: after 5, 10, 15 and 20 s (20, 40, ... steps, the rest to go), and at the end.
    assert lines[0] == "Epoch 1/1  20/100 20s 250ms/step loss: 0.5000"
    assert [line.split()[2] for line in lines] == [
        "20/100", "40/100", "60/100", "80/100", "100/100",
    ]  # fmt: skip
    assert asked == 4


def test_the_rate_leaves_out_the_first_step() -> None:
    clock = Clock()
    meter = Meter(0.0, clock=clock)
    meter.start(1, 10)
    clock.now += 50
    first = meter.step(0, 4, LOGS)  # resumed at step 3
    assert first is not None
    assert (first.step_seconds, first.seconds) == (50, 300)
    moment = None
    for step, seconds in ((5, 2), (6, 1), (7, 3)):
        clock.now += seconds
        moment = meter.step(0, step, LOGS)
    assert moment is not None
    assert (moment.step_seconds, moment.seconds) == (2, 6)
    clock.now += 30
    assert meter.epoch_end(0, LOGS, 84).step_seconds == 2
    # The next epoch's first report: its rate counts from the end of the epoch before.
    clock.now += 3
    second = meter.step(1, 1, LOGS)
    assert second is not None
    assert (second.step_seconds, second.seconds) == (3, 27)
    # An epoch of which no step was told.
    assert meter.epoch_end(2, LOGS, 20).step_seconds == 2


def test_quiet_shows_nothing() -> None:
    stream, clock = io.StringIO(), Clock()
    progress = make_progress(stream, quiet=True)
    progress.note("text")
    assert run(progress, clock, 2, 10, 60.0) == 0
    assert stream.getvalue() == ""


def test_a_pipe_is_never_drawn_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    stream = io.StringIO()
    assert isinstance(make_progress(stream), Plain)
    show_table(stream, ["a", "bb"], [["1", "2"]], title="T")
    assert stream.getvalue() == "T\na  bb\n1   2\n"


SCRIPT = """
import sys
from specc.progress_text import history_table
from specc.terminal import Live, make_progress, show_table, terminal, terminal

class Clock:
    now = 0.0
    def __call__(self):
        return self.now

clock = Clock()
progress = make_progress(sys.stderr)
if type(progress).__name__ == "Live":
    progress = type(progress)(terminal(sys.stderr), clock)
progress.start(1, 4)
for step in range(4):
    clock.now += 0.06
    progress.step(0, step + 1, {"loss": 0.5, "a_metric_with_a_long_name": 0.25})
    if step == 1:
        progress.note("said between")
progress.epoch_end(0, {"loss": 0.25}, 7.0)
progress.finish([{"loss": 0.25}], 7.0)
progress.close()
"""


def in_terminal(width: int, **environment: str) -> str:
    """What SCRIPT writes to a terminal of `width` columns."""
    leader, follower = pty.openpty()
    clean = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR")}
    settings = {"COLUMNS": str(width), "TERM": "xterm", "PYTHONIOENCODING": "utf-8"}
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT], stderr=follower, env={**clean, **settings, **environment}
    ) as process:
        os.close(follower)
        parts: list[bytes] = []
        try:
            while part := os.read(leader, 65536):
                parts.append(part)
        except OSError:  # Linux reports the closed other end as an error
            pass
    os.close(leader)
    assert process.returncode == 0
    return b"".join(parts).decode().replace("\r\n", "\n")


def screen(output: str) -> list[str]:
    """The lines that stand when all is drawn; knows carriage return and erase line only."""
    lines = []
    for line in output.split("\n"):
        last = line.rsplit("\r\x1b[2K", 1)[-1]
        while "\x1b[" in last:
            before, _, after = last.partition("\x1b[")
            last = before + after.partition("m")[2]
        lines.append(last.rstrip())
    return [line for line in lines if line]


def test_a_terminal_gets_one_moving_line() -> None:
    output = in_terminal(100)
    assert "\x1b[32m━" in output
    # Drawn at 0.12 s, (after the note) at 0.24 s as the last step, and at the end of the epoch.
    assert output.count("Epoch 1/1") == 3
    assert output.count("\x1b[2K") == 2
    assert "\x1b[?25l" not in output  # the cursor is never hidden: a kill leaves it visible
    lines = screen(output)
    assert lines[0] == "said between"
    assert lines[1] == f"Epoch 1/1 4/4 {'━' * 20} 7s 60ms/step loss: 0.2500"
    assert lines[2].split() == ["epoch", "loss"]
    assert lines[-2].split() == ["1", "0.2500"]
    assert lines[-1] == "1 epoch in 7s"


def test_a_narrow_terminal_does_not_wrap() -> None:
    output = in_terminal(30)
    assert all(len(line) < 30 for line in screen(output))
    assert "…" in output


class Tty(io.StringIO):
    """A terminal as far as Python is told."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.fixture
def tty(monkeypatch: pytest.MonkeyPatch) -> Tty:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    return Tty()


def test_the_last_step_is_drawn_and_the_end_draws_over_it(tty: Tty) -> None:
    clock = Clock()
    console = terminal(tty)
    assert console is not None
    asked = run(Live(console, clock), clock, 2, 3, 0.01)
    assert asked == 2
    assert tty.getvalue().count("Epoch 1/2 3/3") == 2
    lines = screen(tty.getvalue())
    assert lines[:2] == [
        f"Epoch {epoch}/2 3/3 {'━' * 20} 0s 10ms/step loss: 0.2500 val_loss: 0.3000"
        for epoch in (1, 2)
    ]


def test_closing_in_the_middle_leaves_a_whole_line(tty: Tty) -> None:
    progress = make_progress(tty)
    progress.start(1, 2)
    progress.step(0, 2, {"loss": 1.0})
    assert not tty.getvalue().endswith("\n")
    progress.close()
    progress.close()
    assert tty.getvalue().endswith("loss: 1.0000\n")


def test_a_note_stands_above_the_line(tty: Tty) -> None:
    progress = make_progress(tty)
    progress.start(1, 2)
    progress.step(0, 2, {})
    progress.note("resumed [bold]from[/bold] " + "x" * 100)
    progress.epoch_end(0, {}, 1.0)
    lines = screen(tty.getvalue())
    assert lines[0] == "resumed [bold]from[/bold] " + "x" * 100
    assert lines[1].startswith("Epoch 1/1 2/2")


def test_tables_of_a_terminal(tty: Tty, monkeypatch: pytest.MonkeyPatch) -> None:
    show_table(tty, ["name", "value"], [["a", "1"], ["b" * 200, "22"]], title="Title")
    lines = screen(tty.getvalue())
    assert lines[0].strip() == "Title"
    assert all(len(line) <= 80 for line in lines)
    assert lines[-1].split()[-1] == "22"
    monkeypatch.setattr(Tty, "encoding", "ascii")
    plain = Tty()
    show_table(plain, ["name"], [["a"]])
    assert plain.getvalue().isascii()


def test_a_table_that_is_too_wide_goes_on_below(tty: Tty) -> None:
    """Nothing is cut: 12 columns of 10 in 80, five beside the name in each part."""
    header = ["name", *(f"column_{i:03d}" for i in range(12))]
    rows = [[f"row{k}", *(f"{k * 100 + i:010d}" for i in range(12))] for k in range(2)]
    show_table(tty, header, rows, left=1)
    lines = screen(tty.getvalue())
    assert max(map(len, lines)) <= 80
    told = [line.split() for line in lines if line.split()]
    heads = [line for line in told if line[0] == "name"]
    assert [len(line) - 1 for line in heads] == [5, 5, 2]
    assert [name for line in heads for name in line[1:]] == header[1:]
    for row in rows:
        assert [cell for line in told if line[0] == row[0] for cell in line[1:]] == row[1:]


def test_a_dumb_terminal_is_none(tty: Tty, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    assert terminal(tty) is None


def test_no_color() -> None:
    output = in_terminal(100, NO_COLOR="1")
    assert "\x1b[32m" not in output
    assert "Epoch 1/1 2/4" in output


def test_ascii_only() -> None:
    output = in_terminal(60, PYTHONIOENCODING="ascii")
    assert output.isascii()
    assert "====" in output


def test_a_dumb_terminal_gets_plain_lines() -> None:
    output = in_terminal(100, TERM="dumb")
    assert "\x1b" not in output
    assert output.startswith("said between\nEpoch 1/1 4/4 7s")


def test_rich_is_imported_only_to_draw() -> None:
    code = (
        "import sys, specc.terminal as t; t.make_progress(sys.stderr); print('rich' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
