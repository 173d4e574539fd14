"""How good predictions are, in numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
BINS = 10
SUM_TOLERANCE = 1e-3
# Predictions that are looked at where a sample has many.
MOST_PLACES = 200_000


@dataclass(frozen=True, slots=True)
class Labelled:
    """Predictions of classes.

    Attributes:
        chances: (n, classes), rows that sum to 1.
        truth: (n,) class ids.
    """

    chances: Array
    truth: Array

    @property
    def predicted(self) -> Array:
        """The likeliest class of each sample."""
        return self.chances.argmax(axis=1)

    @property
    def confidence(self) -> Array:
        """The probability of the predicted class."""
        return self.chances.max(axis=1)

    @property
    def right(self) -> Array:
        """Whether it is the true one."""
        return self.predicted == self.truth

    @property
    def accuracy(self) -> float:
        """Share of samples that are right."""
        return float(self.right.mean())

    def confusion(self) -> Array:
        """Counts, (true class, predicted class)."""
        size = self.chances.shape[1]
        flat = np.bincount(self.truth * size + self.predicted, minlength=size * size)
        return flat.reshape(size, size)

    def worst(self, count: int) -> Array:
        """Indices of wrong predictions, the most confident first."""
        wrong = np.flatnonzero(~self.right)
        return wrong[np.argsort(-self.confidence[wrong], kind="stable")][:count]


def labelled(output: Array, y: Array) -> Labelled | None:
    """Predictions of classes, from an output and what the loss compared it with.

    None when this is no classification: targets that are no class ids, one-hot rows or 0 and 1.
    Rows that do not sum to 1 are taken for logits. Where a sample has a prediction for each step or
    pixel, each of them counts, up to some number.
    """
    if output.ndim < 2 or y.size == 0:  # noqa: PLR2004
        return None
    if output.ndim > 2:  # noqa: PLR2004
        if output.shape[-1] == 1:
            return None
        places = int(np.prod(output.shape[1:-1]))
        rows = max(1, MOST_PLACES // places)
        one_hot = y.shape == output.shape
        y = y[:rows].reshape(-1, output.shape[-1]) if one_hot else y[:rows].reshape(-1)
        output = output[:rows].reshape(-1, output.shape[-1])
        if len(y) != len(output):
            return None
    classes = output.shape[1]
    if classes == 1:
        truth = y.reshape(len(y), -1)
        if truth.shape[1] != 1 or not np.isin(truth, (0, 1)).all():
            return None
        given = output[:, 0].astype(np.float64)
        inside = (given >= 0).all() and (given <= 1).all()
        second = given if inside else 1 / (1 + np.exp(-given))
        return Labelled(np.stack([1 - second, second], axis=1), truth[:, 0].astype(np.int64))
    truth = _ids(y, classes)
    return None if truth is None else Labelled(_chances(output), truth)


def _ids(y: Array, classes: int) -> Array | None:
    if y.dtype.kind in "iu" and y.size == len(y):
        ids = y.reshape(-1).astype(np.int64)
        return ids if ids.min() >= 0 and ids.max() < classes else None
    if y.shape == (len(y), classes) and np.isin(y, (0, 1)).all() and (y.sum(axis=1) == 1).all():
        return y.argmax(axis=1)
    return None


def _chances(output: Array) -> Array:
    values = output.astype(np.float64)
    if (values >= 0).all() and np.abs(values.sum(axis=1) - 1).max() < SUM_TOLERANCE:
        return values
    raised = np.exp(values - values.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


@dataclass(frozen=True, slots=True)
class ClassScore:
    """Precision tp / (tp + fp), recall tp / (tp + fn), their harmonic mean, and samples."""

    precision: float
    recall: float
    f1: float
    support: int


def class_scores(confusion: Array) -> list[ClassScore]:
    """The scores of every class; 0 where nothing was predicted or there is nothing to find."""
    found: list[ClassScore] = []
    for k, hits in enumerate(np.diag(confusion)):
        predicted, support = int(confusion[:, k].sum()), int(confusion[k].sum())
        precision = float(hits) / predicted if predicted else 0.0
        recall = float(hits) / support if support else 0.0
        both = precision + recall
        found.append(
            ClassScore(precision, recall, 2 * precision * recall / both if both else 0.0, support)
        )
    return found


def calibration(found: Labelled, bins: int = BINS) -> list[tuple[float, float, int]]:
    """(mean confidence, share right, count) in bins of equal width; empty ones are left out."""
    number = np.minimum((found.confidence * bins).astype(np.int64), bins - 1)
    made: list[tuple[float, float, int]] = []
    for k in range(bins):
        inside = number == k
        if inside.any():
            sure, right = found.confidence[inside].mean(), found.right[inside].mean()
            made.append((float(sure), float(right), int(inside.sum())))
    return made


def calibration_error(bins: Sequence[tuple[float, float, int]]) -> float:
    """Mean |confidence - share right|, weighted by counts.

    Source: Guo, Pleiss, Sun, Weinberger (2017), On Calibration of Modern Neural Networks.
    """
    total = sum(count for _, _, count in bins)
    return sum(abs(sure - right) * count for sure, right, count in bins) / total


@dataclass(frozen=True, slots=True)
class Errors:
    """Differences of predicted numbers: mean absolute, root of mean square, and R^2."""

    mae: float
    rmse: float
    r2: float


def errors(output: Array, y: Array) -> Errors:
    """How far numbers are off; R^2 is 1 - (sum of squares) / (sum of squares around the mean)."""
    off = output.astype(np.float64) - y
    around = float(((y - y.mean(axis=0)) ** 2).sum())
    r2 = 1 - float((off**2).sum()) / around if around else 0.0
    return Errors(float(np.abs(off).mean()), float(np.sqrt((off**2).mean())), r2)
