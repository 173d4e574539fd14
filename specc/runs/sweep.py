"""Many runs of one spec, their settings chosen by Optuna; resumable, in parallel processes."""

from __future__ import annotations

import csv
import importlib
import io
import json
import math
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from specc.callbacks.base import more_is_better
from specc.errors import RunError
from specc.files import replace
from specc.runs.listing import entry

JOURNAL, TABLE, RESULT, SETTINGS = "sweep.journal", "sweep.csv", "sweep.json", "settings.json"
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
        if not low < high or (kind == "log" and low <= 0) or step < 0:
            raise RunError(f"--set {written}: expected LOW below HIGH, and above 0 for log")
        return Space(path, (), low, high, kind == "log", step, whole)

    def suggest(self, trial: Any) -> str:  # noqa: ANN401 - the package is optional
        """A value for a trial, as `--set` takes it."""
        if self.choices:
            return str(trial.suggest_categorical(self.path, list(self.choices)))
        if self.whole:
            step = int(self.step) or 1
            low, high = int(self.low), int(self.high)
            return str(trial.suggest_int(self.path, low, high, step=step, log=self.log))
        step = self.step or None
        return repr(
            float(trial.suggest_float(self.path, self.low, self.high, step=step, log=self.log))
        )


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


@dataclass(frozen=True, slots=True)
class Trial:
    """One run of a sweep; `value` is None when it failed."""

    number: int
    settings: dict[str, Any]
    value: float | None
    run: Path


@dataclass(slots=True)
class Sweep:
    """A sweep in a folder: the journal of its trials, and a run for each.

    Attributes:
        spec: the spec's file.
        spaces: what is varied.
        by: the result that decides: a log of the last epoch, or `test_...`.
        options: further arguments of `specc train`, for every trial.
        note: is told of every trial.
    """

    spec: Path
    folder: Path
    spaces: Sequence[Space]
    by: str = "val_loss"
    seed: int = 0
    options: Sequence[str] = ()
    note: Callable[[str], None] = field(default=lambda _: None)

    def run(self, trials: int, parallel: int = 1) -> list[Trial]:
        """Train until there are so many trials; those of an earlier call count.

        Raises:
            RunError: Optuna is missing, or the folder has a sweep of something else.
        """
        optuna = _library()
        self.folder.mkdir(parents=True, exist_ok=True)
        self._check_settings()
        study = self._study(optuna)
        states = optuna.trial.TrialState
        # What a killed sweep had begun is begun again: its run goes on where it stopped.
        begun = [t for t in study.trials if t.state == states.RUNNING]
        done = sum(t.state.is_finished() for t in study.trials)
        waiting = list(begun)

        def one(_: int) -> None:
            trial = waiting.pop(0) if waiting else None
            number = trial.number if trial is not None else None
            if trial is None:
                asked = study.ask()
                settings = [f"{s.path}={s.suggest(asked)}" for s in self.spaces]
                asked.set_user_attr("settings", settings)
                number = asked.number
            else:
                settings = trial.user_attrs.get("settings")
                if settings is None:  # killed before anything was chosen
                    study.tell(number, state=states.FAIL)
                    return
            value = self._train(int(number or 0), settings)
            if value is None:
                study.tell(number, state=states.FAIL)
            else:
                study.tell(number, value)

        wanted = max(0, trials - done)
        with ThreadPoolExecutor(max(1, parallel)) as pool:
            list(pool.map(one, range(wanted)))
        found = self._found(study)
        self._write(found)
        return found

    def _study(self, optuna: Any) -> Any:  # noqa: ANN401
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        backend = optuna.storages.journal.JournalFileBackend(str(self.folder / JOURNAL))
        return optuna.create_study(
            storage=optuna.storages.JournalStorage(backend),
            study_name="sweep",
            load_if_exists=True,
            direction="maximize" if self._more else "minimize",
            sampler=optuna.samplers.TPESampler(seed=self.seed),
        )

    @property
    def _more(self) -> bool:
        return more_is_better(self.by.removeprefix("test_"))

    def _check_settings(self) -> None:
        """One folder, one sweep: with other ranges earlier trials would mean nothing."""
        path = self.folder / SETTINGS
        now = {
            "spec": str(self.spec), "by": self.by, "options": list(self.options),
            "spaces": [repr(space) for space in self.spaces],
        }  # fmt: skip
        if path.is_file():
            if json.loads(path.read_bytes()) != now:
                raise RunError(
                    f"{self.folder}: holds a sweep of other settings; choose another folder with -o"
                )
            return
        strange = sorted(each.name for each in self.folder.iterdir())
        if strange:
            raise RunError(
                f"{self.folder}: expected a sweep, found {strange[0]!r}; choose another folder"
            )
        replace(path, (json.dumps(now, indent=1) + "\n").encode())

    def _train(self, number: int, settings: Sequence[str]) -> float | None:
        """The result of one trial; None when it failed."""
        run = self.folder / f"trial-{number:04d}"
        command = [
            sys.executable, "-c", "from specc.app import main; main()", "train", str(self.spec),
            "-o", str(run), "--resume", "--quiet", *(f"--set={each}" for each in settings),
            *self.options,
        ]  # fmt: skip
        done = subprocess.run(
            command, capture_output=True, check=False, encoding="utf-8", errors="replace"
        )
        shown = ", ".join(settings)
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
            self.note(f"trial {number} ({shown}) failed: {reason}")
            return None
        results = entry(run).results
        value = results.get(self.by, math.nan)
        if not math.isfinite(value):
            known = ", ".join(results)
            self.note(f"trial {number} ({shown}) has no finite {self.by}; it has {known}")
            return None
        self.note(f"trial {number} ({shown}): {self.by} {value:.4g}")
        return value

    def _found(self, study: Any) -> list[Trial]:  # noqa: ANN401
        """Trials that ended, best first; failed ones last."""
        made = [
            Trial(t.number, dict(t.params), t.value, self.folder / f"trial-{t.number:04d}")
            for t in study.trials
            if t.state.is_finished()
        ]
        sign = -1.0 if self._more else 1.0
        return sorted(made, key=lambda t: (t.value is None, sign * (t.value or 0.0), t.number))

    def _write(self, found: Sequence[Trial]) -> None:
        text = io.StringIO()
        names = [space.path for space in self.spaces]
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["trial", *names, self.by, "run"])
        for each in found:
            value = "" if each.value is None else repr(each.value)
            writer.writerow([each.number, *(each.settings.get(n, "") for n in names), value,
                             each.run.name])  # fmt: skip
        replace(self.folder / TABLE, text.getvalue().encode())
        rows = [as_dict(each) for each in found]
        best = rows[0] if rows and rows[0]["value"] is not None else None
        content = {"by": self.by, "best": best, "trials": rows}
        replace(self.folder / RESULT, (json.dumps(content, indent=1) + "\n").encode())


