"""Writes texts.json: what Keras 3.15.1 makes of texts, and how a model of texts learns.

And vocabularies.keras, a model whose vocabularies Keras found in data.

Needs Keras 3.15.1 and TensorFlow: KERAS_BACKEND=tensorflow python make_texts.py
"""

import json
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from keras import layers

HERE = Path(__file__).parent
# Letters beyond ASCII, every kind of white space, punctuation inside words, nothing at all.
TEXTS = [
    "The cat, SAT! on the mat.", "", "cat  the\tcat\nsat\x0bdown\x0cthe\rmat ", "   ", "...",
    "don't É-cole ÉCOLE cat's", "the cat the cat the", "a_b`c~d{e}f|g\\h/i^j", "mat",
    "日本 the\u00a0cat \u2003 sat", "THE CAT SAT ON THE MAT AND THE CAT SAT ON", "the the the",
]  # fmt: skip
WORDS = ["the", "cat", "sat", "the cat", "mat", "École", "cats", "École".lower(), "cat sat on"]
LETTERS = ["a", "c", "t", "é", "日", " ", "ab", "[", "-", "]"]
ROWS = [["cat", "the", "dog", "-"], ["the", "-", "the", "cat"], ["", "The", "cat", "日本"]]
SMALL = ["the", "cat", "日本"]
VECTORS = [
    {"output_mode": "multi_hot"},
    {"output_mode": "count", "max_tokens": 14, "pad_to_max_tokens": True},
    {"output_mode": "tf_idf", "idf_weights": [round(0.1 * i, 1) for i in range(1, 10)]},
    {"output_mode": "count", "ngrams": 2},
    {"output_mode": "multi_hot", "ngrams": [1, 3], "standardize": "lower"},
]
VECTORIZED = [
    {"output_sequence_length": 4},
    {"output_sequence_length": 12, "standardize": None},
    {"output_sequence_length": 6, "standardize": "lower"},
    {"output_sequence_length": 6, "standardize": "strip_punctuation"},
    {"output_sequence_length": 9, "ngrams": 2},
    {"output_sequence_length": 5, "ngrams": [3, 2]},
    {"output_sequence_length": 3, "ngrams": [4]},
    {"output_sequence_length": 5, "vocabulary": ["", "[UNK]", *WORDS]},
    {"output_sequence_length": 7, "split": "character", "vocabulary": LETTERS},
    {
        "output_sequence_length": 9, "split": "character", "vocabulary": LETTERS,
        "standardize": None,
    },
    *VECTORS,
]  # fmt: skip
CASES = [
    *(("TextVectorization", {"vocabulary": WORDS, **each}, TEXTS) for each in VECTORIZED),
    ("TextVectorization", {"vocabulary": WORDS, "output_mode": "count", "split": None}, ROWS),
    ("TextVectorization", {"vocabulary": WORDS, "split": None}, ROWS),
    (
        "TextVectorization",
        {"vocabulary": WORDS, "split": None, "output_sequence_length": 6},
        ROWS,
    ),
    (
        "TextVectorization",
        {"vocabulary": WORDS, "split": None, "output_sequence_length": 2},
        ROWS,
    ),
    ("StringLookup", {"vocabulary": SMALL}, ROWS),
    ("StringLookup", {"vocabulary": SMALL, "mask_token": "-"}, ROWS),
    ("StringLookup", {"vocabulary": ["-", "[UNK]", *SMALL], "mask_token": "-"}, ROWS),
    ("StringLookup", {"vocabulary": ["?", *SMALL], "oov_token": "?"}, ROWS),
    ("StringLookup", {"vocabulary": ["the", "cat"], "num_oov_indices": 0}, [["the"], ["cat"]]),
    ("StringLookup", {"vocabulary": SMALL, "output_mode": "multi_hot", "mask_token": "-"}, ROWS),
    ("StringLookup", {"vocabulary": SMALL, "output_mode": "one_hot"}, [["cat"], ["dog"]]),
    (
        "StringLookup",
        {
            "vocabulary": SMALL, "output_mode": "count", "max_tokens": 6,
            "pad_to_max_tokens": True,
        },
        ROWS,
    ),
    (
        "StringLookup",
        {"vocabulary": SMALL, "output_mode": "tf_idf", "idf_weights": [0.5, 1.0, 2.0]},
        ROWS,
    ),
    ("StringLookup", {"vocabulary": SMALL, "invert": True}, [[0, 1, 2], [3, 4, -1]]),
    (
        "StringLookup",
        {"vocabulary": SMALL, "invert": True, "mask_token": "-", "oov_token": "?"},
        [[0, 1, 2], [3, 4, 9]],
    ),
]  # fmt: skip


