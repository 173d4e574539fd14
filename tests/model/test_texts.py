"""Texts as inputs: layers that look them up, models that learn from them.

Oracle: what Keras 3.15.1 made of the same texts (tests/frozen/texts.json).
"""

from __future__ import annotations

import json
import re
import string
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import specc
from specc.errors import CompileError, DataError, SpecError
from specc.layers import Layer
from specc.network import build
from specc.spec.reader import loads
from tests.golden import FROZEN
from tests.model.golden_cases import TARGETS

STORED = json.loads((FROZEN / "texts.json").read_text(encoding="utf-8"))
CALLS = STORED["calls"]
TRAINED = STORED["model"]


def spec(layer: object, dtype: str, *shape: int, more: str = "") -> specc.Spec:
    inputs = {"x": {"shape": list(shape), "dtype": dtype}}
    text = json.dumps({"specc": 1, "inputs": inputs, "layers": [layer]}, ensure_ascii=False)
    return loads(text[:-1] + more + "}")


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("case", CALLS, ids=lambda case: json.dumps(case["layer"]))
def test_results_are_keras(case: dict[str, Any], target: str) -> None:
    values = np.asarray(case["values"])
    if values.ndim == 1:
        values = values[:, np.newaxis]
    numbers = values.dtype.kind == "i"
    made = spec(case["layer"], "int64" if numbers else "string", values.shape[1])
    found = np.asarray(specc.Model(made, target).predict(values))
    expected = np.asarray(case["y"])
    assert found.shape == expected.shape
    if expected.dtype.kind == "U":
        assert found.tolist() == case["y"]
    else:
        np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert build(made).outputs[0].shape[1:] == expected.shape[1:]
    layer = Layer.parse(case["layer"])
    assert Layer.parse(layer.written()) == layer


def by_hand(text: str, words: list[str], length: int) -> list[int]:
    """What `text_vectorization` makes of a text, by Python."""
    kept = "".join(c for c in text if c not in string.punctuation)
    small = "".join(c.lower() if c in string.ascii_uppercase else c for c in kept)
    found = [w for w in re.split("[ \t\n\x0b\x0c\r]+", small) if w]
    places = [words.index(w) + 2 if w in words else 1 for w in found]
    return (places + [0] * length)[:length]


def test_words_of_drawn_texts() -> None:
    rng = np.random.default_rng(1)
    letters = list("aAbB.,'é \t\n")
    texts = ["".join(rng.choice(letters, rng.integers(0, 30))) for _ in range(200)]
    words = ["a", "b", "ab", "ba", "aé", "é"]
    layer = {"text_vectorization": {"vocabulary": words, "output_sequence_length": 5}}
    model = specc.Model(spec(layer, "string"))
    # Batches of many sizes, also of empty texts alone.
    for batch in (texts, texts[:1], ["", ""]):
        expected = [by_hand(text, words, 5) for text in batch]
        assert np.asarray(model.predict(batch, batch_size=200)).tolist() == expected


def test_texts_may_lie_in_one_axis() -> None:
    layer = {"text_vectorization": {"vocabulary": ["a"], "output_sequence_length": 2}}
    model = specc.Model(spec(layer, "string"))
    assert np.asarray(model.predict(["a b", "b a a"])).tolist() == [[2, 1], [1, 2]]


@pytest.mark.parametrize("target", TARGETS)
def test_a_model_of_texts_learns_as_in_keras(target: str) -> None:
    made = specc.from_keras(TRAINED["config"], TRAINED["compile"])
    model = specc.Model(made, target)
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(size=w.shape).astype("f") for w in model.weights.values()])
    x, y = np.array(TRAINED["texts"])[:, np.newaxis], np.float32(TRAINED["y"])
    history = model.fit(x, y, batch_size=5, epochs=3, shuffle=False, verbose=0).history
    for name, values in TRAINED["history"].items():
        np.testing.assert_allclose(history[name], values, rtol=1e-4, err_msg=name)
    for (name, found), keras in zip(model.weights.items(), TRAINED["after"], strict=True):
        np.testing.assert_allclose(found.ravel(), keras, rtol=1e-3, atol=1e-4, err_msg=name)
    np.testing.assert_allclose(np.ravel(model.predict(x)), TRAINED["predicted"], rtol=1e-4)
    logs = model.evaluate(x, y, batch_size=5)
    assert set(logs) == {"loss", "binary_accuracy"}


def test_the_summary_is_keras() -> None:
    made = specc.from_keras(TRAINED["config"], {})
    assert str(specc.summary(made)) == TRAINED["summary"]


