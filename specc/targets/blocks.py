"""Which internal operators a graph may use: those of one onnxruntime, on one kind of processor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from specc.errors import CompileError

# onnxruntime's own domain of operators on images in blocks of channels; it has one version.
NCHWC = "com.microsoft.nchwc"
NCHWC_VERSION = 1


@dataclass(frozen=True, slots=True)
class InternalOps:
    """The onnxruntime whose internal operators a graph is made for.

    They are no part of ONNX: another version may lack them or mean something else by them, and on
    a processor with shorter vectors the same bytes would be read as other channels.

    Attributes:
        runtime: its version.
        block: how many channels of a pixel lie together: 16 with AVX-512, 8 without.

    Raises:
        CompileError: a block is no power of two from 2 to 64, or the version no text.
    """

    runtime: str
    block: int

    def __post_init__(self) -> None:
        if type(self.block) is not int or self.block not in {2, 4, 8, 16, 32, 64}:
            raise CompileError(f"internal: block: expected 8 or 16, received {self.block!r}")
        if not isinstance(self.runtime, str) or not self.runtime:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise CompileError(f"internal: runtime: expected a version, received {self.runtime!r}")

    @staticmethod
    def of(values: object) -> InternalOps:
        """What a mapping says, as JSON holds it; a manifest has more beside it.

        Raises:
            CompileError: it says no such thing.
        """
        given = cast("Mapping[str, object]", values if isinstance(values, Mapping) else {})
        return InternalOps(cast("str", given.get("runtime")), cast("int", given.get("block")))

    def to_dict(self) -> dict[str, str | int]:
        """By name."""
        return {"runtime": self.runtime, "block": self.block}
