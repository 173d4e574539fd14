"""A run's data, as its model wants it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from specc.compiler.bundle import Bundle
from specc.data.source import Dataset, Samples
from specc.errors import DataError, RunError
from specc.feeding import names_of, samples
from specc.runs.folder import RunFolder
from specc.spec.model import Spec


def dataset_of(
    spec: Spec, made: Bundle, folder: Path | None, learned: Mapping[str, Any] | None = None
) -> Dataset:
    """The splits of a spec's source; `learned` is what an earlier run of it learned.

    Raises:
        RunError: the spec has no `data:` section.
        DataError: the data is missing or malformed.
    """
    if spec.data is None:
        raise RunError(f"{spec.file or spec.name}: there is no `data:` section")
    return spec.data.load(folder, names_of(made, learned))


def of_run(folder: RunFolder, spec: Spec, made: Bundle, data: Path | None = None) -> Dataset:
    """The splits that a run was trained with; `data` is another folder to find the files in."""
    named = folder.record().get("data")
    where = data or (Path(named) if named else None)
    return dataset_of(spec, made, where, folder.learned())


def fitted(made: Bundle, given: Samples) -> Samples:
    """Samples as the model's programs want them.

    Raises:
        DataError: there are none, or they do not fit.
    """
    found = samples(made, list(given.x), list(given.y))
    if not len(found):
        raise DataError("data: expected at least one sample, found none")
    return found
