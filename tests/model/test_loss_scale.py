"""Gradients of the scaled loss: by a fixed factor, or by one that follows them.

Oracle for the latter: Keras' steps in tests/model/test_steps.py; here what they leave alone.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import specc
from specc.errors import SpecError
from specc.spec.reader import loads
from specc.spec.write import dump


def trained(options: str) -> tuple[float, list[np.ndarray]]:
    text = f"""
specc: 1
inputs: {{x: [3]}}
layers: [{{dense: {{units: 4, activation: tanh}}}}, {{dense: 1}}]
train: {{loss: mse, optimizer: {{adam: {{clipnorm: 0.01{options}}}}}}}
"""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(8, 3)).astype(np.float32), rng.normal(size=(8, 1)).astype(np.float32)
    model = specc.Model(loads(text))
    loss = [model.train_on_batch(x, y)["loss"] for _ in range(3)][-1]
    return loss, list(model.weights.values())


@pytest.mark.parametrize(("factor", "tolerance"), [(1024.0, 0.0), (300.0, 1e-5)])
def test_the_factor_changes_nothing_but_rounding(factor, tolerance) -> None:
    # Oracle: the same steps without it; a power of 2 does not even round.
    loss, weights = trained("")
    scaled_loss, scaled = trained(f", loss_scale_factor: {factor}")
    np.testing.assert_allclose(scaled_loss, loss, rtol=tolerance)
    for found, expected in zip(scaled, weights, strict=True):
        np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


SCALED = """
specc: 1
inputs: {x: [3]}
layers: [{dense: {units: 4, activation: tanh}}, {dense: 1}]
train: {loss: mse, optimizer: {loss_scale_optimizer: OPTIMIZER}}
"""


def scaled(optimizer: str) -> specc.Model:
    return specc.Model(loads(SCALED.replace("OPTIMIZER", optimizer)))


def data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(8, 3)).astype(np.float32), rng.normal(size=(8, 1)).astype(np.float32)


def state(model: specc.Model) -> dict[str, np.ndarray]:
    return {name: np.array(array) for name, array in model._engine.state().items()}


def test_a_step_that_overflows_changes_nothing_but_the_scale() -> None:
    x, y = data()
    model = scaled("{inner_optimizer: {adam: {use_ema: true}}, initial_scale: 1.7e38}")
    before = state(model)
    model.train_on_batch(x, y * 100)
    after = state(model)
    assert after.pop("slot/dynamic_scale") == before.pop("slot/dynamic_scale") / 2
    for name, array in after.items():
        if name not in ("loss/total", "loss/count"):
            np.testing.assert_array_equal(array, before[name], err_msg=name)


def test_a_power_of_two_changes_no_bit() -> None:
    x, y = data()
    plain = specc.Model(loads(SCALED.replace("{loss_scale_optimizer: OPTIMIZER}", "adam")))
    model = scaled("{inner_optimizer: adam, dynamic_growth_steps: 3}")
    for _ in range(8):
        plain.train_on_batch(x, y)
        model.train_on_batch(x, y)
    for found, expected in zip(model.weights.values(), plain.weights.values(), strict=True):
        np.testing.assert_array_equal(found, expected)
    assert float(state(model)["slot/dynamic_scale"]) == 2.0**17
    assert float(state(model)["slot/step_counter"]) == 2.0


def test_the_scale_is_saved(tmp_path: Path) -> None:
    x, y = data()
    model = scaled("{inner_optimizer: sgd, dynamic_growth_steps: 1}")
    model.fit(x, y, epochs=3, verbose=0)
    model.save(tmp_path)
    other = specc.Model.restore(tmp_path)
    for each in (model, other):
        each.fit(x, y, verbose=0)
    assert float(state(model)["slot/dynamic_scale"]) == 2.0**19
    for name, array in state(other).items():
        np.testing.assert_array_equal(array, state(model)[name], err_msg=name)


def test_it_is_written_short_and_holds_one_rule() -> None:
    made = loads(SCALED.replace("OPTIMIZER", "adam"))
    assert made.train is not None
    assert made.train.optimizer.written() == {"loss_scale_optimizer": {"inner_optimizer": "adam"}}
    assert loads(dump(made)) == made
    with pytest.raises(SpecError, match=r"expected an update rule .* found loss_scale_optimizer"):
        scaled("{inner_optimizer: {loss_scale_optimizer: adam}}")
    with pytest.raises(SpecError, match="unknown field 'learning_rate'"):
        scaled("{inner_optimizer: adam, learning_rate: 0.1}")
