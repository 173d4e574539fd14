"""Writes imported.json.gz: models whose configurations are read, with outputs and gradients.

Needs Keras 3.15.1 and JAX: KERAS_BACKEND=jax python make_imported.py
With names of models it makes these alone and keeps what is stored of the others.
Each case is a way of writing or joining layers that few models use. Inputs, weights and cotangents
are drawn again by tests/model/test_imported.py from the case's number; only results are stored.
"""

import gzip
import json
import sys
from pathlib import Path

import jax
import keras
import numpy as np
from keras import layers

HERE = Path(__file__).parent
BATCH = 2
# What open lengths are in the run.
OPEN = 5


def chain(shape, *stages):
    """Layers one upon the other."""
    x = keras.Input(shape, name="x0")
    y = x
    for stage in stages:
        y = stage(y)
    return keras.Model(x, y)


def mixed_types():
    """Merges and pools of integers, alone and beside floats."""
    x = keras.Input((4, 4, 2), name="x0")
    n = keras.Input((4, 4, 2), dtype="int32", name="x1")
    b = keras.Input((4, 4, 2), dtype="bool", name="x2")
    pooled = [
        layers.MaxPooling2D()(n),
        layers.AveragePooling2D(2)(n),
        layers.GlobalAveragePooling2D()(n),
        layers.GlobalMaxPooling2D()(b),
    ]
    merged = [
        layers.Add()([x, n, b]),
        layers.Multiply()([n, n]),
        layers.Average()([n, b]),
        layers.Concatenate()([n, x]),
        layers.Concatenate(axis=1)([b, n]),
        layers.Maximum()([x, n]),
        layers.Subtract()([n, x]),
    ]
    return keras.Model([x, n, b], [*pooled, *merged])


# Name: (model, whether the call is in training).
def integers_pass():
    """Layers that change nothing whatever their numbers: integers stay what they are."""
    x = keras.Input((4,), dtype="int32", name="x0")
    passing = [
        layers.Dropout(0.0), layers.GaussianNoise(0.0), layers.GaussianDropout(0.0),
        layers.AlphaDropout(0.0), layers.ActivityRegularization(0.1),
    ]  # fmt: skip
    return keras.Model(x, [layers.Dense(2)(x), *(layer(x) for layer in passing)])


def noise_of_integers():
    """Noise that only training adds: outside of it integers stay what they are."""
    x = keras.Input((4, 3), dtype="int32", name="x0")
    b = keras.Input((4, 3), dtype="bool", name="x1")
    noisy = [
        layers.Dropout(0.5), layers.SpatialDropout1D(0.5), layers.GaussianNoise(0.3),
        layers.GaussianDropout(0.3), layers.AlphaDropout(0.3),
    ]  # fmt: skip
    return keras.Model([x, b], [layers.Dense(2)(x), *(n(z) for n in noisy for z in (x, b))])


def frames():
    """A network for pictures, with statistics of the batch in it."""
    return keras.Sequential(
        [
            keras.Input((5, 5, 2)),
            layers.Conv2D(3, 3, activation="relu"),
            layers.BatchNormalization(momentum=0.7),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(3),
        ],
        name="cnn",
    )


def residual():
    """A graph with an operation in it, and a model, and a wrapped model inside that."""
    x = keras.Input((4, 3), name="inside")
    wide = keras.Sequential([keras.Input((3,)), layers.Dense(3, activation="tanh")], name="wide")
    deep = keras.Sequential([keras.Input((4, 3)), layers.TimeDistributed(wide)], name="deep")
    y = deep(x) + x
    return keras.Model(x, y - keras.ops.mean(y, axis=0, keepdims=True), name="residual")


def sentences():
    """Words of sentences of texts, both with masks."""
    words = keras.Input((4,), dtype="int32", name="words")
    read = layers.LSTM(3)(layers.Embedding(4, 2, mask_zero=True)(words))
    texts = keras.Input((3, 4), dtype="int32", name="x0")
    sentence = layers.TimeDistributed(keras.Model(words, read, name="sentence"))(texts)
    return keras.Model(texts, layers.GRU(2)(sentence))


