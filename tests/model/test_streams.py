"""`Model.fit` on iterables. Oracle: the same batches as arrays, without shuffling: equal bits."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import specc
from specc.errors import DataError
from tests.model.specs import line_data, model

X, Y = line_data(40)


def batches(size=10, weights=None):
    for start in range(0, len(X), size):
        rows = slice(start, start + size)
        yield (X[rows], Y[rows]) if weights is None else (X[rows], Y[rows], weights[rows])


class Again:
    """Can be begun again and says how long it is."""

    def __iter__(self):
        return batches()

    def __len__(self):
        return 4


def expected(**options):
    other = model()
    history = other.fit(X, Y, batch_size=10, shuffle=False, verbose=0, **options)
    return other.weights, history.history


def same(made, history, found):
    weights, logs = found
    assert history.history == logs
    for name, weight in weights.items():
        np.testing.assert_array_equal(made.weights[name], weight)


@pytest.mark.parametrize("source", [Again(), list(batches())], ids=["iterable", "list"])
def test_it_trains_as_on_arrays(source):
    made = model()
    same(made, made.fit(source, epochs=3, verbose=0), expected(epochs=3))


def test_a_generator_goes_on_from_epoch_to_epoch():
    made = model()
    forever = itertools.chain.from_iterable(batches() for _ in itertools.count())
    history = made.fit(forever, epochs=2, steps_per_epoch=4, verbose=0)
    same(made, history, expected(epochs=2))


def test_weights_and_validation():
    weights = np.linspace(0, 2, 40).astype(np.float32)
    made = model()
    history = made.fit(batches(weights=weights), steps_per_epoch=4, verbose=0,
                       validation_data=(X[:5], Y[:5]))  # fmt: skip
    same(made, history, expected(sample_weight=weights, validation_data=(X[:5], Y[:5])))


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        (batches, {}, "expected targets y, or an iterable"),
        (X, {}, "expected targets y, or an iterable"),
        (batches(), {}, "expected steps_per_epoch"),
        (batches(), {"steps_per_epoch": 5}, "epoch 1: expected 5 batches, found 4"),
        ([X], {}, r"an iterable of \(x, y\)"),
        ([(X, Y[:3])], {}, "expected 40 samples like x, received 3"),
    ],
)
def test_what_cannot_be(source, options, message):
    with pytest.raises(specc.DataError, match=message):
        model().fit(source, verbose=0, **options)


def test_validation_on_batches_and_every_second_epoch():
    made = model()
    options = {"epochs": 4, "validation_freq": 2, "verbose": 0}
    history = made.fit(X, Y, validation_data=Again(), **options)
    whole = model().fit(X, Y, validation_data=(X, Y), **options)
    assert len(history.history["val_loss"]) == 2
    np.testing.assert_allclose(history.history["val_loss"], whole.history["val_loss"], rtol=1e-6)
    listed = model().fit(X, Y, validation_data=(X, Y), epochs=4, validation_freq=[2, 4], verbose=0)
    assert listed.history == whole.history
    first = model().fit(X, Y, validation_data=Again(), validation_steps=1, epochs=1, verbose=0)
    part = model().fit(X, Y, validation_data=(X[:10], Y[:10]), epochs=1, verbose=0)
    assert first.history == part.history


def test_evaluate_and_predict_on_batches():
    made = model()
    assert made.evaluate(batches(), steps=2) == made.evaluate(X[:20], Y[:20], batch_size=10)
    assert made.evaluate(list(batches())) == made.evaluate(X, Y, batch_size=10)
    weights = np.linspace(0, 2, 40).astype(np.float32)
    weighted = made.evaluate(batches(weights=weights))
    assert weighted == made.evaluate(X, Y, batch_size=10, sample_weight=weights)
    np.testing.assert_array_equal(made.predict(batches(), steps=3), made.predict(X[:30], 10))
    np.testing.assert_array_equal(made.predict(x for x, _ in batches()), made.predict(X, 10))
    np.testing.assert_array_equal(made.predict(Again()), made.predict(X, 10))
    with pytest.raises(DataError, match="predict: expected batches, received an iterable that has"):
        made.predict(iter(()))
    with pytest.raises(DataError, match="batches: expected 5, found 4; pass fewer steps"):
        made.evaluate(batches(), steps=5)
    with pytest.raises(DataError, match="validation_split: expected arrays, which can be divided"):
        made.fit(Again(), epochs=1, validation_split=0.2, verbose=0)
