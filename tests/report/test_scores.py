"""Scores of predictions. Oracle: scikit-learn, and sums worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from specc.report.scores import (
    Labelled,
    calibration,
    calibration_error,
    class_scores,
    errors,
    labelled,
)


@pytest.fixture(scope="module")
def found():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 4, 200)
    logits = rng.normal(size=(200, 5)) + 2 * np.eye(5)[truth]
    return labelled(logits, truth[:, np.newaxis])


def test_counts_and_scores_of_classes(found):
    expected = metrics.confusion_matrix(found.truth, found.predicted, labels=range(5))
    np.testing.assert_array_equal(found.confusion(), expected)
    theirs = metrics.precision_recall_fscore_support(
        found.truth, found.predicted, labels=range(5), zero_division=0.0
    )
    ours = [(s.precision, s.recall, s.f1, s.support) for s in class_scores(found.confusion())]
    np.testing.assert_allclose(np.array(ours).T, np.array(theirs, float))
    assert found.accuracy == metrics.accuracy_score(found.truth, found.predicted)


def test_logits_become_probabilities(found):
    np.testing.assert_allclose(found.chances.sum(axis=1), 1.0)


def test_probabilities_stay_and_one_hot_rows_are_ids():
    chances = np.array([[0.75, 0.25], [0.5, 0.5]])
    seen = labelled(chances, np.array([[0.0, 1.0], [1.0, 0.0]]))
    np.testing.assert_array_equal(seen.chances, chances)
    assert seen.truth.tolist() == [1, 0]


@pytest.mark.parametrize("output", [[[0.2], [0.9]], [[-1.3862944], [2.1972246]]])
def test_one_unit_is_the_second_class_also_as_a_logit(output):
    """log(0.2 / 0.8) and log(0.9 / 0.1)."""
    seen = labelled(np.array(output), np.array([[0.0], [1.0]]))
    np.testing.assert_allclose(seen.chances, [[0.8, 0.2], [0.1, 0.9]], rtol=1e-6)


@pytest.mark.parametrize(
    ("output", "y"),
    [
        (np.zeros((3, 1)), np.array([[0.5], [1.0], [0.0]])),
        (np.zeros((3, 2)), np.array([[0.5, 1.0]] * 3)),
        (np.zeros((3, 2, 1)), np.zeros((3, 2), np.int64)),
        (np.zeros((3, 2, 2)), np.zeros((3,), np.int64)),
        (np.zeros((3, 2)), np.array([0, 1, 2])),
        (np.zeros((0, 2)), np.zeros((0,), np.int64)),
    ],
)
def test_other_things_are_no_classes(output, y):
    assert labelled(output, y) is None


def test_calibration_by_hand():
    """Two bins: 0.55 sure and half right, 0.95 sure and all right."""
    chances = np.array([[0.55, 0.45], [0.55, 0.45], [0.05, 0.95], [0.05, 0.95]])
    bins = calibration(Labelled(chances, np.array([0, 1, 1, 1])))
    assert [(round(a, 6), b, n) for a, b, n in bins] == [(0.55, 0.5, 2), (0.95, 1.0, 2)]
    assert calibration_error(bins) == pytest.approx(0.05)
    sure = Labelled(np.array([[1.0, 0.0]]), np.array([0]))
    assert calibration(sure) == [(1.0, 1.0, 1)]


def test_the_most_confident_mistakes_come_first():
    chances = np.array([[0.6, 0.4], [0.9, 0.1], [0.2, 0.8], [0.7, 0.3]])
    seen = Labelled(chances, np.array([1, 1, 1, 1]))
    assert seen.worst(2).tolist() == [1, 3]


def test_errors_of_numbers():
    rng = np.random.default_rng(1)
    y = rng.normal(size=(50, 2))
    output = y + rng.normal(size=(50, 2)) * 0.3
    off = errors(output, y)
    assert off.mae == pytest.approx(metrics.mean_absolute_error(y, output))
    assert off.rmse == pytest.approx(metrics.mean_squared_error(y, output) ** 0.5)
    assert errors(output[:, :1], y[:, :1]).r2 == pytest.approx(
        metrics.r2_score(y[:, :1], output[:, :1])
    )
    assert errors(np.ones((3, 1)), np.ones((3, 1))).r2 == 0.0


def test_steps_and_pixels_count_one_by_one():
    """Oracle: the same, flattened."""
    rng = np.random.default_rng(2)
    logits, truth = rng.normal(size=(3, 4, 5, 6)), rng.integers(0, 6, (3, 4, 5))
    flat = labelled(logits.reshape(-1, 6), truth.reshape(-1))
    np.testing.assert_array_equal(labelled(logits, truth).confusion(), flat.confusion())
    one_hot = np.eye(6)[truth]
    np.testing.assert_array_equal(labelled(logits, one_hot).confusion(), flat.confusion())