def masked_steps():
    """A mask of words through a wrapped model that reads it."""
    inner = keras.Sequential(
        [keras.Input((4, 2)), layers.Dense(3), layers.BatchNormalization(), layers.GRU(2)],
        name="words",
    )
    texts = keras.Input((3, 4), dtype="int32", name="x0")
    words = layers.Embedding(4, 2, mask_zero=True)(texts)
    return keras.Model(texts, layers.TimeDistributed(inner)(words))


def wrapped_twice():
    """A wrapper with a model, called twice, in a network that is frozen in parts."""
    once = layers.TimeDistributed(frames())
    x, z = keras.Input((2, 5, 5, 2), name="x0"), keras.Input((2, 5, 5, 2), name="x1")
    once.layer.layers[0].trainable = False
    return keras.Model([x, z], [layers.SimpleRNN(2)(once(x)), once(z)])


def shared_statistics():
    """Batch normalization called several times, at one depth and at several, and inside a model."""
    x = keras.Input((4, 3), name="x0")
    once, twice = layers.BatchNormalization(momentum=0.6), layers.BatchNormalization(momentum=0.4)
    inner = keras.Sequential(
        [keras.Input((4, 2)), layers.Dense(2), layers.BatchNormalization(momentum=0.7)]
    )
    a, b, c = (layers.Dense(2, activation=kind)(x) for kind in ("tanh", "elu", "softplus"))
    first, second, third = once(a), once(b), once(c)
    deep, shallow = twice(layers.Dense(2)(first)), twice(third)
    p, q = inner(b), inner(layers.Dense(2)(second))
    joined = layers.Concatenate()([shallow, second, first])
    return keras.Model(x, [deep, joined, layers.add([q, p]), layers.LSTM(2)(shallow)])


def masks_of_models():
    """Masks into nested models, and through what joins masked sequences."""
    ids = keras.Input((4,), dtype="int32", name="x0")
    words = layers.Embedding(4, 3, mask_zero=True)(ids)
    inner = keras.Sequential([keras.Input((4, 3)), layers.Dense(2), layers.LSTM(2)], name="inner")
    steps_in = keras.Input((4, 3))
    steps = layers.GRU(3, return_sequences=True)(steps_in)
    graph = keras.Model(steps_in, layers.Dense(3)(steps), name="steps")
    seen = layers.Attention()([words, graph(words)])
    joined = layers.Concatenate()([words, seen])
    read = layers.BatchNormalization()(joined)
    return keras.Model(ids, [inner(words), layers.SimpleRNN(2)(read), inner(graph(words))])


CASES = {
    # ONNX gives only those functions of a recurrence a scale that have one.
    "gru_scaled_activation": lambda: chain((4, 3), layers.GRU(2, activation="hard_sigmoid")),
    "lstm_scaled_activations": lambda: chain(
        (4, 3), layers.LSTM(2, recurrent_activation="linear", activation="hard_sigmoid")
    ),
    "layers_as_activations": lambda: chain(
        (4, 3),
        layers.Dense(4, activation=layers.LeakyReLU(0.1)),
        layers.Conv1D(3, 2, activation=layers.ReLU(1.5, 0.2, 0.1)),
        layers.Dense(2, activation=layers.Activation("softsign")),
        layers.Activation(layers.Softmax(axis=1)),
        layers.LSTM(2, activation=layers.ELU(0.5), recurrent_activation=layers.Softmax()),
    ),
    "sequential_of_several_outputs": lambda: keras.Sequential(
        [keras.Input((4, 3), name="x0"), layers.Dense(3), layers.LSTM(2, return_state=True)]
    ),
    "open_lengths": lambda: chain(
        (None, 3),
        layers.Bidirectional(layers.GRU(2, return_sequences=True)),
        layers.TimeDistributed(layers.Dense(3)),
        layers.AdaptiveAveragePooling1D(2),
    ),
    "open_image": lambda: chain(
        (None, None, 2),
        layers.Conv2D(2, 3, padding="same"),
        layers.UpSampling2D(2, interpolation="bilinear"),
        layers.Resizing(3, 4),
    ),
    "mixed_types": mixed_types,
    "integers_pass": integers_pass,
    "video": lambda: chain((3, 5, 5, 2), layers.TimeDistributed(frames()), layers.LSTM(2)),
    "video_in_training": lambda: chain(
        (3, 5, 5, 2), layers.TimeDistributed(frames()), layers.LSTM(2)
    ),
    "graphs_at_steps": lambda: chain((3, 4, 3), layers.TimeDistributed(residual())),
    "sentences": sentences,
    "masked_steps": masked_steps,
    "wrapped_twice": wrapped_twice,
    "noise_of_integers": noise_of_integers,
    "shared_statistics": shared_statistics,
    "masks_of_models": masks_of_models,
}
TRAINING = frozenset({"video_in_training", "masked_steps", "wrapped_twice", "shared_statistics"})


