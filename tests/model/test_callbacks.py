"""Callbacks given to `Model.fit`."""

from __future__ import annotations

import numpy as np
import pytest

import specc
from specc.callbacks import Callback as Named
from tests.model.specs import LINE, line_data, loads


def data():
    return line_data(20)


class Recorder(specc.Callback):
    def __init__(self):
        self.seen = []

    def on_train_begin(self, logs=None):
        self.seen.append("begin")

    def on_epoch_begin(self, epoch, logs=None):
        self.seen.append(("epoch", epoch))

    def on_train_batch_end(self, batch, logs=None):
        self.seen.append((batch, sorted(logs)))

    def on_epoch_end(self, epoch, logs=None):
        self.seen.append(("end", epoch, sorted(logs)))

    def on_train_end(self, logs=None):
        self.seen.append("finished")


def fit(*callbacks, **options):
    model = specc.Model(loads(LINE))
    return model, model.fit(*data(), batch_size=10, verbose=0, callbacks=callbacks, **options)


def test_hooks_are_called_as_in_keras():
    recorder = Recorder()
    fit(recorder, epochs=2)
    logs = ["loss", "mae"]
    one = [(0, logs), (1, logs)]
    assert recorder.seen == [
        "begin", ("epoch", 0), *one, ("end", 0, logs), ("epoch", 1), *one,
        ("end", 1, logs), "finished",
    ]  # fmt: skip


class Stopper(specc.Callback):
    def __init__(self, at):
        self.at = at

    def on_epoch_end(self, epoch, logs=None):
        if epoch == self.at:
            self.model.stop_training = True


def test_training_can_be_stopped():
    model, history = fit(Stopper(1), epochs=9)
    assert history.epoch == [0, 1]
    assert len(model.fit(*data(), epochs=3, verbose=0).epoch) == 3


def test_best_weights_come_back():
    early = Named.parse({"early_stopping": {"monitor": "loss", "patience": 1, "mode": "max",
                                            "restore_best_weights": True}})  # fmt: skip
    model, history = fit(early, epochs=5, shuffle=False)
    assert len(history.epoch) == 2  # the loss falls, and more is said to be better
    other = specc.Model(loads(LINE))
    other.fit(*data(), batch_size=10, epochs=1, verbose=0, shuffle=False)
    for name, weight in other.weights.items():
        np.testing.assert_array_equal(model.weights[name], weight)


def test_a_schedule_adds_no_log_to_the_history_as_in_keras():
    decay = "{exponential_decay: {initial_learning_rate: 0.1, decay_steps: 2, decay_rate: 0.5}}"
    spec = loads(LINE, overrides=[f"train.optimizer.sgd.learning_rate={decay}"])
    history = specc.Model(spec).fit(*data(), batch_size=10, epochs=2, verbose=0)
    assert sorted(history.history) == ["loss", "mae"]


def test_what_is_no_callback_is_refused():
    with pytest.raises(specc.RunError, match="received str"):
        fit("early_stopping")


def test_hooks_that_are_never_called_are_refused():
    class Misspelt(specc.Callback):
        def on_epoch_ends(self, epoch, logs=None):
            raise AssertionError

    with pytest.raises(specc.RunError, match=r"Misspelt\.on_epoch_ends: .* mean 'on_epoch_end'"):
        fit(Misspelt())

    class Placed(specc.Callback):
        on_gpu = False  # is no hook

    fit(Placed())


def test_epochs_that_are_not_validated_are_not_watched():
    """Best by `val_loss` with an infinite `min_delta`: the patience counts validated epochs."""
    early = specc.callbacks.EarlyStopping(patience=2, min_delta=1e9)
    x, y = data()
    history = fit(early, epochs=20, validation_freq=3, validation_data=(x, y))[1]
    assert history.epoch[-1] + 1 == 3 * 3  # the first of them is the best
    with pytest.raises(specc.RunError, match="it needs validation data"):
        fit(early)
    with pytest.raises(specc.RunError, match="did you mean 'val_mae'"):
        fit(specc.callbacks.EarlyStopping(monitor="val_mea"), validation_data=(x, y))


def test_every_callback_of_specs_has_a_name_in_python():
    assert {kind.__name__ for kind in Named.kinds().values()} <= set(dir(specc.callbacks))
