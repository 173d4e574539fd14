"""Metrics against numbers that Keras computed (tests/frozen/make_losses_and_metrics.py)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from specc import primitives as ops
from specc.family import snake_case
from specc.metrics import Metric
from specc.metrics.accuracy import (
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
)
from specc.primitives import Trace
from specc.shapes import ShapeError
from specc.tensors import BATCH
from tests.numpy_primitives import evaluate

CASES = json.loads((Path(__file__).parents[1] / "frozen" / "metrics.json").read_text())
IDS = [f"{i}-{snake_case(case['class'])}" for i, case in enumerate(CASES)]
CLOSE = {"rtol": 2e-5, "atol": 2e-6}


def key_of(case):
    """The key in specs; there `accuracy` is what Keras' string means, not its class."""
    return "exact_accuracy" if case["class"] == "Accuracy" else snake_case(case["class"])


def array(values):
    found = np.asarray(values)
    return found.astype(np.int32 if found.dtype.kind == "i" else np.float32)


def stream(metric, batches, weights=None):
    """The metric's result after each batch (y, p), accumulating as a training graph does."""
    output = (None, *batches[0][1].shape[1:])
    metric = metric.resolve(output, (None, *batches[0][0].shape[1:]))
    state = {
        name: np.zeros(shape, np.float32) for name, shape in metric.accumulators(output).items()
    }
    trace = Trace()

    def source(name, value):
        shape = (BATCH, *value.shape[1:]) if value.ndim else ()
        return ops.graph_input(trace, name, shape, str(value.dtype))

    y, p = (source(name, value) for name, value in zip("yp", batches[0], strict=True))
    w = None if weights is None else source("w", weights[0])
    sums = {
        name: ops.state(trace, name, value.shape, "float32", trainable=False)
        for name, value in state.items()
    }
    added = metric.contributions(y, p, w)
    assert added.keys() == sums.keys()
    new = {name: sums[name] + added[name] for name in sums}
    graph = [*new.values(), metric.result(new)]
    results = []
    for index, (y_value, p_value) in enumerate(batches):
        feeds = {y: y_value, p: p_value, **{sums[name]: state[name] for name in sums}}
        if w is not None:
            feeds[w] = weights[index]
        *values, result = evaluate(graph, feeds)
        for name, value in zip(new, values, strict=True):
            assert value.shape == state[name].shape
            state[name] = value
        results.append(result)
    return results


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_results_over_batches_are_those_of_keras(case):
    batches = [(array(batch["y"]), array(batch["p"])) for batch in case["batches"]]
    metric = Metric.parse({key_of(case): case["fields"]})
    for found, batch in zip(stream(metric, batches), case["batches"], strict=True):
        np.testing.assert_allclose(found, batch["result"], **CLOSE)
    if "weighted" not in case["batches"][0]:
        return
    weights = [array(batch["weight"]) for batch in case["batches"]]
    for found, batch in zip(stream(metric, batches, weights), case["batches"], strict=True):
        np.testing.assert_allclose(found, batch["weighted"], **CLOSE)


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_a_class_without_a_name_is_logged_as_in_keras(case):
    metric = type(Metric.parse({key_of(case): case["fields"]}))
    assert metric(**case["fields"]).log_name == case["name"]


def test_every_metric_has_a_case():
    covered = {type(Metric.parse({key_of(case): case["fields"]})) for case in CASES}
    assert covered | {Accuracy} == set(Metric.kinds().values())


@pytest.mark.parametrize("key", ["mse", "top_k_categorical_accuracy"])
def test_a_scalar_weight_scales_nothing_but_the_count(key):
    """Oracle: the same metric without weights, or with a weight for each sample."""
    rng = np.random.default_rng(1)
    y = np.eye(7, dtype=np.float32)[rng.integers(0, 7, 5)]
    batches = [(y, rng.normal(size=(5, 7)).astype(np.float32))]
    plain = stream(Metric.parse(key), batches)
    scalar = stream(Metric.parse(key), batches, [np.asarray(0.25, np.float32)])
    np.testing.assert_allclose(scalar, plain, rtol=1e-6)


