"""How a command ends: exceptions become messages and exit codes."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Generator
from typing import Any

import typer
from typer.core import TyperGroup
from typing_extensions import override

from specc.app.output import complain
from specc.errors import SpeccError

USER_ERROR = 2
INTERRUPTED = 130
# The system's, not ours: a full or read-only disk, a quota, a broken device, too many open files.
FULL = (errno.ENOSPC, errno.EDQUOT)
SYSTEM = (*FULL, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE)


class Commands(TyperGroup):
    """The group of all commands. typer handles usage errors; what else can happen, this does."""

    @override
    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The help's list of commands, in groups as they are registered."""
        groups: dict[str, list[tuple[str, Any]]] = {}
        names = self.list_commands(ctx)
        width = max(map(len, names))
        for name in names:
            command: Any = self.get_command(ctx, name)
            groups.setdefault(command.rich_help_panel, []).append((name.ljust(width), command))
        for title, commands in groups.items():
            with formatter.section(title):
                room = formatter.width - 6 - width
                formatter.write_dl([(n, c.get_short_help_str(room)) for n, c in commands])

    @override
    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        with outcome():
            return super().make_context(*args, **kwargs)

    @override
    def invoke(self, ctx: Any) -> Any:
        with outcome():
            return super().invoke(ctx)


@contextlib.contextmanager
def outcome() -> Generator[None]:
    """Turns what the user can mend into a message and `typer.Exit`; bugs pass through."""
    try:
        yield
        sys.stdout.flush()  # a reader that left must be noticed here, not when Python exits
    except SpeccError as error:
        complain(str(error))
        raise typer.Exit(USER_ERROR) from None
    except typer.BadParameter as error:
        # typer 0.29 checks options with pydantic, and shows what that puts before a message.
        error.message = error.message.removeprefix("Value error, ")
        raise
    except KeyboardInterrupt:
        complain("interrupted")
        raise typer.Exit(INTERRUPTED) from None
    except BrokenPipeError:
        # `specc summary x | head -1` has all that it wanted.
        drop_unread()
        raise typer.Exit from None
    except OSError as error:
        if error.filename is None and error.errno not in SYSTEM:
            raise
        place = (
            f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else ""
        )
        advice = "; free some space, and try again" if error.errno in FULL else ""
        complain(f"{place}{error.strerror or error}{advice}")
        drop_unread()
        raise typer.Exit(USER_ERROR) from None


def drop_unread() -> None:
    """Send what cannot be written nowhere; in a buffer it would fail again when Python exits."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)
