"""`vjp`: what it returns, and that the model stays as it is.

Oracle: gradients by hand in NumPy; the numbers of every layer stand in the golden cases.
"""

from __future__ import annotations

import numpy as np
import pytest

import specc
from specc.spec.reader import loads
from tests.model.specs import LINE, RICH, TOWERS, line_data, model, rich_data, towers_data


def state(made: specc.Model) -> dict[str, np.ndarray]:
    return {name: np.array(array) for name, array in made._engine.state().items()}


@pytest.mark.parametrize("target", ["cpu", "portable"])
def test_gradients_of_a_dense_layer(target: str) -> None:
    made = model(target=target)
    x, dy = line_data()
    found = made.vjp([x], [dy])
    kernel, bias = made.weights.values()
    np.testing.assert_allclose(found.outputs[0], x @ kernel + bias, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found.input_grads[0], dy @ kernel.T, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found.weight_grads[0], x.T @ dy, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found.weight_grads[1], dy.sum(0), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("target", ["cpu", "portable"])
@pytest.mark.parametrize("trained", [False, True])
def test_the_model_does_not_change(target: str, trained: bool) -> None:
    made = model(RICH, target=target)
    x, y = rich_data()
    if trained:
        made.train_on_batch(x, y)
    before = state(made)
    dy = np.ones((len(x), 3), np.float32)
    first = made.vjp([x], [dy], training=True)
    again = made.vjp([x], [dy], training=True)
    for name, array in state(made).items():
        np.testing.assert_array_equal(array, before[name], err_msg=name)
    # The same step draws the same masks.
    np.testing.assert_array_equal(first.outputs[0], again.outputs[0])
    moved = dict(zip(made.weights, first.weights, strict=True))
    assert not np.array_equal(moved["bn/moving_mean"], before["bn/moving_mean"])
    np.testing.assert_array_equal(moved["conv/kernel"], before["conv/kernel"])


def test_inference_moves_no_statistics() -> None:
    made = model(RICH)
    x, _ = rich_data()
    found = made.vjp([x], [np.ones((len(x), 3))])
    for (name, before), after in zip(made.weights.items(), found.weights, strict=True):
        np.testing.assert_array_equal(after, before, err_msg=name)
    np.testing.assert_allclose(found.outputs[0], made.predict(x), rtol=1e-5, atol=1e-6)


def test_statistics_have_no_gradient() -> None:
    made = model(RICH)
    x, _ = rich_data()
    found = made.vjp([x], [np.ones((len(x), 3))], training=True)
    grads = dict(zip(made.weights, found.weight_grads, strict=True))
    none = [name for name, grad in grads.items() if grad is None]
    assert none == ["bn/moving_mean", "bn/moving_variance"]


def test_masks_change_with_the_step() -> None:
    made = model(RICH)
    x, y = rich_data()
    dy = np.ones((len(x), 3), np.float32)
    weights = made.weights
    before = made.vjp([x], [dy], training=True)
    made.train_on_batch(x, y)
    made.set_weights(weights)
    after = made.vjp([x], [dy], training=True)
    assert not np.array_equal(before.outputs[0], after.outputs[0])


def test_integers_have_no_gradient() -> None:
    made = model(TOWERS)
    x, _ = towers_data()
    found = made.vjp(x, [np.ones((6, 3)), np.ones((6, 1))])
    assert found.input_grads[0] is None
    price = made.weights["price/kernel"][6:, 0]
    # The softmax's rows sum to 1, so ones pull nothing through `kind`.
    np.testing.assert_allclose(found.input_grads[1], np.tile(price, (6, 1)), atol=1e-6)


def test_the_gradients_of_several_outputs_add_up() -> None:
    made = model(TOWERS)
    x, _ = towers_data()
    rng = np.random.default_rng(3)
    kind, price = rng.normal(size=(6, 3)), rng.normal(size=(6, 1))
    both = made.vjp(x, [kind, price])
    one, other = made.vjp(x, [kind, None]), made.vjp(x, [None, price])
    for whole, a, b in zip(both.weight_grads, one.weight_grads, other.weight_grads, strict=True):
        np.testing.assert_allclose(whole, a + b, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(
        both.input_grads[1], one.input_grads[1] + other.input_grads[1], rtol=1e-4, atol=1e-6
    )


def test_no_cotangent_at_all_means_zeros() -> None:
    made = model(TOWERS)
    x, _ = towers_data()
    found = made.vjp(x, [None, None])
    np.testing.assert_array_equal(found.input_grads[1], np.zeros((6, 2)))
    for grad, w in zip(found.weight_grads, made.weights.values(), strict=True):
        np.testing.assert_array_equal(grad, np.zeros_like(w))


def test_an_output_that_is_not_floating() -> None:
    text = """
specc: 1
name: ids
inputs: {ids: {shape: [3], dtype: int32}, x: [2]}
layers:
  - {reshape: {target_shape: [3, 1]}, name: same, inputs: ids}
  - {dense: 1, name: out, inputs: x}
outputs: [same, out]
"""
    made = model(text)
    ids = np.arange(6, dtype=np.int32).reshape(2, 3)
    found = made.vjp([ids, np.ones((2, 2))], [None, np.ones((2, 1))])
    np.testing.assert_array_equal(found.outputs[0], ids[..., None])
    assert found.outputs[0].dtype == np.int32
    assert found.input_grads[0] is None
    np.testing.assert_array_equal(found.weight_grads[0], np.full((2, 1), 2.0))


def test_the_seed_decides_masks_without_a_train_section() -> None:
    text = RICH.partition("train:")[0]
    one, same, other = model(text, seed=1), model(text, seed=1), model(text, seed=2)
    for each in (same, other):
        each.set_weights(one.weights)
    x, _ = rich_data()
    found = [m.vjp([x], [None], training=True).outputs[0] for m in (one, same, other)]
    np.testing.assert_array_equal(found[0], found[1])
    assert not np.array_equal(found[0], found[2])


@pytest.mark.parametrize(
    ("inputs", "cotangents", "match"),
    [
        ([], [np.ones((2, 2))], r"inputs: expected a list of 1 \(x\), received 0"),
        ([np.ones((2, 3))], [], r"cotangents: expected a list of 1 \(out\), received 0"),
        ([np.ones((2, 4))], [None], r"x: expected shape \(None, 3\), received \(2, 4\)"),
        ([np.ones((2, 3))], [np.ones((1, 2))], r"out: expected shape \(2, 2\), received \(1, 2\)"),
        ([np.ones((2, 3))], [np.ones(2)], r"out: expected shape \(2, 2\), received \(2,\)"),
    ],
)
def test_mistakes(inputs: list, cotangents: list, match: str) -> None:
    with pytest.raises(specc.DataError, match=match):
        model(LINE).vjp(inputs, cotangents)


@pytest.mark.parametrize("penalty", ["", ", activity_regularizer: l2"])
def test_steps_of_a_model_draw_random_numbers_of_their_own(penalty: str) -> None:
    # With a penalty one step follows the other, without they are one batch.
    spec = loads(
        "specc: 1\ninputs: {x: [2, 500]}\n"
        "models:\n  noisy:\n    inputs: {y: [500]}\n"
        f"    layers:\n      - dropout: {{rate: 0.5{penalty}}}\n"
        "layers:\n  - time_distributed: {layer: {call: noisy}}\n"
    )
    ones = np.ones((1, 2, 500), np.float32)
    dropped = specc.Model(spec).vjp([ones], [ones], training=True).outputs[0][0] == 0
    assert 0.4 < dropped.mean() < 0.6
    assert 0.4 < (dropped[0] == dropped[1]).mean() < 0.6


FROZEN = {
    "model": "models:\n  m: {trainable: false, inputs: {y: [2, 3]}, layers: [NORM]}\n"
    "layers: [{call: m}, {dense: 1}]\noutputs: [m, dense]\n",
    "freeze": "layers: [NORM, {dense: 1}]\noutputs: [time_distributed, dense]\n"
    "train: {loss: mse, freeze: [time*]}\n",
}


@pytest.mark.parametrize("text", FROZEN.values(), ids=FROZEN)
def test_what_is_frozen_freezes_the_layer_inside(text: str) -> None:
    # Oracle: Keras' setter of `trainable`; normalization then keeps to its moving statistics.
    norm = "{time_distributed: {layer: batch_normalization}}"
    spec = loads("specc: 1\ninputs: {x: [2, 3]}\n" + text.replace("NORM", norm))
    made = specc.Model(spec)
    x = np.random.default_rng(0).normal(size=(4, 2, 3)).astype(np.float32)
    found = made.vjp([x], [np.ones_like(x), np.ones((4, 2, 1), np.float32)], training=True)
    np.testing.assert_allclose(found.outputs[0], x / np.sqrt(1 + 1e-3), rtol=1e-5)
    for after, before in zip(found.weights, made.weights.values(), strict=True):
        np.testing.assert_array_equal(after, before)
