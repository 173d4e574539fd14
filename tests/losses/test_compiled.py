"""Losses as ONNX on onnxruntime: Keras' numbers, and gradients by central differences."""

from __future__ import annotations

import numpy as np
import pytest

from specc import primitives as ops
from specc.family import snake_case
from specc.losses import Loss
from specc.primitives import Trace
from specc.tensors import BATCH
from tests.compiled import run
from tests.losses.test_losses import CASES, IDS, arrays
from tests.numpy_primitives import evaluate

STEP = 1e-6


def sources(y, p, floatx):
    """The graph's targets and predictions, floats as `floatx`."""
    trace = Trace(floatx)
    dtype = "int32" if y.dtype.kind == "i" else floatx
    shapes = [(BATCH, *x.shape[1:]) for x in (y, p)]
    return (
        ops.graph_input(trace, "y", shapes[0], dtype),
        ops.graph_input(trace, "p", shapes[1], floatx),
    )


def differences(loss, y, p):
    """Central differences of the interpreter's total in float64, element by element."""
    y_source, p_source = sources(y, p, "float64")
    total = loss.total(y_source, p_source)
    y = y if y.dtype.kind == "i" else y.astype(np.float64)
    p = p.astype(np.float64)
    slope = np.zeros_like(p)
    for place in np.ndindex(p.shape):
        moved = np.zeros_like(p)
        moved[place] = STEP
        ends = [evaluate([total], {y_source: y, p_source: x})[0] for x in (p + moved, p - moved)]
        slope[place] = (ends[0] - ends[1]) / (2 * STEP)
    return slope


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_total_and_gradient(case):
    y, p, _ = arrays(case)
    loss = Loss.parse({snake_case(case["class"]): case["fields"]})
    sources_ = sources(y, p, "float32")
    value, gradient = run(
        [loss.total(*sources_)], dict(zip(sources_, (y, p), strict=True)), sources_[1]
    )
    np.testing.assert_allclose(value, case["total"]["sum_over_batch_size"], rtol=3e-5, atol=2e-6)
    inside = np.ones_like(p, bool)
    if "ntropy" in case["class"] and not case["fields"].get("from_logits"):
        # At 0 and 1 exactly, a clipped probability has no two-sided slope.
        inside = (p > 2 * STEP) & (p < 1 - 2 * STEP)
    expected = differences(loss, y, p)
    scale = max(1.0, np.abs(expected[inside]).max(initial=0.0))
    np.testing.assert_allclose(gradient[inside], expected[inside], rtol=2e-3, atol=2e-4 * scale)
