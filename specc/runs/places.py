"""Where the files of a run's data lie: from another folder, and after the project was moved."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from specc.data.location import counting_from
from specc.data.source import Dataset, Names
from specc.errors import MissingFileError
from specc.runs.folder import RECORD, RunFolder
from specc.spec.data import DataSpec
from specc.spec.model import Spec


@dataclass(slots=True)
class Places:
    """Where a source looks for its files.

    Attributes:
        named: what `--data` named, now or when the run began.
        current: without it, the folders that relative names may count from, likeliest first.
        used: the one of `current` in which the files were, after `load`.
    """

    named: Path | None = None
    current: list[Path] = field(default_factory=lambda: [Path.cwd()])
    used: Path | None = None

    @classmethod
    def of(cls, spec: Spec, data: Path | None = None, run: RunFolder | None = None) -> Places:
        """What `data` names; else where the data of a run was, or, if it was moved, is.

        The run is `run`, or the one whose stored spec `spec` is. Its folders are tried as they
        were, then as they lay beside the run, which finds them when both were moved.

        Raises:
            RunError: the run's record is damaged.
        """
        beside = RunFolder(Path(spec.file).parent)
        if run is None and spec.file and Path(spec.file) == beside.spec:
            run = beside
        if data is not None or run is None or not (run.path / RECORD).is_file():
            return cls(data)
        record = run.record()
        named, current, near = (record.get(name) for name in ("data", "current", "near"))
        then = [Path(each) for each in (named or current,) if each]
        if near is not None:
            then.append(Path(os.path.normpath(run.path.resolve() / near)))
        if named:
            return cls(next((each for each in then if each.is_dir()), Path(named)))
        return cls(None, list(dict.fromkeys([*then, Path.cwd()])))

    def load(self, data: DataSpec, names: Names) -> Dataset:
        """Samples of every split, from the first place that has the files.

        Raises:
            DataError: they are missing or malformed.
        """
        places = self.current if self.named is None else self.current[:1]
        missing: list[MissingFileError] = []
        for each in places:
            try:
                with counting_from(each):
                    found = data.load(self.named, names)
            except MissingFileError as error:
                missing.append(error)
            else:
                self.used = each
                return found
        others = ", ".join(map(str, places[1:]))
        raise MissingFileError(
            f"{missing[0]}{f'; it is not below {others} either' if others else ''}"
        ) from missing[0]

    def record(self, run: Path) -> dict[str, str | None]:
        """What the record of a run holds, for `of`."""
        named = None if self.named is None else str(self.named.resolve())
        current = str(self.used or self.current[0])
        try:
            near = os.path.relpath(named or current, run.resolve())
        except ValueError:  # Windows: on different drives
            near = None
        return {"data": named, "current": current, "near": near}
