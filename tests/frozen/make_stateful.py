"""Writes stateful.json: recurrent layers of Keras that carry their states from batch to batch.

Needs Keras 3.15.1 and TensorFlow: KERAS_BACKEND=tensorflow python make_stateful.py
A case is a model and what is done to it; after each act its result and all states are stored.
Inputs and weights are drawn again by tests/model/test_stateful.py.
"""

import json
from pathlib import Path

import keras
import numpy as np
from keras import layers

HERE = Path(__file__).parent
BATCH, STEPS, WIDE, ROWS = 2, 3, 2, 4
ACTS = ["predict", "train", "evaluate", "reset", "train", "fit", "predict"]


def through(*stages, shape=(STEPS, WIDE)):
    x = y = keras.Input(batch_shape=(BATCH, *shape), name="x")
    for stage in stages:
        y = stage(y)
    return keras.Model(x, y, name="m")


def twice():
    """One layer called two times: the second call goes on where the first one ended."""
    x = keras.Input(batch_shape=(BATCH, STEPS, WIDE), name="x")
    rnn = layers.LSTM(2, stateful=True)
    return keras.Model(x, layers.Add()([rnn(x), rnn(layers.ReLU()(x))]), name="m")


def given():
    """A call that gives the initial states; they are kept all the same."""
    x = keras.Input(batch_shape=(BATCH, STEPS, WIDE), name="x")
    first = layers.Dense(2)(layers.Flatten()(x))
    y = layers.GRU(2, stateful=True)(x, initial_state=[first])
    return keras.Model(x, layers.Dense(1)(y), name="m")


def nested():
    """A stateful layer in a sub-model."""
    x = keras.Input(batch_shape=(BATCH, STEPS, WIDE), name="x")
    inner = through(layers.SimpleRNN(2, stateful=True), layers.Dense(2))
    inner.name = "inner"
    return keras.Model(x, layers.Dense(1)(inner(x)), name="m")


def cells():
    return [layers.LSTMCell(2), layers.GRUCell(3), layers.SimpleRNNCell(2)]


CASES = {
    "simple_rnn": lambda: through(layers.SimpleRNN(2, stateful=True)),
    "lstm of all steps": lambda: through(
        layers.LSTM(2, stateful=True, return_sequences=True), layers.Dense(1)
    ),
    "gru backwards": lambda: through(layers.GRU(2, stateful=True, go_backwards=True)),
    "gru, reset before, written out": lambda: through(
        layers.GRU(2, stateful=True, reset_after=False, unroll=True)
    ),
    "masked": lambda: through(layers.Masking(0.5), layers.LSTM(2, stateful=True)),
    "states returned": lambda: through(
        layers.LSTM(2, stateful=True, return_state=True), layers.Concatenate()
    ),
    "stacked cells": lambda: through(layers.RNN(cells(), stateful=True), layers.Dense(1)),
    "one cell": lambda: through(layers.RNN(layers.GRUCell(2), stateful=True)),
    "bidirectional": lambda: through(
        layers.Bidirectional(layers.LSTM(2, stateful=True, return_sequences=True)), layers.Dense(1)
    ),
    "conv_lstm1d": lambda: through(
        layers.ConvLSTM1D(2, 2, padding="same", stateful=True), shape=(STEPS, 4, WIDE)
    ),
    "conv_lstm2d": lambda: through(
        layers.ConvLSTM2D(2, 2, stateful=True, return_sequences=True), shape=(STEPS, 3, 4, WIDE)
    ),
    "at each time": lambda: through(
        layers.TimeDistributed(layers.SimpleRNN(2, stateful=True)), shape=(2, STEPS, WIDE)
    ),
    "twice": twice,
    "given states": given,
    "nested": nested,
}


def digits(x):
    return [float(f"{v:.7g}") for v in np.asarray(x, np.float64).ravel()]


def stateful(model):
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from stateful(layer)
        yield from (each for each in (layer, getattr(layer, "layer", None)) if is_stateful(each))


def is_stateful(layer):
    return bool(getattr(layer, "stateful", False)) and hasattr(layer, "states")


def states(model):
    found = [keras.tree.flatten(list(layer.states)) for layer in stateful(model)]
    return [digits(keras.ops.convert_to_numpy(s)) for each in found for s in each]


def act(what, model, x, y):
    if what == "reset":
        # `layer.reset_states()` does this, and fails for stacked cells (3.15.1).
        for layer in stateful(model):
            for state in keras.tree.flatten(list(layer.states)):
                state.assign(np.zeros(state.shape))
        return None
    if what == "predict":
        return digits(model.predict(x, batch_size=BATCH, verbose=0))
    if what == "train":
        return float(model.train_on_batch(x[:BATCH], y[:BATCH]))
    if what == "evaluate":
        return float(model.evaluate(x, y, batch_size=BATCH, verbose=0))
    history = model.fit(
        x, y, batch_size=BATCH, epochs=2, shuffle=False, validation_data=(x, y), verbose=0
    )
    return {key: digits(values) for key, values in history.history.items()}


def compute(number, make):
    model = make()
    model.compile(keras.optimizers.SGD(0.1), loss="mse")
    rng = np.random.default_rng(number)
    x = rng.normal(size=(ROWS, *model.input_shape[1:])).astype("float32")
    x[1, 1] = x[3, 0] = 0.5
    y = rng.normal(size=(ROWS, *model.output_shape[1:])).astype("float32")
    for w in model.weights:
        w.assign(rng.uniform(-1.0, 1.0, w.shape).astype("float32"))
    acts = []
    for what in ACTS:
        result = act(what, model, x, y)
        acts.append({"act": what, "result": result, "states": states(model)})
    return {
        "number": number,
        "config": json.loads(model.to_json()),
        "weights": [list(w.shape) for w in model.weights],
        "params": model.count_params(),
        "y": [ROWS, *model.output_shape[1:]],
        "acts": acts,
        "after": [digits(w) for w in model.weights],
    }


if __name__ == "__main__":
    found = {}
    for i, (name, make) in enumerate(CASES.items()):
        keras.utils.clear_session()
        found[name] = compute(700 + i, make)
    text = json.dumps(found, separators=(",", ":"))
    (HERE / "stateful.json").write_text(text + "\n")
    print(len(text))
