"""Internal operators at run time: found, required, refused, and steps that take turns.

Oracles: the optimizer of onnxruntime for the size of a block, the standard graphs for numbers.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

import specc
from specc import internal
from specc.artifacts import read_bundle
from specc.compiler import compile_spec
from specc.compiler.bundle import FULL
from specc.errors import RunError, RuntimeSetupError
from specc.internal import internal_ops, require
from specc.model import Model
from specc.runs.reproducing import reproduce
from specc.runs.training import train
from specc.spec.reader import loads
from specc.targets.blocks import InternalOps

SPEC = """
specc: 1
name: blocks
inputs: {image: [8, 8, 1]}
layers:
  - depthwise_conv2d: {kernel_size: 3, padding: same, depth_multiplier: 16}
  - depthwise_conv2d: {kernel_size: 3, strides: 2, padding: same, use_bias: false}
  - batch_normalization
  - re_lu: 6.0
  - conv2d: {filters: 32, kernel_size: 1, use_bias: false}
  - batch_normalization
  - re_lu
  - global_average_pooling2d
  - dense: {units: 10, activation: softmax}
train:
  loss: sparse_categorical_crossentropy
  optimizer: {sgd: 0.01}
  metrics: [accuracy]
  epochs: 1
  batch_size: 60
data: {dataset: digits}
"""
# Nothing of it lies in blocks.
SMALL = """
specc: 1
inputs: {x: [3]}
layers: [{dense: 1}]
train: {loss: mse, optimizer: {sgd: 0.1}}
"""


@pytest.fixture
def ops() -> InternalOps:
    """The internal operators of this onnxruntime."""
    try:
        return internal_ops()
    except RuntimeSetupError as error:
        pytest.skip(str(error))


@pytest.fixture
def digits() -> tuple[Any, Any]:
    """90 samples: a full batch and a half."""
    rng = np.random.default_rng(0)
    return rng.random((90, 8, 8, 1), np.float32), rng.integers(0, 10, 90)


def test_the_block_is_the_optimizer_s(ops: InternalOps, tmp_path: Path) -> None:
    """The optimizer fills the filters of a constant kernel up to whole blocks."""
    kernel = np.ones((1, 3, 3, 3), np.float32)
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["y"])],
        "one_filter",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 3, 8, 8))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(kernel, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    options.log_severity_level = 3
    onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    found = onnx.load(tmp_path / "optimized.onnx").graph
    (node,) = (n for n in found.node if n.domain == "com.microsoft.nchwc" and n.op_type == "Conv")
    (weight,) = (w for w in found.initializer if w.name == node.input[1])
    assert ops == InternalOps(onnxruntime.__version__, weight.dims[0])


def test_default_graphs_have_none(ops: InternalOps) -> None:
    spec = loads(SPEC)
    before = {name: p.model for name, p in compile_spec(spec, "cpu").programs.items()}
    allowed = compile_spec(spec, "cpu", internal=ops)
    assert {name: p.model for name, p in compile_spec(spec, "cpu").programs.items()} == before
    assert set(allowed.programs) == {*before, FULL}
    assert allowed.programs[FULL].batch == 60
    for name, program in allowed.programs.items():
        assert any(":" in op for op in program.nodes) == (name == FULL)


def test_graphs_without_use_for_them_stay_as_they_are(ops: InternalOps) -> None:
    spec = loads(SMALL)
    plain, allowed = compile_spec(spec, "cpu"), compile_spec(spec, "cpu", internal=ops)
    assert allowed.internal is None
    assert {name: p.model for name, p in allowed.programs.items()} == {
        name: p.model for name, p in plain.programs.items()
    }


def test_full_batches_and_others_take_turns(ops: InternalOps, digits: tuple[Any, Any]) -> None:
    """Three epochs of 60 and 30 samples, next to a model with standard operators alone."""
    spec = loads(SPEC)
    plain, allowed = Model(spec, seed=3), Model(spec, seed=3, internal=ops)
    for x, y in ((digits[0], digits[1]), (digits[0][:30], digits[1][:30])):
        expected, found = (
            m.fit(x, y, epochs=3, batch_size=60, shuffle=False, verbose=0).history
            for m in (plain, allowed)
        )
        np.testing.assert_allclose(found["loss"], expected["loss"], rtol=1e-5)
    for name, array in plain.weights.items():
        np.testing.assert_allclose(allowed.weights[name], array, rtol=1e-3, atol=1e-5)
    expected, found = (m.evaluate(*digits) for m in (plain, allowed))
    np.testing.assert_allclose(found["loss"], expected["loss"], rtol=1e-5)


def test_saved_and_restored(ops: InternalOps, digits: tuple[Any, Any], tmp_path: Path) -> None:
    model = Model(loads(SPEC), internal=ops)
    model.fit(*digits, batch_size=60, verbose=0)
    model.save(tmp_path)
    other = Model.restore(tmp_path)
    for each in (model, other):
        each.fit(*digits, batch_size=60, shuffle=False, verbose=0)
    for name, array in model.weights.items():
        np.testing.assert_array_equal(other.weights[name], array)


def test_a_run_says_what_it_needs_and_is_reproduced(ops: InternalOps, tmp_path: Path) -> None:
    spec, run = loads(SPEC), tmp_path / "run"
    train(spec, run, internal=ops, threads=1)
    manifest = json.loads((run / "manifest.json").read_text())
    assert manifest["internal"] == {
        **ops.to_dict(),
        "opsets": {"com.microsoft.nchwc": 1},
        "operators": sorted(op for op in manifest["programs"][FULL]["nodes"] if ":" in op),
    }
    model = onnx.load(run / "train_full.onnx", load_external_data=False)
    assert {(o.domain, o.version) for o in model.opset_import} == {
        ("", 18), ("com.microsoft.nchwc", 1),
    }  # fmt: skip
    assert read_bundle(run)[0].internal == ops
    assert reproduce(run).same


def test_another_onnxruntime_is_told_what_to_do(
    ops: InternalOps, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, other = tmp_path / "run", InternalOps("1.2.3", ops.block)
    train(loads(SPEC), run, internal=ops, threads=1)
    monkeypatch.setattr(internal, "internal_ops", lambda: other)
    told = (
        f"has internal operators of onnxruntime {ops.runtime} with blocks of {ops.block} channels;"
        f" found onnxruntime 1.2.3 with blocks of {ops.block}; install onnxruntime=={ops.runtime},"
        " or compile or train it again here"
    )
    with pytest.raises(RuntimeSetupError, match=told):
        reproduce(run)
    with pytest.raises(RuntimeSetupError, match=told):
        Model(loads(SPEC), internal=ops).fit(np.zeros((2, 8, 8, 1)), np.zeros(2), verbose=0)
    shorter = InternalOps(ops.runtime, ops.block // 2)
    monkeypatch.setattr(internal, "internal_ops", lambda: shorter)
    with pytest.raises(RuntimeSetupError, match=f"blocks of {ops.block // 2}; compile or train"):
        require(ops, "run")
    with pytest.raises(RuntimeSetupError, match="run on the CPU; choose that device"):
        require(ops, "run", "cuda")


def test_an_onnxruntime_without_them_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where they are not registered: the session refuses the graph."""
    real = internal.open_session
    missing = b"com.microsoft.nchwx"
    monkeypatch.setattr(
        internal, "open_session",
        lambda model, threads: real(model.replace(b"com.microsoft.nchwc", missing), "cpu", threads),
    )  # fmt: skip
    internal_ops.cache_clear()
    try:
        with pytest.raises(RuntimeSetupError, match="has none for images in blocks of channels"):
            internal_ops()
        told = "blocks of 16 channels; internal operators: onnxruntime .* without"
        with pytest.raises(RuntimeSetupError, match=told):
            require(InternalOps("1.32.0", 16), "run")
    finally:
        internal_ops.cache_clear()


def test_a_damaged_manifest_is_refused(ops: InternalOps, tmp_path: Path) -> None:
    train(loads(SPEC), tmp_path / "run", internal=ops, threads=1)
    path = tmp_path / "run/manifest.json"
    for damaged in ({**ops.to_dict(), "block": "16"}, None):
        manifest = json.loads(path.read_text())
        manifest["internal"] = damaged
        if damaged is None:
            del manifest["internal"]
        path.write_text(json.dumps(manifest))
        with pytest.raises(RunError, match=r"damaged \(internal: block: expected 8 or 16"):
            read_bundle(tmp_path / "run")


def test_public_names() -> None:
    assert specc.internal_ops is internal_ops
    assert specc.InternalOps is InternalOps
