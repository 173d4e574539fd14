"""Writes graphs.json: how Keras orders, counts and prints models with awkward graphs.

Needs Keras 3.15.1: python make_graphs.py
"""

import json
from pathlib import Path

import keras
from keras import layers

HERE = Path(__file__).parent


def shared_at_two_depths():
    x = keras.Input((6,), name="x")
    shared = layers.Dense(6, name="shared")
    other = layers.Dense(6, name="other")
    y = shared(other(shared(x)))
    early = layers.Dense(6, name="early")(x)
    return keras.Model(x, layers.Add(name="sum")([early, y]), name="shared_at_two_depths")


def branches_made_out_of_order():
    a, b = keras.Input((4,), name="a"), keras.Input((5,), name="b")
    right = layers.Dense(3, name="right")(b)
    left = layers.Dense(3, name="left")(a)
    deep = layers.Dense(3, name="deep_2")(layers.Dense(3, name="deep_1")(left))
    joined = layers.Concatenate(name="joined")([right, deep, left])
    head = layers.Dense(2, name="head")(joined)
    return keras.Model([a, b], head, name="branches_made_out_of_order")


def outputs_on_the_way_and_unused_inputs():
    a, b = keras.Input((4,), name="a"), keras.Input((5,), name="unused_1")
    c = keras.Input((5,), name="unused_2")
    first = layers.Dense(3, name="first")(a)
    second = layers.Dense(2, name="second")(first)
    return keras.Model([b, a, c], [second, first], name="outputs_on_the_way")


def nested_in_nested():
    inner = keras.Sequential(
        [keras.Input((4,)), layers.Dense(4, name="d"), layers.BatchNormalization(name="n")],
        name="inner",
    )
    z = keras.Input((4,), name="z")
    middle = keras.Model(z, layers.Add(name="plus")([z, inner(inner(z))]), name="middle")
    top = keras.Input((4,), name="top")
    out = layers.Dense(2, name="out")(middle(middle(top)))
    return keras.Model(top, out, name="nested_in_nested")


def frozen_parts():
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(3, name="d")], name="inner")
    x = keras.Input((4,), name="x")
    y = layers.BatchNormalization(name="norm")(layers.Dense(3, name="free")(inner(x)))
    model = keras.Model(x, layers.Dense(2, name="fixed")(y), name="frozen_parts")
    inner.trainable = False
    model.get_layer("fixed").trainable = False
    return model


def nested_with_two_outputs():
    z = keras.Input((4,), name="z")
    shared = layers.Dense(4, name="shared")
    pair = keras.Model(z, [shared(z), layers.Dense(3, name="own")(z)], name="pair")
    x = keras.Input((4,), name="x")
    first, second = pair(x)
    third, fourth = pair(first)
    joined = layers.Concatenate(name="joined")([second, third, fourth])
    return keras.Model(x, [joined, fourth], name="nested_with_two_outputs")


def outputs_by_name():
    x = keras.Input((4,), name="x")
    a, b = layers.Dense(2, name="zeta")(x), layers.Dense(3, name="alpha")(x)
    return keras.Model({"x": x}, {"last": a, "first": b}, name="outputs_by_name")


def chain_with_long_names():
    x = keras.Input((8, 8, 3), name="an_input_with_quite_a_long_name")
    y = layers.Conv2D(4, 3, name="a_convolution_whose_name_is_longer_than_any_column_can_be")(x)
    y = layers.GlobalAveragePooling2D(name="pool")(y)
    return keras.Model(x, y, name="chain_with_long_names")


def graph_with_long_names():
    x = keras.Input((8, 8, 3), name="an_input_with_quite_a_long_name")
    y = layers.Conv2D(3, 3, padding="same", name="a_convolution_with_a_name_of_many_words")(x)
    return keras.Model(x, layers.Multiply(name="times")([x, y]), name="graph_with_long_names")


def chain_called_twice():
    x = keras.Input((4,), name="x")
    dense = layers.Dense(4, name="dense")
    return keras.Model(x, dense(dense(x)), name="chain_called_twice")


def sequential_built_late():
    model = keras.Sequential([layers.Dense(3, name="one"), layers.Dense(2, name="two")])
    model.build((None, 7))
    return model


def sequential_of_models():
    inner = keras.Sequential([keras.Input((6, 6, 2)), layers.Conv2D(3, 3)], name="inner")
    return keras.Sequential(
        [keras.Input((6, 6, 2)), inner, layers.Flatten(), layers.Dense(2)], name="outer"
    )


def sequential_of_several_outputs():
    return keras.Sequential(
        [keras.Input((4, 3)), layers.Dense(3), layers.LSTM(2, return_state=True)], name="states"
    )


def models_at_steps():
    cnn = keras.Sequential(
        [keras.Input((6, 6, 2)), layers.Conv2D(3, 3), layers.BatchNormalization(),
         layers.GlobalAveragePooling2D()],
        name="cnn",
    )  # fmt: skip
    inner_in = keras.Input((3,))
    wide = layers.Dense(3)(inner_in)
    inner = keras.Model(inner_in, layers.add([inner_in, wide]), name="dense")
    cnn.layers[0].trainable = False
    video = keras.Input((4, 6, 6, 2), name="video")
    seen = layers.TimeDistributed(cnn, name="at_frames")(video)
    seen = layers.TimeDistributed(inner)(seen)
    outside = layers.Dense(2, name="dense")(layers.GRU(4)(seen))
    return keras.Model(video, outside, name="steps")


def lengths_left_open():
    inner_in = keras.Input((3, 5))
    dense = layers.EinsumDense("abc,cd->abd", (None, 4), bias_axes="d")
    inner = keras.Model(inner_in, layers.Dropout(0.1)(dense(inner_in)), name="inner")
    x = keras.Input((3, 5), name="x", batch_size=2)
    y = layers.EinsumDense("...x,xy->...y", 4)(inner(x))
    z = layers.Concatenate()([y, layers.EinsumDense("abc,dc->abd", (3, 2))(x)])
    steps = layers.Reshape((3, 2, 3))(z)
    einsum = layers.EinsumDense("abc,cd->abd", (None, 4), activation="relu")
    return keras.Model(x, [layers.GlobalMaxPooling1D()(z), layers.TimeDistributed(einsum)(steps)])


MODELS = [
    shared_at_two_depths,
    branches_made_out_of_order,
    outputs_on_the_way_and_unused_inputs,
    nested_in_nested,
    frozen_parts,
    nested_with_two_outputs,
    outputs_by_name,
    chain_with_long_names,
    graph_with_long_names,
    chain_called_twice,
    sequential_built_late,
    sequential_of_models,
    sequential_of_several_outputs,
    models_at_steps,
    lengths_left_open,
]


def case(make):
    keras.utils.clear_session()
    model = make()
    texts = {}
    for width in (60, 80, 121):
        lines = []
        model.summary(line_length=width, print_fn=lines.append)
        texts[str(width)] = "\n".join(lines).rstrip()
    return {
        "config": json.loads(model.to_json()),
        "layers": [layer.name for layer in model.layers],
        "weights": [[w.path, list(w.shape)] for w in model.weights],
        "trainable": [any(w is t for t in model.trainable_weights) for w in model.weights],
        "output_names": getattr(model, "output_names", None),
        "summary": texts,
    }


if __name__ == "__main__":
    found = {make.__name__: case(make) for make in MODELS}
    text = json.dumps({"keras": keras.__version__, "cases": found}, ensure_ascii=False)
    (HERE / "graphs.json").write_text(text + "\n")
