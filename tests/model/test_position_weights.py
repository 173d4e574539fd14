"""Sample weights with axes behind the batch's: one for each position of a target.

The losses, metrics and steps that come of them are compared with Keras in test_steps and test_fit;
here is how they are given. Oracle: the weighted mean, written out.
"""

from __future__ import annotations

import numpy as np
import pytest

import specc
from tests.model.specs import model

STEPS = """
specc: 1
inputs: {x: [3, 2]}
layers:
  - {dense: 2, name: hidden, inputs: x}
  - {dense: 2, name: out, inputs: hidden}
outputs: [out, hidden]
train:
  loss: {out: mse, hidden: mae}
  optimizer: {sgd: 0.1}
  metrics: {out: [mse]}
"""
SINGLE = STEPS.replace("outputs: [out, hidden]", "outputs: [out]").replace(", hidden: mae", "")


def data(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x, y and the weights of the 5 times 3 positions."""
    draw = np.random.default_rng(seed)
    x, y = (draw.normal(size=(5, 3, 2)).astype("f4") for _ in range(2))
    return x, y, draw.uniform(0, 2, (5, 3)).astype("f4")


@pytest.mark.parametrize("axes", [(), (1,), (1, 1)])
def test_last_axes_of_length_1_do_not_matter(axes: tuple[int, ...]) -> None:
    made = model(SINGLE)
    x, y, rows = data()
    error = made.predict(x) - y
    logs = made.evaluate(x, y, sample_weight=rows.reshape(5, 3, *axes))
    assert logs["loss"] == pytest.approx(np.mean(rows * np.mean(error**2, -1)), rel=1e-5)
    assert logs["mse"] == pytest.approx(np.mean(error**2), rel=1e-5)


def test_weights_of_every_value() -> None:
    """A loss whose values lack an axis has no place for them, so they are told."""
    x, y, rows = data()
    with pytest.raises(specc.DataError, match=r"^sample_weight: mean_squared_error for output 'ou"):
        model(SINGLE).fit(x, y, sample_weight=np.stack([rows, rows], -1), verbose=0)


def test_outputs_have_weights_of_their_own() -> None:
    made = model(STEPS)
    x, y, rows = data()
    out, hidden = made.predict(x)
    by_name = {"out": rows, "hidden": rows}
    given = ([rows, rows[:, 0]], by_name, by_name | {"out": rows[:, 0]})
    found = [made.evaluate(x, [y, y], sample_weight=each) for each in given]
    by_step, by_row = np.mean((out - y) ** 2, -1), np.mean(np.abs(hidden - y), -1)
    first = rows[:, :1]
    wanted = [(rows, first), (rows, rows), (first, rows)]
    for logs, (a, b) in zip(found, wanted, strict=True):
        assert logs["out_loss"] == pytest.approx(np.mean(a * by_step), rel=1e-5)
        assert logs["hidden_loss"] == pytest.approx(np.mean(b * by_row), rel=1e-5)


def test_training_goes_on_with_other_weights() -> None:
    """One state: steps with weights of positions and of samples alternate.

    Oracle: weights of samples, written as weights of positions.
    """
    made, other = model(SINGLE), model(SINGLE)
    x, y, rows = data()
    for weights in (rows[:, 0], rows, rows[:, 0], None, rows):
        logs = made.train_on_batch(x, y, weights)
        spread = np.ones((5, 3)) if weights is None else weights.reshape(5, -1) + np.zeros((5, 3))
        again = other.train_on_batch(x, y, spread)
        assert logs == pytest.approx(again, rel=1e-5)
    for found, expected in zip(made.weights.values(), other.weights.values(), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", [list, iter])
def test_batches_and_validation_have_them(kind: type) -> None:
    x, y, rows = data()
    vx, vy, weights = data(1)
    held = (vx, vy, weights)
    made, other = model(SINGLE), model(SINGLE)
    history = made.fit(
        kind([(x, y, rows[:, 0])]), verbose=0, validation_data=held, steps_per_epoch=1
    )
    expected = other.fit(
        x, y, sample_weight=rows[:, 0], verbose=0, validation_data=held, shuffle=False
    )
    assert history.history == expected.history
    error = np.mean((made.predict(vx) - vy) ** 2, -1)
    assert history.history["val_loss"] == pytest.approx([np.mean(weights * error)], rel=1e-5)


def test_lengths_of_a_spec_that_leaves_them_open() -> None:
    text = SINGLE.replace("x: [3, 2]", "x: [null, 2]")
    made, closed = model(text), model(SINGLE)
    x, y, rows = data()
    for _ in range(2):
        made.train_on_batch(x[:, :2], y[:, :2], rows[:, :2])
        made.train_on_batch(x, y, rows)
    closed.set_weights(made.weights)
    assert made.evaluate(x, y, sample_weight=rows) == closed.evaluate(x, y, sample_weight=rows)
    assert len(made._versions._made) == 4


def test_batches_that_are_evaluated_have_them() -> None:
    """Oracle: the same as arrays."""
    x, y, rows = data()
    made = model(SINGLE)
    expected = made.evaluate(x, y, sample_weight=rows)
    assert made.evaluate(iter([(x, y, rows)])) == expected
    history = made.fit(
        x, y, sample_weight=np.zeros(5), verbose=0, validation_data=iter([(x, y, rows)])
    )
    assert history.history["val_loss"] == [expected["loss"]]
