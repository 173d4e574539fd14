"""Many runs of one spec, their settings chosen by Optuna; resumable, in parallel processes."""

from __future__ import annotations

import csv
import importlib
import io
import json
import math
import signal
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from specc.artifacts import spec_hash
from specc.callbacks.base import more_is_better
from specc.errors import RunError, nearest
from specc.files import replace
from specc.interrupts import interrupts
from specc.runs.listing import entry
from specc.runs.locking import Lock
from specc.runs.spaces import Space, shown
from specc.runs.trials import Trial, as_dict, drawn
from specc.session import default_threads
from specc.spec.model import Spec
from specc.spec.reader import load

JOURNAL, SETTINGS = "sweep.journal", "settings.json"
TABLE, RESULT, DRAWING = "sweep.csv", "sweep.json", "sweep.svg"
# Seconds that runs have to notice a Ctrl-C themselves.
PATIENCE = 5.0
# Seconds between two looks at a run that another process trains.
PAUSE = 0.2
# How often other settings are drawn in place of some that were tried.
ATTEMPTS = 100


@dataclass(slots=True)
class Sweep:
    """A sweep in a folder: the journal of its trials, and a run for each.

    Attributes:
        spec: the spec's file.
        spaces: what is varied.
        by: the result that decides: a log of the last epoch, or `test_...`.
        seed: with the number of a trial and the results so far it decides what is tried, so that a
            sweep that was stopped tries what it would have tried.
        options: further arguments of `specc train`, for every trial.
        note: is told of every trial.
        threads: of onnxruntime, for each trial; by default the processors are shared among the
            trials that run at a time. The bytes of a run depend on the number, so the folder keeps
            that of the first call.
    """

    spec: Path
    folder: Path
    spaces: Sequence[Space]
    by: str = "val_loss"
    seed: int = 0
    options: Sequence[str] = ()
    note: Callable[[str], None] = field(default=lambda _: None)
    threads: int | None = None
    _lock: threading.RLock = field(default_factory=threading.RLock, init=False)
    _children: set[subprocess.Popen[str]] = field(
        default_factory=set[subprocess.Popen[str]], init=False
    )
    _stopping: bool = field(default=False, init=False)

    def run(self, trials: int, parallel: int = 1) -> list[Trial]:
        """Train until there are so many trials; those of an earlier call count.

        Raises:
            RunError: Optuna is missing, the folder has a sweep of something else, another process
                is at it, or no run has the result that decides.
            SpecError: a setting cannot be made in the spec.
            KeyboardInterrupt: Ctrl-C, after every run wrote a checkpoint.
        """
        optuna = _library()
        spec = self._check_spec()
        with Lock(self.folder, "a sweep that nobody runs") as lock:
            lock.create()
            threads = self._check_settings(spec, parallel)
            return self._search(optuna, trials, parallel, threads)

    def _search(self, optuna: Any, trials: int, parallel: int, threads: int) -> list[Trial]:  # noqa: ANN401
        study = self._study(optuna)
        # What a stopped sweep had begun is begun again: its run goes on where it stopped.
        begun = [t for t in _counted(study) if not t.state.is_finished()]
        waiting = [(t.number, t.user_attrs["run"], t.user_attrs["settings"]) for t in begun]
        done = len(_counted(study)) - len(begun)

        if interrupts.heard:  # and lost, as the spec was read
            raise KeyboardInterrupt

        def one(_: int) -> None:
            with self._lock:
                if self._stopping:
                    return
                trial, number, settings = waiting.pop(0) if waiting else self._ask(optuna, study)
            try:
                value = self._train(number, settings, threads)
            except BaseException:
                self._stopping = True
                raise
            with self._lock:
                if value is None and self._stopping:
                    return
                if value is None:
                    study.tell(trial, state=optuna.trial.TrialState.FAIL)
                else:
                    study.tell(trial, value)
                self._write(self._found(study))

        wanted = max(0, trials - done)
        each = f"{threads} thread{'s' if threads > 1 else ''} each"
        at_once = f", {parallel} at a time, {each}" if parallel > 1 else ""
        self.note(f"searching in {self.folder}: {wanted} of {trials} trials to go{at_once}")
        with ThreadPoolExecutor(max(1, parallel)) as pool:
            working = [pool.submit(one, i) for i in range(wanted)]
            try:
                for each in working:
                    each.result()
            except BaseException as error:
                pool.shutdown(wait=False, cancel_futures=True)
                self._stop(0.0 if isinstance(error, Exception) else PATIENCE)
                raise
        found = self._found(study)
        self._write(found)
        return found

    def found(self) -> list[Trial]:
        """The trials that ended, best first; failed ones last."""
        return self._found(self._study(_library())) if (self.folder / JOURNAL).is_file() else []

    def _ask(self, optuna: Any, study: Any) -> tuple[int, int, list[str]]:  # noqa: ANN401
        """A trial: Optuna's number, that of its run, and settings; if possible untried ones."""
        counted = _counted(study)
        tried = [t.user_attrs["settings"] for t in counted]
        left = len({*map(tuple, tried)}) < math.prod(space.size() for space in self.spaces)
        study.sampler = optuna.samplers.TPESampler(seed=self._seed(len(study.trials)))
        while True:
            asked = study.ask()
            settings = [f"{space.path}={space.suggest(asked)}" for space in self.spaces]
            if settings not in tried or not left or len(study.trials) > len(tried) + ATTEMPTS:
                break
            study.tell(asked.number, state=optuna.trial.TrialState.FAIL)
            study.sampler = optuna.samplers.RandomSampler(seed=self._seed(len(study.trials)))
        asked.set_user_attr("run", len(counted))
        asked.set_user_attr("settings", settings)
        return asked.number, len(counted), settings

    def _seed(self, asked: int) -> int:
        """A seed for what is asked after so many times: another one every time."""
        return zlib.crc32(f"{self.seed}/{asked}".encode())

    def _study(self, optuna: Any) -> Any:  # noqa: ANN401
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        backend = optuna.storages.journal.JournalFileBackend(str(self.folder / JOURNAL))
        return optuna.create_study(
            storage=optuna.storages.JournalStorage(backend),
            study_name="sweep",
            load_if_exists=True,
            direction="maximize" if self._more else "minimize",
        )

    @property
    def _more(self) -> bool:
        return more_is_better(self.by.removeprefix("test_"))

    def _check_spec(self) -> Spec:
        """The spec with the first settings; a path or a value that it cannot have is told at once.

        Shapes that do not fit are left to the trials: what one setting needs, another may mend.
        """
        paths = [space.path for space in self.spaces]
        for path in paths:
            if paths.count(path) > 1:
                raise RunError(f"--set {path}: expected it once, found it more often")
        first = [f"{space.path}={space.ends()[0]}" for space in self.spaces]
        for i, space in enumerate(self.spaces):
            for value in space.ends()[1:]:
                load(self.spec, [*first[:i], f"{space.path}={value}", *first[i + 1 :]])
        return load(self.spec, first)

    def _check_settings(self, spec: Spec, parallel: int) -> int:
        """One folder, one sweep: with other ranges earlier trials would mean nothing.

        Returns:
            The threads of each trial.
        """
        path = self.folder / SETTINGS
        now = {
            "spec": str(self.spec), "spec_sha256": spec_hash(spec), "by": self.by,
            "options": list(self.options), "spaces": [repr(space) for space in self.spaces],
        }  # fmt: skip
        before = json.loads(path.read_bytes()) if path.is_file() else None
        threads = self.threads or max(1, default_threads() // parallel)
        kept = threads if before is None else before.pop("threads", threads)
        if self.threads not in (None, kept):
            raise RunError(
                f"--threads {self.threads}: expected {kept}, which this sweep began with;"
                " leave it out, or choose another folder with -o"
            )
        if before == now:
            return kept
        if before is None:
            strange = sorted(each.name for each in self.folder.iterdir())
            if strange:
                raise RunError(
                    f"{self.folder}: expected a sweep, found {strange[0]!r}; choose another folder"
                )
        elif before | {"by": self.by} == now and not (self.folder / RESULT).is_file():
            # No trial has ended yet, so another result may decide: the first was misspelt.
            (self.folder / JOURNAL).unlink(missing_ok=True)
        else:
            same = all(before.get(name) == now[name] for name in now if name != "spec_sha256")
            raise RunError(
                f"{self.folder}: holds a sweep of {'a changed spec' if same else 'other settings'};"
                " choose another folder with -o"
            )
        replace(path, (json.dumps(now | {"threads": kept}, indent=1) + "\n").encode())
        return kept

    def _train(self, number: int, settings: Sequence[str], threads: int) -> float | None:
        """The result of one trial; None when it failed or was stopped.

        Raises:
            RunError: no run will have the result that decides.
        """
        run = self.folder / f"trial-{number:04d}"
        self._wait_for(run)
        command = [
            sys.executable, "-c", "from specc.app import main; main()", "train", str(self.spec),
            "-o", str(run), "--resume", "--quiet", f"--threads={threads}",
            *(f"--set={each}" for each in settings), *self.options,
        ]  # fmt: skip
        code, said = self._wait(command)
        if code and self._stopping:
            return None
        shown_ones = ", ".join(_shown(each) for each in settings)
        if code:
            reason = (said.strip().splitlines() or [f"exit code {code}"])[-1]
            self.note(f"trial {number} ({shown_ones}) failed: {reason}")
            return None
        results = entry(run).results
        if self.by not in results:
            raise RunError(
                f"--by {self.by}: expected a result that the runs have;{nearest(self.by, results)}"
            )
        value = results[self.by]
        if not math.isfinite(value):
            self.note(f"trial {number} ({shown_ones}) failed: {self.by} is {value}")
            return None
        self.note(f"trial {number} ({shown_ones}): {self.by} {value:.4g}")
        return value

    def _wait_for(self, run: Path) -> None:
        """Wait for a process that trains this run; a sweep that was killed leaves some behind."""
        told = False
        while not self._stopping:
            try:
                with Lock(run):
                    return
            except RunError:
                if not told:
                    self.note(f"{run}: another process trains it; waiting for its end")
                    told = True
                time.sleep(PAUSE)

    def _wait(self, command: Sequence[str]) -> tuple[int, str]:
        """(exit code, standard error) of a process that `_stop` can interrupt."""
        with self._lock:  # or else one could begin that `_stop` does not know of
            if self._stopping:
                return 1, ""
            child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE, encoding="utf-8", errors="replace",
            )  # fmt: skip
            self._children.add(child)
        _, said = child.communicate()
        with self._lock:
            self._children.discard(child)
        return child.returncode, said

    def _stop(self, patience: float) -> None:
        """Begin no more trials, and let those at work write a checkpoint and end.

        A terminal sends Ctrl-C to them, too, and a second one would cost them what they did since
        their last checkpoint: only those that go on after `patience` seconds are told.
        """
        with self._lock:
            self._stopping = True
            children = list(self._children)
        until = time.monotonic() + patience
        for child in children:
            with suppress(subprocess.TimeoutExpired):
                child.wait(max(0.0, until - time.monotonic()))
        for child in children:
            if child.poll() is None:
                child.send_signal(signal.SIGINT)

    def _found(self, study: Any) -> list[Trial]:  # noqa: ANN401
        made = [
            Trial(number, dict(t.params), t.value, self.folder / f"trial-{number:04d}")
            for t in _counted(study)
            if t.state.is_finished()
            for number in [t.user_attrs["run"]]
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
        replace(self.folder / DRAWING, drawn(found, self.by, self.spaces).encode())


def _counted(study: Any) -> list[Any]:  # noqa: ANN401 - the package is optional
    """Trials that got a run; others asked for settings that had been tried, or were killed."""
    return [t for t in study.trials if "settings" in t.user_attrs]


def _shown(setting: str) -> str:
    """A setting for people."""
    path, _, value = setting.partition("=")
    try:
        return f"{path}={shown(float(value) if '.' in value or 'e' in value else value)}"
    except ValueError:
        return setting


def _library() -> Any:  # noqa: ANN401 - the package is optional
    try:
        return importlib.import_module("optuna")
    except ImportError as error:
        raise RunError(
            "sweep: expected the package optuna, found it not installed; install it with the "
            "extra: pip install 'specc[sweep]'"
        ) from error
