"""The fit of the cost model, and the work that it counts.

Oracles: constants that ratios were made from; the shapes in the graphs themselves.
"""

from __future__ import annotations

import math

import numpy as np
import onnx
import pytest
from onnx import shape_inference

from specc.bench import calibration
from specc.bench.calibration import CONVOLUTIONS, Timed, calibrate, fit, missed
from specc.bench.kernels import DIRECT, Convolution
from specc.targets.costs import DEFAULT, KernelCosts
from specc.targets.cpu.winograd import Work

# Two of the grid.
STEPS = 1.05**2 - 1


def ratio(c: Convolution, m: int, gathered: float, transformed: float) -> float:
    """Tiles of m x m results against the direct sum, written out for one image."""
    n, area = m + c.taps - 1, c.size**2
    tiles = math.ceil(c.size / m) ** 2
    direct = area * c.taps**2 * c.channels * (c.filters + gathered)
    cells = tiles * n**2
    products = cells * c.channels * (c.filters + gathered)
    return (products + cells * (c.channels + c.filters) * max(transformed, n**2)) / direct


def made(gathered: float, transformed: float) -> list[Timed]:
    """What a machine with these constants would be timed at."""
    return [
        Timed(c, m, ratio(c, m, gathered, transformed))
        for c in CONVOLUTIONS
        for m in c.ways
        if m != DIRECT
    ]


@pytest.mark.parametrize(("gathered", "transformed"), [(37, 27), (5, 60), (150, 20), (400, 300)])
def test_the_fit_finds_the_constants_of_a_machine(gathered, transformed):
    found = fit(made(gathered, transformed))
    assert found.gathered == pytest.approx(gathered, rel=STEPS)
    assert found.transformed == pytest.approx(transformed, rel=STEPS)
    assert found.worth == DEFAULT.worth
    assert missed(made(gathered, transformed), KernelCosts(gathered, transformed)) < 1e-12


def test_the_fit_bears_noise_and_an_outlier():
    rng = np.random.default_rng(0)
    timed = [Timed(t.convolution, t.way, t.ratio * rng.uniform(0.98, 1.02)) for t in made(50, 40)]
    timed[3] = Timed(timed[3].convolution, timed[3].way, 10 * timed[3].ratio)
    found = fit(timed)
    assert found.gathered == pytest.approx(50, rel=0.25)
    assert found.transformed == pytest.approx(40, rel=0.25)


def test_transforms_cost_their_products_at_least():
    assert fit(made(37, 0.01)).transformed == pytest.approx(16, rel=STEPS)


def test_misses_are_relative():
    timed = [Timed(t.convolution, t.way, 1.25 * t.ratio) for t in made(37, 27)]
    assert missed(timed, DEFAULT) == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("case", "way"),
    [
        (case, way)
        for case in (Convolution(5, 8, 3, 7), Convolution(2, 9, 4, 2, 5))
        for way in case.ways
    ],
)
def test_the_work_that_is_counted_is_that_of_the_graph(case, way):
    graph = shape_inference.infer_shapes(onnx.load_from_string(case.program(way).model)).graph
    constants = {each.name for each in graph.initializer}
    shapes = {
        v.name: [d.dim_value for d in v.type.tensor_type.shape.dim]
        for v in (*graph.input, *graph.value_info, *graph.output)
    } | {each.name: list(each.dims) for each in graph.initializer}
    each = Work.of(way, case.kernel)
    times = case.batch * math.ceil(case.size / way) ** 2

    def inner(node):
        turned = any(a.name == "transA" and a.i for a in node.attribute)
        return shapes[node.input[0]][-2 if turned else -1]

    products = [n for n in graph.node if n.op_type in {"MatMul", "Gemm"}]
    wide = [n for n in products if not constants & set(n.input)]
    macs = [inner(n) * math.prod(shapes[n.output[0]]) for n in wide]
    assert len(macs) == 3
    # Where the table reads padding, a column of zeros is added to the gradient that is collected.
    slack = 1 + 1 / case.size**2 if way == DIRECT else 1
    for count in macs:
        assert each.products * times <= count <= slack * each.products * times
    gathered = [math.prod(shapes[n.output[0]]) for n in graph.node if n.op_type == "Gather"]
    assert each.gathered * times in gathered
    if way == DIRECT:
        return
    thin = [n for n in products if constants & set(n.input)]
    moved = [max(math.prod(shapes[n.input[1]]), math.prod(shapes[n.output[0]])) for n in thin]
    cells = times * (way + case.taps - 1) ** 2
    assert {cells * case.channels, cells * case.filters} <= set(moved)
    assert each.transformed * times == cells * (case.channels + case.filters)


def test_measuring_gives_constants_that_can_be_kept(monkeypatch):
    monkeypatch.setattr(calibration, "CONVOLUTIONS", (Convolution(2, 4, 2, 3),))
    monkeypatch.setattr(calibration, "ROUNDS", 1)
    monkeypatch.setattr(calibration, "TURN_SECONDS", 0.0)
    found = calibrate(1)
    assert [(t.convolution, t.way) for t in found.timed] == [
        (Convolution(2, 4, 2, 3), way) for way in (2, 3, 4)
    ]
    assert all(t.ratio > 0 for t in found.timed)
    assert found.product > 0
    assert found.error <= found.default_error + STEPS
    told = found.to_dict()
    assert KernelCosts.of(told["measured"]).sha256 == told["sha256"]
    assert told["default"] == DEFAULT.to_dict()
