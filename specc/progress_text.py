"""What training shows, as text: one line of progress, numbers, and tables. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

# Source of the bar's width, of the number format and its border: keras/src/utils/progbar.py.
BAR_WIDTH = 20
SMALL = 1e-3
# More epochs than this are shown as the first, a gap, and the last ones.
TABLE_ROWS = 12
RATE = "learning_rate"
MINUTE, HOUR = 60, 3600


@dataclass(frozen=True, slots=True)
class Moment:
    """How far training is.

    Attributes:
        epoch, epochs: number of the epoch, from 0, and how many there are.
        step, steps: steps done in the epoch, and how many it has.
        seconds: since the epoch began when it is done, else until it will be.
        step_seconds: of one step.
        logs: what to show.
    """

    epoch: int
    epochs: int
    step: int
    steps: int
    seconds: float
    step_seconds: float
    logs: Mapping[str, float]

    @property
    def head(self) -> str:
        """`Epoch 2/5  612/938`, the step as wide as the number of steps."""
        return (
            f"Epoch {self.epoch + 1}/{self.epochs} {self.step:>{len(str(self.steps))}}/{self.steps}"
        )

    @property
    def tail(self) -> str:
        """`8s 12ms/step accuracy: 0.9812 loss: 0.0611`, in the order of `in_order`."""
        values = [f"{printable(k)}: {number(self.logs[k])}" for k in in_order(self.logs)]
        return " ".join([duration(self.seconds), per_step(self.step_seconds), *values])


def in_order(names: Iterable[str]) -> list[str]:
    """Names of logs, sorted; the learning rate, which is no result, where a line is cut first."""
    return sorted(names, key=lambda name: (name == RATE, name))


def number(value: float) -> str:
    """A metric's value: four decimals, or four significant ones when it is at most 0.001."""
    return f"{value:.4f}" if abs(value) > SMALL else f"{value:.4e}"


def duration(seconds: float) -> str:
    """`8s`, `1:05`, `1:02:03`."""
    whole = round(seconds)
    if whole >= HOUR:
        return f"{whole // HOUR}:{whole % HOUR // MINUTE:02d}:{whole % MINUTE:02d}"
    return f"{whole // MINUTE}:{whole % MINUTE:02d}" if whole >= MINUTE else f"{whole}s"


def per_step(seconds: float) -> str:
    """`2s/step`, `12ms/step`, `80us/step`."""
    for unit, scale in (("s", 1.0), ("ms", 1e3)):
        if seconds * scale >= 1:
            return f"{seconds * scale:.0f}{unit}/step"
    return f"{seconds * 1e6:.0f}us/step"


def printable(name: str) -> str:
    """A name without characters that could move a terminal's cursor."""
    return "".join(c if c.isprintable() else "?" for c in name)


def finished(epochs: Sequence[Mapping[str, float]], seconds: float) -> str:
    """The line under the table."""
    count = len(epochs)
    return f"{count} epoch{'' if count == 1 else 's'} in {duration(seconds)}"


def history_table(
    epochs: Sequence[Mapping[str, float]], first_epoch: int = 0
) -> tuple[list[str], list[list[str]]]:
    """(header, rows): one row for each epoch's logs, counted from 1; a gap when there are many."""
    names = in_order({name for logs in epochs for name in logs})
    rows = [
        [str(first_epoch + i + 1), *(number(logs[n]) if n in logs else "" for n in names)]
        for i, logs in enumerate(epochs)
    ]
    if len(rows) > TABLE_ROWS:
        rows = [rows[0], ["..."] * (len(names) + 1), *rows[len(rows) - TABLE_ROWS + 2 :]]
    return ["epoch", *map(printable, names)], rows


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]], left: int = 0) -> str:
    """Columns two spaces apart in plain text, aligned to the right but for the first `left`."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = [
        "  ".join(
            cell.ljust(width) if i < left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (header, *rows)
    ]
    return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class BarLine:
    """The moving line of a terminal: head, done part of the bar, the rest of it, tail."""

    head: str
    done: str
    rest: str
    tail: str


def bar_line(moment: Moment, width: int, mark: str = "━", cut: str = "…") -> BarLine:
    """A line of at most `width` characters: the bar shrinks first, then the tail is cut."""
    head, tail = f"{moment.head} ", f" {moment.tail}"
    bar = max(0, min(BAR_WIDTH, width - len(head) - len(tail)))
    room = max(0, width - len(head) - bar)
    if len(tail) > room:
        tail = tail[: max(0, room - len(cut))] + cut[:room]
    done = bar * moment.step // max(1, moment.steps)
    return BarLine(head[:width], mark * done, mark * (bar - done), tail)