def test_weights_of_positions():
    """Oracle: a loop, as Keras' reduce_to_samplewise_values."""
    rng = np.random.default_rng(2)
    y, p = rng.normal(size=(2, 4, 3, 2)).astype(np.float32)
    w = rng.uniform(size=(4, 3)).astype(np.float32)
    (found,) = stream(Metric.parse("mse"), [(y, p)], [w])
    values = ((y - p) ** 2).mean(-1)
    total = sum(float((values[n] * w[n]).mean()) for n in range(4))
    np.testing.assert_allclose(found, total / sum(float(w[n].mean()) for n in range(4)), rtol=1e-5)


@pytest.mark.parametrize(
    ("output", "target", "kind"),
    [
        ((None, 1), (None, 1), BinaryAccuracy),
        ((None, 10), (None,), SparseCategoricalAccuracy),
        ((None, 10), (None, 1), SparseCategoricalAccuracy),
        ((None, 10), (None, 10), CategoricalAccuracy),
        ((None, 5, 10), (None, 5), SparseCategoricalAccuracy),
    ],
)
def test_accuracy_means_what_the_shapes_say(output, target, kind):
    """Oracle: keras/src/trainers/compile_utils.py, is_binary_or_sparse_categorical."""
    metric = Metric.parse("acc").resolve(output, target)
    assert type(metric) is kind
    assert metric.log_name == "acc"


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("mse", "mse"),
        ("accuracy", "accuracy"),
        ("mean_squared_error", "mean_squared_error"),
        ({"auc": {"curve": "PR"}}, "auc"),
        ({"auc": {"curve": "PR", "name": "area"}}, "area"),
        ({"top_k_categorical_accuracy": 3}, "top_k_categorical_accuracy"),
    ],
)
def test_names_in_logs(written, name):
    metric = Metric.parse(written)
    assert metric.log_name == name
    assert Metric.parse(metric.written()) == metric
    assert Metric.parse(metric) is metric


def test_the_short_form_is_written_again():
    assert Metric.parse("mse").written() == "mse"
    assert Metric.parse({"top_k_categorical_accuracy": 3}).written() == {
        "top_k_categorical_accuracy": {"k": 3}
    }


@pytest.mark.parametrize(
    ("written", "output", "match"),
    [
        ("f1_score", (None, 3, 4), "expects an output"),
        ("r2_score", (None,), "expects an output"),
        ({"auc": {"multi_label": True}}, (None,), "expects an output"),
        ({"precision": {"class_id": 4}}, (None, 4), "class_id below"),
        ({"recall": {"top_k": 5}}, (None, 4), "top_k of at most"),
        ("top_k_categorical_accuracy", (None,), "classes"),
    ],
)
def test_an_output_that_does_not_fit_is_refused(written, output, match):
    with pytest.raises(ShapeError, match=match):
        Metric.parse(written).resolve(output, output)


@pytest.mark.parametrize(
    ("written", "output", "target", "match"),
    [
        ("mae", (None, 3), (None,), r"expects targets \(None, 3\), the loss has \(None,\)"),
        ("auc", (None, 3), (None, 1), "expects targets"),
        ("sparse_categorical_accuracy", (None, 3), (None, 3), "expects targets"),
        ({"sparse_top_k_categorical_accuracy": 2}, (None, 5, 3), (None, 3), "expects targets"),
        ("sparse_categorical_crossentropy", (None, 3), (None, 3), "expects targets"),
        ({"mean_iou": 3}, (None, 3), (None,), "not as many classes"),
        ({"mean_iou": {"num_classes": 3, "sparse_y_pred": False, "axis": 0}}, (None, 3), (None,),
         "is the batch, not classes"),
        ({"iou": {"num_classes": 3, "target_class_ids": [3]}}, (None,), (None,), "no class 3"),
    ],
)  # fmt: skip
def test_targets_of_the_loss_that_do_not_fit_are_refused(written, output, target, match):
    with pytest.raises(ShapeError, match=match):
        Metric.parse(written).resolve(output, target)


