"""Layers that carry their states from batch to batch.

Oracle: what Keras 3.15.1 predicted, lost, and carried after each of a row of acts
(tests/frozen/stateful.json).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import specc
from specc.errors import DataError, SpecError
from specc.network import build
from specc.spec.reader import loads
from tests.golden import FROZEN
from tests.model.golden_cases import TARGETS

CASES = json.loads((FROZEN / "stateful.json").read_text())
BATCH = 2
LSTM = """
specc: 1
inputs: {x: {shape: [3, 2], batch: 4}}
layers:
  - lstm: {units: 2, stateful: true}
train: {loss: mse, optimizer: adam, batch_size: 4}
"""


def drawn(case: dict[str, Any], target: str) -> tuple[specc.Model, np.ndarray, np.ndarray]:
    """The model with its weights, inputs and targets as `make_stateful.py` draws them."""
    rng = np.random.default_rng(case["number"])
    optimizer = {"class_name": "SGD", "config": {"learning_rate": 0.1}}
    model = specc.Model(specc.from_keras(case["config"], {"loss": "mse", "optimizer": optimizer}))
    network = build(model.spec)
    shape = network.inputs[0].shape[1:]
    x = rng.normal(size=(case["y"][0], *(n or 0 for n in shape))).astype("float32")
    x[1, 1] = x[3, 0] = 0.5
    y = rng.normal(size=case["y"]).astype("float32")
    model.set_weights([rng.uniform(-1, 1, shape).astype("float32") for shape in case["weights"]])
    return model, x, y


def act(what: str, model: specc.Model, x: np.ndarray, y: np.ndarray) -> object:
    if what == "reset":
        return model.reset_states()
    if what == "predict":
        return np.ravel(model.predict(x))
    if what == "train":
        return model.train_on_batch(x[:BATCH], y[:BATCH])["loss"]
    if what == "evaluate":
        return model.evaluate(x, y)["loss"]
    return model.fit(x, y, epochs=2, shuffle=False, validation_data=(x, y), verbose=0).history


def states(model: specc.Model) -> list[np.ndarray]:
    return [array for name, array in model._engine.state().items() if "rnn_state" in name]


def near(found: Any, keras: Any, what: str) -> None:
    np.testing.assert_allclose(found, keras, rtol=2e-4, atol=2e-5, err_msg=what)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", CASES)
def test_states_go_from_batch_to_batch_as_in_keras(name: str, target: str) -> None:
    case = CASES[name]
    model, x, y = drawn(case, target)
    for step in case["acts"]:
        result = act(step["act"], model, x, y)
        if isinstance(result, dict):
            assert set(result) == set(step["result"])
            for key, values in result.items():
                near(values, step["result"][key], key)
        elif result is not None:
            near(result, step["result"], step["act"])
        for found, keras in zip(states(model), step["states"], strict=True):
            near(found.ravel(), keras, f"states after {step['act']}")
    for (key, found), keras in zip(model.weights.items(), case["after"], strict=True):
        near(found.ravel(), keras, key)


@pytest.mark.parametrize("name", CASES)
def test_states_are_no_weights(name: str) -> None:
    case = CASES[name]
    model, _, _ = drawn(case, "portable")
    assert [list(w.shape) for w in model.weights.values()] == case["weights"]
    assert specc.summary(model.spec).to_dict()["total_params"] == case["params"]
    assert states(model)


def samples(count: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(count)
    return rng.normal(size=(count, 3, 2)).astype("f"), rng.normal(size=(count, 2)).astype("f")


def test_a_restored_model_goes_on_in_the_same_state(tmp_path: Path) -> None:
    x, y = samples(8)
    model = specc.Model(loads(LSTM))
    model.fit(x, y, verbose=0)
    model.save(tmp_path)
    other = specc.Model.restore(tmp_path)
    for each in (model, other):
        each.fit(x, y, verbose=0)
    for found, wanted in zip(states(other), states(model), strict=True):
        np.testing.assert_array_equal(found, wanted)
    np.testing.assert_array_equal(other.predict(x), model.predict(x))


def test_gradients_and_pulled_back_calls_leave_the_states_alone() -> None:
    x, _ = samples(4)
    model = specc.Model(loads(LSTM))
    model.predict(x)
    before = states(model)
    expected = model.vjp([x], [np.ones((4, 2), "f")]).outputs[0]
    for found, wanted in zip(states(model), before, strict=True):
        np.testing.assert_array_equal(found, wanted)
    np.testing.assert_allclose(model.predict(x), expected, rtol=1e-5)


def test_batches_of_another_size_are_refused() -> None:
    x, y = samples(6)
    model = specc.Model(loads(LSTM))
    with pytest.raises(DataError, match="batch_size: expected 4, the batch of the inputs, rec"):
        model.fit(x[:4], y[:4], batch_size=2, verbose=0)
    with pytest.raises(DataError, match=r"fit: expected a number .* received 6; leave 2 out"):
        model.fit(x, y, verbose=0)
    with pytest.raises(DataError, match=r"validation_data: expected a number of samples that 4,"):
        model.fit(x[:4], y[:4], validation_data=(x, y), verbose=0)
    with pytest.raises(DataError, match=r"expected 4 samples, the batch of the inputs, received 6"):
        model.train_on_batch(x, y)
    for call in (lambda: model.predict(x), lambda: model.evaluate(x, y)):
        with pytest.raises(DataError, match="leave 2 out"):
            call()
    # What an epoch leaves out need not fill a batch.
    model.fit(x, y, steps_per_epoch=1, verbose=0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            LSTM.replace(", batch: 4", ""),
            r"5:5: layers\[0\] \(lstm\): stateful: expected a fixed batch size, found \(None, 3, 2",
        ),
        (
            LSTM.replace("batch_size: 4", "batch_size: 8"),
            r"6:37: train.batch_size: expected 4, the batch of the inputs, found 8; write",
        ),
        (
            LSTM.replace("batch: 4}", "batch: 4}, z: {shape: [2], batch: 1}").replace(
                "stateful: true}", "stateful: true}\n    inputs: x"
            ),
            r"3:40: inputs.z: expected batch 4, as another input has it, found 1",
        ),
    ],
)
def test_a_spec_without_one_batch_size_is_refused(text: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        build(loads(text))