def draw(number, inputs, weights):
    """Inputs [(shape, dtype)], weights [shape] and the generator of the cotangents."""
    rng = np.random.default_rng(number)
    xs = []
    for shape, dtype in inputs:
        full = (BATCH, *shape)
        if dtype == "bool":
            xs.append(rng.random(full) < 0.6)
        elif dtype.startswith("float"):
            xs.append(rng.normal(size=full).astype(dtype))
        else:
            xs.append(rng.integers(0, 4, full).astype(dtype))
    return rng, xs, [rng.uniform(0.3, 1.2, shape).astype("float32") for shape in weights]


def digits(x):
    """Numbers that read back to float32 of 7 digits, as one flat list."""
    return [float(f"{v:.7g}") for v in np.asarray(x, np.float64).ravel()]


def compute(number, build, *, training):
    keras.utils.clear_session()
    model = build()
    given = [
        [[OPEN if n is None else n for n in x.shape[1:]], str(x.dtype)]
        for x in keras.tree.flatten(model.inputs)
    ]
    rng, xs, values = draw(number, given, [w.shape for w in model.weights])
    for w, value in zip(model.weights, values, strict=True):
        w.assign(value)
    fixed = [w.value for w in model.non_trainable_variables]

    def called(trained, floats):
        waiting = iter(floats)
        full = [next(waiting) if x.dtype == np.float32 else x for x in xs]
        struct = getattr(model, "_functional", model)._inputs_struct
        packed = keras.tree.pack_sequence_as(struct, full)
        y, after = model.stateless_call(trained, fixed, packed, training=training)
        return keras.tree.flatten(y), after

    trained = [w.value for w in model.trainable_variables]
    floats = [jax.numpy.asarray(x) for x in xs if x.dtype == np.float32]
    ys, after = called(trained, floats)
    cotangents = [rng.normal(size=y.shape).astype("float32") for y in ys]

    def total(trained, floats):
        found, _ = called(trained, floats)
        pairs = zip(found, cotangents, strict=True)
        return sum((y * dy).sum() for y, dy in pairs if y.dtype == np.float32)

    gw, gx = jax.grad(total, argnums=(0, 1))(trained, floats)
    by_path = {id(w): g for w, g in zip(model.trainable_variables, gw, strict=True)}
    new = {id(w): v for w, v in zip(model.non_trainable_variables, after, strict=True)}
    return {
        "number": number,
        "training": training,
        "config": json.loads(model.to_json()),
        "inputs": given,
        "weights": [list(w.shape) for w in model.weights],
        "y": [[list(y.shape), str(y.dtype), digits(y)] for y in ys],
        "gx": [digits(g) for g in gx],
        "gw": [digits(by_path[id(w)]) if id(w) in by_path else None for w in model.weights],
        "after": [digits(new[id(w)]) if id(w) in new else None for w in model.weights],
    }


if __name__ == "__main__":
    path = HERE / "imported.json.gz"
    kept = json.loads(gzip.decompress(path.read_bytes())) if sys.argv[1:] else {}
    found = {
        name: kept[name] if name in kept and name not in sys.argv[1:]
        else compute(number, build, training=name in TRAINING)
        for number, (name, build) in enumerate(CASES.items())
    }  # fmt: skip
    text = json.dumps(found, separators=(",", ":"))
    path.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    print(path.name, len(found), path.stat().st_size)
