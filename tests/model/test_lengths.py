"""Specs that leave lengths open: one model for data of any length.

Oracles: the same spec with its lengths written out; the mean over steps, which does not change when
each step comes twice.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import specc
from specc.errors import DataError, SpecError
from specc.spec.reader import loads

TEXT = """
specc: 1
inputs: {x: [null, 3]}
layers:
  - conv1d: {filters: 4, kernel_size: 1, activation: tanh}
  - batch_normalization: {momentum: 0.5}
  - global_average_pooling1d
  - dense: 2
train: {loss: mse, optimizer: adam, metrics: [mae]}
"""


def made(text: str = TEXT) -> specc.Model:
    return specc.Model(loads(text), seed=3)


def data(rows: int = 5, steps: int = 4) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(rows, steps, 3)), rng.normal(size=(rows, 2))
    return x.astype(np.float32), y.astype(np.float32)


def test_predictions_and_gradients_at_two_lengths() -> None:
    model = made()
    names = list(model.weights)
    for steps in (4, 7, 4):
        x, _ = data(steps=steps)
        closed = made(TEXT.replace("null", str(steps)))
        assert list(closed.weights) == names
        closed.set_weights(model.weights)
        np.testing.assert_array_equal(model.predict(x), closed.predict(x))
        dy = np.ones((5, 2), np.float32)
        found, expected = (m.vjp([x], [dy]) for m in (model, closed))
        for grad, wanted in zip(found.weight_grads, expected.weight_grads, strict=True):
            np.testing.assert_array_equal(grad, wanted)


def test_training_goes_on_at_another_length() -> None:
    """Slots, statistics and the step counter go along."""
    model, closed = made(), made(TEXT.replace("null", "4"))
    x, y = data()
    for step in range(6):
        given = np.repeat(x, 2, axis=1) if step % 2 else x
        logs = model.train_on_batch(given, y)
        assert logs == pytest.approx(closed.train_on_batch(x, y), rel=1e-5)
    for name, array in closed._engine.state().items():
        np.testing.assert_allclose(model._engine.state()[name], array, rtol=1e-4, atol=1e-6)
    twice = np.repeat(x, 2, axis=1)
    np.testing.assert_allclose(model.predict(twice), closed.predict(x), rtol=1e-4, atol=1e-6)
    found = model.evaluate(twice, y, verbose=0)
    assert found == pytest.approx(closed.evaluate(x, y, verbose=0), rel=1e-4)


def test_weights_before_there_are_data(tmp_path: Path) -> None:
    model = made()
    weights = [array + 1.0 for array in model.weights.values()]
    model.set_weights(weights)
    x, y = data()
    model.train_on_batch(x, y)
    model.save(tmp_path)
    again = specc.Model.restore(tmp_path)
    np.testing.assert_array_equal(again.predict(x), model.predict(x))
    first, second = again.train_on_batch(x, y), model.train_on_batch(x, y)
    assert first == second


@pytest.mark.parametrize("kind", ["list", "generator"])
def test_the_first_batch_of_an_iterable_says_the_lengths(kind: str) -> None:
    x, y = data()
    batches = [(x, y)] * 3
    model, closed = made(), made(TEXT.replace("null", "4"))
    given = batches if kind == "list" else iter(batches)
    found = model.fit(given, steps_per_epoch=3, verbose=0).history
    assert found == closed.fit(batches, steps_per_epoch=3, verbose=0).history
    with pytest.raises(DataError, match="received an iterable that has none"):
        model.fit([], steps_per_epoch=3, verbose=0)


def test_versions_are_kept_and_forgotten() -> None:
    model = made()
    for steps in [*range(1, 12), 1]:
        x, _ = data(steps=steps)
        assert model.predict(x).shape == (5, 2)
    assert len(model._versions._made) == 8


class Looks(specc.Callback):
    """Predicts and evaluates at lengths that are not trained, between steps and epochs."""

    def on_train_batch_end(self, batch: int, logs: object = None) -> None:
        x, _ = data(steps=2)
        assert self.model.predict(x).shape == (5, 2)

    def on_epoch_end(self, epoch: int, logs: object = None) -> None:
        x, y = data(steps=3)
        self.model.evaluate(x, y)


def test_callbacks_may_look_at_other_lengths() -> None:
    """Oracle: training without them."""
    x, y = data()
    model, alone = made(), made()
    settings = {"batch_size": 2, "epochs": 3, "verbose": 0}
    history = model.fit(x, y, callbacks=[Looks()], **settings)
    assert history.history == alone.fit(x, y, **settings).history
    assert model.evaluate(x, y) == alone.evaluate(x, y)


def test_other_axes_and_validation_of_another_length_are_refused() -> None:
    model = made()
    x, y = data()
    with pytest.raises(DataError, match=r"x: expected shape \(None, None, 3\), received \(5, 12\)"):
        model.predict(x.reshape(5, 12))
    longer, _ = data(steps=6)
    with pytest.raises(DataError, match=r"expected shape \(None, 4, 3\), received \(5, 6, 3\)"):
        model.fit(x, y, validation_data=(longer, y), verbose=0)


def test_a_graph_in_a_file_needs_its_lengths(tmp_path: Path) -> None:
    path = tmp_path / "open.yaml"
    path.write_text(TEXT)
    spec = specc.load(path)
    assert "(None, None, 4)" in str(specc.summary(spec))
    with pytest.raises(SpecError, match=r"open.yaml:3:\d+: x: a graph needs every .* \[null, 3\]"):
        specc.compile(spec)
