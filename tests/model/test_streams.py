"""`Model.fit` on iterables. Oracle: the same batches as arrays, without shuffling: equal bits."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import specc
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
