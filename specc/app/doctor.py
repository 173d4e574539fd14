"""`specc doctor`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from specc.app.options import Json
from specc.app.outcome import USER_ERROR
from specc.app.output import complain, show, show_json

if TYPE_CHECKING:
    from specc.installation import Installation

# Of the labels; the longest is typing-extensions.
WIDTH = 21


def doctor(*, as_json: Json = False) -> None:
    """Say what is installed and works, and what to type if not.

    Trains one step of a tiny model on the CPU and on CUDA. Exits with 2 when something is wrong;
    a machine without CUDA is fine.
    """
    from specc.installation import inspect_installation

    found = inspect_installation()
    if as_json:
        show_json(found.to_dict())
    else:
        show("\n".join(_lines(found)))
        for problem in found.problems:
            complain(f"problem: {problem}")
    if found.problems:
        raise typer.Exit(USER_ERROR)


def _lines(found: Installation) -> list[str]:
    lines = [
        _line("specc", found.specc),
        _line("Python", found.python),
        _line("platform", found.platform),
        _line("threads", str(found.threads or "unknown")),
        "",
        "packages",
    ]
    if not found.packages:
        lines.append("  unknown: this specc runs from a folder and was never installed")
    for package in found.packages:
        extra = f" (extra {package.extra!r})" if package.extra else ""
        lines.append(_line(f"  {package.name}", f"{package.version or 'not installed'}{extra}"))
    lines += ["", "devices", _line("  providers", ", ".join(found.providers) or "none")]
    for state in found.devices:
        lines.append(_line(f"  {state.device}", "works" if state.works else f"no: {state.why}"))
    lines += ["", "data", _line("  $SPECC_DATA", found.data["SPECC_DATA"] or "not set")]
    lines.append(_line("  cache", found.data["cache"] or ""))
    return lines


def _line(label: str, text: str) -> str:
    return f"{label:<{WIDTH}}{text}"
