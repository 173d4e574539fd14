"""The command line: `specc COMMAND ...`.

One file for each command or small group; a command reads its arguments, calls one function of the
package, and prints what it returns. Everything but typer is imported inside the commands, so
`specc --help` shows at once. Results go to stdout, problems and progress to stderr.

Exit codes: 0 fine, 1 a bug in specc (with its traceback), 2 something the user can mend,
130 interrupted.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command that this process was started for, and exit."""
    from specc.interrupts import interrupts

    interrupts.listen()
    try:
        from specc.app.commands import run

        run()
    except KeyboardInterrupt:  # before or after the command itself, which handles its own
        sys.exit(130)
