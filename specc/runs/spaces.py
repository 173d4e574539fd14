"""What the settings of a sweep may be: ranges of numbers, or one of several values."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from specc.errors import RunError

# A range of numbers, `low..high`, perhaps `:log` or `:step`.
RANGE = re.compile(r"^(?P<low>[^.]+(?:\.\d+)?[^.]*?)\.\.(?P<high>[^:]+)(?::(?P<kind>.+))?$")


@dataclass(frozen=True, slots=True)
class Space:
    """What one setting may be: numbers of a range, or one of several values.

    Attributes:
        path: of the setting in the spec.
        choices: its values as they are written, or none.
        low, high: the ends of a range, both allowed.
        log: whether numbers are spread evenly over their logarithms.
        step: between two numbers; 0 leaves them free.
        whole: whether they are integers.
    """

    path: str
    choices: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    step: float = 0.0
    whole: bool = False

    @staticmethod
    def of(written: str) -> Space:
        """From `train.epochs=2..8`, `...=1e-4..1e-2:log`, `...=0..1:0.1`, `...=relu,tanh`.

        Raises:
            RunError: it is written otherwise.
        """
        path, equals, text = written.partition("=")
        if not equals or not path or not text:
            raise RunError(
                f"--set {written}: expected PATH=LOW..HIGH, PATH=LOW..HIGH:log or PATH=A,B,C"
            )
        match = RANGE.match(text)
        if match is None:
            return Space(path, tuple(_choices(text)))
        try:
            low, high = float(match["low"]), float(match["high"])
            kind = match["kind"] or ""
            step = 0.0 if kind in ("", "log") else float(kind)
        except ValueError:
            raise RunError(f"--set {written}: expected numbers around `..`") from None
        whole = all(re.fullmatch(r"-?\d+", each) for each in (match["low"], match["high"]))
        whole = whole and step == int(step)
        finite = all(map(math.isfinite, (low, high, step)))
        if not finite or not low < high or (kind == "log" and low <= 0) or step < 0:
            raise RunError(f"--set {written}: expected LOW below HIGH, and above 0 for log")
        return Space(path, (), low, high, kind == "log", step, whole)

    def ends(self) -> tuple[str, ...]:
        """Every choice, or both ends of a range, as `--set` takes them."""
        if self.choices:
            return self.choices
        return tuple(self._written(each) for each in (self.low, self.high))

    def size(self) -> float:
        """How many values there are."""
        if self.choices:
            return len(set(self.choices))
        step = self.step or (1.0 if self.whole else 0.0)
        return math.floor((self.high - self.low) / step + 1e-9) + 1 if step else math.inf

    def _written(self, value: float) -> str:
        return str(int(value)) if self.whole else repr(float(value))

    def suggest(self, trial: Any) -> str:  # noqa: ANN401 - the package is optional
        """A value for a trial, as `--set` takes it."""
        if self.choices:
            return str(trial.suggest_categorical(self.path, list(self.choices)))
        low, high, step, log = self.low, self.high, self.step, self.log
        if self.whole:
            whole = trial.suggest_int(self.path, int(low), int(high), step=int(step) or 1, log=log)
            return self._written(whole)
        return self._written(trial.suggest_float(self.path, low, high, step=step or None, log=log))


def _choices(text: str) -> list[str]:
    """Values between commas outside brackets."""
    parts, depth = [""], 0
    for char in text:
        depth += (char in "[{(") - (char in "]})")
        if char == "," and not depth:
            parts.append("")
        else:
            parts[-1] += char
    return [part.strip() for part in parts]


def shown(value: object) -> str:
    """A setting for people: numbers with four digits, texts as they are written."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
