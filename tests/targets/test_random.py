"""Random numbers of the graph: uniform, independent in every direction, the same everywhere.

Statistics are standard deviations from what true randomness would give. The numbers are fixed, so
a bound of 5 is never exceeded by chance on another day.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import numpy as np
import onnxruntime
import pytest

from specc import primitives as ops
from specc.compiler.builder import Builder
from specc.errors import InternalError
from specc.primitives import Tensor, Trace
from specc.targets.layout import plain
from specc.targets.random import keys
from specc.targets.target import target
from specc.tensors import BATCH, Dims
from tests.compiled import NoWeights

Array = np.ndarray
BOUND = 5.0
IMAGE = (8, 8, 4)
ROWS = 4096
COUNT = ROWS * 256
Shape = Callable[[Tensor], Dims]


def whole(x: Tensor) -> Dims:
    return x.shape


def identity(x: Tensor) -> Tensor:
    return x


def laid(x: Tensor) -> Tensor:
    """As an image of the target: batch last for `cpu`, channels first for `portable`."""
    return ops.average_pool(x, kernel=(1, 1), strides=(1, 1), pads=((0, 0), (0, 0)))


def turned(x: Tensor) -> Tensor:
    """Lying with its rows and columns exchanged."""
    return ops.transpose(laid(ops.transpose(x, (0, 2, 1, 3))), (0, 2, 1, 3))


@functools.cache
def session(
    draw: Callable[..., Tensor],
    seed: int,
    stream: str,
    target_name: str,
    lying: Callable[[Tensor], Tensor],
    shape: Shape,
    floatx: str,
) -> onnxruntime.InferenceSession:
    trace = Trace(floatx)  # type: ignore[arg-type]
    x = ops.graph_input(trace, "x", (BATCH, *IMAGE), trace.floatx)
    step = ops.graph_input(trace, "step", (), "int64")
    like = lying(x)
    y = draw(like, shape(like), step, seed=seed, stream=stream)
    wanted = target(target_name)
    b = Builder(wanted, {}, 18, trace.floatx)
    b.declare([x, step])
    (made,) = b.realiser(NoWeights()).realise([y])  # type: ignore[arg-type]
    b.output("y", plain(made, y.shape), "output")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    model = b.program("test", {}).model
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def numbers(
    step: int = 0,
    seed: int = 0,
    stream: str = "dropout/1",
    *,
    rows: int = ROWS,
    draw: Callable[..., Tensor] = ops.random_uniform,
    target_name: str = "cpu",
    lying: Callable[[Tensor], Tensor] = identity,
    shape: Shape = whole,
    floatx: str = "float32",
) -> Array:
    run = session(draw, seed, stream, target_name, lying, shape, floatx)
    feeds = {"x": np.zeros((rows, *IMAGE), floatx), "step": np.array(step, np.int64)}
    return run.run(None, feeds)[0]


def by_numpy(count: int, step: int, seed: int, stream: str) -> Array:
    """The documented mix, written once more."""
    first, second = (np.uint32(k) for k in keys(seed, stream))

    def square(x: Array, a: int, b: int) -> Array:
        y = x * (x * np.uint32(a) + np.uint32(b))
        return y + (y >> np.uint32(16))

    one, two = (0x2C1B3C6E, 0x297A2D39), (0x7ED55D16, 0x85EBCA6B)
    with np.errstate(over="ignore"):
        key = square(square(np.array([step], np.uint32) + first, *one), *two)
        x = square(np.arange(count, dtype=np.uint32) * np.uint32(0x9E3779B1) + key, *one)
        bits = square(x + (key * np.uint32(0x5BD1E995) + second), *two)
    return (bits >> np.uint32(8)) * 2.0**-24


def chi(cells: Array, kinds: int) -> float:
    """The chi-square statistic of equally likely kinds, as standard deviations from its mean."""
    expected = cells.size / kinds
    square = ((np.bincount(cells.ravel(), minlength=kinds) - expected) ** 2 / expected).sum()
    return float((square - (kinds - 1)) / np.sqrt(2 * (kinds - 1)))


def pairs(a: Array, b: Array, kinds: int = 128) -> float:
    """How far pairs (a, b) of uniforms are from independent and uniform."""
    return chi((a * kinds).astype(int) * kinds + (b * kinds).astype(int), kinds**2)


def fraction(u: Array, skip: int) -> Array:
    """Uniforms from the bits behind the first `skip`."""
    return u * 2.0**skip % 1


LAGS = (1, 2, 3, 4, 8, 13, 16, 21, 32, 34, 64, 89, 128, 233, 256, 512, 784, 987, 1024, 4096, 4181,
        10946, 32768, 46368, 65536, 121393)  # fmt: skip


def neighbours(u: Array, lags: Sequence[int] = LAGS) -> dict[str, float]:
    """What a sequence says about itself at several distances."""
    found: dict[str, float] = {}
    for lag in lags:
        a, b = u[lag:], u[:-lag]
        found[f"correlation {lag}"] = float(((a - 0.5) * (b - 0.5)).mean() * 12 * np.sqrt(len(a)))
        found[f"pairs {lag}"] = pairs(a, b)
        found[f"pairs of low bits {lag}"] = pairs(fraction(a, 12), fraction(b, 12))
        found[f"pairs of high and low bits {lag}"] = pairs(a, fraction(b, 14))
    return found


def worst(found: dict[str, float]) -> tuple[str, float]:
    return max(found.items(), key=lambda item: abs(item[1]))


@pytest.fixture(scope="module")
def u() -> Array:
    return numbers(step=3).ravel().astype(float)


def test_the_mix_is_the_documented_one() -> None:
    for step, seed, stream in ((0, 0, "a"), (7, 1, "model/dropout/1"), (2**33 + 5, 2**40, "")):
        found = numbers(step, seed, stream, rows=5).ravel()
        expected = by_numpy(5 * 256, step % 2**32, seed, stream)
        np.testing.assert_array_equal(found, expected.astype(np.float32))


@pytest.mark.parametrize("target_name", ["portable", "cpu"])
@pytest.mark.parametrize("lying", [identity, laid, turned])
@pytest.mark.parametrize("draw", [ops.random_uniform, ops.random_normal])
def test_numbers_do_not_depend_on_target_or_layout(
    draw: Callable[..., Tensor], lying: Callable[[Tensor], Tensor], target_name: str
) -> None:
    settings = {"step": 5, "rows": 3, "draw": draw}
    expected = numbers(**settings)
    found = numbers(**settings, target_name=target_name, lying=lying)
    # Vectorised cosines differ in the last bit between positions in memory.
    tolerance = 0.0 if draw is ops.random_uniform else 1e-6
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)


def test_numbers_do_not_depend_on_the_batch() -> None:
    np.testing.assert_array_equal(numbers(rows=7)[:3], numbers(rows=3))


def test_float64_graphs_draw_the_same() -> None:
    np.testing.assert_array_equal(numbers(rows=2, floatx="float64"), numbers(rows=2))


@pytest.mark.parametrize(
    "shape",
    [
        lambda x: (x.shape[0], 1, 1, 4),
        lambda x: (x.shape[0], 8, 8, 1),
        lambda x: (1, 8, 1, 4),
        lambda x: (8, 8, 4),
        lambda x: (x.shape[0],),
    ],
)
@pytest.mark.parametrize("target_name", ["portable", "cpu"])
def test_shared_noise_counts_its_own_positions(shape: Shape, target_name: str) -> None:
    found = numbers(2, rows=6, shape=shape, target_name=target_name, lying=laid)
    expected = by_numpy(found.size, 2, 0, "dropout/1").astype(np.float32)
    np.testing.assert_array_equal(found.ravel(), expected)


def test_a_batch_behind_other_axes_is_a_bug() -> None:
    with pytest.raises(InternalError, match="batch outermost"):
        numbers(rows=2, lying=lambda x: ops.transpose(x, (1, 0, 2, 3)))


def test_uniform(u: Array) -> None:
    assert u.min() >= 0
    assert u.max() < 1
    found = {
        "mean": float((u.mean() - 0.5) * np.sqrt(12 * COUNT)),
        "variance": float((u.var() - 1 / 12) * np.sqrt(180 * COUNT)),
        "first 16 bits": chi((u * 2**16).astype(int), 2**16),
    }
    for skip in range(24):
        found[f"bit {skip}"] = chi((fraction(u, skip) * 2).astype(int), 2)
    for skip in range(17):
        found[f"byte from bit {skip}"] = chi((fraction(u, skip) * 256).astype(int), 256)
    for skip in (0, 8, 20):
        groups = (fraction(u, skip) * 16).astype(int)[: COUNT // 4 * 4].reshape(-1, 4)
        found[f"four in a row from bit {skip}"] = chi(groups @ [4096, 256, 16, 1], 2**16)
    name, far = worst(found)
    assert abs(far) < BOUND, name


def test_distinct_values_are_as_many_as_by_chance(u: Array) -> None:
    # Birthdays: n draws of k = 2^24 values leave k (1 - e^(-n/k)) different ones.
    k, rate = 2.0**24, COUNT / 2.0**24
    expected = k * -np.expm1(-rate)
    spread = np.sqrt(k * (np.exp(-rate) - (1 + rate) * np.exp(-2 * rate)))
    assert abs(np.unique(u).size - expected) < BOUND * spread


def test_neighbours_are_independent(u: Array) -> None:
    name, far = worst(neighbours(u))
    assert abs(far) < BOUND, name


def test_sums_of_masks_are_binomial(u: Array) -> None:
    for rate in (0.1, 0.5):
        for size in (32, 256, 1024):
            rows = (u < rate).reshape(-1, size).sum(1)
            variance = size * rate * (1 - rate)
            far = (((rows - size * rate) ** 2).mean() / variance - 1) * np.sqrt(len(rows) / 2)
            assert abs(far) < BOUND, (rate, size)


def test_spectrum_is_white(u: Array) -> None:
    power = np.abs(np.fft.rfft(u - 0.5))[1:] ** 2 / (COUNT / 12)
    # Exponentially distributed: the largest of n exceeds log n + 7 once in a thousand.
    assert power.max() < np.log(power.size) + 7


def test_the_tests_notice_a_lattice() -> None:
    lattice = np.arange(COUNT, dtype=np.uint32) * np.uint32(0x9E3779B1) / 2.0**32
    assert abs(worst(neighbours(lattice, (1, 2, 3)))[1]) > 100 * BOUND


OTHERS = [
    ({"step": 0}, {"step": 1}),
    ({"step": 1}, {"step": 2}),
    ({"step": 3}, {"step": 3 + 256}),
    ({"step": 3}, {"step": 3 + 2**16}),
    ({"seed": 0}, {"seed": 1}),
    ({"seed": 1, "step": 1}, {"seed": 2, "step": 0}),
    ({"stream": "dropout/1"}, {"stream": "dropout/2"}),
    ({"stream": "dropout/1"}, {"stream": "dropout_1/1"}),
]


@pytest.mark.parametrize(("left", "right"), OTHERS, ids=str)
def test_steps_seeds_and_layers_are_independent(
    left: dict[str, int], right: dict[str, int]
) -> None:
    a, b = (numbers(**each, rows=2048).ravel().astype(float) for each in (left, right))  # type: ignore[arg-type]
    found: dict[str, float] = {}
    for shift in (0, 1, 2, 16, 256):
        found[f"shift {shift}"] = pairs(a[shift:], b[: len(b) - shift])
        found[f"low bits, shift {shift}"] = pairs(
            fraction(a[shift:], 12), fraction(b[: len(b) - shift], 12)
        )
    found["same"] = (np.mean(a == b) - 2.0**-24) * 2**12 * np.sqrt(len(a))
    name, far = worst(found)
    assert abs(far) < BOUND, name


def test_one_position_is_random_along_steps() -> None:
    steps = np.stack([numbers(step, rows=1).ravel() for step in range(2048)]).astype(float)
    found = {
        f"{lag} steps, {shift} places": pairs(
            steps[lag:, shift:].ravel(), steps[:-lag, : 256 - shift].ravel(), 64
        )
        for lag in (1, 2, 3, 10, 100, 256)
        for shift in (0, 1, 2)
    }
    name, far = worst(found)
    assert abs(far) < BOUND, name


def test_a_bit_of_the_counter_changes_every_bit_half_of_the_time() -> None:
    x = (numbers(step=9).ravel() * 2**24).astype(np.int64)
    for bit in range(20):
        partner = np.arange(COUNT) ^ (1 << bit)
        first = np.arange(COUNT) < partner
        changed = (x ^ x[partner])[first]
        rates = ((changed[:, None] >> np.arange(24)) & 1).mean(0)
        assert np.abs(rates - 0.5).max() < 6 * 0.5 / np.sqrt(first.sum()), bit


def test_normal() -> None:
    z = numbers(step=4, draw=ops.random_normal).ravel().astype(float)
    n = np.sqrt(COUNT)
    # Moments of the standard normal, over the standard deviations of their estimates.
    found = {
        "mean": z.mean() * n,
        "variance": (z.var() - 1) * n / np.sqrt(2),
        "skewness": (z**3).mean() * n / np.sqrt(15),
        "kurtosis": ((z**4).mean() - 3) * n / np.sqrt(96),
        "beyond 3": ((np.abs(z) > 3).mean() - 0.0026998) * n / np.sqrt(0.0027),
        "neighbours": (z[1:] * z[:-1]).mean() * n,
        "squares of neighbours": ((z[1:] ** 2 - 1) * (z[:-1] ** 2 - 1)).mean() * n / 2,
    }
    name, far = worst({key: float(value) for key, value in found.items()})
    assert abs(far) < BOUND, name
    assert np.isfinite(z).all()
    assert 4 < np.abs(z).max() < 6


def test_radius_and_angle_are_streams_of_their_own() -> None:
    z = numbers(step=4, draw=ops.random_normal, rows=2048).ravel().astype(float)
    u = numbers(step=4, rows=2048).ravel().astype(float)
    assert abs(np.corrcoef(z, u)[0, 1]) * np.sqrt(len(u)) < BOUND
    assert abs(np.corrcoef(np.abs(z), u)[0, 1]) * np.sqrt(len(u)) < BOUND