@pytest.mark.parametrize(
    ("written", "output"),
    [
        ("mse", (None, 1)),
        ("binary_accuracy", (None, 1)),
        ("sparse_categorical_accuracy", (None, 3)),
    ],
)
def test_targets_with_and_without_a_last_axis_of_one_are_the_same(written, output):
    """Oracle: the same numbers in the shape that the metric expects."""
    y = np.random.default_rng(11).integers(0, 2, (6, 1)).astype(np.float32)
    metric = Metric.parse(written).resolve(output, (None, 1))
    assert metric == Metric.parse(written).resolve(output, (None,))
    wanted = y.reshape(6, *metric.expected(output)[1:])
    for given in (y, y[:, 0]):
        source = ops.graph_input(Trace(), "y", (BATCH, *given.shape[1:]), "float32")
        (found,) = evaluate([metric.aligned(source, output)], {source: given})
        np.testing.assert_array_equal(found, wanted)


def test_labels_of_an_auc_need_multi_label():
    with pytest.raises(ValueError, match="multi_label: true"):
        Metric.parse({"auc": {"num_labels": 3}})


def test_class_indices_may_stand_in_an_axis_of_their_own():
    """Oracle: the same indices without that axis."""
    rng = np.random.default_rng(8)
    y = rng.integers(0, 4, (6, 1)).astype(np.int32)
    p = rng.normal(size=(6, 4)).astype(np.float32)
    for key in ("sparse_categorical_accuracy", {"sparse_top_k_categorical_accuracy": 2}):
        metric = Metric.parse(key)
        assert stream(metric, [(y, p)]) == stream(metric, [(y[:, 0], p)])


def test_a_trade_off_is_written_by_its_limit():
    metric = Metric.parse({"precision_at_recall": 0.25})
    assert metric.written() == {"precision_at_recall": {"recall": 0.25}}
    assert metric.accumulators((None, 1))["true_positives"] == (200,)
    column = {"recall_at_precision": {"precision": 0.5, "class_id": 1, "num_thresholds": 5}}
    rng = np.random.default_rng(9)
    y, p = rng.integers(0, 2, (8, 3)).astype(np.float32), rng.uniform(size=(8, 3))
    p = p.astype(np.float32)
    plain = {"recall_at_precision": {"precision": 0.5, "num_thresholds": 5}}
    one = stream(Metric.parse(column), [(y, p)])
    assert one == stream(Metric.parse(plain), [(y[:, 1:2], p[:, 1:2])])


def test_the_first_of_equal_predictions_are_the_largest():
    """Oracle: a loop; keras/src/metrics/metrics_utils.py, _filter_top_k, keeps exactly k."""
    rng = np.random.default_rng(12)
    y = rng.integers(0, 2, (7, 3, 5)).astype(np.float32)
    p = rng.integers(0, 3, (7, 3, 5)).astype(np.float32) / 2.0
    right = sum(
        row[sorted(range(5), key=lambda j: (-scores[j], j))[:2]].sum()
        for row, scores in zip(y.reshape(-1, 5), p.reshape(-1, 5), strict=True)
    )
    for key, total in (("precision", 2 * 21), ("recall", y.sum())):
        (found,) = stream(Metric.parse({key: {"top_k": 2}}), [(y, p)])
        np.testing.assert_allclose(found, right / total, rtol=1e-6)


def test_overlap_with_weights():
    """Oracle: a loop over samples that fills the confusion matrix."""
    rng = np.random.default_rng(10)
    y, p = rng.integers(0, 3, (2, 9)).astype(np.int32)
    w = rng.uniform(size=9).astype(np.float32)
    matrix = np.zeros((3, 3))
    for actual, predicted, weight in zip(y, p, w, strict=True):
        matrix[actual, predicted] += weight
    union = matrix.sum(0) + matrix.sum(1) - np.diag(matrix)
    (found,) = stream(Metric.parse({"mean_iou": 3}), [(y, p)], [w])
    np.testing.assert_allclose(found, (np.diag(matrix) / union).mean(), rtol=1e-5)
