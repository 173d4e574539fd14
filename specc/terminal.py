"""The one place that draws on a terminal: the moving line of training, and tables.

rich is imported when something is drawn, because it takes a third of a small command's time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TextIO

from typing_extensions import override

from specc.progress import LIVE_INTERVAL, LazyLogs, Logs, Meter, Plain, Progress
from specc.progress_text import Moment, bar_line, finished, history_table, text_table

if TYPE_CHECKING:
    from rich.console import Console

# What a column of a table takes beside its cells: a space on both sides, and a line.
FRAME = 3


def make_progress(stream: TextIO, quiet: bool = False) -> Progress:
    """The display that fits `stream`: moving in a terminal, whole lines elsewhere, or none."""
    if quiet:
        return Progress()
    console = terminal(stream)
    return Plain(stream) if console is None else Live(console)


def terminal(stream: TextIO) -> Console | None:
    """A console when `stream` is a terminal that can move its cursor. NO_COLOR is respected."""
    if not stream.isatty():
        return None
    from rich.console import Console

    console = Console(file=stream, highlight=False, markup=False, emoji=False)
    return console if console.is_terminal and not console.is_dumb_terminal else None


def show_table(
    stream: TextIO,
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    title: str = "",
    left: int = 0,
) -> None:
    """A table of text, aligned to the right but for `left` columns; plain text in a pipe.

    A table wider than the terminal goes on below, with its first columns again.
    """
    console = terminal(stream)
    if console is None:
        lines = (title, text_table(header, rows, left))
        stream.write("".join(f"{line}\n" for line in lines if line))
    else:
        _draw_table(console, header, rows, title, left)


def _draw_table(
    console: Console,
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    title: str = "",
    left: int = 0,
) -> None:
    from rich import box
    from rich.table import Table

    ascii_only = console.options.ascii_only
    for columns in _parts(header, rows, max(1, left), console.width):
        table = Table(title=title or None, box=box.ASCII2 if ascii_only else box.SIMPLE_HEAD)
        for i in columns:
            side = "left" if i < left else "right"
            table.add_column(header[i], justify=side, overflow="ellipsis", no_wrap=True)
        for row in rows:
            table.add_row(*(row[i] for i in columns))
        console.print(table)
        title = ""


def _parts(
    header: Sequence[str], rows: Sequence[Sequence[str]], first: int, room: int
) -> list[list[int]]:
    """The columns of the tables that a table is cut into: each has the first ones."""
    from rich.cells import cell_len

    widths = [max(map(cell_len, column)) + FRAME for column in zip(header, *rows, strict=True)]
    kept = list(range(min(first, len(widths))))
    parts = [kept.copy()]
    for i in range(len(kept), len(widths)):
        width = 1 + sum(widths[k] for k in (*parts[-1], i))
        if width > room and len(parts[-1]) > len(kept):
            parts.append(kept.copy())
        parts[-1].append(i)
    return parts


class Live(Progress):
    """A line that is drawn over, one for each epoch. The cursor is never hidden."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._meter = Meter(LIVE_INTERVAL, last=True, clock=clock)
        self._open = False

    @override
    def start(self, epochs: int, steps: int) -> None:
        self._meter.start(epochs, steps)

    @override
    def step(self, epoch: int, step: int, logs: LazyLogs) -> None:
        moment = self._meter.step(epoch, step, logs)
        if moment is not None:
            self._draw(moment)

    @override
    def epoch_end(self, epoch: int, logs: Logs, seconds: float) -> None:
        self._draw(self._meter.epoch_end(epoch, logs, seconds))
        self.close()

    @override
    def note(self, text: str) -> None:
        self._erase()
        self._console.print(text, soft_wrap=True)

    @override
    def finish(self, epochs: Sequence[Logs], seconds: float, first_epoch: int = 0) -> None:
        self.close()
        if epochs:
            _draw_table(self._console, *history_table(epochs, first_epoch))
        self.note(finished(epochs, seconds))

    @override
    def close(self) -> None:
        if self._open:
            self._console.print()
            self._open = False

    def _draw(self, moment: Moment) -> None:
        from rich.text import Text

        self._erase()
        plain = self._console.options.ascii_only
        # The last column stays free: some terminals wrap as soon as it is filled.
        width = self._console.width - 1
        line = bar_line(moment, width, *(("=", "...") if plain else ()))
        text = Text.assemble(
            (line.head, "bold"), (line.done, "green"), (line.rest, "bright_black"), line.tail
        )
        text.truncate(width)
        self._console.print(text, end="", no_wrap=True)
        self._console.file.flush()
        self._open = True

    def _erase(self) -> None:
        if not self._open:
            return
        from rich.control import Control
        from rich.segment import ControlType

        erase = (ControlType.ERASE_IN_LINE, 2)
        self._console.control(Control(ControlType.CARRIAGE_RETURN, erase))
        self._open = False
