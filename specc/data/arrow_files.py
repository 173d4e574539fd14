"""Columnar tables: Parquet, Arrow, and folders that the library `datasets` saved."""

from __future__ import annotations

import os
from pathlib import Path

from typing_extensions import override

from specc.data.arrow_table import open_arrow, open_parquet
from specc.data.location import locate, locate_folder
from specc.data.source import Dataset, Names
from specc.data.table import Table
from specc.data.tabular import Tabular

SPLITS = ("train", "test", "validation")


class Parquet(Tabular):
    """A Parquet file, one sample in a row; with typed columns as `csv`. Needs pyarrow."""

    @override
    def read(self, name: str, folder: Path | None, field: str) -> Table:
        return open_parquet(locate(name, folder, field), self.missing_values)


class Arrow(Tabular):
    """An Arrow or Feather file, or a folder that Hugging Face's `datasets` saved to disk.

    In a folder with `train` in it, `test` and `validation` beside that are splits too. Needs
    pyarrow.
    """

    @override
    def load(self, folder: Path | None = None, names: Names | None = None) -> Dataset:
        root = Path(folder or ".") / self.path
        if not (root / SPLITS[0]).is_dir():
            return super().load(folder, names)
        parts = {part: os.path.join(self.path, part) for part in SPLITS[1:]}  # noqa: PTH118
        found = {part: path for part, path in parts.items() if (root / part).is_dir()}
        inner = self.model_copy(
            update={"path": os.path.join(self.path, SPLITS[0]), **found}  # noqa: PTH118
        )
        return super(Arrow, inner).load(folder, names)

    @override
    def read(self, name: str, folder: Path | None, field: str) -> Table:
        is_folder = (Path(folder or ".") / name).is_dir()
        path = (locate_folder if is_folder else locate)(name, folder, field)
        return open_arrow(path, self.missing_values)
