"""The `data:` section: where samples come from."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from specc.data.source import Source


class DataSpec(BaseModel):
    """Where samples come from."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    dataset: Source
    """The source: `mnist`, `digits`, `npz: {...}`, `csv: {...}`, ..."""
