"""Vocabularies and hashes of integers.

Oracle: the results of Keras 3.15.1 (tests/frozen/lookups.json), by the NumPy interpreter and by
both compiled targets.
"""

from __future__ import annotations

import json

import numpy as np
import pytest

import specc
from specc.layers import Layer
from specc.shapes import ShapeError
from specc.spec.reader import loads
from tests.layers.bench import Bench
from tests.layers.frozen import lookups

CASES = lookups()
every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: json.dumps(case["layer"]))


def inputs(case) -> list[np.ndarray]:
    values = case["values"] if "hashed_crossing" in case["layer"] else [case["values"]]
    return [np.asarray(each, np.int64) for each in values]


@every_case
def test_results_are_keras(case) -> None:
    bench = Bench(case["layer"], inputs(case), floatx="float32")
    expected = np.asarray(case["y"], case["dtype"])
    assert bench.outputs[0].dtype == expected.dtype
    np.testing.assert_allclose(bench.outputs[0], expected, rtol=1e-6)
    assert bench.layer.output_shape(bench.shapes)[1:] == expected.shape[1:]
    assert Layer.parse(bench.layer.written()) == bench.layer


@every_case
@pytest.mark.parametrize("target", ["portable", "cpu"])
def test_compiled_results_are_keras(case, target) -> None:
    given = inputs(case)
    names = {f"x{i}": {"shape": x.shape[1:], "dtype": "int64"} for i, x in enumerate(given)}
    entry = {**case["layer"], "inputs": list(names)}
    model = specc.Model(loads(json.dumps({"specc": 1, "inputs": names, "layers": [entry]})), target)
    np.testing.assert_allclose(model.predict(given), case["y"], rtol=1e-6)


@pytest.mark.parametrize(
    ("written", "shape", "message"),
    [
        ({"integer_lookup": {}}, (None, 3), "vocabulary must be given"),
        ({"hashed_crossing": 5}, (None, 3), "expected all inputs"),
    ],
)
def test_what_does_not_fit_is_refused(written, shape, message) -> None:
    with pytest.raises(ShapeError, match=message):
        Layer.parse(written).output_shape((shape, shape))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"vocabulary": [1, 1]}, "once"),
        ({"vocabulary": [1, 2, 3], "max_tokens": 3}, "max_tokens 3"),
        ({"vocabulary": [1], "pad_to_max_tokens": True}, "expected max_tokens"),
        ({"vocabulary": [1], "invert": True, "output_mode": "count"}, "output_mode int"),
        ({"vocabulary": [1], "idf_weights": [1.0]}, "only there"),
        ({"vocabulary": [1], "idf_weights": [1.0, 2.0], "output_mode": "tf_idf"}, "as many"),
        ({"vocabulary": [1, 4], "mask_token": 4}, "mask_token at most"),
        ({"vocabulary": [1, -1], "invert": True}, "oov_token at most"),
        ({"vocabulary": [1], "salt": 3}, "salted hash is not supported"),
    ],
    ids=str,
)
def test_settings_that_contradict_are_refused(fields, message) -> None:
    with pytest.raises(ValueError, match=message):
        Layer.parse({"integer_lookup": fields})
