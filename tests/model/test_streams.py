"""`Model.fit` on iterables. Oracle: the same batches as arrays, without shuffling: equal bits."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import specc
from specc.errors import DataError
from tests.model.specs import TOWERS, line_data, model

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


class Counting(Again):
    """Counts its batches."""

    def __init__(self):
        self.read = 0

    def __iter__(self):
        for item in super().__iter__():
            self.read += 1
            yield item


def test_no_batch_is_read_to_be_looked_at():
    source, held = Counting(), Counting()
    model().fit(source, validation_data=held, epochs=3, verbose=0)
    assert (source.read, held.read) == (12, 12)
    model().evaluate(held)
    assert held.read == 16


class Numbered:
    """Batches by number, as Keras' PyDataset: there is none that ends the asking."""

    def __init__(self):
        self.seen = []

    def __len__(self):
        return 4

    def __getitem__(self, number):
        self.seen.append(number % 4)
        rows = slice(number % 4 * 10, number % 4 * 10 + 10)
        return X[rows], Y[rows]

    def on_epoch_begin(self):
        self.seen.append("begin")

    def on_epoch_end(self):
        self.seen.append("end")


class Endless(Numbered):
    """Also an iterable, without an end."""

    __len__ = None

    def __iter__(self):
        return (self[number] for number in itertools.count())


@pytest.mark.parametrize(("kind", "steps"), [(Numbered, None), (Endless, 4)])
def test_batches_by_number(kind, steps):
    made, source = model(), kind()
    held = {"validation_data": kind(), "validation_steps": steps}
    history = made.fit(source, epochs=3, steps_per_epoch=steps, verbose=0, **held)
    same(made, history, expected(epochs=3, validation_data=(X, Y)))
    assert made.evaluate(kind(), steps=steps) == made.evaluate(X, Y, batch_size=10)
    np.testing.assert_array_equal(made.predict(kind(), steps=steps), made.predict(X, batch_size=10))


@pytest.mark.parametrize("steps", [None, 3])
def test_objects_that_give_batches_are_told_of_epochs(steps):
    """Also of the last one, whose end comes before the validation.

    Oracle: the calls that Keras 3.15.1 makes of a `PyDataset` on PyTorch, without those by which it
    resets an iterator, and with one reading of the batch that is looked at before the first epoch.
    """
    made, source, held = model(), Numbered(), Numbered()
    seen = source.seen = held.seen = []

    class Heard(specc.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append("callbacks")

    options = {"validation_data": held, "validation_steps": steps, "steps_per_epoch": steps}
    made.fit(source, epochs=2, verbose=0, callbacks=[Heard()], **options)
    one = ["begin", *range(4 if steps is None else 3), "end"]
    first, second = (one, one) if steps is None else (one, ["begin", 3, 0, 1, "end"])
    # Both are looked at, and read no second time for that.
    assert seen[:2] == [0, 0]
    assert seen[2:] == [
        "begin",
        *first[2:],
        "begin",
        *one[2:],
        "callbacks",
        *second,
        *one,
        "callbacks",
    ]
    for verb in (made.evaluate, made.predict):
        seen = source.seen = []
        verb(source, steps=steps)
        assert [each for each in seen if each in {"begin", "end"}] == ["begin", "end"]
        assert seen[-1] == "end"


def test_samples_shuffled_at_the_end_of_an_epoch_are_those_of_the_next():
    class Shuffled(Numbered):
        def __init__(self):
            super().__init__()
            self.order = np.arange(4)

        def __getitem__(self, number):
            return super().__getitem__(self.order[number])

        def on_epoch_end(self):
            self.order = self.order[::-1]

    source = Shuffled()
    model().fit(source, epochs=3, verbose=0)
    assert source.seen == [0, "begin", 1, 2, 3, "begin", 3, 2, 1, 0, "begin", 0, 1, 2, 3]


def test_lists_of_a_loader_are_pairs():
    """As PyTorch's loaders make them; a list of rows, or of several inputs, stays what it is."""
    made = model()
    wanted = made.predict(X, batch_size=10)
    starts = range(0, 40, 10)
    for source in (
        ([X[i : i + 10], Y[i : i + 10]] for i in starts),
        ([X[i : i + 10]] for i in starts),
        (list(X[i : i + 10]) for i in starts),
        (X[i : i + 10].tolist() for i in starts),
    ):
        np.testing.assert_array_equal(made.predict(source), wanted)
    open_one = model("specc: 1\ninputs: {x: [null, 3]}\nlayers: [{dense: 2}]")
    steps = X[:, np.newaxis]
    np.testing.assert_array_equal(
        open_one.predict([steps[i : i + 10], Y] for i in starts), open_one.predict(steps)
    )
    two = model(TOWERS)
    ids, extra = np.zeros((4, 3), np.int32), np.ones((4, 2), np.float32)
    wanted = two.predict([ids, extra])
    for item in ([ids, extra], [(ids, extra), Y[:4]], [{"ids": ids, "extra": extra}, Y[:4]]):
        for one, other in zip(two.predict(iter([item])), wanted, strict=True):
            np.testing.assert_array_equal(one, other)


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
