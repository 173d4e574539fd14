"""Losses against numbers that Keras computed (tests/frozen/make_losses_and_metrics.py)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from specc import primitives as ops
from specc.family import snake_case
from specc.losses import Loss
from specc.primitives import Trace
from specc.shapes import ShapeError
from specc.tensors import BATCH
from tests.numpy_primitives import evaluate

CASES = json.loads((Path(__file__).parents[1] / "frozen" / "losses.json").read_text())
IDS = [f"{i}-{snake_case(case['class'])}" for i, case in enumerate(CASES)]
# float32 sums in another order; Keras' own logarithms and powers differ in the last places.
CLOSE = {"rtol": 2e-5, "atol": 2e-6}


def arrays(case):
    y = np.asarray(case["y"])
    y = y.astype(np.int32 if y.dtype.kind == "i" else np.float32)
    return y, np.asarray(case["p"], np.float32), np.asarray(case["weight"], np.float32)


def graph(*values, batch=True):
    """Graph inputs for arrays, the first axis being the batch."""
    trace = Trace()
    return [
        ops.graph_input(trace, f"x{i}", ((BATCH, *v.shape[1:]) if batch else v.shape), str(v.dtype))
        for i, v in enumerate(values)
    ]


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_values_and_totals_are_those_of_keras(case):
    values = arrays(case)
    y, p, w = graph(*values)
    feeds = dict(zip((y, p, w), values, strict=True))
    key = snake_case(case["class"])
    loss = Loss.parse({key: case["fields"]})
    (found,) = evaluate([loss.values(y, p)], feeds)
    np.testing.assert_allclose(found, case["values"], **CLOSE)
    for reduction, total in case["total"].items():
        loss = Loss.parse({key: {**case["fields"], "reduction": reduction}})
        np.testing.assert_allclose(evaluate([loss.total(y, p)], feeds)[0], total, **CLOSE)
    for reduction, total in case["weighted"].items():
        loss = Loss.parse({key: {**case["fields"], "reduction": reduction}})
        if reduction == "sum" and not loss.by_sample(p.rank):
            # Keras counts a value of the whole batch once for each weight, but once without any.
            total = case["total"]["sum"] * np.mean(values[2])  # noqa: PLW2901
        np.testing.assert_allclose(evaluate([loss.total(y, p, w)], feeds)[0], total, **CLOSE)


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_targets_have_the_shape_that_the_loss_asks_for(case):
    y, p, _ = arrays(case)
    loss = Loss.parse({snake_case(case["class"]): case["fields"]})
    shape, dtype = loss.target((None, *p.shape[1:]))
    assert shape == (None, *y.shape[1:])
    assert np.dtype(dtype) == y.dtype


def test_every_loss_has_a_case():
    covered = {type(Loss.parse({snake_case(case["class"]): case["fields"]})) for case in CASES}
    assert covered == set(Loss.kinds().values())


FUSED = [
    ("categorical_crossentropy", {}, "softmax", np.eye(3, dtype=np.float32)[[0, 2, 1, 1]]),
    ("categorical_crossentropy", {"from_logits": True}, "softmax", np.eye(3, dtype=np.float32)),
    ("sparse_categorical_crossentropy", {}, "softmax", np.asarray([0, 2, 1, 1], np.int32)),
    ("binary_crossentropy", {}, "sigmoid", np.eye(3, dtype=np.float32)[[0, 2, 1, 1]]),
    ("binary_crossentropy", {"label_smoothing": 0.3}, "sigmoid", np.eye(3, dtype=np.float32)),
]


@pytest.mark.parametrize(("key", "fields", "activation", "y_value"), FUSED)
def test_behind_an_activation_the_loss_is_that_of_the_logits(key, fields, activation, y_value):
    """Oracle: the definition in float64 with logits far beyond float32's saturation."""
    z_value = np.random.default_rng(3).normal(size=(len(y_value), 3)) * 60
    y, z = graph(y_value, z_value.astype(np.float32))
    p = ops.softmax(z) if activation == "softmax" else ops.sigmoid(z)
    loss = Loss.parse({key: fields})
    feeds = {y: y_value, z: z_value.astype(np.float32)}
    (found,) = evaluate([loss.values(y, p)], feeds)
    exact = feeds[z].astype(np.float64)
    hot = np.eye(3)[y_value] if y_value.ndim == 1 else y_value
    if activation == "softmax":
        logs = exact - np.logaddexp.reduce(exact, axis=-1, keepdims=True)
        expected = -(hot * logs).sum(-1)
    else:
        s = fields.get("label_smoothing", 0.0)
        hot = hot * (1 - s) + s / 2
        expected = (np.logaddexp(0, exact) - exact * hot).mean(-1)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_a_softmax_over_another_axis_is_not_taken_for_class_logits():
    """Oracle: the clipped and renormalised rule, written out."""
    y_value = np.eye(3, dtype=np.float32)
    z_value = np.random.default_rng(5).normal(size=(3, 3)).astype(np.float32)
    y, z = graph(y_value, z_value, batch=False)
    loss = Loss.parse("categorical_crossentropy")
    (found,) = evaluate([loss.values(y, ops.softmax(z, 0))], {y: y_value, z: z_value})
    p = np.exp(z_value) / np.exp(z_value).sum(0)
    expected = -np.log(np.diag(p / p.sum(1, keepdims=True)))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_class_axis_other_than_the_last():
    """Oracle: the same numbers with classes moved to the end."""
    rng = np.random.default_rng(11)
    y_value = rng.integers(0, 4, (2, 5)).astype(np.int32)
    z_value = rng.normal(size=(2, 4, 5)).astype(np.float32)
    y, z, last = graph(y_value, z_value, z_value.transpose(0, 2, 1))
    fields = {"from_logits": True}
    first = Loss.parse({"sparse_categorical_crossentropy": {**fields, "axis": 1}})
    plain = Loss.parse({"sparse_categorical_crossentropy": fields})
    feeds = {y: y_value, z: z_value, last: z_value.transpose(0, 2, 1)}
    found, expected = evaluate([first.values(y, z), plain.values(y, last)], feeds)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "mean_with_sample_weight"])