def test_a_saved_model_of_texts_goes_on(tmp_path: Path) -> None:
    model = specc.Model(specc.from_keras(TRAINED["config"], TRAINED["compile"]))
    x, y = np.array(TRAINED["texts"])[:, np.newaxis], np.float32(TRAINED["y"])
    model.fit(x, y, verbose=0)
    model.save(tmp_path)
    other = specc.Model.restore(tmp_path)
    model.fit(x, y, verbose=0)
    other.fit(x, y, verbose=0)
    for found, wanted in zip(other.weights.values(), model.weights.values(), strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_vocabularies_that_keras_found_are_read_from_the_archive() -> None:
    told = STORED["adapted"]
    model = specc.Model(specc.from_keras(FROZEN / "vocabularies.keras"))
    found = model.predict([np.array(told["texts"]), np.array(told["numbers"])])
    for made, keras in zip(found, told["y"], strict=True):
        np.testing.assert_allclose(made, keras)


def test_weights_of_words_that_keras_found_are_not(tmp_path: Path) -> None:
    path = tmp_path / "m.keras"
    with zipfile.ZipFile(FROZEN / "vocabularies.keras") as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            content = old.read(name).replace(b'"output_mode": "count"', b'"output_mode": "tf_idf"')
            new.writestr(name, content)
    with pytest.raises(
        SpecError, match=r"string_lookup_1: the weights that adapt\(\) found for tf_id"
    ):
        specc.from_keras(path)


LOOKUP = {"string_lookup": {"vocabulary": ["a"]}}


@pytest.mark.parametrize(
    ("layer", "dtype", "message"),
    [
        ({"dense": 2}, "string", r"dense.*: works on numbers, received text; string_lookup or"),
        (LOOKUP, "float32", r"string_lookup.*: works on text, received numbers; write dtype: str"),
        ({"text_vectorization": {"vocabulary": ["a"]}}, "string", "output_sequence_length must"),
        ({"string_lookup": {}}, "string", "vocabulary must be given"),
        (
            {"string_lookup": {"vocabulary": ["a"], "invert": True}},
            "string",
            "works on numbers, received text",
        ),
        ({"hashing": 4}, "string", "works on numbers, received text"),
    ],
)
def test_text_and_numbers_are_told_apart(layer: object, dtype: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        build(spec(layer, dtype, 1))


@pytest.mark.parametrize(
    ("key", "fields", "message"),
    [
        ("string_lookup", {"num_oov_indices": 2}, "chosen by a hash of the text's bytes"),
        ("string_lookup", {"salt": 3}, "salted hash is not supported"),
        ("string_lookup", {"vocabulary": ["a", "a"]}, "every value of the vocabulary once"),
        ("text_vectorization", {"ragged": True}, "ragged result is not supported"),
        ("text_vectorization", {"output_mode": "one_hot"}, "rows of different lengths"),
        ("text_vectorization", {"split": None, "ngrams": 2}, "ngrams: expected split whitespace"),
        (
            "text_vectorization",
            {"split": "character", "output_mode": "count"},
            "no operator of ONNX takes a text of any length apart",
        ),
        (
            "text_vectorization",
            {"split": "character", "output_sequence_length": 1001},
            "up to 1000",
        ),
        (
            "text_vectorization",
            {"output_mode": "count", "output_sequence_length": 3},
            "expected output_mode int with output_sequence_length",
        ),
    ],
)
def test_what_no_graph_can_do_is_refused_with_the_reason(
    key: str, fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Layer.parse({key: {"vocabulary": ["a"], **fields}})


def test_text_goes_through_layers_that_move_it() -> None:
    made = loads("""
specc: 1
inputs:
  a: {shape: [2, 1], dtype: string}
  b: {shape: [2], dtype: string}
layers:
  - flatten:
    inputs: a
    name: flat
  - concatenate:
    inputs: [flat, b]
  - reshape: {target_shape: [2, 2]}
  - permute: {dims: [2, 1]}
  - string_lookup: {vocabulary: [u, v, w, z]}
""")
    a, b = np.array([[["u"], ["v"]]]), np.array([["w", "z"]])
    assert np.asarray(specc.Model(made).predict([a, b])).tolist() == [[[1, 3], [2, 4]]]
    with pytest.raises(SpecError, match=r"concatenate.*: received text and numbers"):
        build(
            loads("""
specc: 1
inputs: {a: {shape: [2], dtype: string}, b: [2]}
layers: [{concatenate: {}, inputs: [a, b]}]
""")
        )


def test_text_enters_sub_models_that_take_it() -> None:
    text = """
specc: 1
inputs: {x: {shape: [1], dtype: string}}
layers: [{call: words}]
models:
  words:
    inputs: {t: {shape: [1], dtype: string}}
    layers: [{string_lookup: {vocabulary: [a]}}]
"""
    assert np.asarray(specc.Model(loads(text)).predict([["a"], ["b"]])).tolist() == [[1], [0]]
    with pytest.raises(SpecError, match="input 't' takes text, received numbers"):
        build(loads(text.replace("{x: {shape: [1], dtype: string}}", "{x: [1]}")))


def test_text_has_no_loss() -> None:
    text = """
specc: 1
inputs: {x: {shape: [1], dtype: int64}}
layers: [{string_lookup: {vocabulary: [a], invert: true}}]
train: {loss: mse}
"""
    with pytest.raises(
        SpecError, match=r"train.loss: output 'string_lookup' is text, which has no"
    ):
        build(loads(text))


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([[1.0]], "x: expected texts, received 1.0 in sample 0"),
        ([["a"], [None]], "x: expected texts, received None in sample 1"),
        ([["a", "b"]], r"x: expected shape \(None, 1\), received \(1, 2\)"),
        ([[b"\xff"]], "x: expected texts in UTF-8"),
        ("a", "x: expected one row for each sample"),
        ([["a"], ["a", "b"]], "x: expected an array, received lists of uneven length"),
    ],
)
def test_data_that_is_no_text_is_refused(x: Any, message: str) -> None:
    model = specc.Model(spec(LOOKUP, "string", 1))
    with pytest.raises(DataError, match=message):
        model.predict(x)


def test_bytes_are_read_as_text() -> None:
    model = specc.Model(spec({"string_lookup": {"vocabulary": ["é"]}}, "string", 1))
    assert np.asarray(model.predict(np.array([["é".encode()], [b"e"]]))).tolist() == [[1], [0]]


def test_texts_need_a_newer_opset() -> None:
    made = spec(LOOKUP, "string", 1)
    assert specc.compile(made).opset == 20
    with pytest.raises(CompileError, match=r"opset 18: .* writes 20 to 23 for a model that reads"):
        specc.compile(made, opset=18)
