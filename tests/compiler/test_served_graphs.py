"""What onnxruntime makes of the graph that serves. Oracle: its own optimised graph."""

from __future__ import annotations

from pathlib import Path

import onnx
import onnxruntime
import pytest

from specc.compiler.bundle import baked, initial_weights
from specc.network import build
from specc.spec.reader import loads

GELU = """
specc: 1
name: gelus
inputs: {x: [8]}
layers:
  - dense: {units: 6, activation: gelu}
  - layer_normalization
  - activation: gelu
  - dense: 3
"""


@pytest.mark.parametrize("opset", [18, 21])
def test_gelu_is_one_operator(opset: int, tmp_path: Path) -> None:
    spec = loads(GELU)
    weights = initial_weights(build(spec), 0)
    program = baked(spec, weights, opset=opset)
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    onnxruntime.InferenceSession(program.model, options, providers=["CPUExecutionProvider"])
    ops = [node.op_type for node in onnx.load(tmp_path / "optimized.onnx").graph.node]
    assert "Erf" not in ops
    assert sum("Gelu" in op for op in ops) == 2
