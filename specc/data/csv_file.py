"""Tables as text, a row in a line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field
from typing_extensions import override

from specc.data.csv_large import open_csv
from specc.data.location import locate
from specc.data.table import Table
from specc.data.tabular import Tabular


class Csv(Tabular):
    """A table with one sample in a row; see `columns` for categories, texts and scaling."""

    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    """The character between cells."""

    header: bool = True
    """Whether the first row has the names."""

    @override
    def read(self, name: str, folder: Path | None, field: str) -> Table:
        path = locate(name, folder, field)
        return open_csv(path, self.delimiter, header=self.header, missing=self.missing_values)


class Tsv(Csv):
    """As `csv`, with tabs between cells."""

    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = "\t"
    """The character between cells."""
