"""Targets side by side: which programs are timed, and on what. No figure is tested."""

from __future__ import annotations

import numpy as np
import pytest

from specc.bench import steps
from specc.errors import RunError, RuntimeSetupError
from specc.internal import internal_ops
from specc.network import build
from specc.spec.reader import loads
from specc.targets.costs import KernelCosts

IMAGES = """
specc: 1
inputs: {image: [6, 6, 2]}
layers:
  - conv2d: {filters: 3, kernel_size: 3}
  - flatten
  - dense: {units: 5, activation: softmax}
train: {loss: sparse_categorical_crossentropy, optimizer: adam}
"""
IDS = """
specc: 1
inputs: {ids: {shape: [4], dtype: int32}}
layers:
  - embedding: {input_dim: 1000, output_dim: 3}
  - lstm: 2
"""
FIXED = """
specc: 1
inputs: {x: {shape: [3], batch: 2}}
layers: [dense: 1]
"""


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(steps, "TURN_SECONDS", 0.0)


def found(text, batch=2, costs=None):
    spec = loads(text)
    made = steps.compare(spec, build(spec), batch, costs, 1, rounds=2)
    return made.candidates, made.changed


def test_every_target_trains_and_infers():
    candidates, changed = found(IMAGES, costs=KernelCosts(transformed=1e6))
    assert changed is True
    assert [c.name for c in candidates] == ["cpu", "portable", "cpu, calibrated", "model.onnx"]
    assert [c.train is None for c in candidates] == [False, False, False, True]
    for each in candidates:
        assert each.infer is not None
        assert len(each.infer.rounds) == 2
        told = each.to_dict()
        assert 0 < told["infer"]["low"] <= told["infer"]["median"] <= told["infer"]["high"]
        assert (told["train"] is None) == (each.train is None)


def test_a_spec_without_training_infers():
    candidates, changed = found(IDS)
    assert changed is None
    assert [(c.name, c.train) for c in candidates] == [
        ("cpu", None), ("portable", None), ("model.onnx", None),
    ]  # fmt: skip


def test_graphs_that_are_the_same_are_timed_once():
    candidates, changed = found(IMAGES, costs=KernelCosts())
    assert changed is False
    assert [c.name for c in candidates] == ["cpu", "portable", "model.onnx"]


BLOCKS = """
specc: 1
inputs: {image: [6, 6, 1]}
layers:
  - depthwise_conv2d: {kernel_size: 3, depth_multiplier: 16}
  - depthwise_conv2d: 3
  - flatten
  - dense: 2
train: {loss: mse, optimizer: adam, batch_size: 7}
"""


def test_internal_operators_are_timed_where_they_are_of_use():
    try:
        ops = internal_ops()
    except RuntimeSetupError as error:
        pytest.skip(str(error))
    for text, names in ((BLOCKS, ["cpu, internal"]), (IMAGES, [])):
        spec = loads(text)
        made = steps.compare(spec, build(spec), 2, None, 1, 2, ops).candidates
        assert [c.name for c in made] == ["cpu", "portable", *names, "model.onnx"]


def test_noise_is_what_the_ports_take():
    for text, name, high in ((IDS, "ids", 1000), (IMAGES, "target/dense", 5)):
        spec = loads(text)
        feeds = steps._feeds(steps.compiled(spec, "cpu"), build(spec), 400)
        (key,) = (k for k in feeds if k.startswith(name.partition("/")[0]))
        assert feeds[key].dtype.kind == "i"
        assert 0.9 * high - 1 <= feeds[key].max() < high
        assert len(feeds[key]) == 400
    assert feeds["image"].dtype == np.float32
    assert 0 <= feeds["image"].min() < feeds["image"].max() < 1


def test_a_batch_that_the_spec_fixes():
    assert len(found(FIXED)[0]) == 3
    with pytest.raises(RunError, match="batch: expected 2, the number that the spec fixes"):
        found(FIXED, 3)
