"""`predict`: kinds of inputs, batches. Oracle: NumPy on the weights."""

from __future__ import annotations

import numpy as np
import pytest

import specc
from specc.errors import DataError
from specc.spec.reader import loads
from tests.model.specs import LINE, RICH, TOWERS, line_data, model, rich_data, towers_data


def softmax(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def towers(made: specc.Model, x: list[np.ndarray]) -> list[np.ndarray]:
    w = made.weights
    table = w["table/embeddings"][x[0]].reshape(len(x[0]), -1)
    both = np.concatenate([table, x[1]], -1)
    return [
        softmax(both @ w["kind/kernel"] + w["kind/bias"]),
        both @ w["price/kernel"] + w["price/bias"],
    ]


def test_one_output_is_an_array() -> None:
    made = model()
    x, _ = line_data()
    expected = x @ made.weights["out/kernel"] + made.weights["out/bias"]
    for given in (x, [x], (x,), {"x": x}, x.tolist(), x.astype(np.float64)):
        found = made.predict(given)
        assert isinstance(found, np.ndarray)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_several_inputs_and_outputs_in_order() -> None:
    made = model(TOWERS)
    x, _ = towers_data()
    expected = towers(made, x)
    named = {"extra": x[1], "ids": x[0].astype(np.int64)}
    for given in (x, tuple(x), named):
        found = made.predict(given)
        assert isinstance(found, list)
        for output, keras in zip(found, expected, strict=True):
            np.testing.assert_allclose(output, keras, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("size", [1, 4, 7, 22, 100])
def test_batches_do_not_change_the_result(size: int) -> None:
    made = model(RICH)
    x, _ = rich_data(22)
    np.testing.assert_allclose(made.predict(x, batch_size=size), made.predict(x), rtol=1e-5)


def test_no_samples_give_no_rows() -> None:
    assert model(RICH).predict(np.zeros((0, 4, 4, 2))).shape == (0, 3)
    kind, price = model(TOWERS).predict([np.zeros((0, 3), np.int32), np.zeros((0, 2))])
    assert kind.shape == (0, 3)
    assert price.shape == (0, 1)


def test_predictions_follow_training() -> None:
    made = model()
    x, y = line_data()
    for _ in range(2):
        made.train_on_batch(x, y)
        expected = x @ made.weights["out/kernel"] + made.weights["out/bias"]
        np.testing.assert_allclose(made.predict(x), expected, rtol=1e-5, atol=1e-6)
    made.fit(x, y, verbose=0)
    expected = x @ made.weights["out/kernel"] + made.weights["out/bias"]
    np.testing.assert_allclose(made.predict(x), expected, rtol=1e-5, atol=1e-6)


def test_a_spec_without_train_predicts() -> None:
    made = model(LINE.partition("train:")[0])
    x, y = line_data()
    expected = x @ made.weights["out/kernel"] + made.weights["out/bias"]
    np.testing.assert_allclose(made.predict(x), expected, rtol=1e-5, atol=1e-6)
    for call in (made.train_on_batch, made.fit, made.evaluate):
        with pytest.raises(specc.RunError, match=r"line: no train graph; the spec needs `train:`"):
            call(x, y)


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({"y": np.zeros((2, 3))}, r"inputs: expected x; missing \['x'\], unknown \['y'\]"),
        (np.zeros((2, 4)), r"x: expected shape \(None, 3\), received \(2, 4\)"),
        (np.zeros(3), r"the batch axis is missing"),
        ([[1, 2, 3], [1, 2]], r"x: expected an array, received lists of uneven length"),
        (None, r"x: expected numbers"),
        ("abc", r"x: expected numbers"),
        (np.full((2, 3), np.nan), r"found NaN in sample 0"),
    ],
)
def test_mistakes(given: object, match: str) -> None:
    with pytest.raises(specc.DataError, match=match):
        model().predict(given)  # pyright: ignore[reportArgumentType]