def test_masks_and_weights(reduction):
    """Oracle: Keras' apply_mask and reduce_values, written with NumPy loops."""
    rng = np.random.default_rng(7)
    y_value, p_value = rng.normal(size=(2, 3, 4, 2)).astype(np.float32)
    mask_value = rng.integers(0, 2, (3, 4)).astype(bool)
    weight_value = rng.uniform(size=3).astype(np.float32)
    y, p, mask, weight = graph(y_value, p_value, mask_value, weight_value)
    loss = Loss.parse({"mse": {"reduction": reduction}})
    feeds = {y: y_value, p: p_value, mask: mask_value, weight: weight_value}
    (found,) = evaluate([loss.total(y, p, weight, mask)], feeds)
    total, mass, kept = 0.0, 0.0, 0
    for n in range(3):
        for t in range(4):
            if mask_value[n, t]:
                error = y_value[n, t] - p_value[n, t]
                total += weight_value[n] * float((error**2).mean())
                mass += weight_value[n]
                kept += 1
    divisor = {"sum": 1.0, "sum_over_batch_size": kept, "mean_with_sample_weight": mass}[reduction]
    np.testing.assert_allclose(found, total / divisor, rtol=1e-5)


def test_an_empty_mask_gives_zero():
    y_value = np.ones((2, 3), np.float32)
    y, p, mask = graph(y_value, y_value * 2, np.zeros(2, bool))
    feeds = {y: y_value, p: y_value * 2, mask: np.zeros(2, bool)}
    assert evaluate([Loss.parse("mse").total(y, p, mask=mask)], feeds)[0] == 0.0


def test_a_mask_of_positions_weighs_no_values_of_samples():
    y_value, mask_value = np.zeros((2, 4), np.float32), np.ones((2, 4), bool)
    y, p, mask = graph(y_value, y_value, mask_value)
    with pytest.raises(ShapeError, match=r"\(None,\) have no place .* mask \(None, 4\)"):
        Loss.parse("mse").total(y, p, mask=mask)


@pytest.mark.parametrize(
    ("key", "output", "match"),
    [
        ("categorical_crossentropy", (None, 1), "use binary_crossentropy"),
        ("sparse_categorical_crossentropy", (None, 1), "one unit per class"),
        ("sparse_categorical_crossentropy", (None,), "one unit per class"),
        ("categorical_focal_crossentropy", (None, 1), "use binary_crossentropy"),
        ("categorical_generalized_cross_entropy", (None, 1), "use binary_crossentropy"),
        ("circle", (None, 3, 4), "flatten"),
        ({"categorical_crossentropy": {"axis": 0}}, (None, 3), "axis 0, which is the batch's"),
        ({"categorical_crossentropy": {"axis": -2}}, (None, 3), "axis -2, which is the batch's"),
    ],
)
def test_an_output_that_does_not_fit_is_refused(key, output, match):
    with pytest.raises(ShapeError, match=match):
        Loss.parse(key).target(output)


def test_short_names_and_first_fields():
    assert type(Loss.parse("mse")) is Loss.find("mean_squared_error")
    assert type(Loss.parse("bce")) is Loss.find("binary_crossentropy")
    assert Loss.parse({"huber": 2}).written() == {"huber": {"delta": 2.0}}


@pytest.mark.parametrize("key", ["binary_crossentropy", "dice", "cosine_similarity"])
def test_the_axis_has_to_be_there(key):
    with pytest.raises(ShapeError, match="axis 3 does not exist in a tensor of 2 axes"):
        Loss.parse({key: {"axis": 3}}).target((None, 4))
