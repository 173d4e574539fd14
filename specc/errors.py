"""Every error that specc raises on purpose.

    SpeccError                 base: something the user can mend; the command line exits with 2
      SpecError                a spec is wrong; carries file, line, column and every problem found
      CompileError             a valid spec cannot be compiled for the wanted target
        MissingRuleError       an ONNX op on the way of a gradient has no vjp rule
      DataError                data is missing, unreadable or does not fit the spec
      RuntimeSetupError        the execution provider that was asked for cannot be loaded
      RunError                 a run directory or checkpoint cannot be used
    InternalError              a broken invariant: a bug in specc, never the user's fault

A message reads `place: expected, received, what to do`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from typing_extensions import override


class SpeccError(Exception):
    """Something the user can mend. The command line prints it without a traceback, exit code 2."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where in a source file something stands: 1-based line and column; 0 means unknown."""

    file: str = ""
    line: int = 0
    column: int = 0

    @override
    def __str__(self) -> str:
        parts = [self.file] if self.file else []
        if self.line:
            parts += [str(self.line), str(self.column)]
        return ":".join(parts)


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong in a spec: its place, the path of the entry, and the message."""

    place: Place = field(default_factory=Place)
    path: str = ""
    message: str = ""

    @override
    def __str__(self) -> str:
        return ": ".join(part for part in (str(self.place), self.path, self.message) if part)


def not_utf8(error: UnicodeDecodeError, file: str) -> Problem:
    """What a file that cannot be decoded as a whole is told: where, and by which byte."""
    before = error.object[: error.start].decode(errors="replace").removeprefix("\ufeff")
    *above, line = before.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    place = Place(file, len(above) + 1, len(line) + 1)
    byte = error.object[error.start]
    return Problem(place, "", f"expected UTF-8, found byte 0x{byte:02x}; save the file as UTF-8")


class SpecError(SpeccError):
    """A spec is wrong.

    Attributes:
        problems: every problem found, in the order of their places.
        file, line, column: the place of the first one (column and line are 1-based, 0 unknown).
        partial: the spec without the sections that are wrong, when its layers could be read: shapes
            can then be checked in the same run.
    """

    def __init__(
        self, problems: Sequence[Problem] | Problem | str, partial: object | None = None
    ) -> None:
        self.partial = partial
        if isinstance(problems, str):
            problems = Problem(message=problems)
        if isinstance(problems, Problem):
            problems = [problems]
        self.problems: list[Problem] = sorted(problems)
        first = self.problems[0].place
        self.file, self.line, self.column = first.file, first.line, first.column
        super().__init__("\n".join(str(problem) for problem in self.problems))


class CompileError(SpeccError):
    """A valid spec cannot be compiled for the wanted target or opset."""


class MissingRuleError(CompileError):
    """A gradient must pass an ONNX op for which no vjp rule is registered.

    Attributes:
        scope: the path of the layer that the op serves.
    """

    def __init__(self, message: str, scope: str = "") -> None:
        self.scope = scope
        super().__init__(message)


class DataError(SpeccError):
    """Data is missing, unreadable, or does not fit the spec."""


class MissingFileError(DataError):
    """A file or folder of data is not where it was looked for."""


class RuntimeSetupError(SpeccError):
    """onnxruntime, or the execution provider that was asked for, cannot be loaded."""


class RunError(SpeccError):
    """A run directory or a checkpoint cannot be used for what was asked."""


class InternalError(Exception):
    """A broken invariant. This is a bug in specc and keeps its traceback."""


def nearest(word: str, known: Iterable[str], also: Iterable[str] = ()) -> str:
    """The end of a message about an unknown `word`: the nearest known names, else all of them.

    Returns " did you mean 'x'?" when something is close, and always the sorted list of what is
    valid, cut at 40 names. `also` are valid names that are suggested but not listed (aliases).
    """
    listed = 40
    names = sorted(set(known))
    plain = {_letters(name): name for name in (*also, *names)}
    alike = plain.get(_letters(word))  # Keras' own spelling: ReLU, Conv2D
    close = [alike] if alike else _close(word[:100], {*names, *also})
    hint = f" did you mean {cut(close[0])!r}?" if close else ""
    shown = ", ".join(map(cut, names[:listed])) + (", ..." if len(names) > listed else "")
    return f"{hint} valid: {shown}" if names else hint


def cut(text: str, length: int = 60) -> str:
    """The start of a text that may be of any length, as those in data files are."""
    return text if len(text) <= length else f"{text[:length]}..."


def _letters(name: str) -> str:
    return "".join(char for char in name.lower() if char.isalnum())


def _close(word: str, names: Iterable[str]) -> list[str]:
    return difflib.get_close_matches(word, names, n=1, cutoff=0.6)