def test_mistakes_with_several_inputs() -> None:
    made = model(TOWERS)
    x, _ = towers_data()
    with pytest.raises(specc.DataError, match=r"expected 2 arrays \(ids, extra\), received 1"):
        made.predict([x[0]])
    with pytest.raises(specc.DataError, match=r"extra: expected 6 samples like ids, received 5"):
        made.predict([x[0], x[1][:5]])


@pytest.mark.parametrize("size", [0, -3])
def test_batches_of_no_samples(size: int) -> None:
    made = model()
    x, y = line_data()
    message = rf"batch_size: expected a whole number, at least 1, received {size}"
    with pytest.raises(specc.DataError, match=message):
        made.predict(x, batch_size=size)
    with pytest.raises(specc.DataError, match=message):
        made.fit(x, y, batch_size=size, verbose=0)
    with pytest.raises(specc.DataError, match=message):
        made.evaluate(x, y, batch_size=size, verbose=0)


def test_vectors_that_a_table_multiplies_are_no_ids() -> None:
    # Oracle: NumPy, rows of the table, and products of the vectors with every row.
    model = specc.Model(
        loads("""
specc: 1
inputs: {i: {shape: [2], dtype: int32}, x: [3]}
layers:
  - reversible_embedding: {input_dim: 5, output_dim: 3}
    name: table
    inputs: i
  - call: {table: {reverse: true}}
    name: back
    inputs: x
outputs: [table, back]
""")
    )
    (table,) = model.weights.values()
    x = np.array([[-1.5, 7, 0.25]], np.float32)
    rows, products = model.predict([np.array([[4, 0]], np.int32), x])
    np.testing.assert_array_equal(rows, table[[[4, 0]]])
    np.testing.assert_allclose(products, x @ table.T, rtol=1e-5)
    with pytest.raises(DataError, match="i: expected ids from 0 to 4, found 5"):
        model.predict([np.array([[5, 0]], np.int32), x])


@pytest.mark.parametrize("ids", [[[0, 5]], [[-1, 0]]])
@pytest.mark.parametrize("dtype", ["int32", "float32"])
@pytest.mark.parametrize("call", [False, True])
def test_ids_that_a_table_does_not_hold_are_told(ids: object, dtype: str, *, call: bool) -> None:
    table = "- embedding: {input_dim: 5, output_dim: 2}"
    text = f"specc: 1\ninputs: {{x: {{shape: [2], dtype: {dtype}}}}}\nlayers:\n"
    inner = f"models:\n  inner:\n    inputs: {{i: [2]}}\n    layers:\n      {table}\n"
    spec = loads(text + (f"  - call: inner\n{inner}" if call else f"  {table}\n"))
    model = specc.Model(spec)
    assert model.predict(np.array([[0, 4]], dtype)).shape == (1, 2, 2)
    with pytest.raises(DataError, match=r"x: expected ids from 0 to 4, found (5|-1) in sample 0"):
        model.predict(np.array(ids, dtype))


NUMBER = """
specc: 1
name: number
inputs: {x: []}
layers:
  - reshape: [1]
  - dense: 2
    name: out
"""


def test_a_number_is_no_sample() -> None:
    made = model(NUMBER)
    expected = np.full((1, 1), 3.0) @ made.weights["out/kernel"]
    found = made.predict(np.full(1, 3.0, np.float32))
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    with pytest.raises(specc.DataError, match="one row for each sample, received the number 3"):
        made.predict(np.full((), 3.0, np.float32))


@pytest.mark.parametrize("wrong", [-1, 7])
@pytest.mark.parametrize("kind", [np.int32, np.int64, np.float32])
def test_ids_that_there_are_not(wrong: int, kind: type) -> None:
    made = model(TOWERS)
    x, _ = towers_data()
    ids = x[0].astype(kind)
    made.predict([ids, x[1]])
    ids[2, 1] = wrong
    with pytest.raises(specc.DataError, match=f"ids: expected ids from 0 to .*, found {wrong}"):
        made.predict([ids, x[1]])
