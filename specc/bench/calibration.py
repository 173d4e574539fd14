"""The constants of the cost model, from convolutions that are timed in each of their lowerings."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from specc.bench.kernels import DIRECT, Convolution, call
from specc.bench.timing import alternate
from specc.targets.costs import DEFAULT, KernelCosts
from specc.targets.cpu.winograd import Work

Array: TypeAlias = npt.NDArray[np.float64]
# Few channels, where memory decides, to many, where products do; 5x5 kernels have larger tiles.
CONVOLUTIONS = (
    Convolution(32, 28, 16, 16),
    Convolution(32, 14, 32, 32),
    Convolution(32, 14, 64, 64),
    Convolution(32, 8, 128, 128),
    Convolution(32, 14, 16, 32, 5),
)
ROUNDS, TURN_SECONDS = 6, 0.03
# What constants are tried: geometric steps of 5%, so that small noise gives the same constants.
_TRIED = tuple(float(f"{1.05**k:.3g}") for k in range(144, -1, -1))


@dataclass(frozen=True, slots=True)
class Timed:
    """One convolution by tiles against its direct sum.

    Attributes:
        way: results along a side of a tile.
        ratio: least time by tiles over least time of the direct sum.
    """

    convolution: Convolution
    way: int
    ratio: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """What was measured, and the constants that explain it best.

    Attributes:
        product: seconds of one multiply-add, by the direct sums.
        error: the mean factor by which the model misses a ratio, and by which the fixed defaults
            do, minus 1.
    """

    costs: KernelCosts
    product: float
    timed: tuple[Timed, ...]
    error: float
    default_error: float

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "default": DEFAULT.to_dict(),
            "measured": self.costs.to_dict(),
            "sha256": self.costs.sha256,
            "product_picoseconds": 1e12 * self.product,
            "error": self.error,
            "default_error": self.default_error,
            "timed": [asdict(each) for each in self.timed],
        }


def calibrate(threads: int | None = None) -> Calibration:
    """Time the convolutions on this machine's CPU and fit the model; takes a few seconds.

    Lowerings take turns, and the least of each one's times counts: other work only adds to it. On
    a busy machine eight calibrations gave 26 to 47 for a gathered float, and medians of the rounds
    in four of them 13 to 114.
    """
    pairs = [(each, way) for each in CONVOLUTIONS for way in each.ways]
    calls = [call(each.program(way), threads) for each, way in pairs]
    found = dict(zip(pairs, alternate(calls, ROUNDS, TURN_SECONDS), strict=True))
    timed = [
        Timed(each, way, times.least / found[each, DIRECT].least)
        for (each, way), times in found.items()
        if way != DIRECT
    ]
    costs = fit(timed)
    product = statistics.median(
        found[each, DIRECT].least / _products(each, costs) for each in CONVOLUTIONS
    )
    errors = (missed(timed, constants) for constants in (costs, DEFAULT))
    return Calibration(costs, product, tuple(timed), *errors)


def fit(timed: Sequence[Timed]) -> KernelCosts:
    """The constants whose ratios of costs are nearest to those of times.

    Near is a small mean of |log(modelled / measured)|: choices depend on ratios alone, and one bad
    measurement does not count more than others. Every pair on a grid is tried; of equally good
    ones the largest is taken, for a transform never costs less than its products.
    """
    grid = np.array(_TRIED)
    error = _errors(timed, grid[:, None], grid[None, :]).mean(axis=0)
    gathered, transformed = np.unravel_index(int(error.argmin()), error.shape)
    return KernelCosts(_TRIED[gathered], _TRIED[transformed], DEFAULT.worth)


def missed(timed: Sequence[Timed], costs: KernelCosts) -> float:
    """The mean factor, minus 1, by which modelled ratios differ from measured ones."""
    gathered, transformed = (np.array(c) for c in (costs.gathered, costs.transformed))
    return float(np.expm1(_errors(timed, gathered, transformed).mean()))


def _errors(timed: Sequence[Timed], gathered: Array, transformed: Array) -> Array:
    """|log(modelled / measured)| of every ratio for each pair of constants.

    Shapes: result (ratios, *pairs).
    """
    found: list[Array] = []
    for each in timed:
        kernel, size = each.convolution.kernel, each.convolution.size
        direct, tile = Work.of(DIRECT, kernel), Work.of(each.way, kernel)
        share = (-(-size // each.way) / size) ** 2
        tiles = tile.products + tile.gathered * gathered
        tiles = tiles + tile.transformed * np.maximum(transformed, tile.least)
        modelled = share * tiles / (direct.products + direct.gathered * gathered)
        found.append(np.abs(np.log(modelled / each.ratio)))
    return np.array(found)


def _products(each: Convolution, costs: KernelCosts) -> float:
    """What the direct sum and its gradients cost."""
    return 3 * each.size**2 * each.batch * Work.of(DIRECT, each.kernel).cost(costs)
