"""Every gradient rule: by differences in float64, then onnxruntime's float32 against that.

Oracles: central differences of ONNX's reference evaluator along random directions.
"""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest

from specc.autodiff import flat_ops, rules
from tests.gradcheck import Gradcheck, vjps
from tests.vjps import algebra, elementwise, moves, windows
from tests.vjps.cases import CASES, Case

__all__ = ["algebra", "elementwise", "moves", "vjps", "windows"]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_rule(case: Case) -> None:
    double = Gradcheck(case.build, case.inputs, case.batch)
    assert case.op in {node.op_type for node in onnx.load_from_string(double.model).graph.node}
    expected = double.check()
    single = Gradcheck(case.build, case.inputs, case.batch, "float32")
    found = onnx_runtime(single)
    assert found.keys() == expected.keys()
    for name, value in found.items():
        scale = np.abs(expected[name]).max(initial=0.0)
        np.testing.assert_allclose(
            value, expected[name], rtol=1e-4, atol=1e-5 * scale, err_msg=name
        )


def onnx_runtime(check: Gradcheck) -> dict[str, np.ndarray]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(check.model, options, providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_outputs()]
    return dict(zip(names, session.run(None, check.feeds()), strict=True))


def test_every_rule_has_a_case() -> None:
    assert {case.op for case in CASES} >= set(rules())


def test_no_op_is_both_flat_and_differentiable() -> None:
    assert not set(rules()) & set(flat_ops())