def compute(cls, kwargs, values):
    given = {k: tuple(v) if k == "ngrams" and isinstance(v, list) else v for k, v in kwargs.items()}
    y = np.asarray(getattr(layers, cls)(**given)(tf.constant(values)))
    if y.dtype == object:
        y = np.vectorize(lambda cell: cell.decode())(y)
    return {
        "layer": {keras.src.utils.naming.to_snake_case(cls): kwargs},
        "values": values,
        "y": y.tolist(),
    }


def learned():
    """A model of texts that is trained for some steps, with its summary."""
    x = keras.Input((1,), dtype="string", name="review")
    y = layers.TextVectorization(vocabulary=WORDS, output_sequence_length=5, name="words")(x)
    y = layers.Embedding(11, 3, name="embedding")(y)
    y = layers.GlobalAveragePooling1D(name="mean")(y)
    y = layers.Dense(1, activation="sigmoid", name="good")(y)
    model = keras.Model(x, y, name="reviews")
    lines = []
    model.summary(print_fn=lines.append, line_length=80)
    model.compile(
        keras.optimizers.SGD(0.5), loss="binary_crossentropy", metrics=["binary_accuracy"]
    )
    rng = np.random.default_rng(0)
    first = [rng.normal(size=w.shape).astype("float32") for w in model.weights]
    model.set_weights(first)
    data = tf.constant([[text] for text in TEXTS])
    targets = np.array([[len(text) % 2] for text in TEXTS], "float32")
    history = model.fit(data, targets, batch_size=5, epochs=3, shuffle=False, verbose=0)
    digits = [[float(f"{v:.7g}") for v in np.ravel(w)] for w in model.get_weights()]
    return {
        "config": json.loads(model.to_json()),
        "compile": keras.src.saving.serialization_lib.serialize_dict(model.get_compile_config()),
        "texts": TEXTS,
        "y": targets.tolist(),
        "history": {k: [float(v) for v in values] for k, values in history.history.items()},
        "after": digits,
        "predicted": np.ravel(model.predict(data, verbose=0)).tolist(),
        "summary": "\n".join(lines).rstrip(),
    }


def adapted():
    """Vocabularies that layers found in data, in an archive beside the configuration."""
    keras.utils.clear_session()
    x = keras.Input((1,), dtype="string", name="text")
    i = keras.Input((2,), dtype="int64", name="numbers")
    words = layers.TextVectorization(output_sequence_length=4, max_tokens=5)
    words.adapt(tf.constant(["the cat", "the dog sat, cat"]))
    whole = layers.StringLookup(output_mode="count", mask_token="-")
    whole.adapt(tf.constant([["u"], ["-"], ["v w"]]))
    numbers = layers.IntegerLookup(mask_token=0)
    numbers.adapt(np.array([[5, 7], [7, 0]]))
    again = layers.StringLookup()
    again.adapt(tf.constant([["dog"], ["u"]]))
    inner = keras.Sequential([keras.Input((1,), dtype="string"), again], name="inner")
    model = keras.Model([x, i], [words(x), whole(x), numbers(i), inner(x)], name="adapted")
    model.save(HERE / "vocabularies.keras")
    texts, ints = [["the dog"], ["u"], ["-"], ["v w"], ["dog"]], [[5, 7], [0, 9]] * 2 + [[7, 7]]
    made = model([tf.constant(texts), tf.constant(ints, tf.int64)])
    return {"texts": texts, "numbers": ints, "y": [np.asarray(y).tolist() for y in made]}


if __name__ == "__main__":
    found = {
        "calls": [compute(*case) for case in CASES], "model": learned(), "adapted": adapted(),
    }  # fmt: skip
    text = json.dumps(found, separators=(",", ":"), ensure_ascii=False)
    (HERE / "texts.json").write_text(f"{text}\n", encoding="utf-8")
    print(len(CASES), len(text))
