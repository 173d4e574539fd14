"""What kernels cost on a machine: the constants by which a target chooses between lowerings."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import cast

from specc.errors import CompileError


@dataclass(frozen=True, slots=True)
class KernelCosts:
    """Constants of the cost model of convolutions (cpu/winograd.py), machine by machine.

    The unit is one multiply-add of a convolution's matrix products. A training step makes each of
    them three times: for the result, for the kernel's gradient and for the image's. So a cost is a
    third of what the forward pass and both gradients take together.

    The defaults are fixed: what is compiled without a calibration has the same bytes everywhere.

    Attributes:
        gathered: a float that a table of windows gathers, its way back through the adjoint
            included. The default: a `Gather` takes 200 ps where a product takes 5.3, in the
            convolutions of the MNIST CNN at batch 64 (onnxruntime 1.32, two cores with AVX-512).
        transformed: a float that passes through a transform of tiles, from the same measurement;
            both are memory traffic. A tile of n x n pixels is charged n^2 where that is more, the
            products that a transform makes for each of its floats.
        worth: tiles must cost less than this share of the direct sum. A margin for the nodes that
            they add, chosen and not measured: a calibration keeps it.

    Raises:
        CompileError: a constant is no positive number.
    """

    gathered: float = 37.0
    transformed: float = 27.0
    worth: float = 0.9

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            number = float(value) if type(value) in {int, float} else math.nan
            if not (math.isfinite(number) and number > 0):
                raise CompileError(f"costs: {name}: expected a positive number, received {value!r}")
            object.__setattr__(self, name, number)

    @staticmethod
    def of(values: object) -> KernelCosts:
        """The constants in a mapping by name, as JSON holds them; every one must be there.

        Raises:
            CompileError: one is missing, unknown or no positive number.
        """
        given = cast("Mapping[str, float]", values if isinstance(values, Mapping) else {})
        names = {each.name for each in fields(KernelCosts)}
        if set(given) != names:
            raise CompileError(f"costs: expected {', '.join(sorted(names))}, received {values!r}")
        return KernelCosts(**given)

    def to_dict(self) -> dict[str, float]:
        """The constants by name."""
        return asdict(self)

    @property
    def json(self) -> str:
        """Canonical: sorted names, no spaces, the shortest digits that give the same float64."""
        return json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))

    @property
    def sha256(self) -> str:
        """SHA-256 of `json`."""
        return hashlib.sha256(self.json.encode()).hexdigest()


# What is compiled with unless a calibration is given.
DEFAULT = KernelCosts()