def as_dict(trial: Trial) -> dict[str, Any]:
    """A trial as JSON."""
    return {
        "trial": trial.number, "settings": trial.settings, "value": trial.value,
        "run": str(trial.run),
    }  # fmt: skip


def drawn(found: Sequence[Trial], by: str) -> str:
    """An SVG of the results over the trials, and of the best one so far."""
    known = sorted((t.number, t.value) for t in found if t.value is not None)
    if not known:
        return '<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"/>\n'
    width, height, edge = 640, 320, 48
    values = [value for _, value in known]
    low, high = min(values), max(values)
    span, last = (high - low) or 1.0, max(1, known[-1][0])
    better = max if more_is_better(by.removeprefix("test_")) else min

    def x(number: int) -> float:
        return edge + number / last * (width - 2 * edge)

    def y(value: float) -> float:
        return height - edge - (value - low) / span * (height - 2 * edge)

    best: list[float] = []
    for value in values:
        best.append(better([*best[-1:], value]))
    line = " ".join(f"{x(n):.1f},{y(b):.1f}" for (n, _), b in zip(known, best, strict=True))
    dots = "".join(
        f'<circle cx="{x(n):.1f}" cy="{y(v):.1f}" r="4"><title>trial {n}: {v:.5g}</title></circle>'
        for n, v in known
    )
    text = "".join(
        f'<text x="4" y="{y(v) + 4:.1f}">{v:.4g}</text>' for v in dict.fromkeys((low, high))
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'font-family="sans-serif" font-size="12"><title>{_escaped(by)} of {len(known)} trials'
        f'</title><rect width="100%" height="100%" fill="white"/>{text}'
        f'<text x="{width / 2}" y="{height - 12}" text-anchor="middle">trial</text>'
        f'<text x="{edge}" y="20">{_escaped(by)}</text>'
        f'<polyline points="{line}" fill="none" stroke="#d95f02" stroke-width="2"/>'
        f'<g fill="#1b6ca8">{dots}</g></svg>\n'
    )


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _library() -> Any:  # noqa: ANN401 - the package is optional
    try:
        return importlib.import_module("optuna")
    except ImportError as error:
        raise RunError(
            "sweep: expected the package optuna, found it not installed; install it with the "
            "extra: pip install 'specc[sweep]'"
        ) from error
